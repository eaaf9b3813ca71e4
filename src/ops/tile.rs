//! The code that the products share: the division of an output into tiles, and the layout of operands that are loaded four elements at a
//! time.

use crate::Result;
use crate::kernel::{Adapters, Binding, Buffer, Choice, Kernel, Lowering, Params, Source, Variant, common, kernel_source};
use crate::tensor::TensorType;

type Constants = &'static [(&'static str, &'static str)];

const fn direct(name: &'static str, constants: Constants) -> Variant {
    Variant { name, adapters: Adapters::Software, classes: &[], constants, snippets: &[common::TILE_DIRECT] }
}

const fn shared(name: &'static str, classes: &'static [&'static str], constants: Constants) -> Variant {
    Variant { name, adapters: Adapters::Hardware, classes, constants, snippets: &[common::TILE_SHARED] }
}

const COOPERATIVE: Variant = Variant {
    name: "cooperative",
    adapters: Adapters::Cooperative,
    classes: &["large", "medium"],
    constants: &[("EDGE", "2u"), ("SIDE", "16u")],
    snippets: &[common::TILE_COOPERATIVE],
};

/// By the edge of a unit: an invocation's own tile on software adapters, a workgroup's block on GPUs, the larger the output, the
/// larger, on cooperative matrices where there are such. Tiles of 8 × 8 are taken where a tuning says so: for GPUs that have few registers and no workgroup memory of their own.
pub(super) const VARIANTS: [Variant; 6] = [
    direct("direct16", &[("EDGE", "4u")]),
    direct("direct8", &[("EDGE", "2u")]),
    COOPERATIVE,
    shared("shared128", &["large"], &[("EDGE", "2u"), ("SIDE", "16u")]),
    shared("shared64", &["medium"], &[("EDGE", "2u"), ("SIDE", "8u")]),
    shared("shared32", &["small"], &[("EDGE", "1u"), ("SIDE", "8u")]),
];

/// The class of a product's work, by the elements of its output: large ones fill a GPU with blocks of 128 × 128, medium ones with
/// blocks of 64 × 64.
fn class(elements: usize) -> &'static str {
    match elements {
        0x40_0000.. => "large",
        0x10_0000.. => "medium",
        _ => "small",
    }
}

pub(super) static PAD: Source = kernel_source!("matmul/pad");

pub(super) static MAGNITUDES: Source = kernel_source!("matmul/magnitudes").with_choices(&[Choice::Constant("ACROSS", &["false", "true"])]);

/// The parts in which the largest magnitudes of columns are found; the snippet knows the number.
const SLABS: usize = 32;

/// The division of an output among workgroups: the variant, the edge of its square units, and the number of units that a workgroup takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling {
    source: &'static Source,
    variant: &'static Variant,
    class: &'static str,
    edge: usize,
    together: usize,
}

impl Tiling {
    /// For an output of so many elements, each a sum of `terms`.
    ///
    /// # Errors
    /// Where the terms are more than a software adapter goes through.
    pub(super) fn new(source: &'static Source, cx: &Lowering<'_>, elements: usize, terms: usize) -> Result<Self> {
        // Four terms a turn, and a flush every 64.
        Self::for_class(source, cx, class(elements), terms / 4 + terms / 64)
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
        let side = variant.constant("SIDE");
        let edge = 4 * variant.constant("EDGE").unwrap_or(1) * side.unwrap_or(1);
        // A workgroup takes one block, or as many tiles as the GROUP of `tile_direct`.
        Ok(Self { source, variant, class, edge, together: if side.is_some() { 1 } else { 16 } })
    }

    /// The kernel under `chosen`.
    pub(super) fn kernel(&self, chosen: &[usize]) -> Kernel {
        self.source.kernel(self.variant, chosen).for_class(self.class)
    }

    /// Units along an extent.
    pub(super) fn units(&self, extent: usize) -> usize {
        extent.div_ceil(self.edge)
    }

    /// Parts of an extent that an invocation's tiles have columns, or rows, in.
    pub(super) fn slots(&self, extent: usize) -> usize {
        self.units(extent) * self.variant.constant("SIDE").unwrap_or(1)
    }

    /// Workgroups of so many units.
    pub(super) fn groups(&self, units: usize) -> usize {
        units.div_ceil(self.together)
    }

    /// What the variant binds last, MAGNITUDES and the one after it: where it scales, the largest magnitudes of each operand's lines. A sum
    /// goes through the terms of each operand as it is stored.
    pub(super) fn magnitudes(&self, cx: &mut Lowering<'_>, [a, b]: [(Operand, Terms); 2]) -> Result<Vec<Binding>> {
        if self.variant.adapters != Adapters::Cooperative {
            return Ok(Vec::new());
        }
        let of_a = magnitudes(cx, a)?;
        let of_b = if a == b { of_a } else { magnitudes(cx, b)? };
        Ok([of_a, of_b].map(Binding::read).into())
    }
}

/// How the terms of a product's sums lie in an operand.
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
