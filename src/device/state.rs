//! The state that programs share.

use super::Device;
use crate::blocking::block_on;
use crate::gpu::Buffers;
use crate::host::{self, Precision};
use crate::tape::Init;
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The store of named tensors that last between steps, such as parameters. Programs on one device share it. A clone is cheap and refers to
/// the same store.
///
/// ```
/// use tapetum::{Device, HostTensor, State};
///
/// let state = State::new(&Device::cpu());
/// state.write("weights", &HostTensor::f32([2], vec![1.0, 2.0])?)?;
/// assert_eq!(state.names(), ["weights"]);
/// assert_eq!(state.read("weights")?.to_f64_vec(), [1.0, 2.0]);
/// // A state keeps its type.
/// assert!(state.write("weights", &HostTensor::scalar(0.0)).is_err());
/// # Ok::<(), tapetum::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct State {
    store: Arc<Mutex<Store>>,
}

/// The tensors, where the device keeps them.
#[derive(Debug)]
pub(super) enum Store {
    Host(Precision, host::Values),
    Gpu(Buffers),
}

impl State {
    /// An empty store on `device`.
    pub fn new(device: &Device) -> Self {
        let store = match device {
            Device::Cpu(precision) => Store::Host(*precision, host::Values::new()),
            Device::Gpu(context) => Store::Gpu(Buffers::new(context.clone())),
        };
        Self { store: Arc::new(Mutex::new(store)) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names it holds, sorted.
    pub fn names(&self) -> Vec<String> {
        match &*self.lock() {
            Store::Host(_, values) => values.keys().cloned().collect(),
            Store::Gpu(buffers) => buffers.names(),
        }
    }

    /// The type of a state; `None` where there is no state of that name.
    pub fn ty(&self, name: &str) -> Option<TensorType> {
        match &*self.lock() {
            Store::Host(_, values) => values.get(name).map(HostTensor::ty),
            Store::Gpu(buffers) => buffers.ty(name),
        }
    }

    /// A state's value.
    ///
    /// # Errors
    /// Returns an error where there is none of that name, or the device reports a fault.
    pub fn read(&self, name: &str) -> Result<HostTensor> {
        block_on(self.read_async(name))?
    }

    /// The asynchronous form of [`State::read`], for callers that must not block.
    #[allow(clippy::await_holding_lock, reason = "the store is this thread's while it reads: a browser has one thread")]
    pub async fn read_async(&self, name: &str) -> Result<HostTensor> {
        match &*self.lock() {
            Store::Host(_, values) => values.get(name).cloned().ok_or_else(|| Error::tensor(name, "is a state the store does not hold")),
            Store::Gpu(buffers) => buffers.read(name).await,
        }
    }

    /// Sets a state, which is new or keeps the type it had.
    ///
    /// # Errors
    /// Returns an error where it is of another type, or the device reports a fault.
    pub fn write(&self, name: &str, value: &HostTensor) -> Result<()> {
        block_on(self.write_async(name, value))?
    }

    /// The asynchronous form of [`State::write`], for callers that must not block.
    #[allow(clippy::await_holding_lock, reason = "the store is this thread's while it writes: a browser has one thread")]
    pub async fn write_async(&self, name: &str, value: &HostTensor) -> Result<()> {
        if let Some(ty) = self.ty(name)
            && ty != value.ty()
        {
            return Err(Error::tensor(name, format!("is a state {ty}, written with {}", value.ty())));
        }
        match &mut *self.lock() {
            Store::Host(precision, values) => {
                values.insert(name.to_owned(), precision.of(value));
                Ok(())
            }
            Store::Gpu(buffers) => buffers.write(name, value).await,
        }
    }

    /// True where the state's real values are held in double precision, as on [`Device::oracle`].
    #[cfg(feature = "checkpoint")]
    pub(crate) fn is_f64(&self) -> bool {
        matches!(&*self.lock(), Store::Host(Precision::F64, _))
    }

    /// As [`Device::name`] of the device it is on.
    #[cfg(feature = "checkpoint")]
    pub(crate) fn device_name(&self) -> String {
        match &*self.lock() {
            Store::Host(..) => Device::cpu().name().to_owned(),
            Store::Gpu(buffers) => buffers.context().adapter().name().to_owned(),
        }
    }

    /// A state of this type, which is new and begins as `init` says, or is there already.
    pub(super) async fn begin(&self, name: &str, ty: TensorType, init: &Init) -> Result<()> {
        match self.ty(name) {
            None => self.write_async(name, &init.value(ty)?).await,
            Some(found) if found == ty => Ok(()),
            Some(found) => Err(Error::tensor(name, format!("is {ty} on this tape, and the store holds {found}"))),
        }
    }
}
