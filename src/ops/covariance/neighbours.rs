//! The lowering of the k others with which each variable correlates most: from panels of rows, or straight from the product's tiles.

use super::super::strided::lower_set;
use super::super::tile::{self, Extents, Operand, Terms, Tiling};
use super::panels::{Panels, UNITS};
use crate::Result;
use crate::kernel::{Adapters, Algorithms, Binding, Buffer, LOOP_LIMIT, Lowering, Params, Source, Target, Variant, common, kernel_source};
use crate::tensor::TensorType;

pub(in crate::ops) static TOP_K: Source = kernel_source!("covariance/top_k").with_variants(&[
    Variant {
        name: "group",
        adapters: Adapters::Hardware,
        classes: &[],
        constants: &[("LANES", "256u")],
        snippets: &[common::TOP_K_GROUP],
    },
    Variant {
        name: "serial",
        adapters: Adapters::Software,
        classes: &[],
        constants: &[("LANES", "64u")],
        snippets: &[common::TOP_K_SERIAL],
    },
]);

pub(in crate::ops) static TOP_K_TILES: Source =
    kernel_source!("covariance/top_k_tiles").with_variants(&tile::IN_LINES).with_choices(&[common::OPERANDS]);
pub(in crate::ops) static TOP_K_MERGE: Source = kernel_source!("covariance/top_k_merge");

/// The whole matrix row by row, in panels; or half of it, of whose tiles the best entries of each row are kept.
pub(in crate::ops) static NEIGHBOURS: Algorithms = Algorithms {
    name: "covariance/neighbours",
    all: &[("panels", "covariance/top_k"), ("tiles", "covariance/top_k_tiles")],
    classes: &["few", "many"],
    rule,
};

/// The matrix of so many variables takes no longer than its half, for a GPU makes all its tiles at once.
const FEW: usize = 512;

fn rule(target: &Target, class: &str) -> &'static str {
    if target.software || class == "few" { "panels" } else { "tiles" }
}

/// The most entries of a row that a kernel chooses from at once, and the lanes that share a row.
const CANDIDATES: usize = 1024;
const LANES: usize = 256;

/// The most bytes of a panel, and of candidates.
const PANEL: u64 = 64 << 20;

/// The most neighbours for which a tile's candidates are few beside its entries.
const NEAREST: usize = 32;

/// The units that fill a GPU.
const FULL: usize = 4 * Target::MULTIPROCESSORS;

/// The k best of each row of u uᵀ into the outputs, k > 0.
pub(super) fn lower(cx: &mut Lowering<'_>, u: Operand, [n, time]: [usize; 2], k: usize) -> Result<()> {
    let class = if n <= FEW { "few" } else { "many" };
    if NEIGHBOURS.choose(cx.target(), class) == "tiles"
        && let Some(tiles) = Tiles::new(cx, [n, time], k)?
    {
        return tiles.lower(cx, u);
    }
    by_panels(cx, u, [n, time], k)
}

/// The division of u uᵀ into tiles, and the candidates for the k best of each row that are kept of them.
struct Tiles {
    tiling: Tiling,
    n: usize,
    time: usize,
    k: usize,
    /// Units along a row.
    units: usize,
    /// Candidates of a row in a unit.
    kept: usize,
    /// The most distances between two units, on a circle, for which a row's candidates are held at once.
    most: usize,
}

impl Tiles {
    /// None where they would take more memory than a panel, or there would be too many.
    fn new(cx: &Lowering<'_>, [n, time]: [usize; 2], k: usize) -> Result<Option<Self>> {
        let tiling = Tiling::symmetric(&TOP_K_TILES, cx, Extents { batches: 1, rows: n, cols: n, terms: time })?;
        let (units, kept) = (tiling.units(n), k.min(tiling.rows()));
        let entries = CANDIDATES.min((PANEL.min(cx.target().max_binding) / 8) as usize / n);
        let fit = entries.saturating_sub(k) / (2 * kept);
        let most = fit.min((UNITS / units).max(1));
        Ok((k <= NEAREST && fit > 0).then_some(Self { tiling, n, time, k, units, kept, most }))
    }

