//! Checkpoints: every state by name in one safetensors file, with the device and the kernel variants that made it, so that a run
//! resumed on the same device continues bit for bit.

use crate::device::{Program, State};
use crate::file::write_file;
use crate::kernel::pinned_variant;
use crate::ops::{source, sources};
use crate::plan::{CHAIN, Variants};
use crate::tensor::{DType, HostTensor, Shape};
use crate::{Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const VERSION: &str = "tapetum.version";
const DEVICE: &str = "tapetum.device";
const VARIANTS: &str = "tapetum.variants";

/// The contents of a checkpoint's file.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    path: PathBuf,
    states: BTreeMap<String, HostTensor>,
    version: String,
    device: String,
    variants: Variants,
}

impl Checkpoint {
    /// Reads a file that [`State::save`] wrote, or any safetensors file of f64, f32, f16, i32 and u32 tensors.
    ///
    /// # Errors
    /// Returns an error where the file cannot be read or holds something else; the error names the file and the tensor.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(path, &std::fs::read(path).map_err(|e| Error::io(path, "cannot be read", &e))?)
    }

    /// Reads the bytes of such a file. Errors name `path`.
    ///
    /// # Errors
    /// The same as those of [`Checkpoint::open`].
    pub fn parse(path: impl AsRef<Path>, bytes: &[u8]) -> Result<Self> {
        let path = path.as_ref();
        let fail = |what: String| Error::file(path, what);
        let malformed = |e: &dyn std::fmt::Display| fail(format!("a safetensors file expected: {e}"));
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| malformed(&e))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| malformed(&e))?;
        let mut states = BTreeMap::new();
        for (name, view) in tensors.iter() {
            let value = tensor(&view).map_err(|what| fail(format!("tensor `{name}`: {what}")))?;
            states.insert(name.to_owned(), value);
        }
        let note = |key: &str| header.metadata().as_ref().and_then(|m| m.get(key)).cloned().unwrap_or_default();
        let variants = match note(VARIANTS) {
            text if text.is_empty() => Variants::new(),
            text => crate::json::parse(&text)
                .and_then(|json| serde_json::from_value(json).map_err(|e| e.to_string()))
                .map_err(|e| fail(format!("`{VARIANTS}`: kernels and their variants expected: {e}")))?,
        };
        Ok(Self { path: path.to_owned(), states, version: note(VERSION), device: note(DEVICE), variants })
    }

    /// The states by name.
    pub fn states(&self) -> &BTreeMap<String, HostTensor> {
        &self.states
    }

    /// The version of this crate that wrote it; empty where another program did.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The name of the device that the states were computed on.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The kernels in use when the checkpoint was written, and their variants.
    pub fn variants(&self) -> &Variants {
        &self.variants
    }

    /// Pairs of kernel (with its class of work) and variant, to compile with ([`Device::with_variants`](crate::Device::with_variants))
    /// before resuming with another tuning or on another version of this crate, whose own choices may differ.
    pub fn pins(&self) -> Vec<(String, String)> {
        self.variants.iter().filter_map(|(pin, names)| Some((pin.clone(), pinned_variant(names.first()?).to_owned()))).collect()
    }

    /// Copies every state of the file into `state`. Nothing is changed where there is an error.
    ///
    /// # Errors
    /// Returns an error where the file lacks a state that `state` has, holds a state that `state` lacks, or holds one with another type.
    pub fn restore(&self, state: &State) -> Result<()> {
        let found = self.found(state)?;
        let expected = |name: &String| found.iter().any(|(known, _)| known == name);
        if let Some((name, value)) = self.states.iter().find(|(name, _)| !expected(name)) {
            return Err(Error::file(&self.path, format!("tensor `{name}` {} is no state here; compile the programs first", value.ty())));
        }
        self.states.iter().try_for_each(|(name, value)| state.write(name, value))
    }

    /// Copies into `state` the file's value for each of its own states. This serves a model that is applied and not trained further: the
    /// file may hold more, such as an optimiser's moments. Nothing is changed where there is an error.
    ///
    /// # Errors
    /// Returns an error where the file lacks a state that `state` has, or holds it with another type.
    pub fn restore_model(&self, state: &State) -> Result<()> {
        let found = self.found(state)?;
        found.into_iter().try_for_each(|(name, value)| state.write(&name, value))
    }

    /// The file's value for each state that `state` has.
    fn found(&self, state: &State) -> Result<Vec<(String, &HostTensor)>> {
        let fail = |what: String| Error::file(&self.path, what);
        let mut values = Vec::new();
        for name in state.names() {
            let ty = state.ty(&name).map(|ty| ty.to_string()).unwrap_or_default();
            let found = self.states.get(&name).ok_or_else(|| fail(format!("tensor `{name}` is missing: {ty} expected")))?;
            if found.ty().to_string() != ty {
                return Err(fail(format!("tensor `{name}` is {}: {ty} expected", found.ty())));
            }
            if found.is_f64() && !state.is_f64() {
                return Err(fail(format!("tensor `{name}` is f64{}: {ty} expected", found.shape())));
            }
            values.push((name, found));
        }
        Ok(values)
    }

    /// Copies every state of the file into `state`, as [`State::load`] does.
    ///
    /// # Errors
    /// The same as those of [`State::load`].
    pub fn resume(&self, state: &State, programs: &[&Program]) -> Result<()> {
        self.check_variants(&state.device_name(), programs)?;
        self.restore(state)
    }

    /// An error where `programs` run on the device that made this checkpoint, but a kernel that ran then is gone, or runs in another
    /// variant.
    fn check_variants(&self, device: &str, programs: &[&Program]) -> Result<()> {
        if device != self.device {
            return Ok(());
        }
        let here = variants(programs);
        let changed = self.variants.iter().find_map(|(kernel, then)| self.change(kernel, then, here.get(kernel)));
        changed.map_or(Ok(()), |what| Err(Error::file(&self.path, what)))
    }

    /// The change of a kernel that ran in the variants `then` and now runs in `now`, or is used by no program. `None` where there is none.
    fn change(&self, kernel: &str, then: &BTreeSet<String>, now: Option<&BTreeSet<String>>) -> Option<String> {
        let states_alone = "`Checkpoint::restore` takes the states alone, and the run then goes on with other roundings";
        let wrote = format!("version {} wrote the file, and this is {}", self.version, env!("CARGO_PKG_VERSION"));
        let bases = |names: &BTreeSet<String>| names.iter().map(|name| pinned_variant(name).to_owned()).collect::<BTreeSet<_>>();
        if now == Some(then) {
            return None;
        }
        if let Some(gone) = then.iter().find(|variant| !exists(kernel, variant)) {
            return Some(format!("kernel `{kernel}` ran as `{gone}`, which does not exist here ({wrote}); {states_alone}"));
        }
        let now = now?;
        if bases(now) == bases(then) {
            return Some(format!("kernel `{kernel}` ran as {then:?} and here as {now:?}, which no pin changes ({wrote}); {states_alone}"));
        }
        Some(format!("kernel `{kernel}` ran as {then:?} and here as {now:?}; compile on `Device::with_variants` of its pins"))
    }
}

