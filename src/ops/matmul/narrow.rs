//! Products with few rows, few columns or few terms: what they take is the time to go through their long operand, or their result, once.

use super::super::tile;
use super::{Parts, Product};
use crate::Result;
use crate::kernel::{Adapters, Binding, Buffer, Choice, Lowering, Params, Source, Target, Variant, common, kernel_source, snippet};

type Constants = &'static [(&'static str, &'static str)];

const fn together(name: &'static str, classes: &'static [&'static str], constants: Constants) -> Variant {
    Variant { name, adapters: Adapters::Hardware, classes, constants, snippets: &[common::ROW_GROUP] }
}

const SHARES: [Variant; 4] = [
    Variant { name: "serial", adapters: Adapters::Software, classes: &[], constants: &[], snippets: &[common::ROW_SERIAL] },
    together("short", &["short"], &[("LANES", "8u"), ("ROWS", "32u"), ("ACROSS", "false")]),
    together("group", &["long"], &[("LANES", "32u"), ("ROWS", "8u"), ("ACROSS", "false")]),
    together("whole", &["alone"], &[("LANES", "256u"), ("ROWS", "1u"), ("ACROSS", "false")]),
];

const DOWN: [Variant; 2] = [
    Variant { name: "serial", adapters: Adapters::Software, classes: &[], constants: &[("DOWN", "1u")], snippets: &[] },
    Variant { name: "group", adapters: Adapters::Hardware, classes: &[], constants: &[("DOWN", "4u")], snippets: &[] },
];

/// The most lines of the operand that has few.
const FEWEST: usize = 8;
const FEW: Choice = Choice::Constant("FEW", &["1u", "2u", "4u", "8u"]);
const LINE: Choice = Choice::Snippet(&[snippet!("line_vector"), snippet!("line_scalar")]);
const FEW_LINE: Choice = Choice::Snippet(&[snippet!("few_vector"), snippet!("few_scalar")]);

pub(in crate::ops) static DOTS: Source = kernel_source!("matmul/narrow_dots").with_variants(&SHARES).with_choices(&[FEW, LINE, FEW_LINE]);
pub(in crate::ops) static SUMS: Source = kernel_source!("matmul/narrow_sums").with_variants(&DOWN).with_choices(&[FEW, LINE]);
pub(in crate::ops) static OUTER: Source = kernel_source!("matmul/outer").with_choices(&[common::RESULT]);

/// A narrow product as its kernels see it: a long operand, and another of few lines.
struct Narrow {
    lines: usize,
    depth: usize,
    batches: usize,
    /// True where the terms of a line of the long operand lie side by side.
    along: bool,
    stride: usize,
}

impl Product {
    fn batches(&self) -> usize {
        self.extents.iter().product()
    }

    /// The strides of each operand's batches in elements.
    fn batch_strides(&self, operand: usize) -> [usize; 3] {
        let [m, k, n] = self.shape;
        self.strides[operand].map(|s| s * [m * k, k * n][operand])
    }

    /// Lowers it, and is true, where it is narrow and not small.
    pub(super) fn lower_narrow(&self, cx: &mut Lowering<'_>, a: Buffer, b: Buffer, c: Buffer) -> Result<bool> {
        let [m, k, n] = self.shape;
        let small = 4096;
        if k <= FEWEST && self.batches() * m * n >= small {
            return self.lower_outer(cx, a, b, c).map(|()| true);
        }
        if m.min(n) > FEWEST || m * n == 0 || m.max(n) * k < small {
            return Ok(false);
        }
        self.lower_lines(cx, a, b, c).map(|()| true)
    }

    fn lower_outer(&self, cx: &mut Lowering<'_>, a: Buffer, b: Buffer, c: Buffer) -> Result<()> {
        let ([m, k, n], [transpose_a, transpose_b]) = (self.shape, self.transposed);
        let quads = n.div_ceil(4);
        let all = self.batches() * m * quads;
        let [a_row, a_term] = if transpose_a { [1, m] } else { [k, 1] };
        let [b_term, b_col] = if transpose_b { [1, k] } else { [n, 1] };
        let params = Params::new().u32(m).u32(n).u32(quads).u32(all).u32(k).u32(a_row).u32(a_term).u32(b_term).u32(b_col);
        let params = self.with_batches(params, [0, 1]);
        let kernel = cx.kernel(&OUTER, &[tile::result(n)]);
        let flops = 2.0 * (self.batches() * m * n) as f64 * k as f64;
        cx.dispatch(kernel, vec![Binding::read(a), Binding::read(b), Binding::write(c)], params, all.div_ceil(256), flops)
    }

    /// The two inner extents of the batches, and the operands' strides in them, in this order.
    fn with_batches(&self, params: Params, order: [usize; 2]) -> Params {
        let params = params.u32(self.extents[1]).u32(self.extents[2]);
        order.into_iter().flat_map(|operand| self.batch_strides(operand)).fold(params, Params::u32)
    }

    fn lower_lines(&self, cx: &mut Lowering<'_>, a: Buffer, b: Buffer, c: Buffer) -> Result<()> {
        let ([m, k, n], [transpose_a, transpose_b]) = (self.shape, self.transposed);
        let of_a = m >= n;
        let along = if of_a { !transpose_a } else { transpose_b };
        let few_along = if of_a { transpose_b } else { !transpose_a };
        let (lines, few) = (m.max(n), m.min(n));
        let narrow = Narrow { lines, depth: k, batches: self.batches(), along, stride: if along { k } else { lines } };
        let (source, slices) = narrow.shares(cx);
        let run = tile::cut(k, slices);
        let slices = k.div_ceil(run);
        let parts = (slices > 1).then(|| Parts::new(cx, slices, narrow.batches * m * n, n));
        let [long, short] = if of_a { [a, b] } else { [b, a] };
        let bindings = vec![Binding::read(long), Binding::read(short), Binding::write(parts.as_ref().map_or(c, |p| p.buffer))];

        let [b_line, b_term] = if few_along || few == 1 { [k, 1] } else { [1, few] };
        let [c_line, c_few] = if of_a { [n, 1] } else { [1, n] };
        let params = Params::new().u32(lines).u32(few).u32(k).u32(narrow.stride).u32(b_line).u32(b_term).u32(c_line).u32(c_few);
        let params = self.with_batches(params.u32(narrow.batches), if of_a { [0, 1] } else { [1, 0] });
        let params = params.u32(slices).u32(run).u32(parts.as_ref().map_or(0, |p| p.stride));
        let class = narrow.class();
        let variant = source.variant(cx.target(), class);
        cx.check_iterations(run + run / 64)?;
        let aligned = narrow.stride.is_multiple_of(4);
        let mut chosen = vec![few.next_power_of_two().ilog2() as usize, usize::from(!aligned)];
        if along {
            chosen.push(usize::from(!(aligned && b_term == 1)));
        }
        let kernel = source.kernel(variant, &chosen).for_class(class);
        let workgroups = (slices * narrow.units()).div_ceil(if along { variant.constant("ROWS").unwrap_or(64) } else { 1 });
        cx.dispatch(kernel, bindings, params, workgroups, 2.0 * (narrow.batches * m * n) as f64 * k as f64)?;
        parts.map_or(Ok(()), |parts| parts.add(cx, c, None))
    }
}

impl Narrow {
    /// The class of its work: how many invocations are wanted for a line.
    fn class(&self) -> &'static str {
        match self.depth {
            _ if !self.along => "",
            0..=128 => "short",
            2048.. if self.lines * self.batches < 16 * Target::MULTIPROCESSORS => "alone",
            _ => "long",
        }
    }

    /// What a slice has: lines that a row of invocations takes, or workgroups that take 256 lines.
    fn units(&self) -> usize {
        self.batches * if self.along { self.lines } else { self.lines.div_ceil(256) }
    }

    /// The kernel, and the slices of the sums: so many that workgroups are enough for a large GPU.
    fn shares(&self, cx: &Lowering<'_>) -> (&'static Source, usize) {
        let (source, shortest, wanted) = if self.along { (&DOTS, 4096, 2) } else { (&SUMS, 64, 4) };
        let slices = (wanted * Target::MULTIPROCESSORS).div_ceil(self.units()).min(self.depth / shortest).max(1);
        (source, if cx.target().software && !self.along { slices.min(self.depth.div_ceil(8192)) } else { slices })
    }
}
