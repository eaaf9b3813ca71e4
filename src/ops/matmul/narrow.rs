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

const fn down(name: &'static str, adapters: Adapters, classes: &'static [&'static str], constants: Constants) -> Variant {
    Variant { name, adapters, classes, constants, snippets: &[] }
}

const DOWN: [Variant; 3] = [
    down("serial", Adapters::Software, &[], &[("ACROSS", "64u"), ("DOWN", "1u")]),
    down("group", Adapters::Hardware, &["wide"], &[("ACROSS", "64u"), ("DOWN", "4u")]),
    down("tall", Adapters::Hardware, &["tall"], &[("ACROSS", "16u"), ("DOWN", "16u")]),
];

/// The most lines of the operand that has few.
const FEWEST: usize = 8;
/// The fewest elements of a long operand, or of a result, that are worth a kernel of their own.
const SMALL: usize = 4096;
const FEW: Choice = Choice::Constant("FEW", &["1u", "2u", "4u", "8u"]);
const LINE: Choice = Choice::Snippet(&[snippet!("line_vector"), snippet!("line_scalar")]);
const FEW_LINE: Choice = Choice::Snippet(&[snippet!("few_vector"), snippet!("few_scalar")]);

pub(in crate::ops) static DOTS: Source = kernel_source!("matmul/narrow_dots").with_variants(&SHARES).with_choices(&[FEW, LINE, FEW_LINE]);
pub(in crate::ops) static SUMS: Source = kernel_source!("matmul/narrow_sums").with_variants(&DOWN).with_choices(&[FEW, LINE]);
pub(in crate::ops) static OUTER: Source = kernel_source!("matmul/outer").with_choices(&[common::RESULT]);

/// A narrow product as its kernels see it: a long operand, and another of few lines.
struct Narrow {
    /// True where the long operand is A.
    of_a: bool,
    lines: usize,
    few: usize,
    depth: usize,
    batches: usize,
    /// True where the terms of a line of the long operand lie side by side, and so for the other.
    along: bool,
    few_along: bool,
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
        if k <= FEWEST && self.batches() * m * n >= SMALL {
            return self.lower_outer(cx, a, b, c).map(|()| true);
        }
        if !self.is_narrow() {
            return Ok(false);
        }
        let parts = self.lower_lines(cx, [a, b], Some(c))?;
        parts.map_or(Ok(()), |parts| parts.add(cx, c, None)).map(|()| true)
    }

    /// The parts of its sums, one at least, where it is narrow and not small.
    pub(in crate::ops) fn narrow_parts(&self, cx: &mut Lowering<'_>, a: Buffer, b: Buffer) -> Result<Option<Parts>> {
        if self.is_narrow() { self.lower_lines(cx, [a, b], None) } else { Ok(None) }
    }

    fn is_narrow(&self) -> bool {
        let [m, k, n] = self.shape;
        (1..=FEWEST).contains(&m.min(n)) && m.max(n) * k >= SMALL
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

    /// The sums into `c`, or their parts where there are several or there is no `c`.
    fn lower_lines(&self, cx: &mut Lowering<'_>, [a, b]: [Buffer; 2], c: Option<Buffer>) -> Result<Option<Parts>> {
        let ([m, k, n], narrow) = (self.shape, self.narrow());
        let (source, class) = (if narrow.along { &DOTS } else { &SUMS }, narrow.class());
        let variant = source.variant(cx.target(), class);
        let groups = narrow.groups(variant);
        let run = tile::cut(k, narrow.slices(cx.target(), groups));
        cx.check_iterations(run + run / 64)?;
        let slices = k.div_ceil(run);
        let whole = c.filter(|_| slices == 1);
        let parts = whole.is_none().then(|| Parts::new(cx, slices, narrow.batches * m * n, n));
        let [long, short] = if narrow.of_a { [a, b] } else { [b, a] };
        let sums = parts.as_ref().map(|p| p.buffer).or(whole);
        let bindings = [long, short].map(Binding::read).into_iter().chain(sums.map(Binding::write)).collect();

        let params = self.with_batches(narrow.params(n), if narrow.of_a { [0, 1] } else { [1, 0] });
        let params = params.u32(slices).u32(run).u32(parts.as_ref().map_or(0, |p| p.stride));
        let kernel = source.kernel(variant, &narrow.chosen()).for_class(class);
        // A workgroup of dots takes lines of several slices.
        let workgroups = if narrow.along { (slices * narrow.batches * narrow.lines).div_ceil(rows(variant)) } else { slices * groups };
        cx.dispatch(kernel, bindings, params, workgroups, 2.0 * (narrow.batches * m * n) as f64 * k as f64)?;
        Ok(parts)
    }

    fn narrow(&self) -> Narrow {
        let ([m, k, n], [transpose_a, transpose_b]) = (self.shape, self.transposed);
        let of_a = m >= n;
        let [along, few_along] = if of_a { [!transpose_a, transpose_b] } else { [transpose_b, !transpose_a] };
        Narrow { of_a, lines: m.max(n), few: m.min(n), depth: k, batches: self.batches(), along, few_along: few_along || m.min(n) == 1 }
    }
}

/// The lines that a workgroup of dots takes.
fn rows(variant: &Variant) -> usize {
    variant.constant("ROWS").unwrap_or(64)
}

impl Narrow {
    /// The class of its work: how many invocations are wanted for a line.
    fn class(&self) -> &'static str {
        match (self.along, self.depth) {
            (true, 0..=512) => "short",
            (true, 2048..) if self.lines * self.batches < 16 * Target::MULTIPROCESSORS => "alone",
            (true, _) => "long",
            (false, _) if self.lines <= 64 => "tall",
            (false, _) => "wide",
        }
    }

    /// The workgroups that a slice takes.
    fn groups(&self, variant: &Variant) -> usize {
        if self.along {
            return (self.batches * self.lines).div_ceil(rows(variant));
        }
        self.batches * self.lines.div_ceil(4 * variant.constant("ACROSS").unwrap_or(1))
    }

    /// The slices of the sums: so many that workgroups are enough for a large GPU, or on a software adapter for its loops.
    fn slices(&self, target: &Target, groups: usize) -> usize {
        if target.software {
            return self.depth.div_ceil(8192);
        }
        let (shortest, wanted) = if self.along { (4096, 2) } else { (64, 4) };
        (wanted * Target::MULTIPROCESSORS).div_ceil(groups).min(self.depth / shortest).max(1)
    }

    /// The choices of the kernel.
    fn chosen(&self) -> Vec<usize> {
        let few = self.few.next_power_of_two().ilog2() as usize;
        let aligned = self.stride().is_multiple_of(4);
        let of_few = self.along.then_some(usize::from(!(aligned && self.few_along)));
        [few, usize::from(!aligned)].into_iter().chain(of_few).collect()
    }

    /// From one row of the long operand to the next.
    fn stride(&self) -> usize {
        if self.along { self.depth } else { self.lines }
    }

    /// The first words of the kernels' parameters, for a result of `n` columns.
    fn params(&self, n: usize) -> Params {
        let [b_line, b_term] = if self.few_along { [self.depth, 1] } else { [1, self.few] };
        let [c_line, c_few] = if self.of_a { [n, 1] } else { [1, n] };
        let params = Params::new().u32(self.lines).u32(self.few).u32(self.depth).u32(self.stride());
        params.u32(b_line).u32(b_term).u32(c_line).u32(c_few).u32(self.batches)
    }
}
