//! Tests of the cost models. Every kernel's definition is written once more, as simply as possible, over a scalar that counts its
//! operations. The FLOPs that a dispatch states must equal this count exactly, and its bytes must equal those of its operands and results.
//! The definitions here must also give the same values as the ops' own, so that they count the right computation.

mod confounds;
mod counted;
mod covariance;
mod filter;
mod fourier;
mod message;
mod moves;
mod order;
mod products;
mod rows;
mod sparse;
mod spd;
mod updates;
mod work;

use std::collections::BTreeSet;
use tapetum::Result;
use work::Work;

fn works() -> Result<Vec<Work>> {
    Ok([
        products::works()?,
        confounds::works()?,
        covariance::works()?,
        filter::works()?,
        fourier::works()?,
        message::works()?,
        rows::works()?,
        moves::works()?,
        order::works()?,
        sparse::works()?,
        spd::works()?,
        updates::works()?,
    ]
    .into_iter()
    .flatten()
    .collect())
}

#[test]
fn dispatches_cost_what_their_definitions_count() {
    for work in works().unwrap() {
        assert_eq!(work.stated().unwrap(), work.counted(), "{}: stated by the plan, counted in the definition", work.name);
    }
}

/// Both sides are in f64 and sum a few hundred terms of magnitude about 1, in different orders. The tolerance of 1e-10 allows a thousand
/// roundings through a division by a small power, and no other formula.
#[test]
fn the_definitions_here_are_the_ops_own() {
    for work in works().unwrap() {
        let error = work.error().unwrap();
        assert!(error < 1e-10, "{}: {error:e}", work.name);
    }
}

#[test]
fn every_kernel_is_counted() {
    let works = works().unwrap();
    let counted: BTreeSet<&str> = works.iter().flat_map(|w| &w.ledger.0).map(|e| e.kernel.as_str()).collect();
    // The kernels that measure ceilings belong to no op; their cost is defined as the work they do.
    let ops = tapetum::ops::sources().into_iter().map(|s| s.name).filter(|name| !name.starts_with("bench/"));
    let missing: Vec<_> = ops.filter(|name| !counted.contains(name)).collect();
    assert!(missing.is_empty(), "no definition counts {missing:?}");
    assert!(counted.contains("pointwise/chain"));
}
