//! Denoising, filters, and what is read off oscillations.

use super::one;
use crate::connectome::signal::butterworth::{Band, butterworth};
use crate::connectome::signal::convolution::Padding;
use crate::connectome::signal::trends::polynomial_trends;
use crate::ops::confounds::Regression;
use crate::workflow::block::{Block, Kind, choice, flag, maybe, number, required, value, whole};

const SERIES: crate::workflow::block::Argument = value("series", "series [.., regions, time]");

pub(super) const BLOCKS: &[Block] = &[
    Block {
        name: "confound_regression",
        what: "what is left of series by a least-squares fit of confounds",
        arguments: &[
            SERIES,
            value("confounds", "[.., columns, time]"),
            maybe("weights", "of frames [.., time]: 0 for a censored one"),
            number("ridge", 0.0, "the penalty on the coefficients' squares"),
            flag("intercept", true, "whether the model holds an intercept besides"),
        ],
        build: |t, a| {
            let how = Regression { intercept: a.flag("intercept"), ridge: a.single("ridge") };
            one(t.confound_regression(a.value("series")?, a.value("confounds")?, a.find("weights"), how)?)
        },
    },
    Block {
        name: "detrend",
        what: "series without a polynomial trend",
        arguments: &[SERIES, whole("degree", 1, "of the polynomial")],
        build: |t, a| {
            let series = a.value("series")?;
            let time = t.shape(series).last().copied().unwrap_or(0);
            one(t.detrend(series, &polynomial_trends(time, a.whole("degree")))?)
        },
    },
    Block {
        name: "cosine_detrend",
        what: "series without the cosines slower than a frequency",
        arguments: &[SERIES, required("tr", Kind::Number, "seconds from one frame to the next"), number("high_pass", 0.008, "hertz")],
        build: |t, a| one(t.cosine_detrend(a.value("series")?, a.number("tr"), a.number("high_pass"))?),
    },
    Block {
        name: "standardise",
        what: "series of mean 0 and standard deviation 1 (ddof 0); 0 where they are constant",
        arguments: &[SERIES],
        build: |t, a| {
            let series = a.value("series")?;
            let (unit, _) = t.standardise(series)?;
            let time = t.shape(series).last().copied().unwrap_or(1);
            one(t.scale(unit, (time as f32).sqrt())?)
        },
    },
    Block {
        name: "band_pass",
        what: "Butterworth filter, forward and backward, as SciPy's sosfiltfilt",
        arguments: &[
            SERIES,
            required("tr", Kind::Number, "seconds from one frame to the next"),
            required("band", Kind::Pair, "[low, high], hertz"),
            whole("order", 5, "of the filter"),
        ],
        build: |t, a| {
            let [low, high] = a.pair("band");
            let sections = butterworth(a.whole("order"), Band::Pass(low, high), a.number("tr"))?;
            one(t.forward_backward_filter(a.value("series")?, &sections)?)
        },
    },
    Block {
        name: "product_filter",
        what: "series filtered by gains over their frequencies: irfft(gains rfft(x))",
        arguments: &[SERIES, value("gains", "[time / 2 + 1], or [filters, time / 2 + 1]")],
        build: |t, a| one(t.product_filter(a.value("series")?, a.value("gains")?)?),
    },
    Block {
        name: "zero_phase_filter",
        what: "the same, forward and backward: gains squared",
        arguments: &[SERIES, value("gains", "[time / 2 + 1], or [filters, time / 2 + 1]")],
        build: |t, a| one(t.zero_phase_filter(a.value("series")?, a.value("gains")?)?),
    },
    Block {
        name: "temporal_convolution",
        what: "[.., out, regions, time]: kernels along time, the same for all regions",
        arguments: &[
            value("series", "[.., in, regions, time]"),
            value("kernels", "[out, in, frames]"),
            choice("padding", &["same", "causal", "anti-causal"], "same", "which frames a result is of"),
        ],
        build: |t, a| {
            let padding = match a.text("padding") {
                "causal" => Padding::Causal,
                "anti-causal" => Padding::AntiCausal,
                _ => Padding::Same,
            };
            one(t.temporal_convolution(a.value("series")?, a.value("kernels")?, padding)?)
        },
    },
    Block {
        name: "envelope",
        what: "the envelope of series, by their analytic signal",
        arguments: &[SERIES],
        build: |t, a| one(t.envelope(a.value("series")?)?),
    },
    Block {
        name: "instantaneous_phase",
        what: "the unwrapped phase of series, radians",
        arguments: &[SERIES],
        build: |t, a| one(t.instantaneous_phase(a.value("series")?)?),
    },
    Block {
        name: "instantaneous_frequency",
        what: "hertz, a frame fewer",
        arguments: &[SERIES, required("tr", Kind::Number, "seconds from one frame to the next")],
        build: |t, a| one(t.instantaneous_frequency(a.value("series")?, a.number("tr"))?),
    },
];
