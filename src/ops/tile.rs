//! The code that the products share: the division of an output into tiles, and the layout of operands that are loaded four elements at a
//! time.

use crate::Result;
use crate::kernel::{Adapters, Binding, Buffer, Choice, Kernel, Lowering, Params, Snippet, Source, Target, Variant, common, kernel_source};
use crate::tensor::TensorType;

type Constants = &'static [(&'static str, &'static str)];

const fn direct(name: &'static str, constants: Constants) -> Variant {
    Variant { name, adapters: Adapters::Software, classes: &[], constants, snippets: &[common::TILE_DIRECT] }
}

const fn staged(name: &'static str, classes: &'static [&'static str], constants: Constants) -> Variant {
    Variant { name, adapters: Adapters::Hardware, classes, constants, snippets: &[common::TILE_STAGED] }
}

/// The class of work that suits cooperative matrices.
pub(super) const COOPERATIVE: &str = "cooperative";

/// On cooperative matrices of this edge.
pub(super) const fn cooperative(name: &'static str, edge: usize, snippets: &'static [Snippet]) -> Variant {
    let constants = &[("EDGE", "2u"), ("ROW_SIDE", "16u"), ("COL_SIDE", "16u")];
    Variant { name, adapters: Adapters::Cooperative(edge), classes: &[COOPERATIVE], constants, snippets }
}

/// By the edge of a unit: an invocation's own tile on software adapters, a workgroup's block on GPUs. Tiles of 8 × 8, for GPUs that have
/// few registers and no workgroup memory of their own, and blocks of 128 × 128 are taken where a tuning says so.
pub(super) const VARIANTS: [Variant; 7] = [
    direct("direct16", &[("EDGE", "4u")]),
    direct("direct8", &[("EDGE", "2u")]),
    cooperative("cooperative", 16, &[common::TILE_COOPERATIVE, common::MATRICES_16, common::MAGNITUDES_GIVEN]),
    cooperative("cooperative8", 8, &[common::TILE_COOPERATIVE, common::MATRICES_8, common::MAGNITUDES_GIVEN]),
    staged("shared64", &["medium"], &[("EDGE", "2u"), ("ROW_SIDE", "8u"), ("COL_SIDE", "8u")]),
    staged("shared128", &["medium"], &[("EDGE", "2u"), ("ROW_SIDE", "16u"), ("COL_SIDE", "16u")]),
    staged("shared32", &["small"], &[("EDGE", "1u"), ("ROW_SIDE", "8u"), ("COL_SIDE", "8u")]),
];

/// The variants of kernels in which a workgroup goes through the lines of its block.
pub(super) const IN_LINES: [Variant; 5] = [VARIANTS[4], VARIANTS[5], VARIANTS[6], VARIANTS[2], VARIANTS[3]];

/// A class of work, by the block that suits it.
struct Class {
    name: &'static str,
    /// The edge of the block.
    edge: usize,
    /// The products and sums that a multiprocessor makes of such blocks in the time in which it makes one of blocks of 64 × 64, where it
    /// has as many blocks as it holds.
    rate: f64,
    /// The number of blocks with which a multiprocessor reaches that rate.
    full: f64,
    /// The dispatches beside the product's own.
    before: f64,
}

const CLASSES: [Class; 3] = [
    Class { name: COOPERATIVE, edge: 128, rate: 1.8, full: 1.0, before: 2.0 },
    Class { name: "medium", edge: 64, rate: 1.0, full: 3.0, before: 0.0 },
    Class { name: "small", edge: 32, rate: 0.55, full: 3.0, before: 0.0 },
];

/// Products and sums that a multiprocessor makes while a dispatch begins, and while its share of one element of a part is stored and loaded
/// again.
const DISPATCH: f64 = 250_000.0;
const PART: f64 = 40.0;

/// The fewest terms of a slice of a long sum, and the most slices.
const SLICE: usize = 256;
const SLICES: usize = 64;

pub(super) static PAD: Source = kernel_source!("matmul/pad");

pub(super) static MAGNITUDES: Source = kernel_source!("matmul/magnitudes").with_choices(&[Choice::Constant("ACROSS", &["false", "true"])]);

/// The parts in which the largest magnitudes of columns are found; the snippet knows the number.
const SLABS: usize = 32;

/// An output to be divided: `batches` matrices of `[rows, cols]`, each entry a sum of `terms`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extents {
    pub(super) batches: usize,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) terms: usize,
}

