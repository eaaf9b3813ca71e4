//! Expected values, and the graphs to which they belong.

use crate::common::golden::numbers;
use serde_json::Value;
use tapetum::HostTensor;
use tapetum::topology::Diagrams;
use tapetum::{Device, Result, Tape, TensorType, Var};

pub fn golden(name: &str) -> Value {
    let text = include_str!("../goldens/topology.json");
    let all: Value = serde_json::from_str(text).unwrap();
    all[name].clone()
}

pub fn whole(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|x| x as usize).collect()
}

pub fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn by(way: &str, gpu: &Device) -> Device {
    gpu.with_variants([("topology/tree".to_owned(), way.to_owned())])
}

/// The same, by Prim's algorithm whatever the size.
pub fn growing(gpu: &Device) -> Device {
    by("prim", gpu)
}

/// The same, by Borůvka's.
pub fn contracting(gpu: &Device) -> Device {
    by("boruvka", gpu)
}

/// The weight of an edge: noise in [0, 1) from a hash of its index, rounded to `levels` levels, as in make_topology.py.
fn weight(index: u32, seed: u32, levels: u64) -> f32 {
    let mut h = index.wrapping_mul(0x9E37_79B9).wrapping_add(seed.wrapping_mul(0x85EB_CA6B));
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    h ^= h >> 16;
    ((u64::from(h >> 8) * levels) >> 24) as f32 / levels as f32
}

pub fn graph(n: usize, seed: usize, levels: u64) -> Vec<f32> {
    let entry = |at: usize| {
        let (i, j) = ((at / n).min(at % n), (at / n).max(at % n));
        if i == j { 0.0 } else { weight((i * n + j) as u32, seed as u32, levels) }
    };
    (0..n * n).map(entry).collect()
}

/// Graphs of noise, one for each seed.
pub fn stack(n: usize, seeds: &[usize]) -> HostTensor {
    HostTensor::f32([seeds.len(), n, n], seeds.iter().flat_map(|&s| graph(n, s, 1 << 24)).collect()).unwrap()
}

pub fn diagrams(n: usize, seeds: &[usize]) -> Diagrams {
    Diagrams::new(&Device::cpu(), &stack(n, seeds)).unwrap()
}

/// The results of the ops that `build` records, run on the graphs `inputs`.
pub fn run(device: &Device, inputs: &[HostTensor], build: impl Fn(&mut Tape, &[Var]) -> Result<Vec<Var>>) -> Result<Vec<HostTensor>> {
    let mut tape = Tape::new();
    let named = |tape: &mut Tape, i: usize, ty: TensorType| tape.input(&format!("graphs {i}"), ty);
    let vars = inputs.iter().enumerate().map(|(i, t)| named(&mut tape, i, t.ty())).collect::<Result<Vec<_>>>()?;
    let outputs = build(&mut tape, &vars)?;
    device.compile(&tape, &outputs)?.run(&vars.into_iter().zip(inputs).collect::<Vec<_>>())
}
