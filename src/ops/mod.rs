//! The ops, a file a family. Each op is whole in one place: type rule, definition, reverse rule, dispatches.

pub mod bench;
pub mod case;
pub mod confounds;
pub mod covariance;
mod dropout;
pub mod filter;
pub mod fourier;
pub mod matmul;
pub mod mesh;
pub mod message;
pub mod parcellation;
pub mod pointwise;
pub mod random;
pub mod reduce;
mod row;
pub mod rows;
pub mod shape;
pub mod softmax;
pub mod sort;
pub mod sparse;
pub mod spd;
mod split;
mod tile;
pub mod topology;
pub mod update;
pub mod work;

use crate::kernel::{Source, Ways};
use case::Case;
use work::Work;

/// Every hand-written kernel but the pointwise template.
pub fn sources() -> Vec<&'static Source> {
    vec![
        &bench::COPY,
        &bench::EMPTY,
        &bench::FMA,
        &confounds::ORTHONORMALISE,
        &covariance::CORRELATION_ROWS,
        &covariance::DEGREE,
        &covariance::STANDARDISE,
        &covariance::STANDARDISE_REVERSE,
        &covariance::SYMMETRIC_PRODUCT,
        &covariance::SYMMETRISE,
        &covariance::TOP_K,
        &covariance::WEIGHTS_REVERSE,
        &dropout::DROPOUT,
        &filter::APPLY,
        &filter::CARRY,
        &filter::DRIVE,
        &fourier::CHIRP,
        &fourier::STAGE,
        &matmul::MATMUL,
        &tile::PAD,
        &mesh::NEIGHBOUR_MEAN,
        &mesh::NEIGHBOUR_SUM,
        &message::PAIR_DOT,
        &message::PAIR_MLP,
        &message::PAIR_MLP_NODES,
        &message::PAIR_MLP_SLOPES,
        &message::PAIR_MLP_WEIGHTS,
        &message::PAIR_SUM,
        &parcellation::LOGITS_REVERSE,
        &parcellation::MEMBERSHIPS_REVERSE,
        &parcellation::PARCEL_SERIES,
        &parcellation::ROW_DOT,
        &random::RANDOM,
        &reduce::ARGMAX,
        &reduce::CUMULATIVE_SUM,
        &reduce::REDUCE,
        &shape::COPY,
        &rows::GATHER_ROWS,
        &rows::ONE_HOT,
        &rows::SCATTER_ROWS,
        &shape::SET,
        &softmax::SOFTMAX,
        &softmax::SOFTMAX_REVERSE,
        &sort::COUNT,
        &sort::KEYS,
        &sort::PUT,
        &sort::SCAN,
        &sort::SCATTER,
        &sort::TAKE,
        &sparse::MAXIMUM,
        &sparse::PRODUCT,
        &sparse::SAMPLE,
        &spd::CHOLESKY,
        &spd::EIGEN_ORDER,
        &spd::JACOBI,
        &spd::JACOBI_START,
        &spd::TRIANGULAR_SOLVE,
        &topology::BEST,
        &topology::CONTRACT,
        &topology::EDGES,
        &topology::HOOK,
        &topology::PRIM,
        &topology::SPLIT,
        &update::ADAM,
        &update::ADVANCE,
        &update::RING,
        &update::SGD,
    ]
}

/// What can be computed in more ways than one.
pub fn ways() -> Vec<&'static Ways> {
    vec![&topology::TREE]
}

/// What every op is held to, family by family.
pub fn cases() -> Vec<Case> {
    [
        pointwise::cases::cases(),
        reduce::cases(),
        matmul::cases(),
        rows::cases(),
        shape::cases(),
        split::cases(),
        softmax::cases(),
        sort::cases(),
        random::cases(),
        confounds::cases(),
        covariance::cases(),
        dropout::cases(),
        filter::cases(),
        fourier::cases(),
        mesh::cases(),
        message::cases(),
        parcellation::cases(),
        sparse::cases(),
        spd::cases(),
        topology::cases(),
        update::cases(),
        bench::cases(),
    ]
    .concat()
}

/// What `tapetum bench` times, family by family.
pub fn works() -> Vec<Work> {
    [
        pointwise::cases::works(),
        reduce::works(),
        matmul::works(),
        rows::works(),
        shape::works(),
        softmax::works(),
        sort::works(),
        random::works(),
        confounds::works(),
        covariance::works(),
        dropout::works(),
        filter::works(),
        fourier::works(),
        mesh::works(),
        message::works(),
        parcellation::works(),
        sparse::works(),
        spd::works(),
        topology::works(),
        update::works(),
    ]
    .concat()
}