impl Extents {
    /// The class and the number of slices up to `most` that take the least time by a simple model: the multiprocessor that gets the most
    /// blocks makes them at its full rate, or at less where they are few; slices add the cost of their parts. Of symmetric matrices, the
    /// blocks above the diagonal are left out.
    fn cheapest(self, target: &Target, most: usize, symmetric: bool) -> (&'static str, usize) {
        let share = |n: usize| n as f64 / Target::MULTIPROCESSORS as f64;
        let elements = self.batches * self.rows * self.cols;
        let time = |class: &Class, slices: usize| {
            let (down, across) = (self.rows.div_ceil(class.edge), self.cols.div_ceil(class.edge));
            let units = if symmetric { down * (down + 1) / 2 } else { down * across };
            let busiest = share(self.batches * units * slices).ceil().max(class.full);
            let made = class.before * DISPATCH + busiest * (class.edge * class.edge * cut(self.terms, slices)) as f64 / class.rate;
            if slices == 1 { made } else { made + DISPATCH + PART * slices as f64 * share(elements) }
        };
        let fits = |class: &&Class| class.name != COOPERATIVE || target.prefers_cooperative();
        let each = CLASSES.iter().filter(fits).flat_map(|class| (1..=most.max(1)).map(move |slices| (class, slices)));
        let best = each.min_by(|&(a, m), &(b, n)| time(a, m).total_cmp(&time(b, n)));
        best.map_or((CLASSES[1].name, 1), |(class, slices)| (class.name, slices))
    }

    /// The most slices of sums that are long enough, whose parts fit a binding.
    fn most_slices(self, target: &Target) -> usize {
        let of_slice = TensorType::f32([self.batches, self.rows, self.cols]).bytes().max(1);
        SLICES.min(self.terms / SLICE).min((target.max_binding / of_slice) as usize)
    }
}

/// The terms of each slice of a sum but the last: all, or whole runs of 64.
pub(super) fn cut(terms: usize, slices: usize) -> usize {
    if slices == 1 { terms } else { terms.div_ceil(slices).next_multiple_of(64) }
}

/// The division of an output among workgroups: the variant, the rows and columns of its units, the number of units that a workgroup takes,
/// and the slices of each sum, of `run` terms, that are made apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling {
    source: &'static Source,
    variant: &'static Variant,
    class: &'static str,
    block: [usize; 2],
    together: usize,
    pub(super) slices: usize,
    pub(super) run: usize,
}

impl Tiling {
    /// For an output each of whose sums one workgroup makes.
    ///
    /// # Errors
    /// Where the terms are more than a software adapter goes through.
    pub(super) fn new(source: &'static Source, cx: &Lowering<'_>, extents: Extents) -> Result<Self> {
        Self::chosen(source, cx, extents, extents.cheapest(cx.target(), 1, false))
    }

