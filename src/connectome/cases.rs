//! What the blocks are held to: as the ops', see [`crate::ops::case`].

use super::Normalisation;
use super::domain::Domain;
use super::loss::{GradientPath, Moment, Reduction, Scalarise};
use crate::Result;
use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};

const BOTH: GradientPath = GradientPath::Both;

/// What every block is held to.
pub fn cases() -> Vec<Case> {
    [
        elements(),
        scalarisations(),
        probabilities(),
        parcels(),
        places(),
        similarities(),
        graphs(),
        subjects(),
        atlases(),
        activations(),
        domains(),
        super::butterworth::cases(),
        super::confounds::cases(),
        super::convolution::cases(),
        super::eigenmaps::cases(),
        super::frequency::cases(),
        super::interpolation::cases(),
        super::noise::cases(),
        super::synthesis::cases(),
        super::trends::cases(),
        super::network::cases(),
        super::covariance::cases(),
        super::shrinkage::cases(),
        super::spd::cases(),
        super::windows::cases(),
    ]
    .concat()
    .into_iter()
    .map(Case::composed)
    .collect()
}

type Operands = Vec<(crate::TensorType, Draw)>;

pub(super) fn one(name: &str, operands: Operands, build: impl Fn(&mut Tape, &[Var]) -> Result<Var> + Send + Sync + 'static) -> Case {
    Case::new(name, operands, move |t, x| Ok(vec![build(t, x)?])).within(5e-6, 1e-5)
}

pub(super) fn normal(shape: impl Into<crate::Shape>) -> (crate::TensorType, Draw) {
    f32s(shape, Draw::Normal)
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

fn similarities() -> Vec<Case> {
    let mut cases = Vec::new();
    for [n, m, d] in [[1, 1, 7], [7, 65, 3], [65, 7, 33]] {
        let two = || vec![normal([n, d]), normal([m, d])];
        cases.push(one("polynomial_kernel", two(), |t, x| t.polynomial_kernel(x[0], x[1], 3.0, None, 1.0)).within(1e-5, 2e-5));
        cases.push(one("sigmoid_kernel", two(), |t, x| t.sigmoid_kernel(x[0], x[1], None, 0.5)));
        cases.push(one("squared_distances", two(), |t, x| t.squared_distances(x[0], x[1])));
        cases.push(one("rbf_kernel", two(), |t, x| t.rbf_kernel(x[0], x[1], None)));
        cases.push(one("cosine_kernel", two(), |t, x| t.cosine_kernel(x[0], x[1])));
    }
    cases.push(one("cosine_kernel of itself", vec![normal([2, 7, 5])], |t, x| t.cosine_kernel(x[0], x[0])));
    cases.push(one("rbf_kernel of itself", vec![normal([2, 7, 5])], |t, x| t.rbf_kernel(x[0], x[0], Some(0.1))));
    cases.push(one("upper_triangle", vec![normal([3, 7, 7])], |t, x| t.upper_triangle(x[0])).within(0.0, 1e-6));
    cases.push(one("upper_triangle", vec![normal([1, 1])], |t, x| t.upper_triangle(x[0])).within(0.0, 1e-6));
    cases
}

fn graphs() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, n, k] in [[1, 1, 1], [2, 7, 3], [1, 65, 5]] {
        let graph = || f32s([batch, n, n], Draw::Uniform(0.0, 1.0));
        let map = || vec![graph(), normal([batch, n, k])];
        cases.push(one("modularity_matrix", vec![graph()], |t, x| t.modularity_matrix(x[0], 1.5, true)));
        cases.push(one("modularity", map(), |t, x| {
            let communities = t.softmax(x[1], -1)?;
            t.modularity(x[0], communities, 1.5)
        }));
        cases.push(one("connectopy", map(), |t, x| t.connectopy(x[0], x[1])));
        for normalised in [false, true] {
            cases.push(one(&format!("laplacian {normalised}"), vec![graph()], move |t, x| t.laplacian(x[0], normalised)));
        }
        cases.push(one("without_diagonal", vec![graph()], |t, x| t.without_diagonal(x[0])).within(0.0, 1e-6));
    }
    for [n, time, k] in [[2, 7, 1], [7, 65, 3], [33, 257, 5]] {
        let operands = vec![normal([n, time]), normal([n, 3])];
        let product = move |t: &mut Tape, x: &[Var]| {
            let sparse = t.sparse_correlation(x[0], k)?;
            Ok(vec![sparse.weights, t.sparse_product(&sparse, x[1])?])
        };
        cases.push(Case::new("sparse_correlation", operands, product).within(5e-6, 1e-5));
    }
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

