//! The adapters of a machine, and the choice of one.

use crate::kernel::Backend;
use crate::{Error, Result};
use std::path::PathBuf;

/// The adapter to take.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Choice {
    /// The best GPU: discrete, else integrated, else virtual; software only where `Options::software` allows it.
    #[default]
    Best,
    /// Those whose name contains this, whatever its case: the first of them, or the one whose turn it is.
    Name(String),
    /// A row of [`adapters`].
    Index(usize),
}

/// Options for making a [`Context`](super::Context).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The adapter to take.
    pub choice: Choice,
    /// True where [`Choice::Best`] may fall back to a CPU under a graphics API.
    pub software: bool,
    /// True where the crate's own kernels are compiled with the device's runtime checks, as in tests.
    pub checks: bool,
    /// Kernel and variant, to pin.
    pub variants: Vec<(String, String)>,
    /// The arithmetic of matrix products.
    pub products: Products,
    /// The place among several adapters that the choice fits equally well, counted round and round: one for each of the processes on a
    /// machine, say.
    pub turn: usize,
    /// The folder in which compiled pipelines are kept from one run to the next, in a file for each adapter, driver and version of this
    /// crate; `None` keeps none. The file is read when the first program is compiled and written when the last handle of the device is
    /// dropped ([`Context::save_pipelines`](super::Context::save_pipelines) writes it at another time). Files that are missing, damaged or
    /// of another device are ignored, and so is a folder that cannot be written. Only Vulkan gives pipelines. The folder is to be the
    /// user's own, because drivers trust what they are given.
    pub pipelines: Option<PathBuf>,
}

/// The arithmetic of large matrix products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Products {
    /// On cooperative matrices (tensor cores) where a device has them and proves that they keep the accuracy of f32: each operand is split
    /// into two halves of 16 bits, whose products are added in f32. The error is that of f32 arithmetic, and the last bits are others.
    #[default]
    Auto,
    /// In f32 alone.
    F32,
}

impl Options {
    /// The options that the environment names: `TAPETUM_DEVICE` (an adapter's name or index) and `TAPETUM_CHECKS` (`1`: on).
    pub fn from_env() -> Self {
        let choice = match std::env::var("TAPETUM_DEVICE").ok().filter(|d| !matches!(d.as_str(), "" | "auto" | "cpu")) {
            Some(device) => Choice::parse(&device),
            None => Choice::Best,
        };
        Self { choice, checks: std::env::var("TAPETUM_CHECKS").is_ok_and(|v| v == "1"), ..Self::default() }
    }
}

impl Choice {
    /// A row where the text is a number, else part of a name.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Index)
    }
}

/// An adapter of this machine.
#[derive(Debug, Clone)]
pub struct Adapter {
    pub(super) adapter: wgpu::Adapter,
    info: wgpu::AdapterInfo,
}

