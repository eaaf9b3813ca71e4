//! The GPU: adapter, device, pipelines, slots as buffers, replay, read-back, timestamps. The only room that knows wgpu.

mod adapter;
pub mod boundary;
mod context;
mod fault;
mod kept;
mod pipelines;
mod profile;
mod program;
mod readback;
mod signal;
mod state;
mod submission;

pub use adapter::{Adapter, Choice, Options, Products, adapters, best};
pub use context::Context;
pub use profile::{Profile, Span};
pub use program::{Counts, GpuProgram};
pub(crate) use readback::Reading;
pub(crate) use state::Buffers;
