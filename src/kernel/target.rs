//! The abilities of a device, as far as lowering and planning ask.

use std::collections::BTreeMap;
use std::fmt;

/// The graphics API under a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Vulkan.
    Vulkan,
    /// Metal.
    Metal,
    /// Direct3D 12.
    Dx12,
    /// A browser's WebGPU.
    Browser,
    /// Something else.
    Other,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Dx12 => "dx12",
            Self::Browser => "webgpu",
            Self::Other => "other",
        })
    }
}

/// A device as lowering sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The adapter's name.
    pub name: String,
    /// Its API.
    pub backend: Backend,
    /// True where the device is a CPU under a graphics API.
    pub software: bool,
    /// True where kernels are compiled with runtime checks.
    pub checked: bool,
    /// The largest storage binding in bytes.
    pub max_binding: u64,
    /// The most storage bindings of a kernel: 8 on every device, more on most.
    pub bindings: usize,
    /// The fewest and most lanes of a subgroup, where subgroup operations are on.
    pub subgroups: Option<(u32, u32)>,
    /// True where shaders may compute in f16.
    pub f16: bool,
    /// True where shaders may compute with integers of 64 bits.
    pub int64: bool,
    /// The edge of the cooperative matrices, f16 times f16 added in f32, on which products may run: 16, in subgroups of 32, or 8, in subgroups
    /// of 8.
    pub cooperative: Option<usize>,
    /// Kernel, or kernel`@`class of work, → variant, where somebody asked for one by name.
    pub variants: BTreeMap<String, String>,
}

/// The most loop iterations that an invocation is given on software adapters: llvmpipe counts those of all its loops together, and
/// leaves every loop after 65,535 without an error.
pub const LOOP_LIMIT: usize = 50_000;

impl Target {
    /// The multiprocessors of a large GPU. No portable API tells their number, so the rules that share work out by waves over them assume
    /// this many: twice as many workgroups fill most GPUs.
    pub const MULTIPROCESSORS: usize = 128;

    /// The portable base: the abilities that every WebGPU device grants.
    pub fn portable() -> Self {
        Self {
            name: "portable".into(),
            backend: Backend::Other,
            software: false,
            checked: false,
            max_binding: 128 << 20,
            bindings: 8,
            subgroups: None,
            f16: false,
            int64: false,
            cooperative: None,
            variants: BTreeMap::new(),
        }
    }

    /// True where large products run on cooperative matrices unless another variant is asked for. Software adapters are slow on theirs.
    pub(crate) fn prefers_cooperative(&self) -> bool {
        self.cooperative.is_some() && !self.software
    }

    /// The variant asked for by name: for this class of work, else for all.
    pub fn pinned(&self, kernel: &str, class: &str) -> Option<&str> {
        let narrow = self.variants.iter().find(|(key, _)| key.split_once('@') == Some((kernel, class)));
        narrow.map(|(_, name)| name).or_else(|| self.variants.get(kernel)).map(String::as_str)
    }
}
