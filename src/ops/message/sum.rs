//! s_if = Σ_j z_ij φ(u_if + v_jf): a message for each node.

use super::activation::{Body, Phi};
use super::dot::PairDot;
use super::{ACTIVATION, FALSE_TRUE, FEATURES, PairActivation, VARIANTS, expect, features, pairs, variant};
use crate::kernel::{Binding, Choice, Lowering, Params, Source, kernel_source};
use crate::ops::shape::lower_set;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};

pub(in crate::ops) static PAIR_SUM: Source = kernel_source!("message/pair_sum").with_variants(&VARIANTS).with_choices(&[
    ACTIVATION,
    Choice::Constant("SLOPE", FALSE_TRUE),
    Choice::Constant("WEIGHTED", FALSE_TRUE),
    FEATURES,
]);

/// The factor that multiplies a pair's z, feature by feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weights {
    /// Nothing.
    None,
    /// `[k, features]`: the same for all nodes, summed over the k of z.
    Shared,
    /// `[batch, nodes, features]`: by the node that is summed over.
    Summed,
}

/// (z, u, v, w?) → s `[batch, kept, features]`: s_if = Σ_j (Σ_k z_kij w_kf) φ(u_if + v_jf), u of the nodes kept and v of those summed over.
/// z is `[batch, kept, summed]`, `[batch, k, kept, summed]` where weights are shared, its last two axes the other way where transposed.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairSum {
    pub(super) phi: Phi,
    pub(super) transposed: bool,
    pub(super) weights: Weights,
}

/// The extents of the sum, in elements.
#[derive(Clone, Copy)]
struct SumExtents {
    batch: usize,
    k: usize,
    kept: usize,
    summed: usize,
    features: usize,
}

impl PairSum {
    fn extents(&self, x: &[TensorType]) -> Result<SumExtents> {
        const OP: &str = "pairwise_sum";
        let [batch, kept, summed, features] = pairs(OP, x[1], x[2])?;
        let [rows, cols] = if self.transposed { [summed, kept] } else { [kept, summed] };
        let k = if self.weights == Weights::Shared { x[3].shape[0] } else { 1 };
        match self.weights {
            Weights::None => expect(OP, "the weights of pairs", x[0], [batch, rows, cols])?,
            Weights::Shared => expect(OP, "the weights of pairs", x[0], [batch, k, rows, cols])?,
            Weights::Summed => {
                expect(OP, "the weights of pairs", x[0], [batch, rows, cols])?;
                expect(OP, "the weights of nodes", x[3], [batch, summed, features])?;
            }
        }
        Ok(SumExtents { batch, k, kept, summed, features })
    }

    /// From one kept node to the next in z, and from one summed node to the next.
    fn steps(&self, e: SumExtents) -> [usize; 2] {
        if self.transposed { [1, e.kept] } else { [e.summed, 1] }
    }

    /// From one k to the next in w, and from one summed node to the next.
    fn strides(&self, features: usize) -> [usize; 2] {
        if self.weights == Weights::Summed { [0, features] } else { [features, 0] }
    }

    fn run<R: Real>(&self, x: &[HostTensor]) -> Result<HostTensor> {
        let e = self.extents(&x.iter().map(HostTensor::ty).collect::<Vec<_>>())?;
        let w = x.get(3).map(HostTensor::elements::<R>).transpose()?;
        let (z, u, v) = (x[0].elements::<R>()?, x[1].elements::<R>()?, x[2].elements::<R>()?);
        let s = self.phi.with(Sums { op: self, z, u, v, w, extents: e });
        HostTensor::real([e.batch, e.kept, e.features], s)
    }
}

struct Sums<'a, R> {
    op: &'a PairSum,
    z: &'a [R],
    u: &'a [R],
    v: &'a [R],
    w: Option<&'a [R]>,
    extents: SumExtents,
}

impl<R: Real> Sums<'_, R> {
    /// The weights of a pair, feature by feature.
    fn weigh(&self, scale: &mut [R], w: &[R], b: usize, i: usize, j: usize) {
        let SumExtents { k, kept, summed, features, .. } = self.extents;
        let [by_kept, by_summed] = self.op.steps(self.extents);
        let [by_k, by_node] = self.op.strides(features);
        scale.fill(R::zero());
        for head in 0..k {
            let z = self.z[(b * k + head) * kept * summed + i * by_kept + j * by_summed];
            let w = &w[head * by_k + (b * summed + j) * by_node..][..features];
            scale.iter_mut().zip(w).for_each(|(s, &w)| *s += z * w);
        }
    }
}

