//! e_ij = Σ_f a_f φ(u_if + v_jf): a number for each pair.

use super::activation::{Body, Phi};
use super::sum::{PairSum, Weights};
use super::{ACTIVATION, FALSE_TRUE, FEATURES, PairActivation, VARIANTS, expect, features, nodes, pairs, variant};
use crate::kernel::{Algorithms, Binding, Choice, Lowering, Params, Source, kernel_source};
use crate::ops::reduce::tree_sum_of;
use crate::ops::shape::lower_set;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result, Shape};

pub(in crate::ops) static PAIR_DOT: Source =
    kernel_source!("message/pair_dot").with_variants(&VARIANTS).with_choices(&[ACTIVATION, FEATURES]);

pub(in crate::ops) static PAIR_DOT_TILE: Source =
    kernel_source!("message/pair_dot_tile").with_choices(&[ACTIVATION, Choice::Constant("BY_RECEIVER", FALSE_TRUE)]);

/// Receivers, and senders, of a tile.
const TILE: usize = 64;

/// The algorithms that make scores, and the rule that chooses one. Workgroup memory is no gain on a software adapter.
pub(in crate::ops) static DOT: Algorithms = Algorithms {
    name: "message/pairwise_dot",
    all: &[("pairs", "message/pair_dot"), ("tiles", "message/pair_dot_tile")],
    classes: &["many", "few"],
    rule: |target, class| if target.software || class == "few" { "pairs" } else { "tiles" },
};

/// (u, v, a) → e: `[batch, k, receivers, senders]` of weights a `[k, features]`; or, where each receiver has weights of its own
/// `[batch, receivers, features]`, `[batch, receivers, senders]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairDot {
    pub(super) activation: PairActivation,
    pub(super) by_receiver: bool,
}

/// PairExtents: batch, heads, receivers, senders, features.
struct PairExtents([usize; 5]);

impl PairDot {
    fn extents(&self, [u, v, a]: [TensorType; 3]) -> Result<PairExtents> {
        let [batch, n, m, f] = pairs("pairwise_dot", u, v)?;
        if self.by_receiver {
            expect("pairwise_dot", "the weights", a, [batch, n, f])?;
            return Ok(PairExtents([batch, 1, n, m, f]));
        }
        match *a.shape {
            [k, g] if g == f && k > 0 => expect("pairwise_dot", "the weights", a, [k, f])?,
            _ => return Err(Error::op("pairwise_dot", format!("the weights must be f32 [k, {f}], found {a}"))),
        }
        Ok(PairExtents([batch, a.shape[0], n, m, f]))
    }

    fn output(&self, PairExtents([batch, k, n, m, _]): &PairExtents) -> Shape {
        if self.by_receiver { Shape::from([*batch, *n, *m]) } else { Shape::from([*batch, *k, *n, *m]) }
    }

    /// From one head's weights to the next's, and from one receiver's, over all batches, to the next's: in elements.
    fn strides(&self, f: usize) -> [usize; 2] {
        if self.by_receiver { [0, f] } else { [f, 0] }
    }

    fn run<R: Real>(&self, x: &[HostTensor]) -> Result<HostTensor> {
        let extents = self.extents([x[0].ty(), x[1].ty(), x[2].ty()])?;
        let (u, v, a) = (x[0].elements::<R>()?, x[1].elements::<R>()?, x[2].elements::<R>()?);
        let e = Phi::value(self.activation).with(Dots { u, v, a, extents: extents.0, strides: self.strides(extents.0[4]) });
        HostTensor::real(self.output(&extents), e)
    }
}

struct Dots<'a, R> {
    u: &'a [R],
    v: &'a [R],
    a: &'a [R],
    extents: [usize; 5],
    strides: [usize; 2],
}

impl<R: Real> Body<R> for Dots<'_, R> {
    type Made = Vec<R>;

    fn run(self, phi: impl Fn(R) -> R + Copy + Sync) -> Vec<R> {
        let [batch, k, n, m, f] = self.extents;
        let mut e = buffer(batch * k * n * m);
        parallel::rows(&mut e, m, 4 * m * f, |row, e| {
            let (b, head, i) = (row / (k * n), row / n % k, row % n);
            let u = &self.u[(b * n + i) * f..][..f];
            let a = &self.a[head * self.strides[0] + (b * n + i) * self.strides[1]..][..f];
            for (j, e) in e.iter_mut().enumerate() {
                let v = &self.v[(b * m + j) * f..][..f];
                *e = tree_sum_of([u, v, a], |[u, v, a]| a * phi(u + v));
            }
        });
        e
    }
}

