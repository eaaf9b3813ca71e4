//! The dispatches. In reverse, pairs go a panel at a time: the cotangents of their outputs are made and lie in a GPU's cache while three
//! kernels read them, for either end of the first layer and for the weights of the second.

use super::super::PairActivation;
use super::super::activation::Phi;
use super::MlpExtents;
use crate::Result;
use crate::kernel::{Adapters, Binding, Buffer, Lowering, Params, Source, Variant, common, kernel_source, snippet};
use crate::ops::reduce::lower_sums;
use crate::ops::shape::lower_set;
use crate::ops::tile::Tiling;
use crate::tensor::TensorType;
use std::ops::Range;

type Constants = &'static [(&'static str, &'static str)];

const fn direct(name: &'static str, constants: Constants) -> Variant {
    Variant { name, adapters: Adapters::Software, classes: &[], constants, snippets: &[common::TILE_DIRECT, snippet!("tile_direct_sums")] }
}

const fn shared(name: &'static str, classes: &'static [&'static str], constants: Constants) -> Variant {
    Variant { name, adapters: Adapters::Hardware, classes, constants, snippets: &[common::TILE_SHARED, snippet!("tile_shared_sums")] }
}

/// As a product's, but for blocks of 128, which leave no workgroup memory for the sums.
const VARIANTS: [Variant; 4] = [
    direct("direct16", &[("EDGE", "4u")]),
    direct("direct8", &[("EDGE", "2u")]),
    shared("shared64", &["wide"], &[("EDGE", "2u"), ("SIDE", "8u")]),
    shared("shared32", &["narrow"], &[("EDGE", "1u"), ("SIDE", "8u")]),
];

pub(in crate::ops) static PAIR_MLP: Source = kernel_source!("message/pair_mlp").with_variants(&VARIANTS);
pub(in crate::ops) static PAIR_MLP_SLOPES: Source = kernel_source!("message/pair_mlp_slopes").with_variants(&VARIANTS);
pub(in crate::ops) static PAIR_MLP_NODES: Source = kernel_source!("message/pair_mlp_nodes").with_variants(&VARIANTS);
pub(in crate::ops) static PAIR_MLP_WEIGHTS: Source = kernel_source!("message/pair_mlp_weights").with_variants(&VARIANTS);

/// The most elements of a panel: 8 MiB, of which the caches of GPUs hold several.
const PANEL: usize = 1 << 21;
/// On a software adapter: 512 KiB, half a core's.
const SMALL_PANEL: usize = 1 << 17;

/// The tiling of an output `[rows, cols]`, where each tile takes `products` products of `terms` terms.
fn tiling(source: &'static Source, cx: &Lowering<'_>, [rows, cols]: [usize; 2], [products, terms]: [usize; 2]) -> Result<Tiling> {
    let class = if rows.min(cols) > 32 { "wide" } else { "narrow" };
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
    let tiling = tiling(&PAIR_MLP, cx, [m, h], [m.div_ceil(SMALLEST), f])?;
    let units = batch * n * tiling.units(h);
    let params = Params::new().u32(units).u32(n).u32(m).u32(f / 4).u32(h / 4).u32(tiling.units(m)).u32(tiling.units(h));
    let params = with_activations(params, activations);
    let bindings = (0..5).map(|i| Binding::read(cx.input(i))).chain([Binding::write(cx.output(0))]).collect();
    let flops = e.pairs() as f64 * (2 * f + 2 * f * h + 4 * h) as f64;
    cx.dispatch(tiling.kernel(&[]), bindings, params, tiling.groups(units), flops)
}

fn extents(cx: &Lowering<'_>) -> Result<MlpExtents> {
    MlpExtents::of(&(0..cx.inputs()).map(|i| cx.ty(cx.input(i))).collect::<Vec<_>>())
}

fn with_activations(params: Params, activations: [PairActivation; 2]) -> Params {
    let [first, second] = activations.map(Phi::value);
    params.u32(first.code()).u32(second.code()).f32(first.leak()).f32(second.leak())
}

/// Pairs whose outputs' cotangents exist at once.
#[derive(Debug, Clone)]
struct Panel {
    graphs: Range<usize>,
    receivers: Range<usize>,
    senders: Range<usize>,
}

impl Panel {
    /// Panels of at most so many pairs: whole graphs, or squares of one graph's pairs.
    fn all(e: &MlpExtents, most: usize) -> Vec<Self> {
        let whole = e.receivers * e.senders;
        let (graphs, receivers, senders) = match most / whole.max(1) {
            0 => {
                // Where one side is short, the other is the longer for it.
                let senders = (most / most.isqrt().clamp(1, e.receivers)).clamp(1, e.senders);
                (1, (most / senders).max(1), senders)
            }
            graphs => (graphs, e.receivers, e.senders),
        };
        let ranges = |n: usize, step: usize| (0..n).step_by(step).map(move |at| at..n.min(at + step));
        let mut panels = Vec::new();
        for graphs in ranges(e.batch, graphs) {
            for receivers in ranges(e.receivers, receivers) {
                panels.extend(ranges(e.senders, senders).map(|senders| Self {
                    graphs: graphs.clone(),
                    receivers: receivers.clone(),
                    senders,
                }));
            }
        }
        panels
    }

    /// Receivers of all its graphs.
    fn rows(&self) -> usize {
        self.graphs.len() * self.receivers.len()
    }

    fn pairs(&self) -> usize {
        self.rows() * self.senders.len()
    }
}

/// The reverse pass that is being lowered.
struct Backward {
    extents: MlpExtents,
    activations: [PairActivation; 2],
    /// Parts of the cotangents of the weights and of the bias, and how many pairs make a part.
    parts: [Buffer; 2],
    run: usize,
    runs: usize,
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
    let most = if cx.target().software { SMALL_PANEL } else { PANEL } / h;
    let panels = Panel::all(&e, most.max(1));
    let pairs = panels.iter().map(Panel::pairs).max().unwrap_or(0);
    // As many parts as keep a GPU busy, but no more elements than a panel has.
    let run = f.max(256).next_multiple_of(64);
    let runs = pairs.div_ceil(run);
    let parts = if runs == 1 {
        [cx.output(3), cx.output(4)]
    } else {
        [cx.scratch(TensorType::f32([runs, h, f])), cx.scratch(TensorType::f32([runs, h]))]
    };
    let backward = Backward { extents: e, activations, parts, run, runs };
    for (at, panel) in panels.iter().enumerate() {
        let slopes = cx.scratch(TensorType::f32([panel.pairs(), h]));
        backward.slopes(cx, panel, slopes, at == 0)?;
        backward.receivers(cx, panel, slopes, at == 0)?;
        backward.senders(cx, panel, slopes, at == 0)?;
        backward.weights(cx, panel, slopes, at == 0)?;
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
    /// The cotangents of a panel's outputs, and dz.
    fn slopes(&self, cx: &mut Lowering<'_>, panel: &Panel, slopes: Buffer, first: bool) -> Result<()> {
        let MlpExtents { receivers: n, senders: m, features: f, outputs: h, .. } = self.extents;
        let tiling = tiling(&PAIR_MLP_SLOPES, cx, [panel.senders.len(), h], [h.div_ceil(SMALLEST), f])?;
        let (row_units, col_units) = (tiling.units(panel.senders.len()), tiling.units(h));
        let units = panel.rows() * row_units;
        let params = Params::new().u32(units).u32(n).u32(m).u32(f / 4).u32(h / 4).u32(row_units).u32(col_units);
        let params = with_activations(params, self.activations).u32(panel.graphs.start).u32(panel.receivers.start).u32(panel.senders.start);
        let params = params.u32(panel.receivers.len()).u32(panel.senders.len());
        let inputs = (0..6).map(|i| Binding::read(cx.input(i)));
        let bindings = inputs.chain([Binding::write(slopes), shared_by_panels(cx.output(0), first)]).collect();
        let flops = panel.pairs() as f64 * (2 * f + 2 * f * h + 7 * h) as f64;
        cx.dispatch(tiling.kernel(&[]), bindings, params, tiling.groups(units), flops)
    }

    /// du, summed over senders.
    fn receivers(&self, cx: &mut Lowering<'_>, panel: &Panel, slopes: Buffer, first: bool) -> Result<()> {
        let h = self.extents.outputs / 4;
        let ends = [
            End { at: 1, nodes: self.extents.receivers, of: &panel.receivers },
            End { at: 2, nodes: self.extents.senders, of: &panel.senders },
        ];
        self.nodes(cx, panel, slopes, ends, [panel.senders.len() * h, h], first)
    }

    /// dv, summed over receivers.
    fn senders(&self, cx: &mut Lowering<'_>, panel: &Panel, slopes: Buffer, first: bool) -> Result<()> {
        let h = self.extents.outputs / 4;
        let ends = [
            End { at: 2, nodes: self.extents.senders, of: &panel.senders },
            End { at: 1, nodes: self.extents.receivers, of: &panel.receivers },
        ];
        self.nodes(cx, panel, slopes, ends, [h, panel.senders.len() * h], first)
    }

    /// The cotangent of one end; `steps` lead in the panel from one of its nodes to the next, and to the next of the other end.
    fn nodes(
        &self,
        cx: &mut Lowering<'_>,
        panel: &Panel,
        slopes: Buffer,
        [own, other]: [End<'_>; 2],
        steps: [usize; 2],
        first: bool,
    ) -> Result<()> {
        let MlpExtents { features: f, outputs: h, .. } = self.extents;
        let (kept, summed) = (own.of.len(), other.of.len());
        let tiling = tiling(&PAIR_MLP_NODES, cx, [summed, f], [summed.div_ceil(SMALLEST), h])?;
        let (row_units, col_units) = (tiling.units(summed), tiling.units(f));
        let units = panel.graphs.len() * kept * col_units;
        let begins = other.of.start == 0;
        let phi = Phi::value(self.activations[0]);
        let params = Params::new().u32(units).u32(kept).u32(summed).u32(f / 4).u32(h / 4).u32(row_units).u32(col_units);
        let params = params.u32(steps[0]).u32(steps[1]).u32(panel.graphs.start).u32(own.nodes).u32(own.of.start);
        let params = params.u32(other.nodes).u32(other.of.start).u32(phi.code()).f32(phi.leak()).u32(begins.into());
        let read = [slopes, cx.input(3), cx.input(own.at), cx.input(other.at)].map(Binding::read);
        let bindings = read.into_iter().chain([shared_by_panels(cx.output(own.at), first)]).collect();
        let added = if begins { 0 } else { panel.graphs.len() * kept * f };
        let flops = panel.pairs() as f64 * (2 * f * h + 4 * f) as f64 + added as f64;
        cx.dispatch(tiling.kernel(&[]), bindings, params, tiling.groups(units), flops)
    }

    /// Parts of dw and db.
    fn weights(&self, cx: &mut Lowering<'_>, panel: &Panel, slopes: Buffer, first: bool) -> Result<()> {
        let MlpExtents { receivers: n, senders: m, features: f, outputs: h, .. } = self.extents;
        // Besides the product, an invocation sums the bias of a tile's outputs one pair at a time.
        let tiling = tiling(&PAIR_MLP_WEIGHTS, cx, [h, f], [1, 20 * self.run])?;
        let (row_units, col_units) = (tiling.units(h), tiling.units(f));
        let units = self.runs * row_units * col_units;
        let phi = Phi::value(self.activations[0]);
        let params = Params::new().u32(units).u32(n).u32(m).u32(f / 4).u32(h / 4).u32(row_units).u32(col_units);
        let params = params.u32(panel.pairs()).u32(self.run).u32(phi.code()).f32(phi.leak());
        let params = params.u32(panel.graphs.start).u32(panel.receivers.start).u32(panel.senders.start);
        let params = params.u32(panel.receivers.len()).u32(panel.senders.len()).u32(first.into());
        let read = [slopes, cx.input(1), cx.input(2)].map(Binding::read);
        let bindings = read.into_iter().chain(self.parts.map(|b| shared_by_panels(b, first))).collect();
        let added = if first { 0 } else { self.runs * h * (f + 1) };
        let flops = panel.pairs() as f64 * (2 * f + 2 * f * h + h) as f64 + added as f64;
        cx.dispatch(tiling.kernel(&[]), bindings, params, tiling.groups(units), flops)
    }
}

/// One end of the first layer: which operand, nodes of a graph, and those of the panel.
struct End<'a> {
    at: usize,
    nodes: usize,
    of: &'a Range<usize>,
}
