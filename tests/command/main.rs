//! The command as a user meets it: its results, output and files, and its messages about input that it cannot read.

#[path = "../common/mod.rs"]
mod common;

mod bench;
mod bids;
mod bids_denoise;
mod bids_workflow;
mod cases;
mod connectivity;
mod demo;
mod denoise;
mod devices;
mod given;
mod images;
mod kinds;
mod large;
mod nan;
mod parcellate;
mod precision;
mod ranks;
mod refusals;
mod regions;
mod run;
mod subjects;
mod surfaces;
mod topology;
mod traffic;
mod tune;
mod workflow;