/// True where a kernel of this crate has such a variant, or the kernel is a user's own: of none of this crate's families.
fn exists(pin: &str, variant: &str) -> bool {
    let name = pin.split('@').next().unwrap_or_default();
    let family = name.split('/').next();
    match source(name) {
        Some(source) => source.variants.iter().any(|known| known.name == pinned_variant(variant)),
        None => name == CHAIN || sources().iter().all(|source| source.name.split('/').next() != family),
    }
}

impl State {
    /// Writes every state to `path`, whole or not at all, with the kernel variants that `programs` use.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, State};
    ///
    /// let state = State::new(&Device::cpu());
    /// state.write("weights", &HostTensor::f32([2], vec![1.0, 2.0])?)?;
    /// let file = std::env::temp_dir().join(format!("tapetum-doc-{}.safetensors", std::process::id()));
    /// state.save(&file, &[])?;
    ///
    /// // A file fills states that are there already, as those of compiled programs are.
    /// let again = State::new(&Device::cpu());
    /// again.write("weights", &HostTensor::f32([2], vec![0.0; 2])?)?;
    /// again.load(&file, &[])?;
    /// assert_eq!(again.read("weights")?, state.read("weights")?);
    /// # let _ = std::fs::remove_file(file);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error where the device reports a fault or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>, programs: &[&Program]) -> Result<()> {
        let path = path.as_ref();
        let states = self.names().into_iter().map(|name| self.read(&name).map(|value| (name, value))).collect::<Result<Vec<_>>>()?;
        let mut views = Vec::with_capacity(states.len());
        for (name, value) in &states {
            let (dtype, bytes) = bytes(value)?;
            let view = TensorView::new(dtype, value.shape().to_vec(), bytes);
            views.push((name.as_str(), view.map_err(|e| Error::file(path, format!("tensor `{name}`: {e}")))?));
        }
        let text = serde_json::to_string(&variants(programs)).map_err(|e| Error::file(path, e.to_string()))?;
        let notes = [(VERSION, env!("CARGO_PKG_VERSION").to_owned()), (DEVICE, self.device_name()), (VARIANTS, text)];
        let notes = notes.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let file = serialize(views, Some(notes)).map_err(|e| Error::file(path, e.to_string()))?;
        write_file(path, &file)
    }

    /// Takes every state from `path`, which must hold what this store holds, no more and no less. On the device that wrote it, the
    /// kernels of `programs` must run in the same variants, and this version must have all kernels and variants that ran when it was
    /// written: otherwise the run would not continue bit for bit. Nothing is changed where there is an error.
    ///
    /// # Errors
    /// Returns the errors of [`Checkpoint::open`] and [`Checkpoint::restore`], and an error that names the kernel and the variant where one
    /// does not exist or a kernel runs in another.
    pub fn load(&self, path: impl AsRef<Path>, programs: &[&Program]) -> Result<Checkpoint> {
        let found = Checkpoint::open(path)?;
        found.resume(self, programs)?;
        Ok(found)
    }
}

