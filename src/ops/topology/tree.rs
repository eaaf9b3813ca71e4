//! The edges of graphs on a device, those of the maximum spanning tree told from the others.
//!
//! Small graphs take Prim's algorithm, an invocation or a workgroup each: the work is the least there is, in n − 1 steps that wait for one
//! another. Large ones take Borůvka's with contraction (Chin, Lam & Chen, "Efficient parallel algorithms for some graph problems", CACM
//! 1982): the best edge of every super-node at once, what they join is made one, and the matrix of the best edges between the new ones is
//! at most a quarter of the last. Both take the edges in one order, by weight and then by index, of which there is one greatest tree.

use super::Weights;
use crate::Result;
use crate::kernel::common::{flat_groups, flat_step};
use crate::kernel::{Algorithms, Binding, Buffer, Choice, Lowering, Params, Source, Target, kernel_source};
use crate::ops::row::{self, Rows};
use crate::ops::shape::lower_set;
use crate::ops::sort::Keys;
use crate::ops::spd::{VARIANTS, class, shares};
use crate::tensor::TensorType;

const FALSE_TRUE: &[&str] = &["false", "true"];
const ABSOLUTE: Choice = Choice::Constant("ABSOLUTE", FALSE_TRUE);
const KINDS: &[&str] = &["0u", "1u", "2u"];

pub(in crate::ops) static PRIM: Source = kernel_source!("topology/prim").with_variants(&VARIANTS).with_choices(&[ABSOLUTE]);
pub(in crate::ops) static EDGES: Source = kernel_source!("topology/edges").with_choices(&[ABSOLUTE, Choice::Constant("GROWN", FALSE_TRUE)]);
pub(in crate::ops) static BEST: Source =
    kernel_source!("topology/best").with_variants(&row::VARIANTS).with_choices(&[ABSOLUTE, Choice::Constant("KIND", KINDS)]);
pub(in crate::ops) static CONTRACT: Source = kernel_source!("topology/contract").with_choices(&[ABSOLUTE, Choice::Constant("OF", KINDS)]);
pub(in crate::ops) static HOOK: Source = kernel_source!("topology/hook").with_variants(&VARIANTS);

/// The algorithms that find the trees, and the rule that chooses one.
pub(in crate::ops) static TREE: Algorithms = Algorithms {
    name: "topology/tree",
    all: &[("prim", "topology/prim"), ("boruvka", "topology/hook")],
    classes: &["small", "medium", "large"],
    rule,
};

/// Larger graphs take a dispatch for so many steps of Prim's algorithm, so that none keeps a GPU so long that its watchdog bites.
const STEPS: usize = 4096;

/// The class of a tree's work by its nodes.
fn size(n: usize) -> &'static str {
    match n {
        0..=32 => "small",
        33..=512 => "medium",
        _ => "large",
    }
}

/// Prim's steps wait for one another at eight barriers or more. On a GPU that is the most of the time of large graphs (by reasoning: none
/// has timed it). On a software adapter barriers cost most of all: llvmpipe takes 46 ms for four graphs of 64 nodes, and 1.4 ms by
/// contraction; graphs so small that one invocation grows their trees meet no barrier.
fn rule(target: &Target, class: &str) -> &'static str {
    match class {
        "small" => "prim",
        "medium" if !target.software => "prim",
        _ => "boruvka",
    }
}

/// True where the graphs of n nodes take Borůvka's algorithm.
pub(super) fn contracts(target: &Target, n: usize) -> bool {
    TREE.choose(target, size(n)) == "boruvka"
}

/// The edges of graphs as they are sorted: keys, and indices whose bit 31 is set for those that are not of the tree; and the marks of
/// graphs that are none, u32 `[graphs]`.
pub(super) fn lower_edges(cx: &mut Lowering<'_>, w: Weights, [graphs, n]: [usize; 2]) -> Result<(Keys, Buffer)> {
    let keys = Keys::scratch(cx, [graphs, n * (n - 1) / 2]);
    let bad = cx.scratch(TensorType::u32([graphs]));
    lower_set(cx, bad, 0)?;
    let contracts = contracts(cx.target(), n);
    let parent = if contracts { w.buffer } else { lower_prim(cx, w, [graphs, n])? };
    let entries = graphs * n * n;
    let kernel = cx.kernel(&EDGES, &[w.absolute.into(), usize::from(!contracts)]);
    let bindings =
        vec![Binding::read(w.buffer), Binding::read(parent), Binding::write(keys.key), Binding::write(keys.place), Binding::continued(bad)];
    let params = flat_step(n).into_iter().fold(Params::new().u32(entries).u32(n), Params::u32);
    cx.dispatch(kernel, bindings, params, flat_groups(entries), 0.0)?;
    if contracts {
        lower_boruvka(cx, w, [graphs, n], keys.place)?;
    }
    Ok((keys, bad))
}

