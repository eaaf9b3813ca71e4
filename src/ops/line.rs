//! The code that the kernels over lines share. A line is a row or column of `[outer, n, inner]`: the n elements along the middle axis,
//! `inner` apart. It is divided among lanes, lines among workgroups, and long ones of few into chunks.

use crate::kernel::{Adapters, Choice, Kernel, LOOP_LIMIT, Lowering, Source, Variant, common};

/// A line to an invocation on software adapters, where barriers cost most; on GPUs several lanes to a line, 256 a workgroup.
pub(super) const VARIANTS: [Variant; 2] = [
    Variant { name: "serial", adapters: Adapters::Software, classes: &[], constants: &[], snippets: &[common::LINE_SERIAL] },
    Variant { name: "group", adapters: Adapters::Hardware, classes: &[], constants: &[("LANES", "256u")], snippets: &[common::LINE_GROUP] },
];

/// The most elements that a lane keeps in registers, and those of each of two operands.
pub(super) const KEEP: Choice = Choice::Constant("KEEP", &["0u", "16u", "64u"]);
pub(super) const KEPT: [usize; 3] = [0, 16, 64];
pub(super) const KEEP_BOTH: Choice = Choice::Constant("KEEP", &["0u", "8u", "32u"]);
pub(super) const KEPT_BOTH: [usize; 3] = [0, 8, 32];

/// Workgroups that fill a GPU, and those that it takes most.
const FILL: usize = 256;
const MOST: usize = 1024;

/// Lines `[outer, n, inner]` divided among lanes and workgroups, their extents in units of what an invocation takes at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    source: &'static Source,
    variant: &'static Variant,
    /// True where the turns of an invocation's loops are limited.
    limited: bool,
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
        Self { source, variant, limited: cx.target().software, width: 0, count: outer * inner, n, inner, lines: 64, lanes: 1 }.shared()
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

    /// The elements of a line that an invocation takes at once.
    pub(super) fn unit(&self) -> usize {
        if self.width == 1 { 4 } else { 1 }
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
            return if self.n > 2048 && (self.count < 4096 || !self.within_limit()) { 1024 } else { self.n };
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

    /// The elements of a chunk, for kernels whose lanes take runs of so many elements one after the other: whole blocks of all lanes, and
    /// all elements where there are enough lines, or few blocks, so that each element is read once.
    pub(super) fn blocks(&mut self, run: usize) -> usize {
        if !self.grouped() {
            return self.n;
        }
        let wanted = self.n.div_ceil(run).next_power_of_two().min(256);
        let together = if self.inner == 1 { 1 } else { self.inner.next_power_of_two().min(64) };
        self.share((256 / wanted).max(together));
        self.spread();
        let (groups, block) = (self.groups(self.count).max(1), run * self.lanes);
        let blocks = self.n.div_ceil(block);
        if 2 * groups >= FILL || blocks <= 4 {
            return self.n;
        }
        blocks.div_ceil(MOST / groups) * block
    }

    /// The index in `kept`, the smallest first, of so many elements that a lane may keep in registers that all lanes together keep a line;
    /// 0, which keeps none, where a line is too long. Lines are then divided among as few lanes as that takes, or as fill the GPU.
    pub(super) fn keep(&mut self, kept: &[usize; 3]) -> usize {
        self.whole();
        if self.grouped() {
            let wide = if self.width == 0 { 1 } else { 4 };
            let (fewest, most) = if self.inner == 1 { (32 / wide, 256) } else { (1, 256 / self.narrowest()) };
            // Of lines that lie apart, 64 bytes side by side do where 128 do not.
            for most in [most, (2 * most).min(256)] {
                for (at, &kept) in kept.iter().enumerate().skip(1) {
                    let each = kept / wide;
                    if self.n <= each * most {
                        self.share(256 / self.n.div_ceil(each).next_power_of_two().max(fewest).min(most));
                        self.spread();
                        return at;
                    }
                }
            }
        }
        0
    }

    /// Lines that are not split: where one invocation could not go along them, several share each. Fewer stand side by side while they
    /// do not fill a GPU.
    pub(super) fn whole(&mut self) {
        if !self.grouped() && !self.within_limit() {
            self.variant = self.source.variants.iter().find(|v| v.constant("LANES").is_some()).unwrap_or(self.variant);
            *self = self.shared();
        }
        self.spread();
    }

    /// True where one invocation can go along a line three times. The flushes of sums are turns of a loop too, one in 64.
    fn within_limit(&self) -> bool {
        !self.limited || 3 * (self.n + self.n.div_ceil(64)) <= LOOP_LIMIT
    }

    /// The kernel under `chosen`, the width first.
    pub(super) fn kernel(&self, chosen: &[usize]) -> Kernel {
        self.source.kernel(self.variant, &[&[self.width], chosen].concat())
    }
}
