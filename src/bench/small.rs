//! Steps so small that most of their time is launches, so that the crate's own overhead shows.

use crate::device::{Device, Program};
use crate::optim::Adam;
use crate::tape::{Init, Tape, Var};
use crate::tensor::{HostTensor, Philox, TensorType};
use crate::{Result, Shape};

/// A training step in which 90 series of 120 frames are rebuilt from the series of three soft parcels.
pub(super) fn parcels(device: &Device, seed: u64) -> Result<Program> {
    let mut t = Tape::new();
    let series = t.input("series", TensorType::f32([90, 120]))?;
    let logits = t.parameter("logits", [3, 90], Init::Normal { mean: 0.0, std: 0.1, seed, stream: 0 })?;
    let parcels = t.soft_parcellation(logits, series)?;
    let rebuilt = t.matmul_with(parcels.memberships, parcels.series, true, false)?;
    let error = t.sub(series, rebuilt)?;
    let error = t.square(error)?;
    let loss = t.mean(error, &[], false)?;
    let gradient = t.gradient(loss, &[logits])?;
    Adam::new(0.1).apply(&mut t, &[(logits, gradient[0])])?;
    compiled(device, &t, loss, series, seed)
}

/// The correlation of four series of 100 frames.
pub(super) fn correlation(device: &Device, seed: u64) -> Result<Program> {
    let mut t = Tape::new();
    let series = t.input("series", TensorType::f32([4, 100]))?;
    let found = t.correlation(series, None, false)?;
    compiled(device, &t, found, series, seed)
}

/// Compiles a program for `output` and fills its series with noise.
fn compiled(device: &Device, tape: &Tape, output: Var, series: Var, seed: u64) -> Result<Program> {
    let mut program = device.compile(tape, &[output])?;
    program.write(series, &noise(tape.shape(series), seed)?)?;
    Ok(program)
}

fn noise(shape: Shape, seed: u64) -> Result<HostTensor> {
    let draws = Philox::new(seed, 1, 0);
    HostTensor::f32(shape, (0..shape.elements()).map(|i| draws.uniform(i)).collect())
}
