//! The dispatches. In reverse, pairs go a panel at a time: the cotangents of their outputs are made and lie in a GPU's cache while two
//! kernels read them, for the ends of the first layer and for the weights of the second; the sums of the ends go with the latter.

use super::super::PairActivation;
use super::super::activation::Phi;
use super::MlpExtents;
use super::blocks::Blocks;
use crate::Result;
use crate::kernel::{Adapters, Binding, Buffer, Choice, Lowering, Params, Snippet, Source, Variant, common, kernel_source, snippet};
use crate::ops::reduce::lower_sums;
use crate::ops::shape::lower_set;
use crate::ops::tile::{COOPERATIVE, Tiling, cooperative};
use crate::tensor::TensorType;
use std::ops::Range;

type Constants = &'static [(&'static str, &'static str)];

const fn direct(name: &'static str, constants: Constants) -> Variant {
    Variant { name, adapters: Adapters::Software, classes: &[], constants, snippets: &[common::TILE_DIRECT, snippet!("tile_direct_sums")] }
}

const fn staged(name: &'static str, classes: &'static [&'static str], constants: Constants) -> Variant {
    Variant { name, adapters: Adapters::Hardware, classes, constants, snippets: &[common::TILE_STAGED, STAGED_SUMS] }
}

const STAGED_SUMS: Snippet = snippet!("tile_staged_sums");

/// As a product's. Blocks of 64 rows waste fewer of them than blocks of 128 where nodes are no multiples of 16.
const VARIANTS: [Variant; 8] = [
    direct("direct16", &[("EDGE", "4u")]),
    direct("direct8", &[("EDGE", "2u")]),
    cooperative("cooperative", 16, &[common::TILE_COOPERATIVE, STAGED_SUMS, common::MATRICES_16, common::MAGNITUDES_FOUND]),
    cooperative("cooperative8", 8, &[common::TILE_COOPERATIVE, STAGED_SUMS, common::MATRICES_8, common::MAGNITUDES_FOUND]),
    staged("shared128", &["large"], &[("EDGE", "2u"), ("ROW_SIDE", "16u"), ("COL_SIDE", "16u")]),
    staged("shared64x128", &["large"], &[("EDGE", "2u"), ("ROW_SIDE", "8u"), ("COL_SIDE", "16u")]),
    staged("shared64", &["wide"], &[("EDGE", "2u"), ("ROW_SIDE", "8u"), ("COL_SIDE", "8u")]),
    staged("shared32", &["narrow"], &[("EDGE", "1u"), ("ROW_SIDE", "8u"), ("COL_SIDE", "8u")]),
];

/// True if an activation is ELU or tanh. The code of those, in the loops that make hidden states, costs the others registers.
const EXPONENTIAL: Choice = Choice::Constant("EXPONENTIAL", &["true", "false"]);

/// The index in the choice for these activations.
fn exponential(activations: &[PairActivation]) -> usize {
    usize::from(!activations.iter().any(|a| matches!(a, PairActivation::Elu | PairActivation::Tanh)))
}

pub(in crate::ops) static PAIR_MLP: Source = kernel_source!("message/pair_mlp").with_variants(&VARIANTS).with_choices(&[EXPONENTIAL]);
pub(in crate::ops) static PAIR_MLP_SLOPES: Source =
    kernel_source!("message/pair_mlp_slopes").with_variants(&VARIANTS).with_choices(&[EXPONENTIAL]);
pub(in crate::ops) static PAIR_MLP_NODES: Source =
    kernel_source!("message/pair_mlp_nodes").with_variants(&VARIANTS).with_choices(&[EXPONENTIAL]);
pub(in crate::ops) static PAIR_MLP_SUMS: Source =
    kernel_source!("message/pair_mlp_sums").with_variants(&VARIANTS).with_choices(&[EXPONENTIAL]);

/// The most elements of a panel: 10 MiB, of which the caches of GPUs hold several.
const PANEL: usize = 5 << 19;
/// On a software adapter: 512 KiB, half a core's.
const SMALL_PANEL: usize = 1 << 17;

/// The tiling of products whose outputs have at least `least` rows and columns, `elements` in all, where each tile takes `products`
/// products of `terms` terms.
fn tiling(source: &'static Source, cx: &Lowering<'_>, [least, elements]: [usize; 2], [products, terms]: [usize; 2]) -> Result<Tiling> {
    // Half as many blocks of 128 × 128 as fill a large GPU are faster than four times as many smaller ones. Cooperative matrices go through 64
    // terms at a time.
    let class = match least {
        65.. if elements >= 1 << 20 && terms >= 64 && cx.target().prefers_cooperative() => COOPERATIVE,
        65.. if elements >= 1 << 20 => "large",
        33.. => "wide",
        _ => "narrow",
    };
    Tiling::for_class(source, cx, class, products * (1 + terms / 4 + terms / 64))
}

/// The smallest tile of software adapters, by which turns are counted.
const SMALLEST: usize = 8;

pub(super) fn messages(cx: &mut Lowering<'_>, activations: [PairActivation; 2]) -> Result<()> {
    let e = extents(cx)?;
    let MlpExtents { batch, receivers: n, senders: m, features: f, outputs: h } = e;
    if m == 0 {
        return lower_set(cx, cx.output(0), 0);
    }
    // A unit takes some receivers, which go together with 16 senders of a tile's rows.
    let tiling = tiling(&PAIR_MLP, cx, [h.min(n * m), 16 * batch * n * h], [m.div_ceil(SMALLEST), f])?;
    let blocks = Blocks::new(e, &tiling);
    let units = batch * blocks.down * tiling.col_units(h);
    let params = Params::new().u32(units).u32(n).u32(m).u32(f / 4).u32(h / 4).u32(tiling.col_units(h));
    let params = with_activations(blocks.params(params, 0), activations);
    let bindings = (0..5).map(|i| Binding::read(cx.input(i))).chain([Binding::write(cx.output(0))]).collect();
    let flops = e.pairs() as f64 * (2 * f + 2 * f * h + 4 * h) as f64;
    cx.dispatch(tiling.kernel(&[exponential(&activations)]), bindings, params, tiling.groups(units), flops)
}

fn extents(cx: &Lowering<'_>) -> Result<MlpExtents> {
    MlpExtents::of(&(0..cx.inputs()).map(|i| cx.ty(cx.input(i))).collect::<Vec<_>>())
}

fn with_activations(params: Params, activations: [PairActivation; 2]) -> Params {
    let [first, second] = activations.map(Phi::value);
    params.u32(first.code()).u32(second.code()).f32(first.leak()).f32(second.leak())
}

/// The reverse pass that is being lowered.
struct Backward {
    extents: MlpExtents,
    activations: [PairActivation; 2],
    blocks: Blocks,
    slopes: Tiling,
    nodes: Tiling,
    weights: Tiling,
    /// Parts of the cotangents of the weights and of the bias, and how many rows make a part.
    parts: [Buffer; 2],
    run: usize,
    runs: usize,
}

/// Blocks of pairs whose outputs' cotangents exist at once, and the buffers that hold them and their sums.
struct Panel {
    blocks: Range<usize>,
    rows: usize,
    first: bool,
    slopes: Buffer,
    sums: Buffer,
    ends: Buffer,
}

pub(super) fn cotangents(cx: &mut Lowering<'_>, activations: [PairActivation; 2]) -> Result<()> {
    let e = extents(cx)?;
    let MlpExtents { features: f, outputs: h, .. } = e;
    if e.pairs() == 0 {
        return (0..5)
            .filter(|&i| cx.output_shape(i).elements() > 0)
            .collect::<Vec<_>>()
            .into_iter()
            .try_for_each(|i| lower_set(cx, cx.output(i), 0));
    }
    let software = cx.target().software;
    let most = if software { SMALL_PANEL } else { PANEL };
    let work = |least: usize, cols: usize| [least.min(e.pairs()), (e.pairs() * cols).min(most)];
    let slopes = tiling(&PAIR_MLP_SLOPES, cx, work(h, h), [1, f])?;
    // The tiles of pairs of the one lie within those of the other.
    let nodes = tiling(&PAIR_MLP_NODES, cx, work(f, f), [1, h])?;
    let nodes = if nodes.rows() < slopes.rows() { slopes.in_kernel(&PAIR_MLP_NODES) } else { nodes };
    let blocks = Blocks::new(e, &nodes);
    // Neither the panel nor the sums over a block's ends are larger than the most.
    let ends: usize = blocks.ends().map(|bits| 1 << bits).iter().sum();
    let together = (most / (h * blocks.rows()).max(f * ends)).clamp(1, blocks.all());
    let together = blocks.all().div_ceil(blocks.all().div_ceil(together));
    // As many parts as keep a GPU busy, but half as many elements as a panel has, or on a software adapter no more; whole tiles of pairs.
    let unit = blocks.rows().max(64);
    let run = if software { f.max(256) } else { 2 * f.max(64) }.next_multiple_of(unit);
    let runs = (together * blocks.rows()).div_ceil(run);
    let weights = tiling(&PAIR_MLP_SUMS, cx, [h.min(f), h * f * runs], [1, 2 * run])?;
    let parts = if runs == 1 {
        [cx.output(3), cx.output(4)]
    } else {
        [cx.scratch(TensorType::f32([runs, h, f])), cx.scratch(TensorType::f32([runs, h]))]
    };
    let backward = Backward { extents: e, activations, blocks, slopes, nodes, weights, parts, run, runs };
    for first in (0..blocks.all()).step_by(together) {
        let panel = backward.panel(cx, first..blocks.all().min(first + together));
        backward.slopes(cx, &panel)?;
        backward.nodes(cx, &panel)?;
        backward.sums(cx, &panel)?;
    }
    if runs > 1 {
        lower_sums(cx, parts[0], cx.output(3), [1, runs, h * f])?;
        lower_sums(cx, parts[1], cx.output(4), [1, runs, h])?;
    }
    Ok(())
}

/// A buffer that the first panel begins, and the others go on with.
fn shared_by_panels(buffer: Buffer, first: bool) -> Binding {
    if first { Binding::write(buffer) } else { Binding::continued(buffer) }
}

impl Backward {
    fn panel(&self, cx: &mut Lowering<'_>, blocks: Range<usize>) -> Panel {
        let MlpExtents { features: f, outputs: h, .. } = self.extents;
        let rows = blocks.len() * self.blocks.rows();
        // Behind the rows, their sums over each tile.
        let slopes = cx.scratch(TensorType::f32([rows + self.slopes.row_units(rows), h]));
        let sums = cx.scratch(TensorType::f32([self.slopes.col_units(h), rows]));
        let ends = cx.scratch(TensorType::f32([blocks.len(), self.blocks.ends().iter().map(|bits| 1 << bits).sum(), f]));
        Panel { first: blocks.start == 0, blocks, rows, slopes, sums, ends }
    }

    fn params(&self, units: usize) -> Params {
        let MlpExtents { receivers: n, senders: m, features: f, outputs: h, .. } = self.extents;
        Params::new().u32(units).u32(n).u32(m).u32(f / 4).u32(h / 4)
    }

    fn first_activation(&self, params: Params) -> Params {
        let phi = Phi::value(self.activations[0]);
        params.u32(phi.code()).f32(phi.leak())
    }

    /// The cotangents of a panel's outputs, and parts of dz and of the cotangent of the bias.
    fn slopes(&self, cx: &mut Lowering<'_>, panel: &Panel) -> Result<()> {
        let MlpExtents { features: f, outputs: h, .. } = self.extents;
        let col_units = self.slopes.col_units(h);
        let units = self.slopes.row_units(panel.rows) * col_units;
        let params = self.blocks.params(self.params(units).u32(col_units), panel.blocks.start).u32(panel.rows);
        let params = with_activations(params, self.activations);
        let inputs = (0..6).map(|i| Binding::read(cx.input(i)));
        let bindings = inputs.chain([panel.slopes, panel.sums].map(Binding::write)).collect();
        let flops = self.blocks.pairs(&panel.blocks) as f64 * (2 * f + 2 * f * h + 8 * h) as f64;
        cx.dispatch(self.slopes.kernel(&[exponential(&self.activations)]), bindings, params, self.slopes.groups(units), flops)
    }

    /// Parts of du and dv, and dz.
    fn nodes(&self, cx: &mut Lowering<'_>, panel: &Panel) -> Result<()> {
        let MlpExtents { features: f, outputs: h, .. } = self.extents;
        let col_units = self.nodes.col_units(f);
        let units = panel.blocks.len() * col_units;
        let params = self.blocks.params(self.params(units).u32(col_units), panel.blocks.start);
        let params = self.first_activation(params.u32(panel.rows).u32(self.slopes.col_units(h)));
        let read = [panel.slopes, cx.input(3), cx.input(1), cx.input(2), panel.sums].map(Binding::read);
        let bindings = read.into_iter().chain([Binding::write(panel.ends), shared_by_panels(cx.output(0), panel.first)]);
        let flops = self.blocks.pairs(&panel.blocks) as f64 * (2 * f * h + 5 * f) as f64;
        cx.dispatch(self.nodes.kernel(&[exponential(&self.activations[..1])]), bindings.collect(), params, self.nodes.groups(units), flops)
    }

    /// The additions at one end of a panel, where a node's blocks are `step` apart.
    fn added(&self, panel: &Panel, end: usize, step: usize) -> usize {
        let Blocks { across, down, .. } = self.blocks;
        let within = |b| self.blocks.within(b, end) * self.extents.features;
        // The first of the panel's blocks of some nodes, where an earlier panel began with them.
        let begun = |b: &usize| [b % across, b / across % down][end] > 0 && b - step < panel.blocks.start;
        panel.blocks.clone().map(within).sum::<usize>() + panel.blocks.clone().filter(begun).map(within).sum::<usize>()
    }

    /// Parts of dw and db, and the sums of the parts of du and dv.
    fn sums(&self, cx: &mut Lowering<'_>, panel: &Panel) -> Result<()> {
        let MlpExtents { receivers: n, senders: m, features: f, outputs: h, .. } = self.extents;
        let across = self.blocks.across;
        let (row_units, col_units) = (self.weights.row_units(h), self.weights.col_units(f));
        let units = self.runs * row_units * col_units;
        let params = self.blocks.params(self.params(units).u32(row_units).u32(col_units), panel.blocks.start);
        let tiles = self.slopes.row_units(panel.rows);
        let params = params.u32(panel.rows).u32(self.run).u32(self.run / self.slopes.rows()).u32(tiles);
        let of_graph = self.blocks.of_graph();
        let graphs = panel.blocks.end.div_ceil(of_graph) - panel.blocks.start / of_graph;
        let groups = self.weights.groups(units);
        let params = self.first_activation(params).u32(panel.first.into()).u32(groups).u32(graphs);
        let read = [panel.slopes, cx.input(1), cx.input(2), panel.ends].map(Binding::read);
        let made = self.parts.into_iter().chain([cx.output(1), cx.output(2)]);
        let bindings = read.into_iter().chain(made.map(|b| shared_by_panels(b, panel.first))).collect();
        let added = if panel.first { 0 } else { self.runs * h * (f + 1) };
        let ends = self.added(panel, 0, 1) + self.added(panel, 1, across);
        let flops = self.blocks.pairs(&panel.blocks) as f64 * (2 * f + 2 * f * h) as f64 + (tiles * h + added + ends) as f64;
        let of_ends = (graphs * (n + m) * f / 4).div_ceil(self.weights.workgroup());
        cx.dispatch(self.weights.kernel(&[exponential(&self.activations[..1])]), bindings, params, groups + of_ends, flops)
    }
}
