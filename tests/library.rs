//! The library that users compose: blocks, layers, statistics, topology, files, reports.

mod common;
mod connectome;
#[cfg(feature = "cli")]
mod data;
mod nn;
#[cfg(feature = "cli")]
mod ranks;
#[cfg(feature = "cli")]
mod report;
mod statistics;
mod topology;
