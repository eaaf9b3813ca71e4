//! Persistent graph homology of complete weighted graphs (Songdechakraiwut & Chung, "Topological learning for brain networks", 2023;
//! Songdechakraiwut & Wu, "Functional connectomes of neural networks", AAAI 2025).
//!
//! Of the graphs that keep the edges above ε, connected components appear as ε grows, at *births*: the weights of the maximum spanning
//! tree; and cycles disappear, at *deaths*: the weights of all other edges. Edges are ordered by weight and, of equal weights, by index
//! (row · n + column, the row the smaller); the tree is the greatest by that order, so that there is one, the same on every device.

mod connectome;
mod decompose;
mod tree;

pub(crate) use decompose::check;
pub(super) use tree::{BEST, CONTRACT, EDGES, HOOK, PRIM, TREE};

use super::Family;
use super::case::{Case, Draw, f32s};
use super::covariance::Best;
use super::sort::{Digit, Keyed, passes};
use super::work::{Instance, Work};
use crate::kernel::common::{flat_groups, flat_step};
use crate::kernel::{Binding, Buffer, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result, Shape};
use decompose::{Decomposition, decompose};
use std::sync::Arc;

pub(super) static FAMILY: Family = Family { sources: &[&BEST, &CONTRACT, &EDGES, &HOOK, &PRIM, &SPLIT], cases, works };

pub(super) static SPLIT: Source = kernel_source!("topology/split");

/// The most nodes whose edges an i32 counts.
const MOST: usize = 46_340;

/// Births and deaths on a tape.
#[derive(Debug, Clone, Copy)]
pub struct BirthDeath {
    /// The weights of the maximum spanning tree, ascending: `[.., n − 1]`.
    pub births: Var,
    /// Those of all other edges, ascending: `[.., (n − 1)(n − 2)/2]`.
    pub deaths: Var,
    /// The edge of each birth, then of each death: i32 `[.., n (n − 1)/2]`, row · n + column with row < column.
    pub edges: Var,
}

/// W `[.., n, n]` → births, deaths, edges.
#[derive(Debug, Clone, Copy)]
struct Decompose;

const NAME: &str = "birth_death";

/// Graphs, and nodes of each.
fn extents(w: TensorType) -> [usize; 2] {
    let rank = w.shape.rank();
    [w.shape[..rank - 2].iter().product(), w.shape[rank - 1]]
}

fn run<R: Keyed>(w: &HostTensor, types: &[TensorType]) -> Result<Vec<HostTensor>> {
    let [graphs, n] = extents(w.ty());
    let w = w.elements::<R>()?;
    let [tree, others] = [n - 1, (n - 1) * (n - 2) / 2];
    let (mut births, mut deaths) = (buffer::<R>(graphs * tree), buffer::<R>(graphs * others));
    let mut edges = vec![0; graphs * (tree + others)];
    // Of n = 2 there are no deaths.
    let mut parts = deaths.chunks_mut(others.max(1));
    let rows = births.chunks_mut(tree).zip(edges.chunks_mut(tree + others));
    let mut rows: Vec<_> =
        rows.map(|(births, edges)| (Decomposition { births, deaths: parts.next().unwrap_or_default(), edges }, Ok(()))).collect();
    parallel::rows(&mut rows, 1, 16 * n * n, |graph, row| {
        let w = &w[graph * n * n..][..n * n];
        let (into, checked) = &mut row[0];
        *checked = check(w, n);
        if checked.is_ok() {
            decompose(w.chunks_exact(n).enumerate().map(|(i, row)| (i, &row[i + 1..])), n, into);
        }
    });
    for (graph, (_, checked)) in rows.into_iter().enumerate() {
        checked.map_err(|what| Error::op(NAME, if graphs > 1 { format!("graph {graph} (counted from 0): {what}") } else { what }))?;
    }
    Ok(vec![HostTensor::real(types[0].shape, births)?, HostTensor::real(types[1].shape, deaths)?, HostTensor::i32(types[2].shape, edges)?])
}

