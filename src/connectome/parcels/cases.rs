//! Test cases of the parcellation blocks, in the form of those of the ops; see [`crate::ops::case`].

use super::Normalisation;
use crate::connectome::loss::Moment;
use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::tape::{Tape, Var};

/// The test cases of this module.
pub(in crate::connectome) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [subjects, p, v, t] in [[1, 1, 7, 7], [2, 3, 65, 9]] {
        // Weights and series above 0 keep sums and means away from 0.
        let operands = || vec![f32s([p, v], Draw::Uniform(0.1, 1.0)), f32s([subjects, v, t], Draw::Uniform(1.0, 3.0))];
        let all =
            [Normalisation::Mean, Normalisation::AbsoluteMean, Normalisation::ZScore, Normalisation::PercentChange, Normalisation::Sum];
        for normalisation in all {
            let build = move |t: &mut Tape, x: &[Var]| t.linear_parcellation(x[0], x[1], normalisation);
            // The mean that ZScore and PercentChange subtract is ten times as large as the remainder.
            cases.push(one(&format!("linear_parcellation {normalisation:?}"), operands(), build).within(2e-5, 5e-5));
        }
        let moment = |t: &mut Tape, x: &[Var]| {
            let parcels = t.soft_parcellation(x[0], x[1])?;
            Ok(vec![t.second_moment(&parcels, x[1], Moment::PerMass)?, t.mean_second_moment(&parcels, x[1], Moment::Summed)?])
        };
        cases.push(Case::new("second_moment of subjects", operands(), moment).within(1e-5, 2e-5));
    }
    let operands = vec![normal([3, 65]), normal([65, 9]), normal([3, 9])];
    let about = |t: &mut Tape, x: &[Var]| {
        let parcels = t.soft_parcellation(x[0], x[1])?;
        t.second_moment_about(&parcels, x[1], x[2], Moment::Summed)
    };
    cases.push(one("second_moment_about", operands, about));
    let operands = vec![normal([3, 4]), normal([2, 5]), normal([9, 7])];
    let compartments = |t: &mut Tape, x: &[Var]| t.compartments(&[(x[0], 0..4), (x[1], 4..9)], x[2], Normalisation::Sum);
    cases.push(one("compartments", operands, compartments));
    let projection = |t: &mut Tape, x: &[Var]| t.parcellation_by_projection(x[0], x[1], 0.5);
    cases.push(one("parcellation_by_projection", vec![normal([3, 65]), normal([2, 65, 7])], projection));
    let hard = |t: &mut Tape, x: &[Var]| {
        let labels = crate::HostTensor::i32([65], (0..65).map(|v| v % 6 - 1).collect())?;
        t.hard_parcellation(&labels, x[0], 6)
    };
    cases.push(one("hard_parcellation", vec![normal([65, 7])], hard));
    cases
}
