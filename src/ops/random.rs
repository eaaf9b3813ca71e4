//! Random tensors: Philox4x32-10 of (seed, stream, step, element), new at every step, the same on every device.

use super::Family;
use super::case::Case;
use super::work::{Instance, Work};
use crate::kernel::common::{FLAT_NUMBERS, PHILOX, flat_groups, flat_width};
use crate::kernel::{Binding, Choice, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, Philox, TensorType, buffer, parallel};
use crate::{Error, Result, Shape};

pub(super) static FAMILY: Family = Family { sources: &[&RANDOM], cases, works };

pub(super) static RANDOM: Source =
    kernel_source!("random/random").with_variants(&PHILOX).with_choices(&[Choice::Constant("KIND", &["0", "1", "2"]), FLAT_NUMBERS]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Distribution {
    Uniform,
    Normal,
    Gumbel,
}

/// A draw a step.
#[derive(Debug, Clone, Copy)]
struct Random {
    distribution: Distribution,
    shape: Shape,
    seed: u64,
    stream: u32,
}

impl Op for Random {
    fn key(&self) -> OpKey {
        OpKey::of("random", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        if inputs != [TensorType::u32([1])] {
            return Err(Error::op("random", "the step counter u32[1] expected"));
        }
        Ok(vec![TensorType::f32(self.shape)])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let step = inputs[0].as_u32().and_then(|s| s.first()).copied().unwrap_or(0);
        let draws = Philox::new(self.seed, self.stream, step);
        let draw = |i: usize| match self.distribution {
            Distribution::Uniform => draws.uniform(i),
            Distribution::Normal => draws.normal(i) as f32,
            Distribution::Gumbel => {
                let u = (f64::from(draws.word(i) >> 9) + 0.5) / 8_388_608.0;
                -(-u.ln()).ln() as f32
            }
        };
        let mut y = buffer(self.shape.elements());
        parallel::parts(&mut y, 1, |start, part| part.iter_mut().zip(start..).for_each(|(y, i)| *y = draw(i)));
        Ok(vec![HostTensor::f32(self.shape, y)?])
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Ok(vec![None])
    }

    fn draw_counter(&self) -> Option<usize> {
        Some(0)
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let n = self.shape.elements();
        let params = Params::new().u32(n).u32(self.seed as usize).u32((self.seed >> 32) as usize).u32(self.stream as usize);
        let kernel = cx.kernel(&RANDOM, &[self.distribution as usize, flat_width(&[n]).0]);
        let bindings = vec![Binding::read(cx.input(0)), Binding::write(cx.output(0))];
        // Of the floating part alone: the bits are drawn by whole-number work. A pair of normal draws shares a radius and an angle.
        let flops = match self.distribution {
            Distribution::Uniform => n,
            Distribution::Normal => 6 * n.div_ceil(2) + 2 * n,
            Distribution::Gumbel => 6 * n,
        };
        cx.dispatch(kernel, bindings, params, flat_groups(n), flops as f64)
    }
}

/// # Random draws
impl Tape {
    /// Uniform on [0, 1), drawn anew at every step.
    ///
    /// # Errors
    /// Where the name of the step counter is taken; so for every distribution.
    pub fn random_uniform(&mut self, shape: impl Into<Shape>, seed: u64, stream: u32) -> Result<Var> {
        self.random(Distribution::Uniform, shape.into(), seed, stream)
    }

    /// Standard normal, drawn anew at every step.
    pub fn random_normal(&mut self, shape: impl Into<Shape>, seed: u64, stream: u32) -> Result<Var> {
        self.random(Distribution::Normal, shape.into(), seed, stream)
    }

    /// Standard Gumbel, −ln(−ln u), drawn anew at every step.
    pub fn random_gumbel(&mut self, shape: impl Into<Shape>, seed: u64, stream: u32) -> Result<Var> {
        self.random(Distribution::Gumbel, shape.into(), seed, stream)
    }

    fn random(&mut self, distribution: Distribution, shape: Shape, seed: u64, stream: u32) -> Result<Var> {
        let step = self.draw_counter()?;
        self.record_one(Random { distribution, shape, seed, stream }, &[step])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in [1, 7, 256, 257, 1028] {
        cases.push(
            Case::new("random_uniform", vec![], move |t, _| Ok(vec![t.random_uniform([n], 1 << 40, 3)?])).within(0.0, 0.0).forward_only(),
        );
        cases.push(Case::new("random_normal", vec![], move |t, _| Ok(vec![t.random_normal([n], 5, 0)?])).within(5e-6, 0.0).forward_only());
        cases.push(Case::new("random_gumbel", vec![], move |t, _| Ok(vec![t.random_gumbel([n], 6, 1)?])).within(2e-6, 0.0).forward_only());
    }
    cases
}

pub(super) fn works() -> Vec<Work> {
    let work = |name, draw: fn(&mut Tape, usize) -> Result<Var>| {
        Work::new(name, [1 << 10, 1 << 20, 1 << 24].map(|n| Instance::new(vec![], move |t, _| Ok(vec![draw(t, n)?])))).forward_only()
    };
    vec![
        work("random_uniform", |t, n| t.random_uniform([n], 1, 0)),
        work("random_normal", |t, n| t.random_normal([n], 1, 0)),
        work("random_gumbel", |t, n| t.random_gumbel([n], 1, 0)),
    ]
}
