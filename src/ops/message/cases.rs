//! The cases that check message passing, and the works that time it.

use super::PairActivation;
use crate::ops::case::{Case, Draw, f32s};
use crate::ops::work::{Instance, Work};

const ACTIVATIONS: [PairActivation; 4] = [PairActivation::Relu, PairActivation::LeakyRelu(0.2), PairActivation::Elu, PairActivation::Tanh];

/// Batch, receivers, senders, features and heads: features by fours and not, nodes by fours and not, one of each, none to sum over, and
/// more than a flush of a sum; more than a tile of a GPU.
const SHAPES: [[usize; 5]; 7] =
    [[1, 1, 1, 1, 1], [2, 7, 5, 3, 2], [1, 4, 9, 12, 1], [3, 5, 5, 65, 2], [1, 3, 130, 8, 1], [1, 2, 0, 4, 1], [2, 67, 65, 68, 3]];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (at, [batch, n, m, f, k]) in SHAPES.into_iter().enumerate() {
        for (code, activation) in ACTIVATIONS.into_iter().enumerate() {
            // Every activation on the first shapes, then each on one of the others: kernels differ by no more than it.
            if at > 1 && at % 4 != code {
                continue;
            }
            let node = |nodes: usize| f32s([batch, nodes, f], Draw::Normal);
            let (dot, sum) = (format!("pairwise_dot {activation:?}"), format!("pairwise_sum {activation:?}"));
            let operands = vec![node(n), node(m), f32s([k, f], Draw::Normal)];
            let build = move |t: &mut crate::Tape, x: &[crate::Var]| Ok(vec![t.pairwise_dot(x[0], x[1], x[2], activation)?]);
            cases.push(Case::new(&dot, operands, build).within(5e-6, 1e-5));
            let operands = vec![f32s([batch, n, m], Draw::Weights), node(n), node(m)];
            let build = move |t: &mut crate::Tape, x: &[crate::Var]| Ok(vec![t.pairwise_sum(x[0], x[1], x[2], activation)?]);
            cases.push(Case::new(&sum, operands, build).within(5e-6, 1e-5));
        }
    }
    cases.extend(networks());
    cases
}

/// Batch, receivers, senders, features and outputs of edge networks: one of each, none to sum over, no multiples of four, more than a tile of
/// a GPU, the largest among them; on software adapters, panels of some graphs, and of some pairs of one graph.
const NETWORKS: [[usize; 5]; 10] = [
    [1, 1, 1, 1, 1],
    [2, 7, 5, 7, 3],
    [1, 2, 0, 4, 4],
    [2, 3, 9, 65, 7],
    [1, 5, 70, 8, 65],
    [1, 3, 130, 4, 36],
    [3, 30, 30, 4, 68],
    [1, 45, 47, 8, 68],
    [1, 17, 9, 132, 136],
    [2, 33, 21, 72, 132],
];

fn networks() -> Vec<Case> {
    let pairs = ACTIVATIONS.into_iter().zip(ACTIVATIONS.into_iter().cycle().skip(1));
    // Each activation first and second on a shape, then one on each of the others: they are a parameter of one kernel.
    let small = pairs.clone().map(|pair| (NETWORKS[1], pair));
    let others = NETWORKS.into_iter().zip(pairs.cycle());
    small
        .chain(others)
        .map(|([batch, n, m, f, h], (first, second))| {
            let node = |nodes: usize| f32s([batch, nodes, f], Draw::Normal);
            let weight = f32s([h, f], Draw::Uniform(-0.5, 0.5));
            let operands = vec![f32s([batch, n, m], Draw::Weights), node(n), node(m), weight, f32s([h], Draw::Normal)];
            let build =
                move |t: &mut crate::Tape, x: &[crate::Var]| Ok(vec![t.pairwise_mlp(x[0], [x[1], x[2]], [x[3], x[4]], [first, second])?]);
            Case::new(&format!("pairwise_mlp {first:?} {second:?}"), operands, build).within(5e-6, 1e-5)
        })
        .collect()
}

pub(crate) fn works() -> Vec<Work> {
    // Batch, nodes and features: springs, a hundred neurons, a thousand.
    let sizes = [[4, 5, 32], [32, 100, 64], [16, 1000, 256]];
    let node = |[batch, n, f]: [usize; 3]| f32s([batch, n, f], Draw::Normal);
    let dot = |s: [usize; 3]| {
        let operands = vec![node(s), node(s), f32s([2, s[2]], Draw::Normal)];
        Instance::new(operands, |t, x| Ok(vec![t.pairwise_dot(x[0], x[1], x[2], PairActivation::Relu)?]))
    };
    let sum = |s: [usize; 3]| {
        let operands = vec![f32s([s[0], s[1], s[1]], Draw::Uniform(0.0, 1.0)), node(s), node(s)];
        Instance::new(operands, |t, x| Ok(vec![t.pairwise_sum(x[0], x[1], x[2], PairActivation::Relu)?]))
    };
    let mlp = |s: [usize; 3]| {
        let operands = vec![
            f32s([s[0], s[1], s[1]], Draw::Uniform(0.0, 1.0)),
            node(s),
            node(s),
            f32s([s[2], s[2]], Draw::Normal),
            f32s([s[2]], Draw::Normal),
        ];
        Instance::new(operands, |t, x| Ok(vec![t.pairwise_mlp(x[0], [x[1], x[2]], [x[3], x[4]], [PairActivation::Relu; 2])?]))
    };
    vec![
        Work::new("pairwise_dot", sizes.map(dot)),
        Work::new("pairwise_sum", sizes.map(sum)),
        Work::new("pairwise_mlp", [[4, 5, 32], [32, 100, 64], [32, 100, 256]].map(mlp)),
    ]
}
