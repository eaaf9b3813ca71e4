//! The cases that check sparse products, and the works that time them.

use super::SparsePattern;
use crate::ops::case::{Case, Draw, f32s};
use crate::ops::work::{Instance, Work};
use crate::tape::{Tape, Var};
use crate::tensor::Philox;
use crate::{Result, TensorType};

/// Entries drawn at random, some twice; the last row has none.
fn drawn([rows, columns, entries]: [usize; 3]) -> Vec<(usize, usize)> {
    let draws = Philox::new(5, 0, 0);
    let entry = |e: usize| (draws.word(2 * e) as usize % (rows - 1).max(1), draws.word(2 * e + 1) as usize % columns);
    (0..entries).map(entry).collect()
}

fn pattern(t: &mut Tape, extents: [usize; 3]) -> Result<SparsePattern> {
    SparsePattern::new(t, [extents[0], extents[1]], &drawn(extents))
}

type Build = fn(&mut Tape, &SparsePattern, &[Var]) -> Result<Var>;

fn case(name: &str, extents: [usize; 3], operands: Vec<(TensorType, Draw)>, build: Build) -> Case {
    let build = move |t: &mut Tape, x: &[Var]| {
        let pattern = pattern(t, extents)?;
        Ok(vec![build(t, &pattern, x)?])
    };
    Case::new(name, operands, build).within(2e-6, 5e-6)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (extents, f) in [([1, 1, 1], 1), ([7, 5, 19], 3), ([65, 7, 257], 4), ([3, 9, 0], 7), ([9, 8, 40], 65), ([5, 4, 70], 260)] {
        let [rows, columns, entries] = extents;
        let (w, x, g) = (f32s([entries], Draw::Normal), f32s([columns, f], Draw::Normal), f32s([rows, f], Draw::Normal));
        cases.push(case("sparse_matmul", extents, vec![w, x], |t, p, x| t.sparse_matmul(p, Some(x[0]), x[1])));
        cases.push(case("sparse_matmul transposed", extents, vec![w, g], |t, p, x| t.sparse_matmul(&p.transposed(), Some(x[0]), x[1])));
        cases.push(case("sampled_products", extents, vec![g, x], |t, p, x| t.sampled_products(p, x[0], x[1])));
        cases.push(case("sparse_mean", extents, vec![x], |t, p, x| t.sparse_mean(p, x[0])));
        cases.push(case("sparse_max", extents, vec![x], |t, p, x| t.sparse_max(p, x[0])));
        let build = move |t: &mut Tape, x: &[Var]| {
            let rows = SparsePattern::rows_of_entries(t, extents[0], &drawn(extents))?;
            Ok(vec![t.sparse_softmax(&rows, x[0])?])
        };
        cases.push(Case::new("sparse_softmax", vec![f32s([entries, f], Draw::Normal)], build).within(2e-6, 5e-6));
    }
    cases
}

pub(crate) fn works() -> Vec<Work> {
    // Rows and columns, entries, features: a worm's wiring, a connectome of parcels, one of vertices.
    let sizes = [([300, 300, 6000], 16), ([4096, 4096, 1 << 17], 64), ([1 << 16, 1 << 16, 1 << 20], 128)];
    let product = |(extents, f): ([usize; 3], usize)| {
        let operands = vec![f32s([extents[2]], Draw::Normal), f32s([extents[1], f], Draw::Normal)];
        Instance::new(operands, move |t, x| {
            let pattern = pattern(t, extents)?;
            Ok(vec![t.sparse_matmul(&pattern, Some(x[0]), x[1])?])
        })
    };
    let max = |(extents, f): ([usize; 3], usize)| {
        Instance::new(vec![f32s([extents[1], f], Draw::Normal)], move |t, x| {
            let pattern = pattern(t, extents)?;
            Ok(vec![t.sparse_max(&pattern, x[0])?])
        })
    };
    vec![Work::new("sparse_matmul", sizes.map(product)), Work::new("sparse_max", sizes.map(max)).forward_only()]
}
