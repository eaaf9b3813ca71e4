//! s_ih = Σ_j z_ij φ₂(Σ_f w_hf φ₁(u_if + v_jf) + b_h): a message for each node, of an edge network of two layers. Tiles of pairs by outputs
//! are made and summed where they are computed; in reverse they are made anew.

mod blocks;
mod host;
mod lower;

pub(in crate::ops) use lower::{PAIR_MLP, PAIR_MLP_NODES, PAIR_MLP_SLOPES, PAIR_MLP_SUMS};

use super::{PairActivation, expect, pairs};
use crate::kernel::Lowering;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, Real, TensorType, real_inputs};
use crate::{Error, Result};
use host::Operands;

const OP: &str = "pairwise_mlp";

/// (z, u, v, w, b) → s, features and outputs by fours.
#[derive(Debug, Clone, Copy)]
struct PairMlp {
    activations: [PairActivation; 2],
}

/// (z, u, v, w, b, g) → the cotangents of z, u, v, w and b, g that of s.
#[derive(Debug, Clone, Copy)]
struct PairMlpReverse {
    activations: [PairActivation; 2],
}

/// The extents of the computation, in elements.
#[derive(Debug, Clone, Copy)]
struct MlpExtents {
    batch: usize,
    receivers: usize,
    senders: usize,
    features: usize,
    outputs: usize,
}

impl MlpExtents {
    /// Of operands, those of the reverse among them.
    fn of(x: &[TensorType]) -> Result<Self> {
        let [batch, receivers, senders, features] = pairs(OP, x[1], x[2])?;
        let [outputs, inputs] = *x[3].shape else {
            return Err(Error::op(OP, format!("the weights must be f32 [outputs, {features}], found {}", x[3])));
        };
        expect(OP, "the weights of pairs", x[0], [batch, receivers, senders])?;
        expect(OP, "the weights", x[3], [outputs, features])?;
        expect(OP, "the bias", x[4], [outputs])?;
        if outputs == 0 || inputs == 0 || !outputs.is_multiple_of(4) || !inputs.is_multiple_of(4) {
            return Err(Error::op(OP, format!("features and outputs by fours expected, found weights {}", x[3])));
        }
        Ok(Self { batch, receivers, senders, features, outputs })
    }

    fn pairs(&self) -> usize {
        self.batch * self.receivers * self.senders
    }
}

fn types(x: &[HostTensor]) -> Vec<TensorType> {
    x.iter().map(HostTensor::ty).collect()
}

impl PairMlp {
    fn run<R: Real>(&self, x: &[HostTensor]) -> Result<HostTensor> {
        let e = MlpExtents::of(&types(x))?;
        let s = Operands::<R>::new(x, e, self.activations)?.messages();
        HostTensor::real([e.batch, e.receivers, e.outputs], s)
    }
}

impl Op for PairMlp {
    fn key(&self) -> OpKey {
        OpKey::of(OP, self)
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        let e = MlpExtents::of(x)?;
        Ok(vec![TensorType::f32([e.batch, e.receivers, e.outputs])])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let g = cx.cotangent_or_zeros(0)?;
        let operands = [cx.inputs(), &[g]].concat();
        let made = cx.tape().record(std::sync::Arc::new(PairMlpReverse { activations: self.activations }), &operands)?;
        Ok(made.into_iter().enumerate().map(|(i, d)| cx.wanted(i).then_some(d)).collect())
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        lower::messages(cx, self.activations)
    }
}

impl PairMlpReverse {
    fn run<R: Real>(&self, x: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let e = MlpExtents::of(&types(x))?;
        let made = Operands::<R>::new(x, e, self.activations)?.cotangents(x[5].elements::<R>()?);
        x.iter().zip(made).map(|(x, d)| HostTensor::real(x.shape(), d)).collect()
    }
}

impl Op for PairMlpReverse {
    fn key(&self) -> OpKey {
        OpKey::of("pairwise_mlp_reverse", self)
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        let e = MlpExtents::of(x)?;
        expect(OP, "the cotangent", x[5], [e.batch, e.receivers, e.outputs])?;
        Ok(x[..5].to_vec())
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs))
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Err(Error::NotDifferentiable {
            op: "pairwise_mlp_reverse".into(),
            why: "it is a reverse rule itself; for a second derivative compose add, the activations, matmul, mul and sum".into(),
        })
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        lower::cotangents(cx, self.activations)
    }
}

/// # Messages between all pairs: edge networks
impl Tape {
    /// s_i = Σ_j z_ij act₂(W act₁(u_i + v_j) + b) over the senders j of every receiver i: z `[batch, receivers, senders]`, u `[batch, receivers,
    /// features]`, v `[batch, senders, features]`, W `[outputs, features]`, b `[outputs]`, s `[batch, receivers, outputs]`. The message of an
    /// edge network of two layers, the first split in its ends (Kipf et al. 2018, eq. 11). Nothing of size pairs × features is kept: in
    /// reverse a few MiB at a time are made anew.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn pairwise_mlp(&mut self, z: Var, [u, v]: [Var; 2], [weight, bias]: [Var; 2], activations: [PairActivation; 2]) -> Result<Var> {
        for (what, x, rank) in [("the receivers", u, 3), ("the senders", v, 3), ("the weights", weight, 2), ("the bias", bias, 1)] {
            self.expect_f32(OP, what, x)?;
            if self.shape(x).rank() != rank {
                return Err(Error::op(OP, format!("{what} must have {rank} axes, found {}", self.ty(x))));
            }
        }
        // Columns and rows of zeros up to a multiple of four: no feature, and outputs that are cut off again.
        let outputs = self.shape(weight)[0];
        let (u, v) = (self.by_fours(u, -1)?, self.by_fours(v, -1)?);
        let weight = self.by_fours(weight, 0)?;
        let (weight, bias) = (self.by_fours(weight, 1)?, self.by_fours(bias, 0)?);
        let s = self.record_one(PairMlp { activations }, &[z, u, v, weight, bias])?;
        if self.shape(s)[2] == outputs { Ok(s) } else { self.slice(s, 2, 0, outputs, 1) }
    }

    /// x with zeros behind it along `axis`, up to a multiple of four.
    fn by_fours(&mut self, x: Var, axis: isize) -> Result<Var> {
        let at = self.axis(OP, x, axis)?;
        let extent = self.shape(x)[at];
        let whole = extent.next_multiple_of(4).max(4);
        if whole == extent { Ok(x) } else { self.pad(x, axis, 0, whole - extent, 0.0) }
    }
}
