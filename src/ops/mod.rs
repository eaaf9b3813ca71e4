//! The ops, a file a family. Each op is whole in one place: type rule, definition, reverse rule, dispatches.

// The page of `Tape` shows its methods in the order of these modules: what every tape takes comes first.
pub mod pointwise;

pub mod reduce;

pub mod matmul;

pub mod shape;

pub mod covariance;

pub mod confounds;
pub mod parcellation;

pub mod bench;
pub mod case;
mod dropout;
pub mod filter;
pub mod fourier;
mod line;
pub mod mesh;
pub mod message;
mod parts;
pub mod random;
mod row;
pub mod rows;
mod scatter;
pub mod softmax;
pub mod sort;
pub mod sparse;
pub mod spd;
mod split;
mod strided;
mod tile;
pub mod topology;
pub mod update;
pub mod work;

use crate::kernel::{Algorithms, Source};
use case::Case;
use work::Work;

/// A family of ops: its kernels, what its ops are held to, and what is timed of them.
struct Family {
    sources: &'static [&'static Source],
    cases: fn() -> Vec<Case>,
    works: fn() -> Vec<Work>,
}

static FAMILIES: [&Family; 23] = [
    &pointwise::FAMILY,
    &reduce::FAMILY,
    &matmul::FAMILY,
    &rows::FAMILY,
    &scatter::FAMILY,
    &shape::FAMILY,
    &split::FAMILY,
    &softmax::FAMILY,
    &sort::FAMILY,
    &random::FAMILY,
    &confounds::FAMILY,
    &covariance::FAMILY,
    &dropout::FAMILY,
    &filter::FAMILY,
    &fourier::FAMILY,
    &mesh::FAMILY,
    &message::FAMILY,
    &parcellation::FAMILY,
    &sparse::FAMILY,
    &spd::FAMILY,
    &topology::FAMILY,
    &update::FAMILY,
    &bench::FAMILY,
];

/// Every hand-written kernel but the pointwise template, in the order of their names.
pub fn sources() -> Vec<&'static Source> {
    let mut found: Vec<_> = FAMILIES.iter().flat_map(|family| family.sources.iter().copied()).collect();
    found.sort_by_key(|source| source.name);
    found
}

/// The kernel of this name, `family/kernel`.
pub fn source(name: &str) -> Option<&'static Source> {
    FAMILIES.iter().flat_map(|family| family.sources.iter().copied()).find(|source| source.name == name)
}

/// The computations for which there is more than one algorithm.
pub fn algorithms() -> Vec<&'static Algorithms> {
    vec![
        &confounds::BASIS,
        &covariance::NEIGHBOURS,
        &message::DOT,
        &scatter::ALGORITHMS,
        &spd::EIGEN,
        &spd::FACTOR,
        &spd::SOLVE,
        &topology::TREE,
    ]
}

/// The cases that check every op, family by family.
pub fn cases() -> Vec<Case> {
    FAMILIES.iter().flat_map(|family| (family.cases)()).collect()
}

/// The works that `tapetum bench` times, family by family.
pub fn works() -> Vec<Work> {
    FAMILIES.iter().flat_map(|family| (family.works)()).collect()
}
