//! A device and its queue, made here or an application's own.

use super::adapter::{Adapter, COOPERATIVE, Options, Products, choose, cooperative, instance};
use super::boundary;
use super::fault::{note, of_wgpu};
use super::kept::Keeper;
use super::pipelines::{Maker, Pipelines};
use crate::blocking::block_on;
use crate::kernel::Target;
use crate::{Error, Result};
use std::sync::{Arc, Mutex, OnceLock};

/// An adapter's device and queue, with the pipelines made on it so far. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    adapter: Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    target: Target,
    /// The target without cooperative matrices.
    portable: Target,
    cooperative: Arc<Cooperative>,
    checks: bool,
    /// True where this crate made the device: the device's error and loss callbacks are then this crate's too.
    owned: bool,
    fault: Arc<Mutex<Option<Error>>>,
    pipelines: Arc<Mutex<Pipelines>>,
    /// The pipelines that are kept from one run to the next.
    keeper: Arc<Keeper>,
}

/// The facts that decide if products may run on a device's cooperative matrices.
#[derive(Debug)]
struct Cooperative {
    /// The edge of the matrices, if the adapter, the device and the options allow it.
    offered: Result<usize, String>,
    /// The largest error of the products that were tried on them, or the reason why they are not used.
    proof: OnceLock<Result<f64, String>>,
}

impl Context {
    /// A device on the adapter that `options` mean.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] where none serves, [`Error::Device`] where the driver refuses.
    pub fn new(options: &Options) -> Result<Self> {
        block_on(Self::new_async(options))?
    }

