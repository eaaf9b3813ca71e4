//! The command as a user meets it: what it computes, prints and leaves behind, and what it says about what it cannot read.

#[path = "../common/mod.rs"]
mod common;

mod bench;
mod cases;
mod connectivity;
mod demo;
mod denoise;
mod devices;
mod images;
mod kinds;
mod nan;
mod parcellate;
mod precision;
mod refusals;
mod run;
mod topology;
mod tune;
mod workflow;
