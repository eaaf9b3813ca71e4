//! Ops against their definitions, and against NumPy and SciPy.

mod goldens;
mod halves;
mod kernels;
mod long;
mod nan;
mod panels;
