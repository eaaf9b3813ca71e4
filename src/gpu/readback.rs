//! From a device's memory to the host's.

use super::context::Context;
use super::fault::guarded;
use super::signal::Signal;
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};

/// The tensor that `buffer` holds from `offset` on, after all work submitted so far.
pub(super) async fn read(context: &Context, buffer: &wgpu::Buffer, offset: u64, ty: TensorType) -> Result<HostTensor> {
    let bytes = read_bytes(context, buffer, offset, ty.bytes()).await?;
    HostTensor::from_bytes(ty, &bytes)
}

pub(super) async fn read_bytes(context: &Context, buffer: &wgpu::Buffer, offset: u64, size: u64) -> Result<Vec<u8>> {
    context.fault()?;
    let device = context.device();
    let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
    let descriptor = wgpu::BufferDescriptor { label: Some("tapetum read-back"), size, usage, mapped_at_creation: false };
    let staging = guarded(context.device(), "a read-back buffer", || device.create_buffer(&descriptor)).await?;
    let mapped = Signal::new();
    let notify = mapped.clone();
    let submission = guarded(context.device(), "a read-back", || {
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tapetum read-back") });
        encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, size);
        let submission = context.queue().submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., move |result| notify.give(result));
        submission
    })
    .await?;
    // In a browser the event loop drives the mapping; elsewhere a wait for the submission does.
    if cfg!(not(target_arch = "wasm32")) {
        context.poll(Some(submission))?;
    }
    mapped.given().await.map_err(|e| Error::Device { what: format!("a read-back: {e}") })?;
    let view = staging.get_mapped_range(..).map_err(|e| Error::Device { what: format!("a read-back: {e}") })?;
    Ok(view.to_vec())
}