fn atlases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [subjects, p, v, t] in [[1, 1, 7, 7], [2, 3, 65, 9]] {
        // Weights and series above 0 keep sums and means away from it.
        let operands = || vec![f32s([p, v], Draw::Uniform(0.1, 1.0)), f32s([subjects, v, t], Draw::Uniform(1.0, 3.0))];
        let all =
            [Normalisation::Mean, Normalisation::AbsoluteMean, Normalisation::ZScore, Normalisation::PercentChange, Normalisation::Sum];
        for normalisation in all {
            let build = move |t: &mut Tape, x: &[Var]| t.linear_parcellation(x[0], x[1], normalisation);
            // What ZScore and PercentChange take the mean away from is ten times what is left.
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

fn activations() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 7], [3, 65]] {
        cases.push(one("laplace", vec![normal(shape)], |t, x| t.laplace(x[0], 0.3, 0.7)));
        cases.push(one("exponential_barrier", vec![f32s(shape, Draw::Uniform(0.1, 3.0))], |t, x| t.exponential_barrier(x[0], 1.5)));
        cases.push(one("threshold", vec![normal(shape)], |t, x| {
            let at = t.scalar(0.5)?;
            t.threshold(x[0], at, 0.1, 0.2)
        }));
        let complex = || vec![f32s([shape[0], shape[1], 2], Draw::Uniform(0.1, 0.6))];
        cases.push(one("amplitude tanh", complex(), |t, x| t.amplitude(x[0], Tape::tanh)));
        cases.push(one("amplitude atanh", complex(), |t, x| t.amplitude(x[0], Tape::atanh)));
    }
    for shape in [[1, 3, 65], [2, 7, 65]] {
        cases.push(one("isochoric", vec![normal(shape)], isochoric));
        cases.push(one("isochoric of limited condition", vec![normal(shape)], held_isochoric));
    }
    cases
}

/// Covariances that are well conditioned.
fn isochoric(t: &mut Tape, x: &[Var]) -> Result<Var> {
    let covariance = t.covariance(x[0], None, 1)?;
    t.isochoric(covariance, 2.0, None)
}

/// The same, held to a condition that they pass.
fn held_isochoric(t: &mut Tape, x: &[Var]) -> Result<Var> {
    let covariance = t.covariance(x[0], None, 1)?;
    t.isochoric(covariance, 2.0, Some(1.5))
}

fn domains() -> Vec<Case> {
    let all = [
        Domain::Affine { scale: -2.0, shift: 0.5 },
        Domain::Tanh { scale: 1.5 },
        Domain::Between { low: -1.0, high: 3.0 },
        Domain::Positive,
        Domain::Sphere { p: 2.0, axis: -1 },
        Domain::Sphere { p: 3.0, axis: 0 },
        Domain::Simplex { axis: 0, temperature: 0.5 },
    ];
    let case =
        |domain: Domain, shape: [usize; 2]| one(&format!("domain {domain:?}"), vec![normal(shape)], move |t, x| domain.image(t, x[0]));
    let mut cases: Vec<Case> = all.into_iter().map(|domain| case(domain, [5, 33])).collect();
    // Conditions of about e⁴, which f32 loses once forward and twice in reverse.
    let matrices = [Domain::Orthonormal, Domain::Isochoric { volume: 2.0, condition: None }];
    cases.extend(matrices.into_iter().map(|domain| case(domain, [4, 4]).within(2e-5, 2e-4)));
    cases
}