/// The dispatches that grow the trees; each vertex's other end in it.
fn lower_prim(cx: &mut Lowering<'_>, w: Weights, [graphs, n]: [usize; 2]) -> Result<Buffer> {
    let words = TensorType::u32([graphs, n]);
    let (best, parent) = (cx.scratch(words), cx.scratch(words));
    let variant = PRIM.variant(cx.target(), class(n));
    let kernel = PRIM.kernel(variant, &[w.absolute.into()]).for_class(class(n));
    let lanes = variant.constant("LANES").unwrap_or(1);
    let turns = 2 * n.div_ceil(lanes) + 10;
    for share in shares(cx.target(), n - 1, STEPS, |step| if step == 0 { turns + n.div_ceil(lanes) } else { turns }) {
        let state = |b: Buffer| if share.start == 0 { Binding::write(b) } else { Binding::continued(b) };
        let bindings = vec![Binding::read(w.buffer), state(best), state(parent)];
        let params = Params::new().u32(graphs).u32(n).u32(share.start).u32(share.end);
        cx.dispatch(kernel.clone(), bindings, params, graphs, 0.0)?;
    }
    Ok(parent)
}

/// A matrix of edges between super-nodes: at first the graph's own, of weights and without indices.
#[derive(Debug, Clone, Copy)]
struct Contracted {
    key: Buffer,
    index: Buffer,
    /// The extent of its rows: the most super-nodes that there may be.
    k: usize,
    first: bool,
}

/// The rounds. The number of super-nodes that a round leaves is known to the device alone, so that each round is recorded for the most
/// there may be, half of those before; invocations for super-nodes that are no more return at once.
fn lower_boruvka(cx: &mut Lowering<'_>, w: Weights, [graphs, n]: [usize; 2], place: Buffer) -> Result<()> {
    let mut counts = cx.scratch(TensorType::u32([graphs]));
    lower_set(cx, counts, n as u32)?;
    let mut of = Contracted { key: w.buffer, index: w.buffer, k: n, first: true };
    loop {
        let words = TensorType::u32([graphs, of.k]);
        let [label, edge, other, next] = [(); 4].map(|()| cx.scratch(words));
        let (head, left) = (cx.scratch(TensorType::u32([graphs, of.k / 2])), cx.scratch(TensorType::u32([graphs])));
        lower_best(cx, w, of, [graphs, n], [counts, label, edge])?;
        let reads = [counts, edge].map(Binding::read).into_iter();
        let lists = [Binding::continued(label), Binding::write(other), Binding::write(next), Binding::write(head)];
        let bindings = reads.chain(lists).chain([Binding::continued(place), Binding::write(left)]).collect();
        lower_hook(cx, [graphs, n, of.k], bindings)?;
        if of.k < 4 {
            return Ok(());
        }
        let lists = [head, next, counts, left];
        let rows = lower_contract(cx, w, (of, usize::from(!of.first)), [graphs, n], lists)?;
        let cols = lower_contract(cx, w, (rows, 2), [graphs, n], lists)?;
        of = Contracted { k: of.k / 2, ..cols };
        counts = left;
    }
}

/// The best edge of every super-node; the first time, of what a product kept of the rows where it did.
fn lower_best(cx: &mut Lowering<'_>, w: Weights, of: Contracted, [graphs, n]: [usize; 2], made: [Buffer; 3]) -> Result<()> {
    let [counts, lead, edge] = made;
    let (kind, key, index, m) = match w.best {
        Some(best) if of.first => (2, best.key, best.col, best.slots),
        _ => (usize::from(!of.first), of.key, of.index, of.k),
    };
    let rows = Rows::passes(&BEST, cx, [graphs * of.k, m], 1);
    let kernel = rows.kernel(&[w.absolute.into(), kind]);
    let bindings = [key, index, counts].map(Binding::read).into_iter().chain([lead, edge].map(Binding::write)).collect();
    cx.dispatch(kernel, bindings, Params::new().u32(graphs * of.k).u32(of.k).u32(m).u32(n), rows.groups, 0.0)
}

/// Joins the super-nodes that the best edges connect.
fn lower_hook(cx: &mut Lowering<'_>, [graphs, n, k]: [usize; 3], bindings: Vec<Binding>) -> Result<()> {
    let variant = HOOK.variant(cx.target(), class(k));
    let lanes = variant.constant("LANES").unwrap_or(1);
    // A path of k super-nodes is jumped along in log2 k steps: one, and as many pairs as it takes.
    let jumps = k.next_power_of_two().trailing_zeros() as usize;
    let pairs = jumps / 2;
    cx.check_iterations(k.div_ceil(lanes) * (2 * pairs + 5) + lanes)?;
    let kernel = HOOK.kernel(variant, &[]).for_class(class(k));
    cx.dispatch(kernel, bindings, Params::new().u32(graphs).u32(k).u32(n).u32(pairs), graphs, 0.0)
}

/// A step of contraction: of a graph's rows, of a contracted one's, or of columns.
fn lower_contract(
    cx: &mut Lowering<'_>,
    w: Weights,
    (of, step): (Contracted, usize),
    [graphs, n]: [usize; 2],
    lists: [Buffer; 4],
) -> Result<Contracted> {
    cx.check_iterations(of.k)?;
    let cols = if step == 2 { of.k / 2 } else { of.k };
    let words = TensorType::u32([graphs, of.k / 2, cols]);
    let made = Contracted { key: cx.scratch(words), index: cx.scratch(words), k: of.k, first: false };
    let kernel = cx.kernel(&CONTRACT, &[w.absolute.into(), step]);
    let reads = [of.key, of.index].into_iter().chain(lists).map(Binding::read);
    let bindings = reads.chain([made.key, made.index].map(Binding::write)).collect();
    let entries = words.shape.elements();
    cx.dispatch(kernel, bindings, Params::new().u32(entries).u32(of.k).u32(n), entries.div_ceil(256), 0.0)?;
    Ok(made)
}
