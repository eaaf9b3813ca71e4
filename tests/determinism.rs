//! A run repeats bit for bit: twice on one device, interrupted and resumed, and with recomputation.

use crate::common::gpu;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tapetum::kernel::Target;
use tapetum::optim::{Adam, Schedule, clip_by_global_norm};
use tapetum::plan::Plan;
use tapetum::{Device, HostTensor, Init, Program, Result, State, Tape, TensorType, Var};

const PARCELS: usize = 5;
const VERTICES: usize = 33;
const TIME: usize = 18;

struct Training {
    tape: Tape,
    series: Var,
    noise: Var,
}

/// Logits under Gumbel noise, series under normal noise: every step draws anew.
fn training(seed: u64) -> Result<Training> {
    let mut t = Tape::new();
    let series = t.input("series", TensorType::f32([VERTICES, TIME]))?;
    let logits = t.parameter("logits", [PARCELS, VERTICES], Init::Normal { mean: 0.0, std: 1.0, seed: 1, stream: 0 })?;
    let scale = t.parameter("scale", [PARCELS, 1], Init::Full(1.0))?;
    let noise = t.random_gumbel([PARCELS, VERTICES], seed, 1)?;
    let little = t.scale(noise, 0.2)?;
    let drawn = t.add(logits, little)?;
    let jitter = t.random_normal([VERTICES, TIME], seed, 2)?;
    let jitter = t.scale(jitter, 0.1)?;
    let seen = t.add(series, jitter)?;
    let parcels = t.soft_parcellation(drawn, seen)?;
    let scaled = t.mul(parcels.series, scale)?;
    let rebuilt = t.matmul_with(parcels.memberships, scaled, true, false)?;
    let error = t.sub(series, rebuilt)?;
    let error = t.square(error)?;
    let error = t.mean(error, &[], false)?;
    let r = t.correlation(parcels.series, None, true)?;
    let r = t.square(r)?;
    let alike = t.mean(r, &[], false)?;
    let loss = t.add(error, alike)?;
    let gradients = t.gradient(loss, &[logits, scale])?;
    let (gradients, _) = clip_by_global_norm(&mut t, &gradients, 1.0)?;
    let rate = Schedule::Cosine { start: 0.1, end: 0.01, steps: 100 };
    Adam::decoupled(rate).apply(&mut t, &[(logits, gradients[0]), (scale, gradients[1])])?;
    t.keep_last("losses", loss, 100)?;
    Ok(Training { tape: t, series, noise })
}

fn compiled(device: &Device, seed: u64) -> (Program, Var) {
    let Training { tape, series, noise } = training(seed).unwrap();
    let mut program = device.compile(&tape, &[noise]).unwrap();
    let wave = |i: usize| ((i / TIME % 4) as f32 + (i % TIME) as f32 * 0.5).sin();
    let data = HostTensor::f32([VERTICES, TIME], (0..VERTICES * TIME).map(wave).collect()).unwrap();
    program.write(series, &data).unwrap();
    (program, noise)
}

fn steps(program: &mut Program, n: usize) {
    // Several steps to a submission and one at a time are the same.
    program.steps(n / 2).unwrap();
    (n / 2..n).for_each(|_| program.step().unwrap());
}

/// Every bit of every state.
fn bits(state: &State) -> BTreeMap<String, Vec<u64>> {
    let value = |name: String| {
        let bits = state.read(&name).unwrap().to_f64_vec().into_iter().map(f64::to_bits).collect();
        (name, bits)
    };
    state.names().into_iter().map(value).collect()
}

