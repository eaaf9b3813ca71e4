//! What the layers and losses are held to: as the ops', see [`crate::ops::case`].

use super::{Activation, BatchNorm, LayerNorm, Linear, RmsNorm};
use crate::Result;
use crate::ops::case::{Case, Draw, f32s, i32s};
use crate::tape::{Tape, Var};

/// What every layer is held to.
pub fn cases() -> Vec<Case> {
    [layers(), losses(), super::image::cases()].concat().into_iter().map(Case::composed).collect()
}

type Operands = Vec<(crate::TensorType, Draw)>;

fn one(name: &str, operands: Operands, build: impl Fn(&mut Tape, &[Var]) -> Result<Var> + Send + Sync + 'static) -> Case {
    Case::new(name, operands, move |t, x| Ok(vec![build(t, x)?])).within(5e-6, 1e-5)
}

fn normal(shape: impl Into<crate::Shape>) -> (crate::TensorType, Draw) {
    f32s(shape, Draw::Normal)
}

fn layers() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, rows, inputs, outputs] in [[1, 2, 1, 1], [2, 7, 5, 3], [1, 65, 7, 9]] {
        let operands = vec![normal([batch, rows, inputs]), normal([outputs, inputs]), normal([outputs])];
        cases.push(one("linear", operands, |t, x| Linear { weight: x[1], bias: Some(x[2]) }.apply(t, x[0])));
        let rows = || vec![normal([batch, rows, inputs]), normal([inputs]), normal([inputs])];
        cases.push(one("batch_norm", rows(), |t, x| {
            let features = t.shape(x[1]);
            let running = [t.full(features, 0.2)?, t.full(features, 1.3)?];
            BatchNorm { gain: x[1], shift: x[2], running, training: false }.apply(t, x[0])
        }));
        cases.push(one("batch_norm in training", rows(), |t, x| {
            let ty = t.ty(x[1]);
            let running = [t.state("mean", ty, crate::Init::Zeros)?, t.state("variance", ty, crate::Init::Full(1.0))?];
            BatchNorm { gain: x[1], shift: x[2], running, training: true }.apply(t, x[0])
        }));
        cases.push(one("layer_norm", rows(), |t, x| LayerNorm { gain: x[1], shift: x[2] }.apply(t, x[0])));
        cases.push(one("rms_norm", rows(), |t, x| RmsNorm { gain: x[1] }.apply(t, x[0])));
    }
    cases.push(one("silu", vec![normal([3, 65])], |t, x| Activation::Silu.apply(t, x[0])));
    cases
}

fn losses() -> Vec<Case> {
    let mut cases = Vec::new();
    for [rows, n] in [[1, 7], [3, 65]] {
        let two = || vec![normal([rows, n]), normal([rows, n])];
        cases.push(one("mean_squared_error", two(), |t, x| t.mean_squared_error(x[0], x[1])));
        cases.push(one("huber", two(), |t, x| t.huber(x[0], x[1], 0.8)));
        cases.push(one("binary_cross_entropy", two(), |t, x| t.binary_cross_entropy(x[0], x[1])));
        let spread = two().into_iter().chain([f32s([rows, n], Draw::Uniform(0.2, 2.0))]).collect();
        cases.push(one("gaussian_nll", spread, |t, x| t.gaussian_nll(x[0], x[1], x[2])));
    }
    for (rows, classes) in [(1, 2), (7, 5), (65, 3)] {
        // Some labels are no class.
        let labels = || vec![normal([rows, classes]), i32s([rows], Draw::Index(classes as u32)), f32s([classes], Draw::Uniform(0.5, 2.0))];
        cases.push(one("cross_entropy", labels(), |t, x| t.cross_entropy(x[0], x[1], None, 0.0)));
        cases.push(one("cross_entropy weighted and smooth", labels(), |t, x| t.cross_entropy(x[0], x[1], Some(x[2]), 0.1)));
    }
    cases
}