impl Adapter {
    pub(super) fn new(adapter: wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        Self { adapter, info }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// The API it is reached by.
    pub fn backend(&self) -> Backend {
        match self.info.backend {
            wgpu::Backend::Vulkan => Backend::Vulkan,
            wgpu::Backend::Metal => Backend::Metal,
            wgpu::Backend::Dx12 => Backend::Dx12,
            wgpu::Backend::BrowserWebGpu => Backend::Browser,
            _ => Backend::Other,
        }
    }

    /// Driver and its version.
    pub fn driver(&self) -> String {
        format!("{} {}", self.info.driver, self.info.driver_info).trim().to_owned()
    }

    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub fn kind(&self) -> &'static str {
        match self.info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete",
            wgpu::DeviceType::IntegratedGpu => "integrated",
            wgpu::DeviceType::VirtualGpu => "virtual",
            wgpu::DeviceType::Cpu => "software",
            wgpu::DeviceType::Other => "other",
        }
    }

    /// True of a CPU under a graphics API.
    pub fn software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// The fewest and most lanes of a subgroup.
    pub fn subgroups(&self) -> (u32, u32) {
        (self.info.subgroup_min_size, self.info.subgroup_max_size)
    }

    /// The limits that matter here, by name.
    pub fn limits(&self) -> Vec<(&'static str, u64)> {
        let l = self.adapter.limits();
        vec![
            ("storage_binding_bytes", l.max_storage_buffer_binding_size),
            ("buffer_bytes", l.max_buffer_size),
            ("storage_buffers", l.max_storage_buffers_per_shader_stage.into()),
            ("workgroup_memory_bytes", l.max_compute_workgroup_storage_size.into()),
            ("invocations", l.max_compute_invocations_per_workgroup.into()),
        ]
    }

    /// The features this crate uses where an adapter has them.
    pub fn features(&self) -> Vec<&'static str> {
        let has = self.adapter.features();
        let known = [
            (wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
            (wgpu::Features::SHADER_F16, "f16"),
            (wgpu::Features::SHADER_INT64, "int64"),
            (wgpu::Features::SUBGROUP, "subgroups"),
            (wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX, "cooperative-matrices"),
            (wgpu::Features::PIPELINE_CACHE, "pipeline-cache"),
        ];
        known.into_iter().filter(|(f, _)| has.contains(*f)).map(|(_, name)| name).collect()
    }

    /// True where it can run this crate's kernels at all.
    pub fn usable(&self) -> bool {
        let l = self.adapter.limits();
        self.adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
            && l.max_storage_buffers_per_shader_stage >= 8
            && l.max_compute_workgroup_storage_size >= 16_384
            && l.max_compute_invocations_per_workgroup >= 256
    }

    /// The edge of its cooperative matrices, if products can be tried on them.
    ///
    /// # Errors
    /// The reason why they cannot.
    pub fn cooperative(&self) -> Result<usize, String> {
        self.matrices()?.fit(&self.adapter.limits())
    }

    /// The cooperative matrices that it has, of those that kernels are written for.
    fn matrices(&self) -> Result<&'static Matrices, String> {
        use wgpu::CooperativeScalarType::{F16, F32};
        if !self.adapter.features().contains(COOPERATIVE) {
            return Err("the adapter has no cooperative matrices in f16".into());
        }
        let all = self.adapter.cooperative_matrix_properties();
        let adds = |p: &&wgpu::CooperativeMatrixProperties| (p.ab_type, p.cr_type, p.saturating_accumulation) == (F16, F32, false);
        let has = |edge: u32| all.iter().filter(adds).any(|p| [p.m_size, p.n_size, p.k_size] == [edge; 3]);
        let Some(matrices) = MATRICES.iter().find(|m| has(m.edge)) else {
            return Err("its cooperative matrices are neither 16 × 16 × 16 nor 8 × 8 × 8, f16 added in f32".into());
        };
        let Matrices { edge, lanes, .. } = *matrices;
        if self.subgroups() != (lanes, lanes) {
            return Err(format!("its cooperative matrices are {edge} × {edge} × {edge}, and its subgroups are not of {lanes} invocations"));
        }
        Ok(matrices)
    }

    fn rank(&self) -> u8 {
        match self.info.device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        }
    }
}

/// The features without which a device runs nothing on cooperative matrices.
pub(super) const COOPERATIVE: wgpu::Features = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(wgpu::Features::SHADER_F16);

/// The size of cooperative matrices, and what `tile_cooperative` takes on them.
struct Matrices {
    edge: u32,
    /// Invocations of a subgroup.
    lanes: u32,
    /// Bytes of workgroup memory.
    memory: u32,
}

static MATRICES: [Matrices; 2] = [Matrices { edge: 16, lanes: 32, memory: 34_304 }, Matrices { edge: 8, lanes: 8, memory: 26_112 }];

impl Matrices {
    /// The edge, where the limits grant enough workgroup memory.
    fn fit(&self, limits: &wgpu::Limits) -> Result<usize, String> {
        let (bytes, needed) = (limits.max_compute_workgroup_storage_size, self.memory);
        if bytes < needed {
            return Err(format!("{bytes} bytes of workgroup memory are granted, and {needed} needed"));
        }
        Ok(self.edge as usize)
    }
}

/// The edge of the cooperative matrices of `device`, which an application may have made, if products can be tried on them.
pub(super) fn cooperative(adapter: &Adapter, device: &wgpu::Device, options: &Options) -> Result<usize, String> {
    if options.products == Products::F32 {
        return Err("products in f32 were asked for".into());
    }
    adapter.cooperative()?;
    if !device.features().contains(COOPERATIVE) {
        return Err("the device was made without them".into());
    }
    adapter.matrices()?.fit(&device.limits())
}

