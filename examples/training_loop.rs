//! The smallest complete training loop: series with three hidden sources are summarised by three soft parcels.
//!
//! `cargo run --release --example training_loop`

use tapetum::optim::Adam;
use tapetum::{Device, HostTensor, Init, Result, Tape, TensorType, Var};

const PARCELS: usize = 3;
const VERTICES: usize = 90;
const TIME: usize = 120;

/// Each vertex follows one of three oscillations, with some noise.
fn data() -> Result<HostTensor> {
    let sample = |i: usize| {
        let (vertex, t) = (i / TIME, (i % TIME) as f32);
        let source = (vertex / (VERTICES / PARCELS)) as f32;
        ((0.1 + 0.13 * source) * t + source).sin() + 0.3 * (i as f32 * 78.233).sin()
    };
    HostTensor::f32([VERTICES, TIME], (0..VERTICES * TIME).map(sample).collect())
}

/// The recorded step, with its series and its loss.
fn tape() -> Result<(Tape, Var, Var)> {
    // Record the step: every vertex is reconstructed from the series of its parcels.
    let mut tape = Tape::new();
    let series = tape.input("series", TensorType::f32([VERTICES, TIME]))?;
    let logits = tape.parameter("logits", [PARCELS, VERTICES], Init::Normal { mean: 0.0, std: 0.1, seed: 0, stream: 0 })?;
    let parcels = tape.soft_parcellation(logits, series)?;
    let rebuilt = tape.matmul_with(parcels.memberships, parcels.series, true, false)?;
    let error = tape.sub(series, rebuilt)?;
    let error = tape.square(error)?;
    let loss = tape.mean(error, &[], false)?;

    // Differentiate and update.
    let gradient = tape.gradient(loss, &[logits])?;
    Adam::new(0.1).apply(&mut tape, &[(logits, gradient[0])])?;
    Ok((tape, series, loss))
}

fn main() -> Result<()> {
    let device = Device::auto();
    println!("on {}", device.name());

    // Compile once, then run repeatedly.
    let (tape, series, loss) = tape()?;
    let mut program = device.compile(&tape, &[loss])?;
    program.write(series, &data()?)?;
    for epoch in 0..6 {
        program.step()?;
        println!("step {:3}: loss {:.4}", epoch * 25 + 1, program.read(loss)?.item()?);
        program.steps(24)?;
    }

    // Another tape on the same state: the parcel that each vertex belongs to most. Each source should have a parcel of its own.
    let mut tape = Tape::new();
    let logits = tape.parameter("logits", [PARCELS, VERTICES], Init::Zeros)?;
    let parcel = tape.argmax(logits, 0)?;
    let found = device.compile_with(&tape, &[parcel], program.state())?.run(&[])?.remove(0).to_f64_vec();
    for (source, parcels) in found.chunks(VERTICES / PARCELS).enumerate() {
        let members: Vec<usize> = (0..PARCELS).map(|p| parcels.iter().filter(|x| **x == p as f64).count()).collect();
        println!("vertices of source {source} in each parcel: {members:?}");
    }
    Ok(())
}
