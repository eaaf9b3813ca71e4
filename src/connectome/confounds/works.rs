//! Benchmarks of the confound blocks, in the form of those of the ops; see [`crate::ops::work`].

use crate::ops::case::{Draw, f32s};
use crate::ops::work::{Instance, Work};

/// The benchmarks of this module.
pub(in crate::connectome) fn works() -> Vec<Work> {
    vec![Work::new(
        "confound_responses",
        // Subjects, columns, frames.
        [[2, 9, 64], [16, 46, 260], [64, 46, 600]].map(|[n, c, t]| {
            let bank = vec![f32s([n, c, t], Draw::Normal), f32s([5, 9], Draw::Normal), f32s([5], Draw::Normal)];
            Instance::new(bank, |t, x| Ok(vec![t.confound_responses(x[0], x[1], x[2], 0.001)?]))
        }),
    )]
}