pub(super) fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY;
    // Nothing here dispatches indirectly.
    descriptor.flags.remove(wgpu::InstanceFlags::VALIDATION_INDIRECT_CALL);
    wgpu::Instance::new(descriptor)
}

/// The adapters of this machine, in the order their indices name.
pub async fn adapters() -> Vec<Adapter> {
    list(&instance()).await
}

/// In a browser, the one adapter that it gives to those who ask for speed.
#[cfg(target_arch = "wasm32")]
async fn list(instance: &wgpu::Instance) -> Vec<Adapter> {
    let fastest = wgpu::RequestAdapterOptions { power_preference: wgpu::PowerPreference::HighPerformance, ..Default::default() };
    instance.request_adapter(&fastest).await.ok().map(Adapter::new).into_iter().collect()
}

#[cfg(not(target_arch = "wasm32"))]
async fn list(instance: &wgpu::Instance) -> Vec<Adapter> {
    instance.enumerate_adapters(wgpu::Backends::PRIMARY).await.into_iter().map(Adapter::new).collect()
}

/// The place of the adapter that [`Choice::Best`] means among `all`: a CPU under a graphics API only where `software` allows it.
pub fn best(all: &[Adapter], software: bool) -> Option<usize> {
    let fits = |a: &Adapter| a.usable() && (software || !a.software());
    all.iter().enumerate().filter(|(_, a)| fits(a)).min_by_key(|(_, a)| a.rank()).map(|(i, _)| i)
}

/// The best adapter whose turn it is: among those of the same kind that the same API reaches.
fn best_in_turn(all: &[Adapter], options: &Options) -> Option<usize> {
    let first = &all[best(all, options.software)?];
    let alike = |a: &Adapter| a.usable() && a.rank() == first.rank() && a.backend() == first.backend();
    in_turn(all, options.turn, alike)
}

/// The place of the `turn`th of those that fit, counted round and round.
fn in_turn<T>(all: &[T], turn: usize, fits: impl Fn(&T) -> bool) -> Option<usize> {
    let fitting: Vec<usize> = (0..all.len()).filter(|i| fits(&all[*i])).collect();
    fitting.get(turn % fitting.len().max(1)).copied()
}

/// The adapter that `options` mean.
pub(super) async fn choose(instance: &wgpu::Instance, options: &Options) -> Result<Adapter> {
    let all = list(instance).await;
    let known = || match all.len() {
        0 => "this machine has none".to_owned(),
        _ => format!("there are: {}", all.iter().enumerate().map(|(i, a)| format!("{i} {}", a.name())).collect::<Vec<_>>().join("; ")),
    };
    let found = match &options.choice {
        Choice::Index(i) => all.get(*i),
        Choice::Name(name) => in_turn(&all, options.turn, |a| a.name().to_lowercase().contains(&name.to_lowercase())).map(|i| &all[i]),
        Choice::Best => best_in_turn(&all, options).map(|i| &all[i]),
    };
    let asked = match &options.choice {
        Choice::Index(i) => format!("no row {i}"),
        Choice::Name(name) => format!("none is called `{name}`"),
        Choice::Best if options.software => "none runs compute shaders".to_owned(),
        Choice::Best => "no GPU (a software one is taken by name only)".to_owned(),
    };
    match found {
        Some(adapter) if adapter.usable() => Ok(adapter.clone()),
        Some(adapter) => Err(Error::NoAdapter { what: format!("`{}` does not grant WebGPU's base limits for compute", adapter.name()) }),
        None => Err(Error::NoAdapter { what: format!("{asked}; {}", known()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_that_fit_take_turns() {
        let turns = |fits: fn(&i32) -> bool| (0..5).map(|turn| in_turn(&[7, 4, 9, 5], turn, fits)).collect::<Vec<_>>();
        assert_eq!(turns(|x| x % 2 == 1), [0, 2, 3, 0, 2].map(Some));
        assert_eq!(turns(|x| *x > 9), [None; 5]);
    }
}
