//! Series in time and frequency: filters, convolution, interpolation of missing frames, noise, trends, and synthetic series.

pub mod butterworth;
pub mod convolution;
pub mod frequency;
pub mod interpolation;
mod noise;
mod recursive;
pub mod synthesis;
pub mod trends;
mod works;

pub(super) use works::works;

use crate::ops::case::Case;

/// The test cases of this module.
pub(super) fn cases() -> Vec<Case> {
    [
        butterworth::cases(),
        convolution::cases(),
        frequency::cases(),
        interpolation::cases(),
        noise::cases(),
        recursive::cases(),
        synthesis::cases(),
        trends::cases(),
    ]
    .concat()
}