    /// The asynchronous form of [`Context::new`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Context::new`].
    pub async fn new_async(options: &Options) -> Result<Self> {
        let adapter = choose(&instance(), options).await?;
        let mut wanted = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16 | wgpu::Features::SHADER_INT64;
        if options.pipelines.is_some() {
            wanted |= wgpu::Features::PIPELINE_CACHE;
        }
        let mut experimental_features = wgpu::ExperimentalFeatures::disabled();
        if options.products == Products::Auto && adapter.cooperative().is_ok() {
            wanted |= COOPERATIVE;
            // SAFETY: of the experimental features only cooperative matrices are asked for. This crate's kernels load and store them
            // within the workgroup memory they declare, by whole subgroups in uniform control flow, in the sizes and types that the
            // adapter lists.
            experimental_features = unsafe { wgpu::ExperimentalFeatures::enabled() };
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("tapetum"),
            required_features: adapter.adapter.features() & wanted,
            required_limits: adapter.adapter.limits(),
            experimental_features,
            ..Default::default()
        };
        let (device, queue) =
            adapter.adapter.request_device(&descriptor).await.map_err(|e| Error::Device { what: format!("{}: {e}", adapter.name()) })?;
        let fault = Arc::new(Mutex::new(None));
        let (errors, losses) = (fault.clone(), fault.clone());
        device.on_uncaptured_error(Arc::new(move |e| note(&errors, of_wgpu(e, "a step"))));
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                note(&losses, Error::DeviceLost { what: message });
            }
        });
        Ok(Self::assemble(adapter, device, queue, options, true, fault))
    }

    /// An application's own device and queue. Only error scopes are used on it; the application tells of a loss by
    /// [`Context::lost`]. Products run on cooperative matrices where the device was made with the features
    /// `EXPERIMENTAL_COOPERATIVE_MATRIX` and `SHADER_F16` and the workgroup memory that they need, random draws take half the instructions
    /// where it was made with `SHADER_INT64`, and pipelines are kept from one run to the next where it was made with `PIPELINE_CACHE`.
    ///
    /// # Errors
    /// Where the adapter does not grant WebGPU's base limits for compute.
    pub fn from_wgpu(adapter: &wgpu::Adapter, device: &wgpu::Device, queue: &wgpu::Queue, options: &Options) -> Result<Self> {
        let adapter = Adapter::new(adapter.clone());
        if device.limits().max_storage_buffers_per_shader_stage < 8 {
            return Err(Error::NoAdapter {
                what: format!("the device on `{}` was asked for fewer than 8 storage buffers", adapter.name()),
            });
        }
        Ok(Self::assemble(adapter, device.clone(), queue.clone(), options, false, Arc::default()))
    }

    fn assemble(
        adapter: Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
        options: &Options,
        owned: bool,
        fault: Arc<Mutex<Option<Error>>>,
    ) -> Self {
        let limits = device.limits();
        let keeper = Arc::new(Keeper::new(options.pipelines.clone(), identity(&adapter)));
        let offered = cooperative(&adapter, &device, options);
        let portable = Target {
            name: adapter.name().to_owned(),
            backend: adapter.backend(),
            software: adapter.software(),
            checked: options.checks,
            max_binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
            bindings: limits.max_storage_buffers_per_shader_stage as usize,
            subgroups: device.features().contains(wgpu::Features::SUBGROUP).then(|| adapter.subgroups()),
            f16: device.features().contains(wgpu::Features::SHADER_F16),
            int64: device.features().contains(wgpu::Features::SHADER_INT64),
            cooperative: None,
            variants: options.variants.iter().cloned().collect(),
        };
        let target = Target { cooperative: offered.as_ref().ok().copied(), ..portable.clone() };
        let cooperative = Arc::new(Cooperative { offered, proof: OnceLock::new() });
        let (checks, pipelines) = (options.checks, Arc::default());
        Self { inner: Arc::new(Inner { adapter, device, queue, target, portable, cooperative, checks, owned, fault, pipelines, keeper }) }
    }

    /// The same device, with kernels pinned to variants: pairs of kernel and variant.
    pub fn with_variants(&self, variants: impl IntoIterator<Item = (String, String)>) -> Self {
        let i = &*self.inner;
        let target = Target { variants: variants.into_iter().collect(), ..i.target.clone() };
        let portable = Target { cooperative: None, ..target.clone() };
        Self {
            inner: Arc::new(Inner {
                adapter: i.adapter.clone(),
                device: i.device.clone(),
                queue: i.queue.clone(),
                target,
                portable,
                cooperative: i.cooperative.clone(),
                checks: i.checks,
                owned: i.owned,
                fault: i.fault.clone(),
                pipelines: i.pipelines.clone(),
                keeper: i.keeper.clone(),
            }),
        }
    }

    /// The adapter.
    pub fn adapter(&self) -> &Adapter {
        &self.inner.adapter
    }

    /// The adapter's name, its back end and its driver: what figures and tunings hold for.
    pub fn identity(&self) -> [String; 3] {
        identity(self.adapter())
    }

    /// Writes the pipelines that were made so far into the folder of [`Options::pipelines`], where they are not there already. Without this
    /// call they are written when the last handle of the device is dropped, which an application that a phone ends at any time may not live
    /// to see.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written.
    pub fn save_pipelines(&self) -> Result<()> {
        self.inner.keeper.save()
    }

    /// The target that plans are made for. Its cooperative matrices are tried when the first program is compiled that would take them:
    /// until then, the target has them where the device offers them.
    pub fn target(&self) -> &Target {
        match self.cooperative() {
            Some(Err(_)) => &self.inner.portable,
            _ => &self.inner.target,
        }
    }

    /// The outcome of products that were tried on cooperative matrices: their largest error, relative to their root mean square, or the
    /// reason why products do not run on them. `None` where cooperative matrices are offered and nothing has been tried yet.
    pub fn cooperative(&self) -> Option<Result<f64, &str>> {
        let Cooperative { offered, proof } = &*self.inner.cooperative;
        match offered {
            Err(why) => Some(Err(why)),
            Ok(_) => proof.get().map(|proof| proof.as_ref().copied().map_err(String::as_str)),
        }
    }

    /// Keeps what the first proof said.
    pub(crate) fn proven(&self, proof: Result<f64, String>) {
        let _ = self.inner.cooperative.proof.set(proof);
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.inner.device
    }

    /// The queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.inner.queue
    }

    /// True where the device writes timestamps.
    pub fn timestamps(&self) -> bool {
        self.device().features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// Says that the device was lost, where it is the application's: every later call on this context fails.
    pub fn lost(&self, what: &str) {
        note(&self.inner.fault, Error::DeviceLost { what: what.to_owned() });
    }

    /// The fault that was noted since, if any. A loss stays.
    pub fn fault(&self) -> Result<()> {
        let mut fault = self.inner.fault.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*fault {
            None => Ok(()),
            Some(e @ Error::DeviceLost { .. }) => Err(e.clone()),
            Some(_) => fault.take().map_or(Ok(()), Err),
        }
    }

    pub(super) fn pipelines(&self) -> Maker<'_> {
        Maker { device: self.device(), store: &self.inner.pipelines, keeper: &self.inner.keeper, checks: self.inner.checks }
    }

    /// On an application's device, runs `step` under error scopes; on our own, errors are noted as they come.
    pub(super) fn stepping<T>(&self, step: impl FnOnce() -> T) -> Result<T> {
        self.fault()?;
        #[cfg(not(target_arch = "wasm32"))]
        if !self.inner.owned {
            return crate::blocking::block_on(super::fault::guarded(self.device(), "a step", step))?;
        }
        Ok(step())
    }

    /// Lets finished work be cleaned up, and waits for `submission` where one is given.
    pub(super) fn poll(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let poll = match submission {
            Some(index) => wgpu::PollType::Wait { submission_index: Some(index), timeout: Some(TIMEOUT) },
            None => wgpu::PollType::Poll,
        };
        match boundary::wgpu(|| self.device().poll(poll)) {
            Ok(_) => self.fault(),
            Err(e) => Err(Error::Device { what: format!("waited {} s for the device: {e}", TIMEOUT.as_secs()) }),
        }
    }
}

fn identity(adapter: &Adapter) -> [String; 3] {
    [adapter.name().to_owned(), adapter.backend().to_string(), adapter.driver()]
}

/// No step takes longer than this; a driver that hangs is reported.
pub(super) const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(120);
