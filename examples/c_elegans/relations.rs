//! Unsupervised inference of relations: an encoder infers edges from trajectories, and a decoder must predict the trajectories from these
//! edges.

use crate::systems::{FEATURES, FRAMES, NODES, Simulated, System};
use std::time::Instant;
use tapetum::nn::{Parameters, RelationalDecoder, RelationalEncoder, RollOut};
use tapetum::optim::{Adam, Schedule};
use tapetum::report::picture::{Matrix, line_chart};
use tapetum::report::{Figure, ReportTable, Section};
use tapetum::statistics::metrics;
use tapetum::tensor::Philox;
use tapetum::training::{Descent, Training};
use tapetum::{Device, HostTensor, Result, State, Tape, TensorType, Var};

const TRAINING: usize = 2000;
const TEST: usize = 400;
const BATCH: usize = 32;
const HIDDEN: usize = 64;
const TYPES: usize = 2;
/// The number of steps predicted from one true frame.
const HORIZON: usize = 8;
const SEGMENTS: usize = (FRAMES - 1) / HORIZON;
/// The variance of the decoder, which weighs the prediction error against the prior.
const VARIANCE: f32 = 5e-5;
const TEMPERATURE: f32 = 0.5;

/// The training step, and its input.
fn training(steps: u32, seed: u64) -> Result<(Tape, Var)> {
    let (mut t, mut parameters) = (Tape::new(), Parameters::new(seed));
    let x = t.input("trajectories", TensorType::f32([BATCH, NODES, FRAMES, FEATURES]))?;
    let logits = encode(&mut t, &mut parameters, x)?;
    let draws = parameters.draws();
    let edges = t.gumbel_softmax(logits, -1, TEMPERATURE, false, draws)?;
    let decoder = RelationalDecoder::new(&mut t, &mut parameters, "decoder", [FEATURES, HIDDEN, TYPES])?;
    let misfit = misfit(&mut t, &decoder, x, edges)?;
    let prior = [1.0 / TYPES as f32; TYPES];
    let kl = t.kl_to_prior(logits, -1, &prior)?;
    let kl = t.sum(kl, &[], false)?;
    let kl = t.scale(kl, 1.0 / (BATCH * NODES) as f32)?;
    let loss = t.add(misfit, kl)?;
    let rate = Schedule::Cosine { start: 1e-3, end: 1e-5, steps };
    Descent { clip: Some(10.0), ..Descent::new(Adam::new(rate)) }.record(&mut t, (loss, &[]), parameters.all(), steps)?;
    Ok((t, x))
}

fn encode(t: &mut Tape, parameters: &mut Parameters, x: Var) -> Result<Var> {
    let batch = t.shape(x)[0];
    let flat = t.reshape(x, [batch, NODES, FRAMES * FEATURES])?;
    RelationalEncoder::new(t, parameters, "encoder", [FRAMES * FEATURES, HIDDEN, TYPES])?.forward(t, flat)
}

/// The error Σ (p − x)² / 2v over frames and features, for each node. Predictions restart from the truth every HORIZON frames, in all
/// segments in parallel.
fn misfit(t: &mut Tape, decoder: &RelationalDecoder, x: Var, edges: Var) -> Result<Var> {
    let rows = BATCH * SEGMENTS;
    let edges = t.reshape(edges, [BATCH, 1, NODES, NODES, TYPES])?;
    let edges = t.broadcast_to(edges, [BATCH, SEGMENTS, NODES, NODES, TYPES])?;
    let edges = t.reshape(edges, [rows, NODES, NODES, TYPES])?;
    // The k-th frames of all segments.
    let mut frames = Vec::with_capacity(HORIZON + 1);
    for k in 0..=HORIZON {
        let kth = t.slice(x, 2, k, k + (SEGMENTS - 1) * HORIZON + 1, HORIZON)?;
        let kth = t.transpose(kth, &[0, 2, 1, 3])?;
        frames.push(t.reshape(kth, [rows, NODES, FEATURES])?);
    }
    let made = RollOut::free(HORIZON).forward(t, frames[0], &[], |t, state, _| decoder.step(t, state, edges))?;
    let (made, truth) = (t.concatenate(&made, -1)?, t.concatenate(&frames[1..], -1)?);
    let apart = t.sub(made, truth)?;
    let square = t.square(apart)?;
    let sum = t.sum(square, &[], false)?;
    t.scale(sum, 0.5 / VARIANCE / (BATCH * NODES) as f32)
}

