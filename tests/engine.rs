//! The engine: tape, ops, plan, kernels and their cost, optimisers, training, states, the GPU and its embedding in applications.

mod checkpoint;
mod common;
mod cost;
mod determinism;
mod divided;
mod gpu;
mod ops;
mod optim;
mod plan;
#[cfg(feature = "cli")]
mod registry;
mod tape;
mod targets;
mod tensor;
mod training;
