//! The resources that each kernel needs, and the writing of kernels for a graphics API or another compiler.

use super::translate::translate;
use super::{Format, kernels as all};
use crate::file::OutputFolder;
use crate::kernel::{Adapters, Kernel};
use crate::ops;
use crate::plan::CHAIN;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// A kernel in one variant, and the resources that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// `family/kernel`.
    pub kernel: String,
    /// The variant, with its choices.
    pub variant: String,
    /// True where it is chosen on software adapters alone, unless it is asked for by name.
    pub software: bool,
    /// The invocations of a workgroup along each dimension.
    pub workgroup: [u32; 3],
    /// The number of storage buffers.
    pub bindings: usize,
    /// The bytes of workgroup memory.
    pub memory: u32,
}

impl Entry {
    /// The resources that `kernel` needs.
    ///
    /// # Errors
    /// Returns [`Error::Shader`] where it is not a compute shader.
    pub fn of(kernel: &Kernel) -> Result<Self> {
        let module = kernel.parse()?;
        let [entry] = &module.entry_points[..] else {
            return Err(kernel.error(format!("one entry point expected, {} found", module.entry_points.len())));
        };
        let space = |space: naga::AddressSpace| module.global_variables.iter().filter(move |(_, v)| same(v.space, space));
        let bytes = |v: &naga::GlobalVariable| module.types[v.ty].inner.size(module.to_ctx());
        Ok(Self {
            kernel: kernel.name.to_string(),
            variant: kernel.variant.to_string(),
            software: for_software(kernel),
            workgroup: entry.workgroup_size,
            bindings: space(naga::AddressSpace::Storage { access: naga::StorageAccess::LOAD }).count(),
            memory: space(naga::AddressSpace::WorkGroup).map(|(_, v)| bytes(v)).sum(),
        })
    }

    /// The entry as JSON.
    pub fn json(&self) -> Value {
        json!({
            "kernel": self.kernel, "variant": self.variant, "software": self.software, "workgroup": self.workgroup,
            "bindings": self.bindings, "memory": self.memory,
        })
    }
}

/// True where two address spaces are the same, apart from the kind of access.
fn same(a: naga::AddressSpace, b: naga::AddressSpace) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}

/// True where the variant is chosen on software adapters alone.
fn for_software(kernel: &Kernel) -> bool {
    let variant = kernel.pinned_variant();
    let source = ops::source(&kernel.name);
    let found = source.and_then(|s| s.variants.iter().find(|v| v.name == variant));
    found.is_some_and(|v| v.adapters == Adapters::Software)
}

/// The choice of kernels to list or to write out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Only kernels whose `family/kernel/variant` contains this, whatever its case.
    pub filter: Option<&'a str>,
    /// True to leave out the variants that are chosen on software adapters alone.
    pub hardware: bool,
}

/// The kernels that are wanted.
///
/// # Errors
/// Returns [`Error::Argument`] where there are none.
pub fn matching(kernels: Wanted) -> Result<Vec<Kernel>> {
    let wanted = kernels.filter.unwrap_or_default().to_lowercase();
    let mut found = all()?;
    found.retain(|k| format!("{}/{}", k.name, k.variant).to_lowercase().contains(&wanted) && !(kernels.hardware && for_software(k)));
    if found.is_empty() {
        return Err(Error::argument(format!("no kernel's name contains `{wanted}`: `tapetum shaders` lists all of them")));
    }
    Ok(found)
}

/// Makes the WGSL files of a folder that is laid out as `shaders/` stand in for the crate's own of the same paths; returns their number.
///
/// # Errors
/// Returns an error that names the file where it cannot be read or no file of the crate has its path, and where the folder has none.
pub fn replace(dir: &Path) -> Result<usize> {
    let entries = |dir: &Path| -> Result<Vec<std::path::PathBuf>> {
        let read = std::fs::read_dir(dir).and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect());
        read.map_err(|e| Error::io(dir, "cannot be read", &e))
    };
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let own: Vec<&str> = ops::sources().into_iter().map(|s| s.name).chain([CHAIN]).collect();
    let mut texts = BTreeMap::new();
    for folder in entries(dir)?.into_iter().filter(|path| path.is_dir()) {
        for file in entries(&folder)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "wgsl")) {
            let path = format!("{}/{}", name(&folder), name(&file));
            if !path.starts_with("common/") && !own.contains(&path.as_str()) {
                return Err(Error::file(&file, format!("stands in for nothing: there is no kernel `{path}`")));
            }
            texts.insert(path, std::fs::read_to_string(&file).map_err(|e| Error::io(&file, "cannot be read", &e))?);
        }
    }
    if texts.is_empty() {
        return Err(Error::file(dir, "has no FAMILY/KERNEL.wgsl"));
    }
    let replaced = texts.len();
    if crate::kernel::replace(texts) { Ok(replaced) } else { Err(Error::argument("the kernels have been replaced already")) }
}

/// The kernels that are wanted, and the resources that each needs.
///
/// # Errors
/// Returns [`Error::Argument`] where there are none.
pub fn list(kernels: Wanted) -> Result<Vec<Entry>> {
    matching(kernels)?.iter().map(Entry::of).collect()
}

/// Writes the kernels that are wanted in `format`, each to a file `family_kernel_variant.extension` in the folder `dir`, all of them
/// or none; those that the language cannot express are left out ([`Format::takes`]). Returns the number of files.
///
/// # Errors
/// Returns [`Error::Argument`] where no kernel matches, [`Error::Shader`] where one cannot be written in `format`, [`Error::File`] where
/// the folder cannot be made or written.
pub fn emit(kernels: Wanted, format: Format, dir: &Path) -> Result<usize> {
    let mut kernels = matching(kernels)?;
    kernels.retain(|k| format.takes(k));
    let texts = kernels.iter().map(|k| translate(k, format)).collect::<Result<Vec<_>>>()?;
    let mut folder = OutputFolder::new(dir)?;
    for (kernel, text) in kernels.iter().zip(&texts) {
        folder.add(file_name(kernel, format), text)?;
    }
    Ok(folder.commit()?.len())
}

/// The name of a kernel's file: `family_kernel_variant.extension`.
pub fn file_name(kernel: &Kernel, format: Format) -> String {
    format!("{}_{}.{}", kernel.name.replace('/', "_"), kernel.variant, format.extension())
}
