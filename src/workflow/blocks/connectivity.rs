//! Blocks that compute connectomes from series, and quantities of connectomes.

use super::{one, widened};
use crate::connectome::connectivity::measure::{Connectivity, Kind};
use crate::connectome::connectivity::shrinkage::Shrinkage;
use crate::workflow::block::{Block, Input, Name, block, maybe, value};
use crate::workflow::form::{Form, flag, not_negative, number, positive, whole, words};
use crate::workflow::object::{Field, object};

fn series() -> Input<Name> {
    value("series", "series [.., regions, time]")
}

fn weights() -> Input<Option<Name>> {
    maybe("weights", "weights of the frames [.., time]")
}

fn fisher_z() -> Field<bool> {
    flag().or("fisher_z", false, "Fisher's z, atanh of the correlation; its diagonal is 0")
}

fn matrices() -> Input<Name> {
    value("of", "matrices [.., n, n]")
}

fn floor() -> Field<f64> {
    positive().or("floor", 1e-7, "the least that an eigenvalue counts as")
}

/// The shrinkage of a covariance.
pub(in crate::workflow) fn shrinkages() -> Form<Shrinkage> {
    let ridge = (not_negative().field("ridge", "what is added to the diagonal"),);
    Form::either(vec![
        words([("none", Shrinkage::None), ("ledoit-wolf", Shrinkage::LedoitWolf), ("oas", Shrinkage::Oas)]),
        object("", ridge, |(ridge,)| Ok(Shrinkage::Ridge(ridge as f32))).form(),
    ])
}

fn shrinkage() -> Field<Shrinkage> {
    shrinkages().or("shrinkage", "none", "towards a multiple of the identity")
}

pub(super) fn blocks() -> Vec<Block> {
    vec![
        block(
            "correlation",
            "[.., regions, regions]: Pearson's correlation",
            (series(), weights(), fisher_z()),
            |t, (series, weights, fisher_z)| one(t.correlation(series, weights, fisher_z)?),
        ),
        block(
            "state_correlation",
            "[.., states, regions, regions]: a correlation for each state, whose frames are weighted by the share that it has of them",
            (series(), value("weights", "shares of the frames [.., states, time]"), fisher_z()),
            |t, (series, weights, fisher_z)| {
                let wide = widened(t, t.less_means(series), 2)?;
                let (rank, states) = (t.shape(wide).rank(), t.shape(weights));
                let states = states.len().checked_sub(2).map_or(1, |at| states[at]);
                let many = t.broadcast_to(wide, t.shape(wide).with(rank - 3, states))?;
                one(t.correlation(many, Some(weights), fisher_z)?)
            },
        ),
        block(
            "covariance",
            "[.., regions, regions]: the covariance, divided by time - 1; by time where it is shrunk by an intensity",
            (series(), weights(), shrinkage()),
            |t, (series, weights, shrinkage)| one(Connectivity::new(Kind::Covariance).shrunk(shrinkage).record(t, series, weights)?),
        ),
        block("precision", "[.., regions, regions]: the inverse of the covariance", (series(), shrinkage()), |t, (series, shrinkage)| {
            one(Connectivity::new(Kind::Precision).shrunk(shrinkage).record(t, series, None)?)
        }),
        block(
            "partial_correlation",
            "[.., regions, regions]: the correlation of two regions given all others",
            (series(), shrinkage()),
            |t, (series, shrinkage)| one(Connectivity::new(Kind::PartialCorrelation).shrunk(shrinkage).record(t, series, None)?),
        ),
        block(
            "conditional_correlation",
            "[.., regions, regions]: the correlation of what confounds leave of the series",
            (series(), value("given", "the confounds [.., columns, time]"), weights()),
            |t, (series, given, weights)| one(t.conditional_correlation(series, given, weights)?),
        ),
        block(
            "paired_correlation",
            "[.., regions, others]: the correlation of two sets of series",
            (series(), value("with", "the others [.., others, time]"), weights()),
            |t, (series, with, weights)| one(t.paired_correlation(series, with, weights)?),
        ),
        block(
            "windowed_correlation",
            "[.., windows, regions, regions]: a correlation for each window of frames",
            (
                series(),
                whole(2).field("length", "frames of a window"),
                whole(1).or("step", 1, "frames from one window to the next"),
                maybe("taper", "weights of the frames of a window [length]"),
            ),
            |t, (series, length, step, taper)| one(t.windowed_correlation(series, length, step, taper)?),
        ),
        block(
            "lagged_covariance",
            "[.., regions, regions]: the covariance of each region with each some frames later",
            (series(), whole(0).or("lag", 1, "how many frames later")),
            |t, (series, lag)| one(t.lagged_covariance(series, lag, 1)?),
        ),
        block(
            "tangent",
            "[.., n, n]: matrices as seen from a reference, log(R^-1/2 X R^-1/2)",
            (matrices(), value("reference", "[n, n]"), floor()),
            |t, (of, reference, floor)| one(t.tangent_projection(of, reference, floor as f32)?),
        ),
        block("matrix_log", "[.., n, n]: the logarithm of symmetric positive matrices", (matrices(), floor()), |t, (of, floor)| {
            one(t.matrix_log(of, floor as f32)?)
        }),
        block("upper_triangle", "[.., n (n - 1) / 2]: the entries above the diagonal, row by row", (matrices(),), |t, (of,)| {
            one(t.upper_triangle(of)?)
        }),
        block(
            "without_diagonal",
            "[.., n, n]: matrices with zeros on the diagonal",
            (matrices(),),
            |t, (of,)| one(t.without_diagonal(of)?),
        ),
        block(
            "pair_weights",
            "[.., n, n]: the product of the weights of each two regions; of NAME.present, 1 where both regions have values, so that it is a \
             factor of a matrix or the weights of a weighted_mean over edges",
            (value("weights", "[.., n]"),),
            |t, (weights,)| {
                let (rows, columns) = (widened(t, weights, 0)?, widened(t, weights, 1)?);
                one(t.mul(rows, columns)?)
            },
        ),
        block(
            "modularity",
            "[..]: Newman's Q of soft communities; a loss takes it with a weight below 0. Take the positive part of correlations first",
            (
                value("adjacency", "[.., n, n], not below 0"),
                value("communities", "[n, communities], rows that sum to 1"),
                number().or("gamma", 1, "the resolution"),
            ),
            |t, (adjacency, communities, gamma)| one(t.modularity(adjacency, communities, gamma as f32)?),
        ),
        block(
            "laplacian",
            "[.., n, n]: the Laplacian of graphs",
            (matrices(), flag().or("normalised", true, "I - D^-1/2 A D^-1/2 in place of D - A")),
            |t, (of, normalised)| one(t.laplacian(of, normalised)?),
        ),
        block(
            "qc_fc",
            "[..]: the absolute correlation of each edge with a measure of quality over the subjects of a batch (QC-FC)",
            (
                value("connectivity", "[subjects, ..]"),
                value("quality", "[subjects]"),
                not_negative().or("tolerance", 0, "a correlation that counts for nothing"),
            ),
            |t, (connectivity, quality, tolerance)| one(t.qc_fc(connectivity, quality, tolerance as f32)?),
        ),
    ]
}
