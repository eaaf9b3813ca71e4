//! Translation of a kernel into the languages of the graphics APIs by naga, in the form in which wgpu passes it to a driver.

use crate::Result;
use crate::kernel::Kernel;
use naga::back::{hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ShaderStage, StorageAccess};

/// A language that kernels are written out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
#[non_exhaustive]
pub enum Format {
    /// SPIR-V 1.3, as Vulkan 1.1 takes it; 1.4 where cooperative matrices are used.
    Spirv,
    /// Metal Shading Language 2.4.
    Msl,
    /// HLSL for shader model 6.0, or 6.2 where f16 is used.
    Hlsl,
    /// WGSL as browsers take it.
    Wgsl,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Spirv, Self::Msl, Self::Hlsl, Self::Wgsl];

    /// True where kernels such as this one can be written in this language: those on cooperative matrices are for Vulkan alone, and
    /// browsers have no integers of 64 bits.
    pub fn takes(self, kernel: &Kernel) -> bool {
        match self {
            Self::Spirv => true,
            Self::Msl | Self::Hlsl => !kernel.cooperative(),
            Self::Wgsl => !kernel.cooperative() && !kernel.int64(),
        }
    }

    /// The extension of a file in this format, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Spirv => "spv",
            Self::Msl => "metal",
            Self::Hlsl => "hlsl",
            Self::Wgsl => "wgsl",
        }
    }
}

/// The capabilities of the graphics API that takes `format`. A browser can do what Vulkan, Metal and DX12 all can.
pub fn capabilities(format: Format) -> Capabilities {
    match format {
        Format::Spirv => spv::supported_capabilities(),
        Format::Msl => msl::supported_capabilities(),
        Format::Hlsl => hlsl::supported_capabilities(),
        Format::Wgsl => [Format::Spirv, Format::Msl, Format::Hlsl].map(capabilities).into_iter().fold(Capabilities::all(), |a, b| a & b),
    }
}

/// Runs naga's validation of a kernel, with the capabilities of the graphics API that takes `format`.
///
/// # Errors
/// Returns [`Error::Shader`](crate::Error::Shader) where it does not validate.
pub fn validate(kernel: &Kernel, module: &Module, format: Format) -> Result<ModuleInfo> {
    let checked = Validator::new(ValidationFlags::all(), capabilities(format)).validate(module);
    checked.map_err(|e| kernel.error(e.emit_to_string(&kernel.wgsl)))
}

/// The kernel in `format`, with the runtime checks that a device adds unless the kernel is trusted.
///
/// # Errors
/// Returns [`Error::Shader`](crate::Error::Shader) where the kernel does not parse or validate, or cannot be expressed in the language.
pub fn translate(kernel: &Kernel, format: Format) -> Result<Vec<u8>> {
    let module = kernel.parse()?;
    let info = validate(kernel, &module, format)?;
    let written = match format {
        Format::Spirv => write_spirv(kernel, &module, &info),
        Format::Msl => write_msl(kernel, &module, &info),
        Format::Hlsl => write_hlsl(kernel, &module, &info),
        Format::Wgsl => Ok(write_wgsl(kernel)),
    };
    written.map_err(|what| kernel.error(what))
}

fn bounds(kernel: &Kernel) -> BoundsCheckPolicies {
    let policy = if kernel.trusted { BoundsCheckPolicy::Unchecked } else { BoundsCheckPolicy::Restrict };
    BoundsCheckPolicies { index: policy, buffer: policy, image_load: policy, binding_array: policy }
}

fn write_spirv(kernel: &Kernel, module: &Module, info: &ModuleInfo) -> Result<Vec<u8>, String> {
    let zero = spv::ZeroInitializeWorkgroupMemoryMode::Polyfill;
    let options = spv::Options {
        lang_version: if kernel.cooperative() { (1, 4) } else { (1, 3) },
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: bounds(kernel),
        zero_initialize_workgroup_memory: if kernel.trusted { spv::ZeroInitializeWorkgroupMemoryMode::None } else { zero },
        force_loop_bounding: !kernel.trusted,
        emit_int_div_checks: !kernel.trusted,
        ..Default::default()
    };
    let pipeline = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: "main".into() };
    let words = spv::write_vec(module, info, &options, Some(&pipeline)).map_err(|e| e.to_string())?;
    Ok(words.iter().flat_map(|w| w.to_le_bytes()).collect())
}

fn write_msl(kernel: &Kernel, module: &Module, info: &ModuleInfo) -> Result<Vec<u8>, String> {
    let options = msl::Options {
        lang_version: (2, 4),
        per_entry_point_map: [("main".to_owned(), buffers(module))].into(),
        fake_missing_bindings: false,
        bounds_check_policies: bounds(kernel),
        zero_initialize_workgroup_memory: !kernel.trusted,
        force_loop_bounding: !kernel.trusted,
        emit_int_div_checks: !kernel.trusted,
        ..Default::default()
    };
    let pipeline = msl::PipelineOptions { entry_point: Some((ShaderStage::Compute, "main".into())), ..Default::default() };
    let (text, translation) = msl::write_string(module, info, &options, &pipeline).map_err(|e| e.to_string())?;
    translation.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    Ok(text.into_bytes())
}

/// Metal's buffer slots: group 0 in order, then the uniform struct, then the buffers' sizes.
fn buffers(module: &Module) -> msl::EntryPointResources {
    let mut bound: Vec<_> = module.global_variables.iter().filter_map(|(_, v)| v.binding.map(|b| (b, v.space))).collect();
    bound.sort_by_key(|(b, _)| (b.group, b.binding));
    let slot = |(at, (binding, space)): (usize, &(naga::ResourceBinding, AddressSpace))| {
        let mutable = matches!(space, AddressSpace::Storage { access } if access.contains(StorageAccess::STORE));
        (*binding, msl::BindTarget { buffer: Some(at as msl::Slot), mutable, ..Default::default() })
    };
    let resources = bound.iter().enumerate().map(slot).collect();
    msl::EntryPointResources { resources, immediates_buffer: None, sizes_buffer: Some(bound.len() as msl::Slot) }
}

/// Registers are the bindings, spaces the groups; the number of workgroups is a constant of its own in the space after them, as wgpu hands
/// it over. f16 needs shader model 6.2.
fn write_hlsl(kernel: &Kernel, module: &Module, info: &ModuleInfo) -> Result<Vec<u8>, String> {
    let options = hlsl::Options {
        shader_model: if kernel.wgsl.contains("enable f16;") { hlsl::ShaderModel::V6_2 } else { hlsl::ShaderModel::V6_0 },
        special_constants_binding: Some(hlsl::BindTarget { space: 2, register: 0, ..Default::default() }),
        zero_initialize_workgroup_memory: !kernel.trusted,
        restrict_indexing: !kernel.trusted,
        force_loop_bounding: !kernel.trusted,
        ..Default::default()
    };
    let pipeline = hlsl::PipelineOptions { entry_point: Some((ShaderStage::Compute, "main".into())) };
    let mut text = String::new();
    let reflection = hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None).map_err(|e| e.to_string())?;
    reflection.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    Ok(text.into_bytes())
}

/// The WGSL source itself. Where it uses subgroup operations, the directive that browsers require for them, and that naga refuses, is
/// added.
fn write_wgsl(kernel: &Kernel) -> Vec<u8> {
    let code = kernel.wgsl.lines().map(|line| line.split("//").next().unwrap_or_default());
    let subgroups = code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_')).any(|word| word.starts_with("subgroup"));
    let directive = if subgroups { "enable subgroups;\n" } else { "" };
    format!("{directive}{}", kernel.wgsl).into_bytes()
}
