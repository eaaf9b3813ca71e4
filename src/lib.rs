//! Differentiable functional connectomics on any GPU.
//!
//! tapetum trains pipelines of functional connectivity end to end: denoising, parcellation, connectivity and networks over it are recorded
//! once, differentiated, compiled for a device, and replayed. Kernels are written in WGSL and run on Vulkan, Metal and DX12 through
//! [wgpu](https://wgpu.rs); without a GPU, the same program runs on the host's cores.
//!
//! # A first program
//!
//! Ninety noisy series hide three sources. Three soft parcels learn which series belong together:
//!
//! ```
//! use tapetum::optim::Adam;
//! use tapetum::{Device, HostTensor, Init, Tape, TensorType};
//!
//! # fn main() -> tapetum::Result<()> {
//! // Record: every vertex is rebuilt from the series of its parcels.
//! let mut tape = Tape::new();
//! let series = tape.input("series", TensorType::f32([90, 120]))?;
//! let logits = tape.parameter("logits", [3, 90], Init::Normal { mean: 0.0, std: 0.1, seed: 0, stream: 0 })?;
//! let parcels = tape.soft_parcellation(logits, series)?;
//! let rebuilt = tape.matmul_with(parcels.memberships, parcels.series, true, false)?;
//! let loss = tape.mean_squared_error(rebuilt, series)?;
//!
//! // Differentiate, and say how the parameters change.
//! let gradient = tape.gradient(loss, &[logits])?;
//! Adam::new(0.1).apply(&mut tape, &[(logits, gradient[0])])?;
//!
//! // Compile once, then replay. `Device::auto()` takes a GPU where there is one.
//! let device = Device::cpu();
//! let mut program = device.compile(&tape, &[loss])?;
//! let source = |i: usize| ((0.1 + 0.13 * (i / 120 / 30) as f32) * (i % 120) as f32).sin() + 0.3 * (i as f32 * 78.233).sin();
//! program.write(series, &HostTensor::f32([90, 120], (0..90 * 120).map(source).collect())?)?;
//! program.step()?;
//! let before = program.read(loss)?.to_f64_vec()[0];
//! program.steps(60)?;
//! let after = program.read(loss)?.to_f64_vec()[0];
//! assert!(after < 0.5 * before, "{before} {after}");
//! # Ok(())
//! # }
//! ```
//!
//! # Four steps
//!
//! 1. **Record.** A [`Tape`] holds ops in order. [`Tape::input`] is what the caller fills before a step, [`Tape::parameter`] and
//!    [`Tape::state`] are what lasts between steps, and every other method appends an op and returns a [`Var`], a handle to its result. A
//!    tape knows no device.
//! 2. **Differentiate.** [`Tape::gradient`] appends the gradient to the same tape, where it is a value like any other. [`optim`] has the
//!    optimisers; [`training`] records a whole step (gradient, clipping, update) and runs the loop.
//! 3. **Compile.** [`Device::compile`] makes a [`Program`]. On a GPU it plans: pointwise ops fuse, values share memory, pipelines are made
//!    once ([`plan`]). On the host the ops' definitions run.
//! 4. **Replay.** [`Program::write`], [`Program::step`] and [`Program::read`]. [`Program::steps`] runs many steps in one submission. What
//!    lasts is in a [`State`], which several programs can share, and which `checkpoint` writes to a file.
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | connectivity, parcels, confounds, filters, losses | [`connectome`], and [`Tape::correlation`], [`Tape::covariance`], [`Tape::soft_parcellation`], [`Tape::confound_regression`] |
//! | layers, attention, graph networks, recurrent networks | [`nn`], from [`nn::Mlp`] |
//! | births and deaths of graphs, their distances, clusters and tests | [`topology`], from [`topology::Diagrams`] |
//! | a pipeline described in JSON, trained and judged by folds | `workflow` (feature `workflow`), from `workflow::Workflow` |
//! | files of series, images and tables | `data` (feature `data`) |
//! | an application that has its own wgpu device | [`gpu::Context::from_wgpu`], [`gpu::GpuProgram::encode`], and `examples/embedding.rs` |
//! | an op of your own, with its own WGSL | [`tape::Op`], and `examples/custom_op.rs` |
//! | whether a GPU computes what the definitions say | [`check`] |
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | tape | the recording of a pipeline: values, and the ops that make them |
//! | op | one step of a tape, such as a matrix product or a correlation |
//! | plan | the list of shader dispatches that a tape is compiled into |
//! | kernel, variant | a compute shader; the same shader with another tile size or feature |
//! | state | what lasts between steps: parameters, optimiser moments, the step count |
//! | definition | the plain formula of an op on the host, in f64 the reference for every kernel |
//! | parcel | a group of vertices or voxels whose series are averaged |
//! | connectome | a matrix of connections between regions |
//! | confound | a measured series that is no signal, such as head motion |
//! | births and deaths | the edge weights at which a graph's components join and its cycles break |
//!
//! # Conventions
//!
//! Time is the last axis: `[subjects, regions, time]`. Graphs are `[graphs, n, n]`, batches lead, and complex values are pairs along a
//! trailing axis. Ops follow PyTorch where PyTorch has them. Units are seconds, hertz and millimetres. A seed repeats a run. The crate does
//! not panic on a user's input: what goes wrong is an [`Error`] that names the op, tensor or file and what was expected.
//!
//! # Features
//!
//! `cli` (default) is the command; it takes `workflow`, `data` (files in and out) and `report` (pictures and pages), which stand alone too.
//! `host` (default) makes the host executor fast. `mpi` makes one run of the processes that `mpirun` starts ([`communicator`]).
//! `checkpoint` writes states to files. `python`, `c` and `web` are what `examples/python`, `examples/c` and `examples/browser` package. With
//! `default-features = false` the engine, networks and topology remain.
//!
//! # In an application
//!
//! The features cost a program this much, which trains a parcellation and uses what they bring, in a stripped binary. It was built in release
//! from nothing by `tests/tools/feature_sizes.py` (Linux, x86-64, two cores; times are those of all processors together):
//!
//! | features | crates | MB | processor seconds |
//! |---|---|---|---|
//! | none | 73 | 6.7 | 232 |
//! | `host` | 94 | 7.8 | 303 |
//! | `checkpoint`, `data` | 90 | 7.7 | 272 |
//! | `checkpoint`, `host`, `report`, `workflow` | 122 | 15.8 | 477 |
//! | `cli`, `host` | 150 | 27.0 | 511 |
//!
//! naga is never left out: wgpu compiles WGSL with it wherever there is no browser, and this crate checks by it that a dispatch fills the
//! uniform struct of its kernel as the kernel declares it.
//!
//! An application that hands its own device to [`gpu::Context::from_wgpu`] uses the same major version of wgpu, which is there as
//! [`wgpu`] too:
//!
//! | tapetum | wgpu |
//! |---|---|
//! | 0.1 | 30 |
//!
//! CI type-checks the library by `tests/tools/check_targets.sh`: with `checkpoint`, `host`, `report` and `workflow` for macOS and Windows, and
//! the engine alone for iOS and Android. Without arguments, the script checks these features for all four.
//!
//! The first program of a run waits for its pipelines to be compiled. With [`gpu::Options::pipelines`] they are kept in a folder from one
//! run to the next where wgpu gives them, which is on Vulkan. The command keeps them in `tapetum` in the user's folder of caches, or in the
//! folder that the environment variable `TAPETUM_CACHE` names; `TAPETUM_CACHE=none` keeps none. `tapetum bench start/` times cold and warm
//! starts. Mesa's llvmpipe gives wgpu nothing to keep, and Mesa keeps pipelines in files of its own; other drivers were not measured.

// The page of `Tape` shows its methods in the order of these modules: the tape's own first, then the ops'.
pub mod tape;

pub mod ops;

#[cfg(feature = "cli")]
pub mod bench;
pub mod bindings;
mod blocking;
pub mod check;
#[cfg(feature = "checkpoint")]
pub mod checkpoint;
#[cfg(feature = "cli")]
pub mod cli;
pub mod communicator;
pub mod connectome;
#[cfg(feature = "data")]
pub mod data;
pub mod device;
pub mod error;
pub mod file;
pub mod gpu;
pub mod host;
pub mod json;
pub mod kernel;
pub mod nn;
pub mod optim;
pub mod plan;
pub mod registry;
#[cfg(feature = "report")]
pub mod report;
pub mod statistics;
pub mod tensor;
pub mod topology;
pub mod training;
pub mod tuning;
#[cfg(feature = "workflow")]
pub mod workflow;

pub use device::{Device, Program, State};
pub use error::{Error, Result};
pub use tape::{Init, Tape, Var};
pub use tensor::{DType, HostTensor, Shape, TensorType};
pub use tuning::Tuning;
pub use wgpu;

/// The README's example is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