impl Op for PairDot {
    fn key(&self) -> OpKey {
        OpKey::of("pairwise_dot", self)
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        let extents = self.extents([x[0], x[1], x[2]])?;
        Ok(vec![TensorType::f32(self.output(&extents))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        if self.by_receiver {
            return Err(Error::NotDifferentiable {
                op: "pairwise_dot".into(),
                why: "it is a reverse rule itself; for a second derivative compose add, the activation, mul and sum".into(),
            });
        }
        let (u, v, a, g) = (cx.input(0), cx.input(1), cx.input(2), cx.cotangent_or_zeros(0)?);
        let wanted = [0, 1, 2].map(|i| cx.wanted(i));
        let tape = cx.tape();
        let towards = |transposed| PairSum { phi: Phi::slope(self.activation), transposed, weights: Weights::Shared };
        let du = if wanted[0] { Some(tape.record_one(towards(false), &[g, u, v, a])?) } else { None };
        let dv = if wanted[1] { Some(tape.record_one(towards(true), &[g, v, u, a])?) } else { None };
        let da = if wanted[2] { Some(self.weights_cotangent(tape, [u, v, g])?) } else { None };
        Ok(vec![du, dv, da])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let PairExtents([batch, k, n, m, f]) = self.extents([0, 1, 2].map(|i| cx.ty(cx.input(i))))?;
        if n * m * f == 0 {
            return lower_set(cx, cx.output(0), 0);
        }
        let phi = Phi::value(self.activation);
        let results = batch * k * n * m;
        let (variant, class) = variant(&PAIR_DOT, cx, results, 16);
        // A hidden state is made once and weighted for each head.
        let flops = (2 + 2 * k) as f64 * (batch * n * m) as f64 * f as f64;
        let bindings = [0, 1, 2].map(|i| Binding::read(cx.input(i))).into_iter().chain([Binding::write(cx.output(0))]).collect();
        let params = |units: usize, width: usize| {
            let [by_head, by_receiver] = self.strides(f / width);
            let words = [units, k, n, m, f / width, by_head, by_receiver];
            words.into_iter().fold(Params::new(), Params::u32).f32(phi.leak())
        };
        if f.is_multiple_of(4) && DOT.choose(cx.target(), class) == "tiles" {
            let units = batch * k * n.div_ceil(TILE) * m.div_ceil(TILE);
            cx.check_iterations(f + f / 16)?;
            let kernel = cx.kernel(&PAIR_DOT_TILE, &[phi.code(), self.by_receiver.into()]).for_class(class);
            return cx.dispatch(kernel, bindings, params(units, 4), units, flops);
        }
        let (wide, width) = features(f);
        cx.check_iterations(f / width + f / 64)?;
        let edge = variant.constant("EDGE").unwrap_or(1);
        let units = batch * k * n.div_ceil(edge) * m.div_ceil(edge);
        let kernel = PAIR_DOT.kernel(variant, &[phi.code(), wide]).for_class(class);
        cx.dispatch(kernel, bindings, params(units, width), units.div_ceil(64), flops)
    }
}

impl PairDot {
    /// Σ over batches and pairs of g_kij φ(u_i + v_j), head by head: `[k, features]`.
    fn weights_cotangent(&self, tape: &mut Tape, [u, v, g]: [Var; 3]) -> Result<Var> {
        let op = PairSum { phi: Phi::value(self.activation), transposed: false, weights: Weights::None };
        let [batch, k, n, m] = [0, 1, 2, 3].map(|i| tape.shape(g)[i]);
        let f = nodes("pairwise_dot", "the receivers", tape.ty(u))?[2];
        let mut heads = Vec::with_capacity(k);
        for head in 0..k {
            let z = tape.slice(g, 1, head, head + 1, 1)?;
            let z = tape.reshape(z, [batch, n, m])?;
            let sums = tape.record_one(op, &[z, u, v])?;
            let sum = tape.sum(sums, &[0, 1], false)?;
            heads.push(tape.reshape(sum, [1, f])?);
        }
        if let [one] = heads[..] { Ok(one) } else { tape.concatenate(&heads, 0) }
    }
}

/// # Messages between all pairs: scores
impl Tape {
    /// e_kij = Σ_f a_kf act(u_if + v_jf) for every pair of a receiver i and a sender j: u `[batch, receivers, features]`, v `[batch, senders,
    /// features]`, a `[k, features]`, e `[batch, k, receivers, senders]`. Logits of k edge types in neural relational inference (Kipf et
    /// al. 2018), scores of GATv2 (Brody, Alon & Yahav 2022). Nothing of size pairs × features is made, in reverse neither.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn pairwise_dot(&mut self, u: Var, v: Var, a: Var, activation: PairActivation) -> Result<Var> {
        self.record_one(PairDot { activation, by_receiver: false }, &[u, v, a])
    }
}
