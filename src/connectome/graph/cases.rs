//! Test cases of the graph blocks, in the form of those of the ops; see [`crate::ops::case`].

use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::tape::{Tape, Var};

/// The test cases of this module.
pub(in crate::connectome) fn cases() -> Vec<Case> {
    [graphs(), super::eigenmaps::cases()].concat()
}

fn graphs() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, n, k] in [[1, 1, 1], [2, 7, 3], [1, 65, 5]] {
        let graph = || f32s([batch, n, n], Draw::Uniform(0.0, 1.0));
        let map = || vec![graph(), normal([batch, n, k])];
        cases.push(one("modularity_matrix", vec![graph()], |t, x| t.modularity_matrix(x[0], 1.5, true)));
        cases.push(one("modularity", map(), |t, x| {
            let communities = t.softmax(x[1], -1)?;
            t.modularity(x[0], communities, 1.5)
        }));
        cases.push(one("connectopy", map(), |t, x| t.connectopy(x[0], x[1])));
        for normalised in [false, true] {
            cases.push(one(&format!("laplacian {normalised}"), vec![graph()], move |t, x| t.laplacian(x[0], normalised)));
        }
        cases.push(one("without_diagonal", vec![graph()], |t, x| t.without_diagonal(x[0])).within(0.0, 1e-6));
    }
    for [n, time, k] in [[2, 7, 1], [7, 65, 3], [33, 257, 5]] {
        let operands = vec![normal([n, time]), normal([n, 3])];
        let product = move |t: &mut Tape, x: &[Var]| {
            let sparse = t.sparse_correlation(x[0], k)?;
            Ok(vec![sparse.weights, t.sparse_product(&sparse, x[1])?])
        };
        cases.push(Case::new("sparse_correlation", operands, product).within(5e-6, 1e-5));
    }
    cases
}
