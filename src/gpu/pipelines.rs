//! Pipelines and their layouts, made once a context.

use super::fault::guarded;
use super::kept::Keeper;
use crate::kernel::Kernel;
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The layouts and pipelines made so far: a layout by which bindings are written, a pipeline by that and the shader's text.
#[derive(Debug, Default)]
pub(super) struct Pipelines {
    layouts: HashMap<Vec<bool>, PipelineLayouts>,
    made: HashMap<(Arc<str>, Vec<bool>), wgpu::ComputePipeline>,
    uniforms: Option<wgpu::BindGroupLayout>,
}

/// The storage bindings of a pipeline, and the pipeline's layout over them and the uniform struct.
#[derive(Debug, Clone)]
struct PipelineLayouts {
    storage: wgpu::BindGroupLayout,
    pipeline: wgpu::PipelineLayout,
}

impl Pipelines {
    /// The layout of group 1: one uniform struct at a dynamic offset.
    fn uniforms(&mut self, device: &wgpu::Device) -> wgpu::BindGroupLayout {
        self.uniforms
            .get_or_insert_with(|| {
                device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                    label: Some("tapetum uniforms"),
                    entries: &[entry(0, wgpu::BufferBindingType::Uniform, true)],
                })
            })
            .clone()
    }

    /// The layout of group 0 for bindings that are written or not.
    fn layout(&mut self, device: &wgpu::Device, written: &[bool]) -> PipelineLayouts {
        let uniforms = self.uniforms(device);
        let make = || {
            let storage = |(i, &w): (usize, &bool)| entry(i as u32, wgpu::BufferBindingType::Storage { read_only: !w }, false);
            let entries: Vec<_> = written.iter().enumerate().map(storage).collect();
            let storage =
                device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("tapetum storage"), entries: &entries });
            let pipeline = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("tapetum"),
                bind_group_layouts: &[Some(&storage), Some(&uniforms)],
                immediate_size: 0,
            });
            PipelineLayouts { storage, pipeline }
        };
        self.layouts.entry(written.to_vec()).or_insert_with(make).clone()
    }
}

/// A device, the store of the pipelines that are made on it, those that an earlier run made, and whether its kernels are checked as they run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker<'a> {
    pub(super) device: &'a wgpu::Device,
    pub(super) store: &'a Mutex<Pipelines>,
    pub(super) keeper: &'a Keeper,
    pub(super) checks: bool,
}

impl Maker<'_> {
    /// The layout of the uniform struct's group.
    pub(super) fn uniforms(self) -> wgpu::BindGroupLayout {
        locked(self.store).uniforms(self.device)
    }

    /// The layout of the storage bindings' group, where these are written or not.
    pub(super) fn storage(self, written: &[bool]) -> wgpu::BindGroupLayout {
        locked(self.store).layout(self.device, written).storage
    }

    /// The pipeline of `kernel`, from the store or new.
    pub(super) async fn pipeline(self, kernel: &Kernel, written: &[bool]) -> Result<wgpu::ComputePipeline> {
        let key = (kernel.wgsl.clone(), written.to_vec());
        if let Some(found) = locked(self.store).made.get(&key) {
            return Ok(found.clone());
        }
        let cache = self.keeper.cache(self.device).await;
        let layout = locked(self.store).layout(self.device, written);
        let name = format!("{}/{}", kernel.name, kernel.variant);
        let made = guarded(self.device, &name, || self.make(kernel, &name, &layout.pipeline, cache)).await;
        let pipeline = made.map_err(|e| match e {
            Error::Device { what } => Error::Shader { kernel: name.clone(), what },
            other => other,
        })?;
        locked(self.store).made.insert(key, pipeline.clone());
        Ok(pipeline)
    }

    fn make(
        self,
        kernel: &Kernel,
        name: &str,
        layout: &wgpu::PipelineLayout,
        cache: Option<&wgpu::PipelineCache>,
    ) -> wgpu::ComputePipeline {
        let unchecked = kernel.trusted && !self.checks;
        let source = || wgpu::ShaderModuleDescriptor { label: Some(name), source: wgpu::ShaderSource::Wgsl((&*kernel.wgsl).into()) };
        let module = if unchecked {
            // SAFETY: a kernel is trusted where it is this crate's own, whose indices are held within its buffers by its guards and by
            // the types the host checked, and which the test suite runs with all checks on; or where a user said so by an unsafe
            // constructor.
            unsafe { self.device.create_shader_module_trusted(source(), wgpu::ShaderRuntimeChecks::unchecked()) }
        } else {
            self.device.create_shader_module(source())
        };
        self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: Some(layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions { zero_initialize_workgroup_memory: !unchecked, ..Default::default() },
            cache,
        })
    }
}

/// The store, whatever a thread that panicked left.
fn locked(store: &Mutex<Pipelines>) -> MutexGuard<'_, Pipelines> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

fn entry(binding: u32, ty: wgpu::BufferBindingType, has_dynamic_offset: bool) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None },
        count: None,
    }
}
