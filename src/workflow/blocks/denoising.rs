//! Blocks for denoising, filters, and the phase and amplitude of oscillations.

use super::one;
use crate::Error;
use crate::connectome::signal::butterworth::{Band, butterworth};
use crate::connectome::signal::convolution::Padding;
use crate::connectome::signal::trends::polynomial_trends;
use crate::ops::confounds::Regression;
use crate::workflow::block::{Block, Input, Name, block, maybe, value};
use crate::workflow::form::{flag, not_negative, number, positive, whole, words};
use crate::workflow::object::Field;

fn series() -> Input<Name> {
    value("series", "series [.., regions, time]")
}

fn tr() -> Field<f64> {
    positive().field("tr", "seconds from one frame to the next")
}

fn gains() -> Input<Name> {
    value("gains", "[time / 2 + 1], or [filters, time / 2 + 1]")
}

pub(super) fn blocks() -> Vec<Block> {
    vec![
        block(
            "confound_regression",
            "[.., regions, time]: what a least-squares fit of confounds leaves of the series",
            (
                series(),
                value("confounds", "[.., columns, time]"),
                maybe("weights", "weights of the frames [.., time]: 0 for a censored one"),
                not_negative().or("ridge", 0, "the penalty on the squares of the coefficients"),
                flag().or("intercept", true, "whether the model has an intercept besides"),
            ),
            |t, (series, confounds, weights, ridge, intercept)| {
                let how = Regression { intercept, ridge: ridge as f32 };
                one(t.confound_regression(series, confounds, weights, how)?)
            },
        ),
        block(
            "detrend",
            "[.., regions, time]: the series without a polynomial trend",
            (series(), whole(0).or("degree", 1, "the degree of the polynomial")),
            |t, (series, degree)| {
                let time = t.shape(series).last().copied().unwrap_or(0);
                if degree >= time {
                    return Err(Error::argument(format!("a polynomial of degree {degree} fits all series of {time} frames")));
                }
                one(t.detrend(series, &polynomial_trends(time, degree))?)
            },
        ),
        block(
            "cosine_detrend",
            "[.., regions, time]: the series without the cosines slower than a frequency",
            (series(), tr(), number().or("high_pass", 0.008, "that frequency, hertz")),
            |t, (series, tr, high_pass)| one(t.cosine_detrend(series, tr, high_pass)?),
        ),
        block(
            "standardise",
            "[.., regions, time]: the series with mean 0 and standard deviation 1 (ddof 0); 0 where they are constant",
            (series(),),
            |t, (series,)| {
                let (unit, _) = t.standardise(series)?;
                let time = t.shape(series).last().copied().unwrap_or(1);
                one(t.scale(unit, (time as f32).sqrt())?)
            },
        ),
        block(
            "band_pass",
            "[.., regions, time]: the series after a Butterworth filter, forward and backward, as SciPy's sosfiltfilt",
            (series(), tr(), number().times::<2>().field("band", "[low, high], hertz"), whole(1).or("order", 5, "the order of the filter")),
            |t, (series, tr, [low, high], order)| {
                let sections = butterworth(order, Band::Pass(low, high), tr)?;
                // The filter passes nothing of a mean.
                one(t.forward_backward_filter(t.less_means(series), &sections)?)
            },
        ),
        block(
            "product_filter",
            "[.., regions, time]: the series filtered by gains over their frequencies, irfft(gains rfft(x))",
            (series(), gains()),
            |t, (series, gains)| one(t.through_means(series, |t, series| t.product_filter(series, gains))?),
        ),
        block(
            "zero_phase_filter",
            "[.., regions, time]: the same, forward and backward, so that gains count squared",
            (series(), gains()),
            |t, (series, gains)| one(t.through_means(series, |t, series| t.zero_phase_filter(series, gains))?),
        ),
        block(
            "temporal_convolution",
            "[.., out, regions, time]: the series convolved with kernels along time, the same for all regions",
            (
                value("series", "[.., in, regions, time]"),
                value("kernels", "[out, in, frames]"),
                words([("same", Padding::Same), ("causal", Padding::Causal), ("anti-causal", Padding::AntiCausal)]).or(
                    "padding",
                    "same",
                    "whether a frame of the result is of the frames around it, before it, or after it",
                ),
            ),
            |t, (series, kernels, padding)| one(t.temporal_convolution(series, kernels, padding)?),
        ),
        block("envelope", "[.., regions, time]: the envelope of the series, by their analytic signal", (series(),), |t, (series,)| {
            one(t.envelope(series)?)
        }),
        block("instantaneous_phase", "[.., regions, time]: the unwrapped phase of the series, radians", (series(),), |t, (series,)| {
            one(t.instantaneous_phase(series)?)
        }),
        block(
            "instantaneous_frequency",
            "[.., regions, time - 1]: the frequency of the series from frame to frame, hertz",
            (series(), tr()),
            |t, (series, tr)| one(t.instantaneous_frequency(series, tr)?),
        ),
    ]
}
