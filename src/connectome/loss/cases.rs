//! What the losses are held to: as the ops', see [`crate::ops::case`].

use super::{GradientPath, Moment, Reduction, Scalarise};
use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::tape::{Tape, Var};

const BOTH: GradientPath = GradientPath::Both;

/// What the blocks of this room are held to.
pub(in crate::connectome) fn cases() -> Vec<Case> {
    [elements(), scalarisations(), probabilities(), parcels(), places(), subjects()].concat()
}

fn elements() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 7], [3, 65], [2, 257]] {
        let three = || vec![normal(shape), normal(shape), normal(shape)];
        cases.push(one("constraint_violation", three(), |t, x| t.constraint_violation(x)));
        cases.push(one("hinge", vec![normal(shape), normal(shape)], |t, x| t.hinge(x[0], x[1])));
        cases.push(one("difference", vec![normal(shape)], |t, x| t.difference(x[0], 2, -1)));
        cases.push(one("bimodal", vec![normal(shape)], |t, x| t.bimodal(x[0], [0.0, 1.0])));
    }
    cases.push(one("difference across", vec![normal([65, 3])], |t, x| t.difference(x[0], 1, 0)));
    cases
}

fn scalarisations() -> Vec<Case> {
    let each = [
        ("mean square", Reduction::MeanSquare),
        ("norm 1", Reduction::Norm(1.0)),
        ("norm 2", Reduction::Norm(2.0)),
        ("norm 3", Reduction::Norm(3.0)),
        ("norm inf", Reduction::Norm(f32::INFINITY)),
        ("self-weighted mean", Reduction::SelfWeightedMean(BOTH)),
        ("soft maximum", Reduction::SoftMaximum { temperature: 0.5, path: BOTH }),
        ("soft minimum", Reduction::SoftMinimum { temperature: 0.5, path: BOTH }),
    ];
    let mut cases = Vec::new();
    for (name, reduction) in each {
        let operands = || vec![f32s([3, 65], Draw::Uniform(0.2, 2.0))];
        cases.push(one(&format!("scalarise {name}"), operands(), move |t, x| Scalarise::from(reduction).apply(t, x[0])));
        let then = move |t: &mut Tape, x: &[Var]| Scalarise::over(reduction, &[0]).then(Reduction::Mean, &[]).apply(t, x[0]);
        cases.push(one(&format!("scalarise {name} then mean"), operands(), then));
    }
    let operands = vec![normal([7, 65]), f32s([65], Draw::Uniform(0.2, 2.0))];
    cases.push(one("weighted_mean", operands, |t, x| t.weighted_mean(x[0], x[1], &[1])));
    cases
}

fn probabilities() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 7], [65, 3], [7, 257]] {
        let two = || vec![normal(shape), normal(shape)];
        cases.push(one("entropy", vec![f32s(shape, Draw::Uniform(0.01, 1.0))], |t, x| t.entropy(x[0], 0)));
        cases.push(one("entropy_of_logits", vec![normal(shape)], |t, x| t.entropy_of_logits(x[0], 1, 0.5)));
        let positive = || vec![f32s(shape, Draw::Uniform(0.01, 1.0)), f32s(shape, Draw::Uniform(0.01, 1.0))];
        cases.push(one("kl_divergence", positive(), |t, x| t.kl_divergence(x[0], x[1], -1)));
        cases.push(one("js_divergence", positive(), |t, x| t.js_divergence(x[0], x[1], 0)));
        cases.push(one("kl_divergence_of_logits", two(), |t, x| t.kl_divergence_of_logits(x[0], x[1], -1)));
        // The curve keeps ∇f apart from x.
        let f = |t: &mut Tape, x: Var| {
            let e = t.exp(x)?;
            t.sum(e, &[-1], false)
        };
        cases.push(one("bregman_divergence", two(), move |t, x| t.bregman_divergence(x[0], x[1], f)));
    }
    cases
}

