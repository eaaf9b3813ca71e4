//! Ops against their definitions, and against NumPy and SciPy.

mod goldens;
mod kernels;
mod long;
mod nan;
mod panels;
