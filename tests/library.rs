//! The library that users compose: blocks, layers, statistics, topology, files, reports.

mod common;
mod connectome;
#[cfg(feature = "cli")]
mod data;
#[cfg(feature = "workflow")]
mod named_tape;
mod nn;
#[cfg(feature = "cli")]
mod ranks;
#[cfg(feature = "cli")]
mod report;
mod statistics;
mod topology;