fn parcels() -> Vec<Case> {
    let mut cases = vec![one("equilibrium batch", vec![normal([2, 3, 9])], |t, x| t.equilibrium(x[0]))];
    for [p, v, t] in [[1, 1, 1], [7, 65, 33], [5, 257, 7]] {
        cases.push(one("equilibrium", vec![normal([p, v])], |t, x| t.equilibrium(x[0])));
        for moment in [Moment::PerMass, Moment::Summed] {
            // An offset that all vertices share must cost no digits.
            let operands = || vec![normal([p, v]), f32s([v, t], Draw::Uniform(9.0, 11.0))];
            let whole = move |t: &mut Tape, x: &[Var]| {
                let parcels = t.soft_parcellation(x[0], x[1])?;
                t.second_moment(&parcels, x[1], moment)
            };
            let mean = move |t: &mut Tape, x: &[Var]| {
                let parcels = t.soft_parcellation(x[0], x[1])?;
                t.mean_second_moment(&parcels, x[1], moment)
            };
            // S is of size 10 where the series lie within 1 of it: 10 ε of the moments' scale, v times in a sum.
            cases.push(one(&format!("second_moment {moment:?}"), operands(), whole).within(2e-5, 2e-5));
            cases.push(one(&format!("mean_second_moment {moment:?}"), operands(), mean).within(2e-5, 2e-5));
        }
    }
    cases
}

fn places() -> Vec<Case> {
    let mut cases = Vec::new();
    // Radii beyond √3 · 3 keep the draws from being further apart than a diameter.
    const RADIUS: f32 = 12.0;
    for [p, v] in [[1, 7], [7, 65], [5, 257]] {
        let weights = || vec![f32s([p, v], Draw::Uniform(0.1, 1.0)), normal([v, 3])];
        cases.push(one("centres_of_mass", weights(), |t, x| t.centres_of_mass(x[0], x[1], None)));
        cases.push(one("centres_of_mass on the sphere", weights(), |t, x| t.centres_of_mass(x[0], x[1], Some(RADIUS))));
        cases
            .push(one("great_circle_distances", vec![normal([p, 3]), normal([v, 3])], |t, x| t.great_circle_distances(x[0], x[1], RADIUS)));
        cases.push(one("great_circle_distances_of_pairs", vec![normal([v, 3]), normal([v, 3])], |t, x| {
            t.great_circle_distances_of_pairs(x[0], x[1], RADIUS)
        }));
        cases.push(one("compactness", weights(), |t, x| t.compactness(x[0], x[1], None, 0.5)));
        // The draws are stretched to the sphere of radius 3, which their centres are drawn to.
        let around = |t: &mut Tape, x: &[Var]| {
            let unit = t.unit_rows(x[1])?;
            let places = t.scale(unit, 3.0)?;
            t.compactness(x[0], places, Some(3.0), 0.0)
        };
        cases.push(one("compactness on the sphere", weights(), around));
        let references = || weights().into_iter().chain([normal([p, 3])]).collect();
        cases.push(one("reference_tether", references(), |t, x| t.reference_tether(x[0], x[1], x[2], RADIUS)));
        let hemispheres = || weights().into_iter().chain(weights()).collect();
        let tether = |t: &mut Tape, x: &[Var]| t.interhemispheric_tether((x[0], x[1]), (x[2], x[3]), RADIUS);
        cases.push(one("interhemispheric_tether", hemispheres(), tether));
    }
    cases.push(one("dispersion", vec![normal([7, 3])], |t, x| t.dispersion(x[0])));
    cases.push(one("dispersion batch", vec![normal([2, 9, 5])], |t, x| t.dispersion(x[0])));
    cases
}

fn subjects() -> Vec<Case> {
    let mut cases = Vec::new();
    for [n, edges] in [[3, 1], [7, 65], [33, 257]] {
        let operands = || vec![normal([n, edges]), normal([n])];
        cases.push(one("batch_correlation", operands(), |t, x| t.batch_correlation(x[0], x[1])));
        cases.push(one("qc_fc", operands(), |t, x| t.qc_fc(x[0], x[1], 0.2)));
    }
    cases.push(one("distance_dependence", vec![normal([65]), normal([65])], |t, x| t.distance_dependence(x[0], x[1])));
    let correlation = |t: &mut Tape, x: Var| t.correlation(x, None, false);
    for shape in [[1, 3, 7], [2, 7, 65]] {
        cases.push(one("gram_log_determinant", vec![normal(shape)], move |t, x| {
            let gram = correlation(t, x[0])?;
            t.gram_log_determinant(gram, 0.1)
        }));
        cases.push(one("gram_determinant", vec![normal(shape)], move |t, x| {
            let gram = correlation(t, x[0])?;
            t.gram_determinant(gram, 0.1)
        }));
        let operands = vec![normal(shape), normal([shape[0], shape[1], shape[1]])];
        cases.push(one("multivariate_kurtosis", operands, |t, x| t.multivariate_kurtosis(x[0], x[1], true)));
    }
    cases
}
