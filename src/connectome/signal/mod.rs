//! Series in time and frequency: filters, convolution, interpolation of missing frames, noise, trends, and series made to order.

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

/// What the blocks of this room are held to.
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
