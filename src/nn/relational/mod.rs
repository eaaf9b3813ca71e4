//! Neural relational inference (Kipf, Fetaya, Wang, Welling & Zemel 2018, arXiv 1802.04687): interactions between nodes are inferred from
//! their trajectories, as the edge types under which a decoder predicts the trajectories best.

mod decoder;
mod encoder;

pub use decoder::{RelationalDecoder, RelationalRecurrentDecoder};
pub use encoder::{RelationalCnnEncoder, RelationalEncoder};

use super::{Forcing, Parameters, RollOut};
use crate::Result;
use crate::ops::case::{Case, Draw, f32s};
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};

/// A mask with 1 for every pair of two different nodes, `[nodes, nodes]`.
fn others(tape: &mut Tape, nodes: usize) -> Result<Var> {
    let weight = |at: usize| if at / nodes == at % nodes { 0.0 } else { 1.0 };
    tape.constant(crate::HostTensor::f32([nodes, nodes], (0..nodes * nodes).map(weight).collect())?)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.push(one("relational_encoder", vec![normal([2, 3, 5])], |t, x| {
        RelationalEncoder::new(t, &mut Parameters::new(9), "encoder", [5, 4, 2])?.forward(t, x[0])
    }));
    cases.push(one("relational_cnn_encoder", vec![normal([2, 3, 2, 15])], |t, x| {
        RelationalCnnEncoder::new(t, &mut Parameters::new(10), "encoder", [2, 3, 2])?.forward(t, x[0])
    }));
    let states = |batch, nodes| vec![normal([batch, nodes, 3]), f32s([batch, nodes, nodes, 2], Draw::Weights)];
    for (batch, nodes) in [(1, 1), (2, 5)] {
        cases.push(one("relational_decoder", states(batch, nodes), |t, x| {
            RelationalDecoder::new(t, &mut Parameters::new(11), "decoder", [3, 4, 2])?.step(t, x[0], x[1])
        }));
        cases.push(one("relational_recurrent_decoder", states(batch, nodes), |t, x| {
            let decoder = RelationalRecurrentDecoder::new(t, &mut Parameters::new(12), "decoder", [3, 4, 2])?;
            let rest = decoder.rest(t, x[0])?;
            let roll = RollOut { steps: 3, forcing: Forcing::Every(2), recompute: true };
            let (made, _) = roll.carried(t, x[0], rest, &[x[0], x[0]], |t, x0, hidden, _| decoder.step(t, x0, hidden, x[1]))?;
            t.concatenate(&made, -1)
        }));
    }
    cases
}