impl Op for Decompose {
    fn key(&self) -> OpKey {
        OpKey::new(NAME)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let w = inputs[0];
        let rank = w.shape.rank();
        if w.dtype != DType::F32 || rank < 2 || w.shape[rank - 1] != w.shape[rank - 2] {
            return Err(Error::op(NAME, format!("weights must be f32 [.., n, n], found {w}")));
        }
        let n = w.shape[rank - 1];
        if !(2..=MOST).contains(&n) {
            return Err(Error::op(NAME, format!("graphs of 2 to {MOST} nodes expected, found {w}")));
        }
        let [tree, others] = [n - 1, (n - 1) * (n - 2) / 2];
        let lists = w.shape.without(rank - 1);
        let list = |extent| lists.with(rank - 2, extent);
        Ok(vec![TensorType::f32(list(tree)), TensorType::f32(list(others)), TensorType::i32(list(tree + others))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let types = self.infer(&[inputs[0].ty()])?;
        real_inputs!(inputs, R => run::<R>(&inputs[0], &types))
    }

    /// Every edge has the cotangent of its rank.
    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (w, edges) = (cx.input(0), cx.output(2));
        let of = [cx.cotangent_or_zeros(0)?, cx.cotangent_or_zeros(1)?];
        let tape = cx.tape();
        let shape = tape.shape(w);
        Ok(vec![Some(edges_cotangent(tape, of, edges, shape)?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let w = Weights { buffer: cx.input(0), absolute: false, best: None };
        let made = [0, 1, 2].map(|i| cx.output(i));
        lower_decompose(cx, w, extents(cx.ty(w.buffer)), made)
    }
}

/// The cotangent of weights of this shape, in their upper triangles, given those of births and deaths.
fn edges_cotangent(tape: &mut Tape, of: [Var; 2], edges: Var, weights: Shape) -> Result<Var> {
    let n = weights[weights.rank() - 1];
    let of_edges = if n > 2 { tape.concatenate(&of, -1)? } else { of[0] };
    let put = tape.put_along(of_edges, edges, n * n)?;
    tape.reshape(put, weights)
}

/// Weights of graphs on a device.
#[derive(Debug, Clone, Copy)]
struct Weights {
    buffer: Buffer,
    /// True where the magnitudes of the weights are meant, not the weights themselves.
    absolute: bool,
    /// The entries of each row that were kept by the product that made the weights.
    best: Option<Best>,
}

/// The dispatches that make births, deaths and edges.
fn lower_decompose(cx: &mut Lowering<'_>, w: Weights, [graphs, n]: [usize; 2], made: [Buffer; 3]) -> Result<()> {
    let (keys, bad) = tree::lower_edges(cx, w, [graphs, n])?;
    // By weight, and last of all by the bit that tells the tree from the others.
    let digits: Vec<Digit> = passes(32).into_iter().chain([Digit::Place { shift: 31 }]).collect();
    let (sorted, _) = keys.lower(cx, &digits, None)?;
    let kernel = cx.kernel(&SPLIT, &[]);
    let bindings = [sorted.key, sorted.place, bad].map(Binding::read).into_iter().chain(made.map(Binding::write)).collect();
    let m = n * (n - 1) / 2;
    let params = flat_step(m).into_iter().fold(Params::new().u32(graphs * m).u32(m).u32(n), Params::u32);
    cx.dispatch(kernel, bindings, params, flat_groups(graphs * m), 0.0)
}

/// Births then deaths of one graph, given its weights above the diagonal, row by row; and where in that list the edge of each stands.
pub(crate) fn decomposed(triangle: &[f32], n: usize) -> (Vec<f32>, Vec<usize>) {
    let mut lists = vec![0.0; triangle.len()];
    let mut edges = vec![0; triangle.len()];
    let (births, deaths) = lists.split_at_mut(n - 1);
    let row = |i: usize| i * (2 * n - i - 1) / 2;
    let rows = (0..n).map(|i| (i, &triangle[row(i)..row(i + 1)]));
    decompose(rows, n, &mut Decomposition { births, deaths, edges: &mut edges });
    let place = |edge: i32| {
        let (i, j) = (edge as usize / n, edge as usize % n);
        row(i) + j - i - 1
    };
    (lists, edges.into_iter().map(place).collect())
}

/// # Births and deaths of graphs
impl Tape {
    /// Births and deaths of complete graphs W `[.., n, n]`: symmetric; the diagonal is not read. Sorted ascending, with the edge behind
    /// each rank; the gradient stands in the upper triangle, each edge's the cotangent of its rank.
    ///
    /// On the host, weights that are not finite or not symmetric are an error when they are met. A device cannot stop for them: it makes
    /// all births and deaths of such a graph NaN, and its edges have no meaning; other graphs are as they are.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// // A triangle: its two heaviest edges join its nodes, and the lightest closes a cycle.
    /// let mut tape = Tape::new();
    /// let w = tape.input("weights", TensorType::f32([3, 3]))?;
    /// let found = tape.birth_death(w)?;
    /// let mut program = Device::cpu().compile(&tape, &[found.births, found.deaths])?;
    /// let values = program.run(&[(w, &HostTensor::f32([3, 3], vec![0.0, 0.5, 0.75, 0.5, 0.0, 0.25, 0.75, 0.25, 0.0])?)])?;
    /// assert_eq!(values[0].to_f64_vec(), [0.5, 0.75]);
    /// assert_eq!(values[1].to_f64_vec(), [0.25]);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where W is not f32 `[.., n, n]`, or has fewer than two nodes or more than 46,340.
    pub fn birth_death(&mut self, w: Var) -> Result<BirthDeath> {
        let made = self.record(Arc::new(Decompose), &[w])?;
        Ok(BirthDeath { births: made[0], deaths: made[1], edges: made[2] })
    }
}

/// The upper triangles of x, mirrored.
fn mirrored(tape: &mut Tape, x: Var) -> Result<Var> {
    let n = extents(tape.ty(x))[1];
    let above = (0..n * n).map(|at| if at % n > at / n { 1.0 } else { 0.0 }).collect();
    let above = tape.constant(HostTensor::f32([n, n], above)?)?;
    let upper = tape.mul(x, above)?;
    let lower = tape.transpose_matrices(upper)?;
    tape.add(upper, lower)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = connectome::cases();
    for shape in [[3, 2, 2], [2, 3, 3], [3, 7, 7], [2, 31, 31], [1, 65, 65]] {
        let x = |draw| vec![f32s(shape, draw)];
        let both = |t: &mut Tape, x: &[Var]| {
            let w = mirrored(t, x[0])?;
            let made = t.birth_death(w)?;
            Ok(vec![made.births, made.deaths])
        };
        // Moved, not computed: exact. Edges that lie closer than a step of finite differences is long would have an order without a
        // derivative.
        cases.push(Case::new(NAME, x(Draw::Apart), both).within(0.0, 0.0));
        let ties = |t: &mut Tape, x: &[Var]| {
            let w = mirrored(t, x[0])?;
            let made = t.birth_death(w)?;
            Ok(vec![made.births, made.deaths, made.edges])
        };
        for draw in [Draw::Whole(2), Draw::Uniform(1.0, 1.0)] {
            let name = if draw == Draw::Whole(2) { "birth_death ties" } else { "birth_death constant" };
            cases.push(Case::new(name, x(draw), ties).within(0.0, 0.0).forward_only());
        }
    }
    cases
}

pub(super) fn works() -> Vec<Work> {
    let shapes = [[16, 32, 32], [16, 192, 192], [200, 384, 384]];
    let made = |s: [usize; 3]| {
        Instance::new(vec![f32s(s, Draw::Normal)], |t, x| {
            let w = mirrored(t, x[0])?;
            let made = t.birth_death(w)?;
            Ok(vec![made.births, made.deaths])
        })
    };
    vec![Work::new(NAME, shapes.map(made)), connectome::work()]
}