/// The whole promise, on devices made afresh by `device`.
fn repeats(name: &str, device: impl Fn() -> Device) {
    let whole = device();
    let (mut first, noise) = compiled(&whole, 7);
    steps(&mut first, 100);
    let expected = bits(first.state());
    assert_eq!(
        expected.keys().map(String::as_str).collect::<Vec<_>>(),
        ["logits", "logits.adam.m", "logits.adam.v", "losses", "scale", "scale.adam.m", "scale.adam.v", "step"]
    );
    let losses = first.state().read("losses").unwrap().to_f64_vec();
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    assert!(mean(&losses[80..]) < 0.9 * mean(&losses[..20]), "this is no training: {losses:?}");

    let (mut again, _) = compiled(&whole, 7);
    steps(&mut again, 100);
    assert_eq!(bits(again.state()), expected, "{name}: twice");
    let (mut other, _) = compiled(&whole, 8);
    steps(&mut other, 100);
    assert_ne!(bits(other.state())["logits"], expected["logits"], "{name}: the seed is of no consequence");
    let drawn = first.read(noise).unwrap();
    first.step().unwrap();
    assert_ne!(first.read(noise).unwrap(), drawn, "{name}: a step draws what the last one drew");

    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("determinism-{name}.safetensors"));
    let (mut half, _) = compiled(&device(), 7);
    steps(&mut half, 50);
    half.state().save(&path, &[&half]).unwrap();
    drop(half);
    let (mut resumed, _) = compiled(&device(), 7);
    let found = resumed.state().load(&path, &[&resumed]).unwrap();
    assert_eq!(found.device(), whole.name());
    steps(&mut resumed, 50);
    assert_eq!(bits(resumed.state()), expected, "{name}: interrupted and resumed");
}

#[test]
fn on_a_gpu() {
    repeats("gpu", gpu);
}

#[test]
fn on_the_host() {
    repeats("host", Device::cpu);
}

#[test]
fn on_the_oracle() {
    repeats("oracle", Device::oracle);
}

const DEPTH: usize = 24;
const WIDTH: usize = 32;

/// A deep chain, its layers recorded in segments of `segment` layers that are recomputed, or all kept.
fn deep(segment: Option<usize>) -> Result<(Tape, Vec<Var>)> {
    let mut t = Tape::new();
    let mut weights = Vec::new();
    for i in 0..DEPTH {
        weights.push(t.parameter(&format!("w{i}"), [WIDTH, WIDTH], Init::glorot(WIDTH, WIDTH, 3, i as u32))?);
    }
    let wave = (0..4 * WIDTH * WIDTH).map(|i| (i as f32 * 0.37).sin()).collect();
    let mut h = t.constant(HostTensor::f32([4 * WIDTH, WIDTH], wave)?)?;
    let layers = |t: &mut Tape, mut h: Var, weights: &[Var]| {
        for &w in weights {
            let product = t.matmul(h, w)?;
            h = t.tanh(product)?;
        }
        Ok(h)
    };
    for chunk in weights.chunks(segment.unwrap_or(DEPTH)) {
        h = if segment.is_some() { t.checkpoint(|t| layers(t, h, chunk))? } else { layers(&mut t, h, chunk)? };
    }
    let square = t.square(h)?;
    let loss = t.mean(square, &[], false)?;
    let gradients = t.gradient(loss, &weights)?;
    // Assigned, not kept as outputs: what stays in memory is then what the reverse sweep needs.
    for (&w, g) in weights.iter().zip(gradients) {
        let step = t.scale(g, -0.1)?;
        let new = t.add(w, step)?;
        t.assign(w, new)?;
    }
    Ok((t, vec![loss]))
}

#[test]
fn recomputation_changes_memory_and_nothing_else() {
    let ((kept, kept_loss), (made_anew, anew_loss)) = (deep(None).unwrap(), deep(Some(5)).unwrap());
    for device in [Device::cpu(), Device::oracle()] {
        let train = |tape: &Tape, loss: &[Var]| {
            let mut program = device.compile(tape, loss).unwrap();
            program.steps(2).unwrap();
            (program.read(loss[0]).unwrap(), bits(program.state()))
        };
        assert_eq!(train(&kept, &kept_loss), train(&made_anew, &anew_loss));
    }
    let plan = |tape: &Tape, loss: &[Var]| Plan::new(tape, loss, &Target::portable()).unwrap();
    let (kept, made_anew) = (plan(&kept, &kept_loss), plan(&made_anew, &anew_loss));
    println!("{:?}, recomputed {:?}", kept.memory, made_anew.memory);
    assert!(made_anew.steps.len() > kept.steps.len());
    assert!(made_anew.memory.lower_bound < kept.memory.lower_bound * 6 / 10);
    assert!(made_anew.memory.planned < kept.memory.planned * 6 / 10);
}
