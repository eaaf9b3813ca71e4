//! From a device's memory to the host's.

use super::context::Context;
use super::fault::guarded;
use super::signal::Signal;
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};

/// A tensor on its way to the host, as the work that was submitted before the reading began leaves it. Work that is submitted later does
/// not change it, and runs meanwhile.
#[derive(Debug)]
pub(crate) struct Reading {
    context: Context,
    ty: TensorType,
    staging: wgpu::Buffer,
    mapped: Signal<std::result::Result<(), wgpu::BufferAsyncError>>,
    submission: wgpu::SubmissionIndex,
}

impl Reading {
    /// Begins to read the tensor that `buffer` holds from `offset` on.
    pub(super) async fn begin(context: &Context, buffer: &wgpu::Buffer, offset: u64, ty: TensorType) -> Result<Self> {
        context.fault()?;
        let (device, size) = (context.device(), ty.bytes());
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: Some("tapetum read-back"), size, usage, mapped_at_creation: false };
        let staging = guarded(device, "a read-back buffer", || device.create_buffer(&descriptor)).await?;
        let mapped = Signal::new();
        let notify = mapped.clone();
        let submission = guarded(device, "a read-back", || {
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tapetum read-back") });
            encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, size);
            let submission = context.queue().submit([encoder.finish()]);
            staging.map_async(wgpu::MapMode::Read, .., move |result| notify.give(result));
            submission
        })
        .await?;
        Ok(Self { context: context.clone(), ty, staging, mapped, submission })
    }

    /// The tensor, as soon as it is there.
    pub(crate) async fn value(self) -> Result<HostTensor> {
        let ty = self.ty;
        HostTensor::from_bytes(ty, &self.bytes().await?)
    }

    /// Its bytes, as soon as they are there.
    pub(super) async fn bytes(self) -> Result<Vec<u8>> {
        // In a browser the event loop drives the mapping; elsewhere a wait for the submission does.
        if cfg!(not(target_arch = "wasm32")) {
            self.context.poll(Some(self.submission))?;
        }
        self.mapped.given().await.map_err(|e| Error::Device { what: format!("a read-back: {e}") })?;
        let view = self.staging.get_mapped_range(..).map_err(|e| Error::Device { what: format!("a read-back: {e}") })?;
        Ok(view.to_vec())
    }
}