impl<R: Real> Body<R> for Sums<'_, R> {
    type Made = Vec<R>;

    fn run(self, phi: impl Fn(R) -> R + Copy + Sync) -> Vec<R> {
        let SumExtents { batch, kept, summed, features: f, .. } = self.extents;
        let [by_kept, by_summed] = self.op.steps(self.extents);
        let mut s = buffer(batch * kept * f);
        parallel::rows(&mut s, f, 4 * summed * f, |row, s| {
            let (b, i) = (row / kept, row % kept);
            let u = &self.u[row * f..][..f];
            let (mut part, mut scale) = (vec![R::zero(); f], vec![R::zero(); f]);
            s.fill(R::zero());
            for first in (0..summed).step_by(64) {
                part.fill(R::zero());
                for j in first..summed.min(first + 64) {
                    let v = &self.v[(b * summed + j) * f..][..f];
                    let terms = part.iter_mut().zip(u).zip(v);
                    if let Some(w) = self.w {
                        self.weigh(&mut scale, w, b, i, j);
                        terms.zip(&scale).for_each(|(((p, &u), &v), &scale)| *p += scale * phi(u + v));
                    } else {
                        let z = self.z[b * kept * summed + i * by_kept + j * by_summed];
                        terms.for_each(|((p, &u), &v)| *p += z * phi(u + v));
                    }
                }
                s.iter_mut().zip(&part).for_each(|(s, &p)| *s += p);
            }
        });
        s
    }
}

impl Op for PairSum {
    fn key(&self) -> OpKey {
        OpKey::of("pairwise_sum", self)
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        let e = self.extents(x)?;
        Ok(vec![TensorType::f32([e.batch, e.kept, e.features])])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        if self.phi.slope || self.transposed || self.weights != Weights::None {
            return Err(Error::NotDifferentiable {
                op: "pairwise_sum".into(),
                why: "it is a reverse rule itself; for a second derivative compose add, the activation, mul and sum".into(),
            });
        }
        let (z, u, v, g) = (cx.input(0), cx.input(1), cx.input(2), cx.cotangent_or_zeros(0)?);
        let wanted = [0, 1, 2].map(|i| cx.wanted(i));
        let (activation, phi) = (self.phi.activation, Phi::slope(self.phi.activation));
        let tape = cx.tape();
        let dz = if wanted[0] { Some(tape.record_one(PairDot { activation, by_receiver: true }, &[u, v, g])?) } else { None };
        let du = if wanted[1] {
            let slopes = tape.record_one(Self { phi, ..*self }, &[z, u, v])?;
            Some(tape.mul(slopes, g)?)
        } else {
            None
        };
        let op = Self { phi, transposed: true, weights: Weights::Summed };
        let dv = if wanted[2] { Some(tape.record_one(op, &[z, v, u, g])?) } else { None };
        Ok(vec![dz, du, dv])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let types: Vec<_> = (0..cx.inputs()).map(|i| cx.ty(cx.input(i))).collect();
        let e = self.extents(&types)?;
        if e.summed * e.features == 0 {
            return lower_set(cx, cx.output(0), 0);
        }
        let weighted = self.weights != Weights::None;
        let (wide, width) = features(e.features);
        cx.check_iterations(e.summed * (1 + usize::from(weighted) * e.k) + e.summed / 64)?;
        let (variant, class) = variant(&PAIR_SUM, cx, e.batch * e.kept * e.features / width, 4);
        let units = e.batch * e.kept.div_ceil(variant.constant("EDGE").unwrap_or(1)) * e.features / width;
        let params = Params::new().u32(units).u32(e.k).u32(e.kept).u32(e.summed).u32(e.features / width);
        let words = self.steps(e).into_iter().chain(self.strides(e.features / width));
        let params = words.fold(params, Params::u32).f32(self.phi.leak());
        // u stands in for the weights that are not there.
        let inputs = [0, 1, 2, if weighted { 3 } else { 1 }].map(|i| Binding::read(cx.input(i)));
        let bindings = inputs.into_iter().chain([Binding::write(cx.output(0))]).collect();
        let kernel = PAIR_SUM.kernel(variant, &[self.phi.code(), self.phi.slope.into(), weighted.into(), wide]).for_class(class);
        let each = if weighted { 4 + 2 * e.k } else { 4 };
        let flops = each as f64 * (e.batch * e.kept * e.summed) as f64 * e.features as f64;
        cx.dispatch(kernel, bindings, params, units.div_ceil(64), flops)
    }
}

/// # Messages between all pairs: sums
impl Tape {
    /// s_if = Σ_j z_ij act(u_if + v_jf) over the senders j of every receiver i: z `[batch, receivers, senders]`, u `[batch, receivers,
    /// features]`, v `[batch, senders, features]`, s `[batch, receivers, features]`. A weight of 0 is no edge; a receiver without edges has
    /// a message of 0. Nothing of size pairs × features is made, in reverse neither.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn pairwise_sum(&mut self, z: Var, u: Var, v: Var, activation: PairActivation) -> Result<Var> {
        self.record_one(PairSum { phi: Phi::value(activation), transposed: false, weights: Weights::None }, &[z, u, v])
    }
}
