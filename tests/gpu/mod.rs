//! The machine has an adapter; a step costs what it should; an application embeds the engine.

mod adapter;
#[cfg(feature = "cli")]
mod budget;
mod embedding;
