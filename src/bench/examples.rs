//! The examples themselves, so that what is timed is what they run.
#![allow(dead_code, reason = "the rest of an example runs as an example")]

#[path = "../../examples/custom_op.rs"]
pub mod custom_op;
#[path = "../../examples/embedding.rs"]
pub mod embedding;
#[path = "../../examples/training_loop.rs"]
pub mod training_loop;
