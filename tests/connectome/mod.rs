//! The blocks of functional connectomics against other software, on the oracle, the host and a GPU.

mod blocks;
#[cfg(feature = "cli")]
mod denoising;
mod large;
mod losses;
mod measure;
mod ragged;
mod signal;
mod spd;
