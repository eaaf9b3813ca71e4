//! The code that the kernels over rows share: it sets the number of invocations that work on a row.

use crate::kernel::{Adapters, Kernel, LOOP_LIMIT, Lowering, Source, Variant, common};

type Constants = &'static [(&'static str, &'static str)];

const fn together(name: &'static str, adapters: Adapters, class: &'static [&'static str], constants: Constants) -> Variant {
    Variant { name, adapters, classes: class, constants, snippets: &[common::ROW_GROUP] }
}

/// A row to an invocation on software adapters, where barriers cost most; on GPUs to 64, and to 8 where it is short.
pub(super) const VARIANTS: [Variant; 3] = [
    Variant { name: "serial", adapters: Adapters::Software, classes: &[], constants: &[], snippets: &[common::ROW_SERIAL] },
    together("group", Adapters::Hardware, &["long"], &[("LANES", "64u"), ("ROWS", "1u")]),
    together("short", Adapters::Hardware, &["short"], &[("LANES", "8u"), ("ROWS", "8u")]),
];

/// For kernels whose rows take so many steps that one invocation would not do: llvmpipe ends every loop of an invocation after 65,535
/// iterations in all, in silence.
pub(super) const TOGETHER: [Variant; 2] = [
    together("group", Adapters::Any, &["long"], &[("LANES", "64u"), ("ROWS", "1u")]),
    together("short", Adapters::Any, &["short"], &[("LANES", "8u"), ("ROWS", "8u")]),
];

/// The division of rows among workgroups: the variant, and the number of workgroups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    source: &'static Source,
    variant: &'static Variant,
    class: &'static str,
    pub(super) groups: usize,
}

impl Rows {
    /// `rows` rows of `n` elements, for kernels that pass over a row three times at most.
    pub(super) fn new(source: &'static Source, cx: &Lowering<'_>, extents: [usize; 2]) -> Self {
        Self::passes(source, cx, extents, 3)
    }

    /// The same for kernels that pass over a row so many times.
    pub(super) fn passes(source: &'static Source, cx: &Lowering<'_>, [rows, n]: [usize; 2], passes: usize) -> Self {
        let class = if n <= 64 { "short" } else { "long" };
        let mut variant = source.variant(cx.target(), class);
        // The flushes of sums are turns of a loop too: one in 64.
        let turns = passes * (n + n.div_ceil(64));
        if cx.target().software && variant.constant("LANES").is_none() && turns > LOOP_LIMIT {
            variant = source.variants.iter().find(|v| v.constant("LANES").is_some()).unwrap_or(variant);
        }
        // A workgroup of `row_serial` is 64.
        let groups = rows.div_ceil(variant.constant("ROWS").unwrap_or(64));
        Self { source, variant, class, groups }
    }

    /// Invocations a row.
    pub(super) fn lanes(&self) -> usize {
        self.variant.constant("LANES").unwrap_or(1)
    }

    /// The kernel under `chosen`.
    pub(super) fn kernel(&self, chosen: &[usize]) -> Kernel {
        self.source.kernel(self.variant, chosen).for_class(self.class)
    }
}
