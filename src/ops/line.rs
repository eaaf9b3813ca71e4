//! The code that the kernels over lines share. A line is a row or column of `[outer, n, inner]`: the n elements along the middle axis,
//! `inner` apart. It is divided among lanes, lines among workgroups, and long ones of few into chunks.

use crate::kernel::{Adapters, Choice, Kernel, Lowering, Source, Variant, common};

/// A line to an invocation on software adapters, where barriers cost most; on GPUs several lanes to a line, 256 a workgroup.
pub(super) const VARIANTS: [Variant; 2] = [
    Variant { name: "serial", adapters: Adapters::Software, classes: &[], constants: &[], snippets: &[common::LINE_SERIAL] },
    Variant { name: "group", adapters: Adapters::Hardware, classes: &[], constants: &[("LANES", "256u")], snippets: &[common::LINE_GROUP] },
];

/// The registers in which a lane keeps its elements, and those for each of two operands.
pub(super) const KEEP: Choice = Choice::Constant("KEEP", &["0u", "4u", "16u", "64u"]);
pub(super) const KEPT: [usize; 4] = [0, 4, 16, 64];
pub(super) const KEEP_BOTH: Choice = Choice::Constant("KEEP", &["0u", "2u", "8u", "32u"]);
pub(super) const KEPT_BOTH: [usize; 4] = [0, 2, 8, 32];

/// Workgroups that fill a GPU, and those that it takes most.
const FILL: usize = 256;
const MOST: usize = 1024;

/// Lines `[outer, n, inner]` divided among lanes and workgroups, their extents in units of what an invocation takes at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    source: &'static Source,
    variant: &'static Variant,
    /// The index in [`common::LINE_WIDTH`].
    pub(super) width: usize,
    /// Lines, counted in the same units where four lie side by side.
    pub(super) count: usize,
    pub(super) n: usize,
    pub(super) inner: usize,
    /// Lines side by side in a workgroup.
    pub(super) lines: usize,
    /// Invocations a line.
    pub(super) lanes: usize,
}

impl Lines {
    /// Lines for kernels that go through them once, each lane taking about eight steps or more.
    pub(super) fn new(source: &'static Source, cx: &Lowering<'_>, [outer, n, inner]: [usize; 3]) -> Self {
        let lines = Self::single(source, cx, [outer, n, inner]);
        match () {
            () if lines.grouped() && inner == 1 && n.is_multiple_of(4) => Self { width: 1, n: n / 4, ..lines },
            () if lines.grouped() && inner.is_multiple_of(4) => Self { width: 2, count: outer * inner / 4, inner: inner / 4, ..lines },
            () => lines,
        }
        .shared()
    }

    /// The same, their elements taken one at a time.
    pub(super) fn single(source: &'static Source, cx: &Lowering<'_>, [outer, n, inner]: [usize; 3]) -> Self {
        let variant = source.variant(cx.target(), "");
        Self { source, variant, width: 0, count: outer * inner, n, inner, lines: 64, lanes: 1 }.shared()
    }

    /// The same among lanes.
    fn shared(mut self) -> Self {
        if self.grouped() {
            let (steps, together) = if self.inner == 1 { (4, 1) } else { (8, self.inner.next_power_of_two().min(64)) };
            let wanted = (self.n / steps).max(1).next_power_of_two().min(256);
            self.share((256 / wanted).max(together));
        }
        self
    }

    /// True where several invocations share a line.
    pub(super) fn grouped(&self) -> bool {
        self.variant.constant("LANES").is_some()
    }

    /// Puts so many lines side by side in a workgroup.
    pub(super) fn share(&mut self, lines: usize) {
        (self.lines, self.lanes) = (lines, 256 / lines);
    }

    /// The fewest lines side by side whose elements are read 128 bytes at once.
    fn narrowest(&self) -> usize {
        let wide = if self.width == 0 { 32 } else { 8 };
        if self.inner == 1 { 1 } else { self.inner.next_power_of_two().min(wide) }
    }

    /// The workgroups of so many lines.
    pub(super) fn groups(&self, count: usize) -> usize {
        count.div_ceil(self.lines)
    }

    /// The elements of a chunk: all where a line is not split. Long lines are split where they are too few to fill a GPU; where they are
    /// not long, fewer stand side by side, each with more lanes.
    pub(super) fn chunk(&mut self) -> usize {
        if !self.grouped() {
            return if self.count < 4096 && self.n > 2048 { 1024 } else { self.n };
        }
        let (groups, short) = (self.groups(self.count), 32 * 256 / self.narrowest());
        if self.n > short && groups < FILL {
            let chunks = (MOST / groups.max(1)).min(self.n / self.lanes / 16).max(1);
            return self.n.div_ceil(chunks);
        }
        self.spread();
        self.n
    }

    /// Fewer lines side by side, each with more lanes, while there are too few workgroups to fill a GPU and enough steps for the lanes.
    pub(super) fn spread(&mut self) {
        while self.grouped() && self.groups(self.count) < FILL && self.lines > self.narrowest() && self.n >= 8 * self.lanes {
            self.share(self.lines / 2);
        }
    }

    /// The registers that hold all elements of a lane, as the index in `registers`, the smallest first; of fours a quarter of the last are
    /// the most. It is 0, of no registers, where those do not do. Lines are then divided among as few lanes as that takes, or as fill
    /// the GPU.
    pub(super) fn keep(&mut self, registers: &[usize; 4]) -> usize {
        if !self.grouped() {
            return 0;
        }
        let (wide, largest) = if self.width == 0 { (32, 3) } else { (8, 2) };
        let (fewest, widest) = if self.inner == 1 { (wide, 256) } else { (1, 256 / self.narrowest()) };
        // Of lines that lie apart, 64 bytes side by side do where 128 do not.
        for most in [widest, (2 * widest).min(256)] {
            for at in 1..=largest {
                if self.n <= registers[at] * most {
                    let lanes = self.n.div_ceil(registers[at]).next_power_of_two();
                    self.share(256 / lanes.max(fewest).min(most));
                    self.spread();
                    return at;
                }
            }
        }
        self.spread();
        0
    }

    /// The kernel under `chosen`, the width first.
    pub(super) fn kernel(&self, chosen: &[usize]) -> Kernel {
        self.source.kernel(self.variant, &[&[self.width], chosen].concat())
    }
}