    /// For an output whose sums may be made in slices, which another dispatch adds.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn sliced(source: &'static Source, cx: &Lowering<'_>, extents: Extents) -> Result<Self> {
        Self::chosen(source, cx, extents, extents.cheapest(cx.target(), extents.most_slices(cx.target()), false))
    }

    /// For symmetric matrices, of which the square units on and below the diagonal are made.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn symmetric(source: &'static Source, cx: &Lowering<'_>, extents: Extents) -> Result<Self> {
        Self::chosen(source, cx, extents, extents.cheapest(cx.target(), 1, true))
    }

    fn chosen(source: &'static Source, cx: &Lowering<'_>, extents: Extents, (class, slices): (&'static str, usize)) -> Result<Self> {
        // Four terms a turn, and a flush every 64.
        let tiling = Self::for_class(source, cx, class, extents.terms / 4 + extents.terms / 64)?;
        Ok(tiling.in_slices(extents.terms, if tiling.together > 1 { 1 } else { slices }))
    }

    /// The same, with sums of so many terms in so many slices at most.
    pub(super) fn in_slices(self, terms: usize, slices: usize) -> Self {
        let run = cut(terms, slices);
        Self { run, slices: terms.div_ceil(run.max(1)).max(1), ..self }
    }

    /// For work of a class, through which an invocation of the smallest tile takes so many turns.
    ///
    /// # Errors
    /// Where those are more than a software adapter goes.
    pub(super) fn for_class(source: &'static Source, cx: &Lowering<'_>, class: &'static str, turns: usize) -> Result<Self> {
        cx.check_iterations(turns)?;
        let mut variant = source.variant(cx.target(), class);
        // Checked indices keep Mesa from unrolling the loops of a tile, which then lies in memory: the smaller, the better.
        if variant.name == "direct16" && cx.target().checked && cx.target().pinned(source.name, class).is_none() {
            variant = source.variants.iter().find(|v| v.name == "direct8").unwrap_or(variant);
        }
        let block = ["ROW_SIDE", "COL_SIDE"].map(|side| edge(variant) * variant.constant(side).unwrap_or(1));
        // A workgroup takes one block, or as many tiles as the GROUP of `tile_direct`.
        let together = if variant.constant("COL_SIDE").is_some() { 1 } else { 16 };
        Ok(Self { source, variant, class, block, together, slices: 1, run: 0 })
    }

    /// The kernel under `chosen`.
    pub(super) fn kernel(&self, chosen: &[usize]) -> Kernel {
        self.source.kernel(self.variant, chosen).for_class(self.class)
    }

    /// The same variant of another kernel that has the same ones.
    pub(super) fn in_kernel(&self, source: &'static Source) -> Self {
        let variant = source.variants.iter().find(|v| v.name == self.variant.name).unwrap_or(self.variant);
        Self { source, variant, ..*self }
    }

    /// Rows of a unit.
    pub(super) fn rows(&self) -> usize {
        self.block[0]
    }

    /// Units along rows.
    pub(super) fn row_units(&self, rows: usize) -> usize {
        rows.div_ceil(self.block[0])
    }

    /// Units along columns.
    pub(super) fn col_units(&self, cols: usize) -> usize {
        cols.div_ceil(self.block[1])
    }

    /// Invocations along the rows of a workgroup that shares a unit; none where a unit is one invocation's.
    pub(super) fn side(&self) -> Option<usize> {
        self.variant.constant("ROW_SIDE")
    }

    /// Invocations of a workgroup.
    pub(super) fn workgroup(&self) -> usize {
        let side = |name| self.variant.constant(name);
        side("ROW_SIDE").zip(side("COL_SIDE")).map_or(self.together, |(rows, cols)| rows * cols)
    }

    /// Units along an extent, where they are square.
    pub(super) fn units(&self, extent: usize) -> usize {
        extent.div_ceil(self.block[0])
    }

    /// Units along the rows and along the columns.
    pub(super) fn units_of(&self, rows: usize, cols: usize) -> [usize; 2] {
        [self.row_units(rows), self.col_units(cols)]
    }

    /// Parts of an extent that an invocation's tiles have columns, or rows, in, where units are square.
    pub(super) fn slots(&self, extent: usize) -> usize {
        self.units(extent) * self.block[0] / edge(self.variant)
    }

    /// Workgroups of so many units.
    pub(super) fn groups(&self, units: usize) -> usize {
        units.div_ceil(self.together)
    }

    /// The last bindings of a variant that scales, MAGNITUDES and the one after it: the largest magnitudes of each operand's lines. Other
    /// variants have none of these. A sum goes through the terms of each operand as it is stored.
    pub(super) fn magnitudes(&self, cx: &mut Lowering<'_>, [a, b]: [(Operand, Terms); 2]) -> Result<Vec<Binding>> {
        if !self.variant.cooperative() {
            return Ok(Vec::new());
        }
        let of_a = magnitudes(cx, a)?;
        let of_b = if a == b { of_a } else { magnitudes(cx, b)? };
        Ok([of_a, of_b].map(Binding::read).into())
    }
}

