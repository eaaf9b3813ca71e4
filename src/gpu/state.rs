//! State in a device's memory.

use super::context::Context;
use super::fault::guarded;
use super::readback::Reading;
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};
use std::collections::BTreeMap;

/// Named buffers that programs on one context share.
#[derive(Debug)]
pub(crate) struct Buffers {
    context: Context,
    held: BTreeMap<String, (TensorType, wgpu::Buffer)>,
}

impl Buffers {
    pub(crate) fn new(context: Context) -> Self {
        Self { context, held: BTreeMap::new() }
    }

    #[cfg(feature = "checkpoint")]
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.held.keys().cloned().collect()
    }

    pub(crate) fn ty(&self, name: &str) -> Option<TensorType> {
        self.held.get(name).map(|(ty, _)| *ty)
    }

    pub(super) fn buffer(&self, name: &str) -> Option<&wgpu::Buffer> {
        self.held.get(name).map(|(_, b)| b)
    }

    /// Fills a state, making it where it is new.
    pub(crate) async fn write(&mut self, name: &str, value: &HostTensor) -> Result<()> {
        let bytes = value.bytes().ok_or_else(|| Error::tensor(name, "is held in double precision; a device stores f32"))?;
        if !self.held.contains_key(name) {
            let buffer = storage_buffer(&self.context, name, value.ty()).await?;
            self.held.insert(name.to_owned(), (value.ty(), buffer));
        }
        upload(&self.context, &self.held[name].1, bytes)
    }

    pub(crate) async fn read(&self, name: &str) -> Result<HostTensor> {
        let (ty, buffer) = self.held.get(name).ok_or_else(|| Error::tensor(name, "is a state the store does not hold"))?;
        Reading::begin(&self.context, buffer, 0, *ty).await?.value().await
    }
}

/// A buffer for a tensor of this type.
pub(super) async fn storage_buffer(context: &Context, name: &str, ty: TensorType) -> Result<wgpu::Buffer> {
    sized_buffer(context, name, ty.bytes()).await
}

/// A storage buffer of `size` bytes.
pub(super) async fn sized_buffer(context: &Context, name: &str, size: u64) -> Result<wgpu::Buffer> {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let descriptor = wgpu::BufferDescriptor { label: Some(name), size, usage, mapped_at_creation: false };
    guarded(context.device(), &format!("`{name}`, {size} bytes"), || context.device().create_buffer(&descriptor)).await
}

/// Writes a tensor's bytes, padded to whole words.
pub(super) fn upload(context: &Context, buffer: &wgpu::Buffer, bytes: &[u8]) -> Result<()> {
    context.fault()?;
    let whole = bytes.len() / 4 * 4;
    context.queue().write_buffer(buffer, 0, &bytes[..whole]);
    if whole < bytes.len() {
        let mut last = [0; 4];
        last[..bytes.len() - whole].copy_from_slice(&bytes[whole..]);
        context.queue().write_buffer(buffer, whole as u64, &last);
    }
    Ok(())
}
