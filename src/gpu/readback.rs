//! From a device's memory to the host's.

use super::context::Context;
use super::fault::guarded;
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// The result of a mapping, once there is one, and the task that waits for it.
#[derive(Default)]
struct Mapped {
    done: Option<std::result::Result<(), wgpu::BufferAsyncError>>,
    waker: Option<Waker>,
}

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
    let mapped = Arc::new(Mutex::new(Mapped::default()));
    let notify = mapped.clone();
    let submission = guarded(context.device(), "a read-back", || {
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tapetum read-back") });
        encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, size);
        let submission = context.queue().submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            let mut mapped = notify.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            mapped.done = Some(result);
            if let Some(waker) = mapped.waker.take() {
                waker.wake();
            }
        });
        submission
    })
    .await?;
    // In a browser the event loop drives the mapping; elsewhere a wait for the submission does.
    if cfg!(not(target_arch = "wasm32")) {
        context.poll(Some(submission))?;
    }
    let result = poll_fn(|cx| {
        let mut mapped = mapped.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match mapped.done.take() {
            Some(result) => Poll::Ready(result),
            None => {
                mapped.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    })
    .await;
    result.map_err(|e| Error::Device { what: format!("a read-back: {e}") })?;
    let view = staging.get_mapped_range(..).map_err(|e| Error::Device { what: format!("a read-back: {e}") })?;
    Ok(view.to_vec())
}
