//! From series to connectomes, and what is computed of them.

use super::{one, widened};
use crate::connectome::connectivity::shrinkage::Shrinkage;
use crate::workflow::block::{Argument, Block, Default, Given, Kind, flag, maybe, number, required, value, whole};
use crate::{Result, Tape, Var};

const SERIES: Argument = value("series", "series [.., regions, time]");
const WEIGHTS: Argument = maybe("weights", "of frames [.., time]");
const SHRINKAGE: Argument = Argument::new("shrinkage", Kind::Shrinkage, Default::Text("none"), "none, ledoit-wolf, oas or {\"ridge\": x}");
const MATRICES: Argument = value("of", "matrices [.., n, n]");
const FLOOR: Argument = number("floor", 1e-7, "what eigenvalues are held to");

fn covariance(tape: &mut Tape, given: &Given) -> Result<Var> {
    let shrinkage = match given.text("shrinkage") {
        "none" => Shrinkage::None,
        "ledoit-wolf" => Shrinkage::LedoitWolf,
        "oas" => Shrinkage::Oas,
        _ => Shrinkage::Ridge(given.single("shrinkage")),
    };
    Ok(tape.shrunk_covariance(given.value("series")?, shrinkage)?.covariance)
}

pub(super) const BLOCKS: &[Block] = &[
    Block {
        name: "correlation",
        what: "[.., regions, regions]; with Fisher's z, the diagonal is 0",
        arguments: &[SERIES, WEIGHTS, flag("fisher_z", false, "atanh of it")],
        build: |t, a| one(t.correlation(a.value("series")?, a.find("weights"), a.flag("fisher_z"))?),
    },
    Block {
        name: "state_correlation",
        what: "[.., states, regions, regions]: a correlation for each state, its frames weighted by that state's share of them",
        arguments: &[SERIES, value("weights", "[.., states, time]"), flag("fisher_z", false, "atanh of it")],
        build: |t, a| {
            let (series, weights) = (a.value("series")?, a.value("weights")?);
            let wide = widened(t, series, 2)?;
            let (rank, states) = (t.shape(wide).rank(), t.shape(weights));
            let states = states.len().checked_sub(2).map_or(1, |at| states[at]);
            let many = t.broadcast_to(wide, t.shape(wide).with(rank - 3, states))?;
            one(t.correlation(many, Some(weights), a.flag("fisher_z"))?)
        },
    },
    Block {
        name: "covariance",
        what: "[.., regions, regions], divided by T - 1; by T where it is shrunk by an intensity",
        arguments: &[SERIES, WEIGHTS, SHRINKAGE],
        build: |t, a| match a.find("weights") {
            Some(weights) if a.text("shrinkage") == "none" => one(t.covariance(a.value("series")?, Some(weights), 1)?),
            Some(_) => Err(crate::Error::argument("a covariance with weights is not shrunk: leave one of the two out")),
            None => one(covariance(t, a)?),
        },
    },
    Block {
        name: "precision",
        what: "[.., regions, regions]: the inverse covariance",
        arguments: &[SERIES, SHRINKAGE],
        build: |t, a| {
            let covariance = covariance(t, a)?;
            one(t.precision(covariance)?)
        },
    },
    Block {
        name: "partial_correlation",
        what: "[.., regions, regions]: of two regions given all others",
        arguments: &[SERIES, SHRINKAGE],
        build: |t, a| {
            let covariance = covariance(t, a)?;
            one(t.partial_correlation_of(covariance)?)
        },
    },
    Block {
        name: "conditional_correlation",
        what: "[.., regions, regions]: of what confounds leave of the series",
        arguments: &[SERIES, value("given", "[.., columns, time]"), WEIGHTS],
        build: |t, a| one(t.conditional_correlation(a.value("series")?, a.value("given")?, a.find("weights"))?),
    },
    Block {
        name: "paired_correlation",
        what: "[.., regions, others] of two sets of series",
        arguments: &[SERIES, value("with", "[.., others, time]"), WEIGHTS],
        build: |t, a| one(t.paired_correlation(a.value("series")?, a.value("with")?, a.find("weights"))?),
    },
    Block {
        name: "windowed_correlation",
        what: "[.., windows, regions, regions]",
        arguments: &[
            SERIES,
            required("length", Kind::Whole(2), "frames of a window"),
            whole("step", 1, "frames from one window to the next"),
            maybe("taper", "weights of a window's frames [length]"),
        ],
        build: |t, a| one(t.windowed_correlation(a.value("series")?, a.whole("length"), a.whole("step"), a.find("taper"))?),
    },
    Block {
        name: "lagged_covariance",
        what: "[.., regions, regions] of each region with each some frames later",
        arguments: &[SERIES, whole("lag", 1, "frames")],
        build: |t, a| one(t.lagged_covariance(a.value("series")?, a.whole("lag"), 1)?),
    },
    Block {
        name: "tangent",
        what: "matrices as seen from a reference: log(R^-1/2 X R^-1/2)",
        arguments: &[MATRICES, value("reference", "[n, n]"), FLOOR],
        build: |t, a| one(t.tangent_projection(a.value("of")?, a.value("reference")?, a.single("floor"))?),
    },
    Block {
        name: "matrix_log",
        what: "of symmetric positive matrices",
        arguments: &[MATRICES, FLOOR],
        build: |t, a| one(t.matrix_log(a.value("of")?, a.single("floor"))?),
    },
    Block {
        name: "upper_triangle",
        what: "[.., n (n - 1) / 2]: the entries above the diagonal, row by row",
        arguments: &[MATRICES],
        build: |t, a| one(t.upper_triangle(a.value("of")?)?),
    },
    Block {
        name: "without_diagonal",
        what: "matrices with zeros on the diagonal",
        arguments: &[MATRICES],
        build: |t, a| one(t.without_diagonal(a.value("of")?)?),
    },
    Block {
        name: "modularity",
        what: "[..]: Newman's Q of soft communities; a loss takes it with a weight below 0. Take the positive part of correlations first",
        arguments: &[
            value("adjacency", "[.., n, n], not below 0"),
            value("communities", "[n, communities], rows that sum to 1"),
            number("gamma", 1.0, "the resolution"),
        ],
        build: |t, a| one(t.modularity(a.value("adjacency")?, a.value("communities")?, a.single("gamma"))?),
    },
    Block {
        name: "laplacian",
        what: "of graphs",
        arguments: &[MATRICES, flag("normalised", true, "I - D^-1/2 A D^-1/2")],
        build: |t, a| one(t.laplacian(a.value("of")?, a.flag("normalised"))?),
    },
    Block {
        name: "qc_fc",
        what: "[..]: how far each edge correlates with a measure of quality over the subjects of a batch",
        arguments: &[
            value("connectivity", "[subjects, ..]"),
            value("quality", "[subjects]"),
            number("tolerance", 0.0, "a correlation that counts for nothing"),
        ],
        build: |t, a| one(t.qc_fc(a.value("connectivity")?, a.value("quality")?, a.single("tolerance"))?),
    },
];