/// The direction in which the terms of a product's sums lie in an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Terms {
    /// Along each row.
    Row,
    /// Along each column of so many matrices that lie one below the other.
    Column { matrices: usize },
    /// Along each row, and none is larger than 1: where the kernel sets `within_one`.
    WithinOne,
}

impl Terms {
    /// In an operand that is stored transposed, or not, as many times as there are matrices.
    pub(super) fn of(along_row: bool, matrices: usize) -> Self {
        if along_row { Self::Row } else { Self::Column { matrices } }
    }
}

/// The largest magnitude of each line of an operand; a stand-in where it is known.
fn magnitudes(cx: &mut Lowering<'_>, (operand, terms): (Operand, Terms)) -> Result<Buffer> {
    let Operand { buffer, rows, cols, stride } = operand;
    let (matrices, across) = match terms {
        Terms::WithinOne => return Ok(buffer),
        Terms::Row => (1, false),
        Terms::Column { matrices } => (matrices, true),
    };
    let depth = if across { rows / matrices.max(1) } else { cols };
    let (lines, slabs, beside) = if across { (cols, SLABS, 64) } else { (rows, 1, 4) };
    let most = cx.scratch(TensorType::u32([if across { matrices * SLABS * stride } else { rows }]));
    let groups = lines.div_ceil(beside);
    let params = Params::new().u32(lines).u32(depth).u32(stride).u32(groups).u32(slabs).u32(depth.div_ceil(slabs));
    let kernel = cx.kernel(&MAGNITUDES, &[across.into()]);
    cx.dispatch(kernel, vec![Binding::read(buffer), Binding::write(most)], params, groups * slabs * matrices, 0.0)?;
    Ok(most)
}

/// The edge of an invocation's tile.
fn edge(variant: &Variant) -> usize {
    4 * variant.constant("EDGE").unwrap_or(1)
}

/// A matrix as a product reads it: rows `stride` elements apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operand {
    pub(super) buffer: Buffer,
    rows: usize,
    cols: usize,
    pub(super) stride: usize,
}

impl Operand {
    /// A buffer of `[rows, cols]`, each element of which is read for `uses` others: where it is worth it, rows whose length is no
    /// multiple of 4 are first copied to where they begin at one.
    pub(super) fn new(cx: &mut Lowering<'_>, buffer: Buffer, [rows, cols]: [usize; 2], uses: usize) -> Result<Self> {
        let stride = cols.next_multiple_of(4);
        let padded = TensorType::f32([rows, stride]);
        if stride == cols || uses < 32 || padded.bytes() > cx.target().max_binding {
            return Ok(Self { buffer, rows, cols, stride: cols });
        }
        let wide = cx.scratch(padded);
        let quads = rows * stride / 4;
        let params = Params::new().u32(quads).u32(cols).u32(stride);
        let kernel = cx.kernel(&PAD, &[]);
        cx.dispatch(kernel, vec![Binding::read(buffer), Binding::write(wide)], params, quads.div_ceil(256), 0.0)?;
        Ok(Self { buffer: wide, rows, cols, stride })
    }
}

/// The index in `common::OPERANDS` of the snippet that reads both operands.
pub(super) fn operands(a: Operand, b: Operand) -> usize {
    usize::from(!(a.stride.is_multiple_of(4) && b.stride.is_multiple_of(4)))
}

/// The index in `common::RESULT` of the snippet that writes rows of this length.
pub(super) fn result(cols: usize) -> usize {
    usize::from(!cols.is_multiple_of(4))
}
