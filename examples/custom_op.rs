//! An op of a user's own: its definition, its reverse rule and its WGSL in one place. It is planned and differentiated like the
//! crate's, checked here by finite differences in double precision, and on a GPU against its definition.
//!
//! `cargo run --release --example custom_op`

use tapetum::gpu::Options;
use tapetum::kernel::{Binding, Kernel, Lowering, Params};
use tapetum::tape::{Op, OpKey, Reverse};
use tapetum::tensor::Real;
use tapetum::{Device, Error, HostTensor, Result, Tape, TensorType, Var};

/// `[.., time]` rolled along time, as `numpy.roll`: y[t] = x[(t − by) mod time].
#[derive(Debug, Clone, Copy)]
struct Roll {
    by: isize,
}

/// The WGSL source. Every kernel has its buffers in group 0 and one uniform struct, with one word for each member, in group 1. Workgroups
/// are folded into two dimensions.
const WGSL: &str = "
struct Params {
    elements: u32,
    time: u32,
    by: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + lane;
    if (i >= params.elements) {
        return;
    }
    let t = i % params.time;
    y[i] = x[i - t + (t + params.time - params.by) % params.time];
}
";

impl Roll {
    /// `by`, brought into 0..time.
    fn shift(&self, time: usize) -> usize {
        self.by.rem_euclid(time.max(1) as isize) as usize
    }

    fn define<R: Real>(&self, x: &HostTensor) -> Result<HostTensor> {
        let time = x.shape()[x.shape().rank() - 1];
        let mut y = x.elements::<R>()?.to_vec();
        y.chunks_mut(time.max(1)).for_each(|row| row.rotate_right(self.shift(time)));
        HostTensor::real(x.shape(), y)
    }
}

impl Op for Roll {
    fn key(&self) -> OpKey {
        OpKey::of("roll", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        match inputs {
            [x] if *x == TensorType::f32(x.shape) && x.shape.rank() > 0 => Ok(vec![*x]),
            _ => Err(Error::op("roll", format!("one f32 [.., time] expected, found {inputs:?}"))),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let x = &inputs[0];
        Ok(vec![if x.is_f64() { self.define::<f64>(x)? } else { self.define::<f32>(x)? }])
    }

    /// The transpose of a roll is the roll back.
    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let g = cx.cotangent_or_zeros(0)?;
        Ok(vec![Some(cx.tape().record_one(Self { by: -self.by }, &[g])?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let shape = cx.output_shape(0);
        let (n, time) = (shape.elements(), shape[shape.rank() - 1]);
        let params = Params::new().u32(n).u32(time).u32(self.shift(time));
        let bindings = vec![Binding::read(cx.input(0)), Binding::write(cx.output(0))];
        // Elements are moved, and nothing is computed. A profile holds the time against this.
        let flops = 0.0;
        cx.dispatch(Kernel::new("user/roll", WGSL), bindings, params, n.div_ceil(64), flops)
    }
}

const SHAPE: [usize; 2] = [3, 17];

/// The op mid-graph under a cotangent that differs from element to element: Σ w · tanh(roll(x · x)).
fn tape() -> Result<(Tape, Var, Vec<Var>)> {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32(SHAPE))?;
    let w = t.constant(HostTensor::f32(SHAPE, (0..51).map(|i| (i as f32 * 0.7).cos()).collect())?)?;
    let square = t.mul(x, x)?;
    let rolled = t.record_one(Roll { by: 5 }, &[square])?;
    let bent = t.tanh(rolled)?;
    let weighted = t.mul(w, bent)?;
    let loss = t.sum(weighted, &[], false)?;
    let gradient = t.gradient(loss, &[x])?[0];
    Ok((t, x, vec![loss, gradient]))
}

/// The point at which the gradient is checked.
fn point() -> Vec<f64> {
    (0..51).map(|i| (f64::from(i) * 1.3).sin()).collect()
}

fn main() -> Result<()> {
    let (tape, x, outputs) = tape()?;
    let point = point();
    let mut oracle = Device::oracle().compile(&tape, &outputs)?;
    let mut run = |values: &[f64]| oracle.run(&[(x, &HostTensor::real(SHAPE, values.to_vec())?)]);
    let expected = run(&point)?;

    let gradient = expected[1].to_f64_vec();
    let (h, mut worst) = (1e-6, 0.0f64);
    for i in 0..point.len() {
        let mut loss_at = |offset: f64| {
            let mut moved = point.clone();
            moved[i] += offset;
            run(&moved).map(|out| out[0].to_f64_vec()[0])
        };
        let slope = (loss_at(h)? - loss_at(-h)?) / (2.0 * h);
        worst = worst.max((slope - gradient[i]).abs());
    }
    println!("reverse rule against finite differences: {worst:.1e} at worst");
    if worst > 1e-8 {
        return Err(Error::op("roll", "its reverse rule is wrong"));
    }

    let gpu = Device::gpu(&Options { software: true, ..Options::from_env() })?;
    let single = HostTensor::real(SHAPE, point.iter().map(|&v| v as f32).collect())?;
    let found = gpu.compile(&tape, &outputs)?.run(&[(x, &single)])?;
    let differences = found[1].to_f64_vec().into_iter().zip(gradient).map(|(a, b)| (a - b).abs());
    let worst = differences.fold(0.0, f64::max);
    println!("kernel on {} against the definition: {worst:.1e} at worst", gpu.name());
    if worst > 1e-5 {
        return Err(Error::op("roll", "its kernel is wrong"));
    }
    Ok(())
}
