//! What the products share: how an output is shared out in tiles, and operands laid out so that they load four elements at a time.

use crate::Result;
use crate::kernel::{Binding, Buffer, Lowering, Params, Source, Suits, Variant, common, wgsl};
use crate::tensor::TensorType;

const fn direct(name: &'static str, edge: &'static [(&'static str, &'static str)]) -> Variant {
    Variant { name, suits: Suits::Software, constants: edge, snippets: &[common::TILE_DIRECT] }
}

const fn shared(name: &'static str, shape: &'static [(&'static str, &'static str)]) -> Variant {
    Variant { name, suits: Suits::Hardware, constants: shape, snippets: &[common::TILE_SHARED] }
}

/// By the edge of a unit: an invocation's own tile, or a workgroup's block.
pub(super) const VARIANTS: [Variant; 5] = [
    direct("direct16", &[("EDGE", "4u")]),
    direct("direct8", &[("EDGE", "2u")]),
    shared("shared128", &[("EDGE", "2u"), ("SIDE", "16u")]),
    shared("shared64", &[("EDGE", "2u"), ("SIDE", "8u")]),
    shared("shared32", &[("EDGE", "1u"), ("SIDE", "8u")]),
];

pub(super) static PAD: Source = super::shape::plain("matmul/pad", wgsl!("matmul/pad"));

/// Units of an output fewer than this leave a GPU's cores idle, or a CPU's.
const FULL: [usize; 2] = [256, 64];

/// How an output is shared out: the variant, the edge of its square units, and how many units a workgroup takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling {
    pub(super) variant: &'static Variant,
    edge: usize,
    together: usize,
}

impl Tiling {
    fn of(variant: &'static Variant) -> Self {
        match variant.name {
            "direct16" => Self { variant, edge: 16, together: 16 },
            "direct8" => Self { variant, edge: 8, together: 16 },
            "shared128" => Self { variant, edge: 128, together: 1 },
            "shared64" => Self { variant, edge: 64, together: 1 },
            _ => Self { variant, edge: 32, together: 1 },
        }
    }

    /// The variant that is asked for by name; else the largest units of which there are enough. `units` counts those of an edge.
    pub(super) fn choose(source: &'static Source, cx: &Lowering<'_>, count: impl Fn(&Self) -> usize) -> Self {
        if cx.target().pinned(source.name).is_some() {
            return Self::of(source.variant(cx.target()));
        }
        let (suits, full) = if cx.target().software { (Suits::Software, FULL[1]) } else { (Suits::Hardware, FULL[0]) };
        let mut fitting = source.variants.iter().filter(|v| v.suits == suits).map(Self::of);
        let smallest = Self::of(source.variants.iter().rfind(|v| v.suits == suits).unwrap_or(&source.variants[0]));
        fitting.find(|t| count(t) >= full).unwrap_or(smallest)
    }

    /// Units along an extent.
    pub(super) fn units(&self, extent: usize) -> usize {
        extent.div_ceil(self.edge)
    }

    /// Workgroups of so many units.
    pub(super) fn groups(&self, units: usize) -> usize {
        units.div_ceil(self.together)
    }
}

/// A matrix as a product reads it: rows `stride` elements apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operand {
    pub(super) buffer: Buffer,
    pub(super) stride: usize,
}

impl Operand {
    /// A buffer of `[rows, cols]`, each element of which is read for `uses` others: where it is worth it, rows whose length is no
    /// multiple of 4 are first copied to where they begin at one.
    pub(super) fn new(cx: &mut Lowering<'_>, buffer: Buffer, [rows, cols]: [usize; 2], uses: usize) -> Result<Self> {
        let stride = cols.next_multiple_of(4);
        let padded = TensorType::f32([rows, stride]);
        if stride == cols || uses < 32 || padded.bytes() > cx.target().max_binding {
            return Ok(Self { buffer, stride: cols });
        }
        let wide = cx.scratch(padded);
        let quads = rows * stride / 4;
        let params = Params::new().u32(quads).u32(cols).u32(stride);
        let kernel = cx.kernel(&PAD, &[]);
        cx.dispatch(kernel, vec![Binding::read(buffer), Binding::write(wide)], params, quads.div_ceil(64), 0.0)?;
        Ok(Self { buffer: wide, stride })
    }
}

/// Which of `common::OPERANDS` reads both.
pub(super) fn operands(a: Operand, b: Operand) -> usize {
    usize::from(a.stride.is_multiple_of(4) && b.stride.is_multiple_of(4))
}

/// Which of `common::RESULT` writes rows of this length.
pub(super) fn result(cols: usize) -> usize {
    usize::from(cols.is_multiple_of(4))
}
