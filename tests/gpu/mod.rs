//! Tests that the machine has an adapter, that a step's cost stays within its budget, and that an application can embed the engine.

mod adapter;
#[cfg(feature = "cli")]
mod budget;
mod embedding;
