//! Differentiable functional connectomics on any GPU.
//!
//! Record a workflow on a [`Tape`], differentiate it, compile it once for a [`Device`], and replay it: one submission a step.

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod data;
pub mod error;
pub mod kernel;
pub mod ops;
pub mod tape;
pub mod tensor;

pub use error::{Error, Result};
pub use tape::{Init, Tape, Var};
pub use tensor::{DType, HostTensor, Shape, TensorType};