fn variants(programs: &[&Program]) -> Variants {
    let mut all = Variants::new();
    for (kernel, names) in programs.iter().filter_map(|p| p.plan()).flat_map(|plan| plan.variants()) {
        all.entry(kernel).or_default().extend(names);
    }
    all
}

/// The type and the bytes of a value. States of the f64 oracle are written as f64, so that it resumes bit for bit too.
fn bytes(value: &HostTensor) -> Result<(Dtype, &[u8])> {
    if value.is_f64() {
        return Ok((Dtype::F64, bytemuck::cast_slice(value.elements::<f64>()?)));
    }
    let dtype = match value.dtype() {
        DType::F32 => Dtype::F32,
        DType::I32 => Dtype::I32,
        DType::U32 => Dtype::U32,
        DType::F16 => Dtype::F16,
    };
    Ok((dtype, value.bytes().unwrap_or_default()))
}

fn tensor(view: &TensorView<'_>) -> std::result::Result<HostTensor, String> {
    let shape = Shape::try_new(view.shape()).ok_or_else(|| format!("has {} axes: at most 8 are possible", view.shape().len()))?;
    let dtype = match view.dtype() {
        Dtype::F32 => DType::F32,
        Dtype::I32 => DType::I32,
        Dtype::U32 => DType::U32,
        Dtype::F16 => DType::F16,
        Dtype::F64 => {
            return HostTensor::real::<f64>(shape, bytemuck::pod_collect_to_vec(view.data())).map_err(|e| e.to_string());
        }
        other => return Err(format!("is {other:?}: f64, f32, f16, i32 or u32 expected")),
    };
    HostTensor::from_bytes(crate::TensorType { dtype, shape }, view.data()).map_err(|e| e.to_string())
}