/// The edge probability of each pair in the test simulations, the share of correctly classified pairs, and the AUROC.
fn judge(device: &Device, state: &State, test: &Simulated) -> Result<(Vec<f64>, f64, f64)> {
    let mut t = Tape::new();
    let x = t.input("trajectories", TensorType::f32([TEST, NODES, FRAMES, FEATURES]))?;
    let logits = encode(&mut t, &mut Parameters::evaluation(), x)?;
    let p = t.softmax(logits, -1)?;
    let p = t.slice(p, -1, 1, 2, 1)?;
    let trajectories = HostTensor::f32([TEST, NODES, FRAMES, FEATURES], test.trajectories.clone())?;
    let p = device.compile_with(&t, &[p], state)?.run(&[(x, &trajectories)])?.remove(0).to_f64_vec();
    let pairs: Vec<usize> = (0..p.len()).filter(|i| i / NODES % NODES != i % NODES).collect();
    let (scores, truth): (Vec<f64>, Vec<bool>) = pairs.iter().map(|&i| (p[i], test.edges[i])).unzip();
    let right = scores.iter().zip(&truth).filter(|(p, t)| (**p > 0.5) == **t).count();
    Ok((p, right as f64 / truth.len() as f64, metrics::auroc(&scores, &truth)?))
}

/// A batch of simulations, drawn with the number of the step.
fn batch(data: &Simulated, seed: u64, step: u32) -> Result<HostTensor> {
    const EACH: usize = NODES * FRAMES * FEATURES;
    let draws = Philox::new(seed, u32::MAX, step);
    let rows = (0..BATCH).map(|i| draws.word(i) as usize % TRAINING);
    let elements = rows.flat_map(|row| data.trajectories[row * EACH..(row + 1) * EACH].iter().copied()).collect();
    HostTensor::f32([BATCH, NODES, FRAMES, FEATURES], elements)
}

/// Trains on one system, and reports the recovered edges.
fn system(device: &Device, system: System, steps: u32, seed: u64) -> Result<(Vec<String>, Vec<Figure>)> {
    let (data, test) = (system.simulate(TRAINING, seed + 1), system.simulate(TEST, seed + 1_000_000));
    let (tape, x) = training(steps, seed)?;
    let state = State::new(device);
    let mut training = Training::new(device, &tape, &state, steps)?.batches(|step| Ok(vec![(x, batch(&data, seed, step)?)]));
    let begun = Instant::now();
    training.run(|step, loss| {
        if step % 100 == 0 {
            println!("{system:?} seed {seed} step {step:>5}  log10 loss {:.3}", f64::from(loss).log10());
        }
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    // The curve of the loss, in about fifty points.
    let drawn = (steps as usize / 50).max(1);
    let losses = training.losses()?.into_iter().zip(1u32..).skip(drawn - 1).step_by(drawn);
    let losses: Vec<(f64, f64)> = losses.map(|(loss, step)| (f64::from(step), f64::from(loss).log10())).collect();
    drop(training);
    let (p, accuracy, auroc) = judge(device, &state, &test)?;
    println!("{system:?} seed {seed}: edge accuracy {accuracy:.4}, AUROC {auroc:.4}, {steps} steps in {seconds:.0} s");
    let first: Vec<f32> = p[..NODES * NODES].iter().map(|&p| p as f32).collect();
    let truth: Vec<f32> = test.edges[..NODES * NODES].iter().map(|&e| f32::from(u8::from(e))).collect();
    let heat = |title: &str, values: &[f32]| {
        let (axes, range) = (["particle that receives", "particle that sends"], Some((0.0, 1.0)));
        let map = Matrix { title, axes, quantity: "probability of an edge", rows: NODES, values, range, ..Matrix::default() };
        Matrix { without_diagonal: true, ..map }.heat_map()
    };
    let name = format!("{system:?}");
    let figures = vec![
        Figure {
            svg: line_chart(&format!("{name}: loss"), "step", "log10 of the loss", &[(name.clone(), losses)])?,
            caption: format!("The loss of every {drawn} steps."),
        },
        Figure {
            svg: heat(&format!("{name}: inferred edges"), &first)?,
            caption: "The first test simulation. No particle acts on itself.".into(),
        },
        Figure { svg: heat(&format!("{name}: true edges"), &truth)?, caption: "The graph of the same simulation.".into() },
    ];
    let row = vec![name, seed.to_string(), format!("{accuracy:.4}"), format!("{auroc:.4}"), format!("{seconds:.0} s")];
    Ok((row, figures))
}

/// Runs both systems with every seed.
pub fn run(device: &Device, steps: u32, seeds: u64) -> Result<Vec<Section>> {
    let (mut rows, mut figures) = (Vec::new(), Vec::new());
    for which in [System::Springs, System::Kuramoto] {
        for seed in 0..seeds {
            let (row, made) = system(device, which, steps, seed)?;
            rows.push(row);
            if seed == 0 {
                figures.extend(made);
            }
        }
    }
    let header = ["system", "seed", "edge accuracy", "AUROC", "trained in"].map(str::to_owned).to_vec();
    let text = format!(
        "{TRAINING} simulations of {NODES} particles, {FRAMES} frames each; {steps} steps of {BATCH} simulations, width {HIDDEN}. Tested on {TEST} \
         other simulations; chance is 0.5."
    );
    Ok(vec![Section { heading: "Edges recovered".into(), text, table: Some(ReportTable { header, rows }), figures }])
}
