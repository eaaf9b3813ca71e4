//! Benchmarks of the signal blocks, in the form of those of the ops; see [`crate::ops::work`].

use crate::ops::case::{Draw, f32s};
use crate::ops::work::{Instance, Work};

/// The benchmarks of this module.
pub(in crate::connectome) fn works() -> Vec<Work> {
    vec![Work::new(
        "match_spectra",
        [[2, 32, 64], [16, 100, 814], [16, 400, 1200]].map(|s| {
            Instance::new(vec![f32s(s, Draw::Normal), f32s(s, Draw::Normal)], |t, x| Ok(vec![t.match_spectra(x[0], x[1], true)?]))
        }),
    )]
}
