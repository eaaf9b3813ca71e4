//! Tests that the machine has an adapter, that a step's cost stays within its budget, that an application can embed the
//! engine, and that kept pipelines do no harm.

mod adapter;
#[cfg(feature = "cli")]
mod budget;
mod embedding;
mod pipelines;
