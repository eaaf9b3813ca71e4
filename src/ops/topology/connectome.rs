//! From series to the births and deaths of their absolute correlations in one op. The product keeps the best edge of each part of a row
//! as it makes it, so that Borůvka's first round reads those instead of the matrix; and magnitudes are taken where weights are read, so
//! that |r| is never stored.

use super::{BirthDeath, Decompose, Weights, edges_cotangent, lower_decompose, tree};
use crate::kernel::Lowering;
use crate::ops::case::{Case, Draw, f32s};
use crate::ops::covariance::{correlated, correlation_cotangent, infer_correlation, lower_correlation};
use crate::ops::work::{Instance, Work};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, TensorType, real_inputs};
use crate::{Error, Result};
use std::sync::Arc;

/// x `[.., n, time]` → births, deaths and edges of |r|; r `[.., n, n]`, u `[.., n, time]` standardised rows, s `[.., n]` their scales.
#[derive(Debug, Clone, Copy)]
struct Connectome;

const NAME: &str = "connectome_birth_death";

impl Op for Connectome {
    fn key(&self) -> OpKey {
        OpKey::new(NAME)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let named = |e| if let Error::Op { what, .. } = e { Error::op(NAME, what) } else { e };
        let correlated = infer_correlation(inputs[0]).map_err(named)?;
        Ok([Decompose.infer(&correlated[..1]).map_err(named)?, correlated].concat())
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let made = correlated(&inputs[0])?;
        let shape = made[0].shape();
        let w = real_inputs!(inputs, R => HostTensor::real(shape, made[0].elements::<R>()?.iter().map(|r| r.abs()).collect()))?;
        Ok([Decompose.evaluate(&[w])?, made].concat())
    }

    /// Every edge has the cotangent of its rank, with the sign of its correlation.
    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let [edges, r, u, s] = [2, 3, 4, 5].map(|i| cx.output(i));
        let of = [cx.cotangent_or_zeros(0)?, cx.cotangent_or_zeros(1)?];
        let own = cx.cotangent(3);
        if cx.cotangent(4).is_some() || cx.cotangent(5).is_some() {
            return Err(Error::NotDifferentiable { op: NAME.into(), why: "rows and scales have no reverse rule; use standardise".into() });
        }
        let tape = cx.tape();
        let shape = tape.shape(r);
        let g = edges_cotangent(tape, of, edges, shape)?;
        let sign = tape.sign(r)?;
        let mut g = tape.mul(g, sign)?;
        if let Some(own) = own {
            g = tape.add(g, own)?;
        }
        Ok(vec![Some(correlation_cotangent(tape, g, u, s)?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [births, deaths, edges, r, u, s] = [0, 1, 2, 3, 4, 5].map(|i| cx.output(i));
        let [graphs, n] = super::extents(cx.ty(r));
        let contracts = tree::contracts(cx.target(), n);
        let best = lower_correlation(cx, cx.input(0), [r, u, s], contracts)?;
        lower_decompose(cx, Weights { buffer: r, absolute: true, best }, [graphs, n], [births, deaths, edges])
    }
}

/// # Births and deaths of a connectome of series
impl Tape {
    /// The functional connectome of x `[.., nodes, samples]`, of activations over stimuli say, by its topology: r, Pearson's correlations
    /// `[.., nodes, nodes]`, and the births and deaths of the graph of their magnitudes |r|. These are the results of
    /// [`Tape::absolute_correlation`] and then [`Tape::birth_death`], without |r|.
    ///
    /// # Errors
    /// As [`Tape::correlation`] and [`Tape::birth_death`].
    pub fn connectome_birth_death(&mut self, x: Var) -> Result<(Var, BirthDeath)> {
        let made = self.record(Arc::new(Connectome), &[x])?;
        Ok((made[3], BirthDeath { births: made[0], deaths: made[1], edges: made[2] }))
    }
}

pub(super) fn cases() -> Vec<Case> {
    let lists = |t: &mut Tape, x: &[Var]| {
        let (r, made) = t.connectome_birth_death(x[0])?;
        Ok(vec![made.births, made.deaths, r])
    };
    let mut cases = Vec::new();
    for shape in [[1, 2, 7], [2, 3, 23], [3, 7, 65], [1, 13, 40], [2, 31, 33], [1, 65, 63]] {
        // As near as correlations are: where two change places, each list has the one for the other.
        let case = Case::new(NAME, vec![f32s(shape, Draw::Normal)], lists).within(1e-6, 5e-6);
        // Among hundreds of correlations some lie closer than a step of finite differences is long.
        cases.push(if shape[1] > 13 { case.forward_only() } else { case });
    }
    // A third of the rows constant: 0 to all others, ties without a slope.
    cases.push(Case::new(NAME, vec![f32s([2, 8, 33], Draw::Series)], lists).within(1e-6, 5e-6).forward_only());
    cases
}

pub(super) fn work() -> Work {
    let shapes = [[4, 64, 100], [1, 1000, 400], [1, 5000, 600]];
    let made = |s: [usize; 3]| {
        Instance::new(vec![f32s(s, Draw::Normal)], |t, x| {
            let (_, made) = t.connectome_birth_death(x[0])?;
            Ok(vec![made.births, made.deaths])
        })
    };
    Work::new(NAME, shapes.map(made))
}