    /// The distances that each dispatch takes. Before the first, nothing is known of a row's best, and all its entries vie to be candidates:
    /// where there are many units, it takes no more than fill a GPU.
    fn shares(&self) -> Vec<usize> {
        let distances = self.units / 2 + 1;
        let few = self.units * distances <= 4 * FULL;
        let (mut shares, mut taken) = (Vec::new(), 0);
        while taken < distances {
            let share = if few { distances } else { (4 * taken).max(FULL.div_ceil(self.units)) };
            shares.push(share.min(self.most).min(distances - taken));
            taken += shares[shares.len() - 1];
        }
        shares
    }

    /// The entries of a row after a dispatch that took so many distances.
    fn entries(&self, share: usize) -> usize {
        self.k + 2 * share * self.kept
    }

    /// By turns, the candidates of a share of the units, and the best of them and of those before.
    fn lower(&self, cx: &mut Lowering<'_>, u: Operand) -> Result<()> {
        let &Self { n, time, k, units, kept, .. } = self;
        let shares = self.shares();
        let width = self.entries(shares.iter().copied().max().unwrap_or(0));
        let candidates = cx.scratch(TensorType::u32([n, width, 2]));
        lower_set(cx, candidates, 0)?;
        let magnitudes = self.tiling.magnitudes(cx, [(u, Terms::WithinOne); 2])?;
        // Half the entries, each held within [−1, 1], or made exact on the diagonal; a comparison with every other variable for each
        // neighbour.
        let flops = (n * (n + 1)) as f64 * time as f64 + (n * n + n * k * n.saturating_sub(1)) as f64;
        let mut first = 0;
        for &share in &shares {
            let own = [Binding::read(u.buffer), Binding::read(u.buffer), Binding::continued(candidates)];
            let bindings = own.into_iter().chain(magnitudes.iter().copied()).collect();
            let params = Params::new().u32(n).u32(time).u32(units).u32(first).u32(share).u32(u.stride).u32(k).u32(kept).u32(width);
            let kernel = self.tiling.kernel(&[tile::operands(u, u)]);
            let part = share as f64 / (units / 2 + 1) as f64;
            cx.dispatch(kernel, bindings, params, self.tiling.groups(units * share), flops * part)?;
            let output = |b: Buffer| if first == 0 { Binding::write(b) } else { Binding::continued(b) };
            let bindings = vec![Binding::continued(candidates), output(cx.output(0)), output(cx.output(1))];
            let params = Params::new().u32(n).u32(self.entries(share)).u32(k).u32(k).u32(width);
            cx.dispatch(cx.kernel(&TOP_K_MERGE, &[]), bindings, params, n, 0.0)?;
            first += share;
        }
        Ok(())
    }
}

/// Makes panels of rows, as many rows as a panel may have, in whole blocks of 128, and keeps the best of each. The first begins the outputs,
/// and the others go on with them.
fn by_panels(cx: &mut Lowering<'_>, u: Operand, [n, time]: [usize; 2], k: usize) -> Result<()> {
    let most = (PANEL.min(cx.target().max_binding) / (4 * n.max(1)) as u64) as usize;
    let most = if most > 128 { most / 128 * 128 } else { most.max(1) };
    // As many at once as no more than the kernel chooses from can vie for: a lane's, for each.
    let of_lane = n.div_ceil(LANES);
    let batch = (CANDIDATES / of_lane).clamp(1, LANES);
    let variant = TOP_K.variant(cx.target(), "");
    // Rows that are too long for one invocation of a software adapter are a workgroup's.
    let serial = variant.name == "serial" && !(cx.target().software && k * n > LOOP_LIMIT);
    let variant = if serial { variant } else { &TOP_K.variants[0] };
    if !serial {
        cx.check_iterations(k.div_ceil(batch) * (2 * of_lane + LANES + CANDIDATES))?;
    }
    for first in (0..n).step_by(most) {
        let rows = first..n.min(first + most);
        let panel = cx.scratch(TensorType::f32([rows.len(), n]));
        Panels::lower_rows(cx, u, [n, time], rows.clone(), panel)?;
        let output = |b: Buffer| if first == 0 { Binding::write(b) } else { Binding::continued(b) };
        let bindings = vec![Binding::read(panel), output(cx.output(0)), output(cx.output(1))];
        let params = Params::new().u32(first).u32(rows.len()).u32(n).u32(k).u32(batch);
        // A comparison with every other variable for each neighbour.
        let flops = (rows.len() * k) as f64 * n.saturating_sub(1) as f64;
        let groups = if serial { rows.len().div_ceil(64) } else { rows.len() };
        cx.dispatch(TOP_K.kernel(variant, &[]), bindings, params, groups, flops)?;
    }
    Ok(())
}
