//! The ops, a file a family. Each op is whole in one place: type rule, definition, reverse rule, dispatches.

pub mod covariance;
pub mod matmul;
pub mod parcellation;
pub mod pointwise;
pub mod random;
pub mod reduce;
pub mod shape;
pub mod softmax;
pub mod update;

use crate::kernel::Source;

/// Every hand-written kernel but the pointwise template.
pub fn sources() -> Vec<&'static Source> {
    vec![
        &covariance::STANDARDISE,
        &covariance::STANDARDISE_REVERSE,
        &covariance::SYMMETRIC_PRODUCT,
        &covariance::SYMMETRIC_REVERSE,
        &covariance::WEIGHTS_REVERSE,
        &matmul::MATMUL,
        &parcellation::LOGITS_REVERSE,
        &parcellation::MEMBERSHIPS_REVERSE,
        &parcellation::PARCEL_SERIES,
        &parcellation::ROW_DOT,
        &random::RANDOM,
        &reduce::ARGMAX,
        &reduce::CUMULATIVE_SUM,
        &reduce::REDUCE,
        &shape::COPY,
        &shape::GATHER_ROWS,
        &shape::ONE_HOT,
        &shape::SCATTER_ROWS,
        &shape::SET,
        &softmax::SOFTMAX,
        &softmax::SOFTMAX_REVERSE,
        &update::ADAM,
        &update::ADVANCE,
        &update::RING,
        &update::SGD,
    ]
}
