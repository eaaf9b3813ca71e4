//! The blocks of functional connectomics against other software, on the oracle, the host and a GPU.

mod blocks;
mod golden;
mod losses;
