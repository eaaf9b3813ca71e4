//! Differentiable functional connectomics on any GPU.
//!
//! Record a workflow on a [`Tape`], differentiate it, compile it once for a [`Device`], and replay it: one submission a step.

// The examples are compiled into the bench of their steps, and call this crate by its name.
#[cfg(feature = "cli")]
extern crate self as tapetum;

#[cfg(feature = "cli")]
pub mod bench;
pub mod check;
#[cfg(all(feature = "checkpoint", not(target_arch = "wasm32")))]
pub mod checkpoint;
#[cfg(feature = "cli")]
pub mod cli;
pub mod connectome;
#[cfg(feature = "data")]
pub mod data;
pub mod device;
pub mod error;
#[cfg(not(target_arch = "wasm32"))]
pub mod file;
pub mod gpu;
pub mod host;
pub mod json;
pub mod kernel;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod plan;
pub mod registry;
#[cfg(feature = "report")]
pub mod report;
pub mod statistics;
pub mod tape;
pub mod tensor;
pub mod topology;
pub mod training;
pub mod tuning;
#[cfg(all(feature = "workflow", not(target_arch = "wasm32")))]
pub mod workflow;

pub use device::{Device, Program, State};
pub use error::{Error, Result};
pub use tape::{Init, Tape, Var};
pub use tensor::{DType, HostTensor, Shape, TensorType};
pub use tuning::Tuning;
pub use wgpu;

/// The README's example is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
