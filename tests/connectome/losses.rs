//! The losses against NumPy, SciPy, scikit-learn and NetworkX, on the oracle, the host and a GPU; their memory; and the paths of gradients.

use crate::common::golden::{hold, numbers};
use crate::common::gpu;
use serde_json::Value;
use tapetum::connectome::loss::{GradientPath, Moment, Objective, Reduction, Scalarise, critical_correlation};
use tapetum::kernel::Target;
use tapetum::optim::Schedule;
use tapetum::plan::Plan;
use tapetum::{Device, HostTensor, Result, Tape, TensorType, Var};

fn goldens() -> Value {
    serde_json::from_str(include_str!("../goldens/losses.json")).unwrap()
}

const BOTH: GradientPath = GradientPath::Both;

fn number(t: &mut Tape, x: Var, reduction: Reduction) -> Result<Var> {
    Scalarise::from(reduction).apply(t, x)
}

fn scalarised(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Option<Result<Var>> {
    Some(match op {
        "mean_square" => number(t, x[0], Reduction::MeanSquare),
        "norm_then_mean" => Scalarise::over(Reduction::Norm(p[0]), &[-1]).then(Reduction::Mean, &[]).apply(t, x[0]),
        "norm_of_all" => number(t, x[0], Reduction::Norm(p[0])),
        "norm_max_then_sum" => Scalarise::over(Reduction::Norm(f32::INFINITY), &[0]).then(Reduction::Sum, &[]).apply(t, x[0]),
        "max" => number(t, x[0], Reduction::Max),
        "weighted_mean" => Scalarise::over(Reduction::WeightedMean(x[1]), &[1]).then(Reduction::Mean, &[0]).apply(t, x[0]),
        "self_weighted_mean" => number(t, x[0], Reduction::SelfWeightedMean(BOTH)),
        "soft_maximum" => number(t, x[0], Reduction::SoftMaximum { temperature: p[0], path: BOTH }),
        "soft_minimum" => number(t, x[0], Reduction::SoftMinimum { temperature: p[0], path: BOTH }),
        _ => return None,
    })
}

fn moment(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    let parcels = t.soft_parcellation(x[0], x[1])?;
    let moment = if p[0] == 0.0 { Moment::PerMass } else { Moment::Summed };
    match op {
        "second_moment" => t.second_moment(&parcels, x[1], moment),
        _ => t.mean_second_moment(&parcels, x[1], moment),
    }
}

fn build(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    if let Some(found) = scalarised(t, op, p, x) {
        return found;
    }
    let axis = |i: usize| p[i] as isize;
    match op {
        "constraint_violation" => t.constraint_violation(x),
        "hinge" => t.hinge(x[0], x[1]),
        "difference" => t.difference(x[0], p[0] as usize, axis(1)),
        "bimodal" => t.bimodal(x[0], [p[0], p[1]]),
        "entropy" => t.entropy(x[0], axis(0)),
        "entropy_of_logits" => t.entropy_of_logits(x[0], axis(0), p[1]),
        "kl_divergence" => t.kl_divergence(x[0], x[1], axis(0)),
        "kl_divergence_of_logits" => t.kl_divergence_of_logits(x[0], x[1], axis(0)),
        "js_divergence" => t.js_divergence(x[0], x[1], axis(0)),
        "bregman_square" => t.bregman_divergence(x[0], x[1], |t, x| {
            let square = t.square(x)?;
            t.sum(square, &[-1], false)
        }),
        "bregman_entropy" => t.bregman_divergence(x[0], x[1], |t, x| {
            let terms = t.x_log_x(x)?;
            t.sum(terms, &[-1], false)
        }),
        "equilibrium" => {
            let memberships = t.softmax(x[0], 0)?;
            t.equilibrium(memberships)
        }
        "second_moment_about" => {
            let parcels = t.soft_parcellation(x[0], x[1])?;
            t.second_moment_about(&parcels, x[1], x[2], Moment::PerMass)
        }
        "second_moment" | "mean_second_moment" => moment(t, op, p, x),
        "centres_of_mass" => t.centres_of_mass(x[0], x[1], None),
        "centres_on_sphere" => t.centres_of_mass(x[0], x[1], Some(100.0)),
        "great_circle_distances" => t.great_circle_distances(x[0], x[1], 100.0),
        "great_circle_of_pairs" => t.great_circle_distances_of_pairs(x[0], x[1], 100.0),
        "compactness_sphere" => t.compactness(x[0], x[1], Some(100.0), p[0]),
        "compactness" => t.compactness(x[0], x[1], None, 0.0),
        "reference_tether" => t.reference_tether(x[0], x[1], x[2], 100.0),
        "interhemispheric_tether" => t.interhemispheric_tether((x[0], x[1]), (x[2], x[3]), 100.0),
        "dispersion" => t.dispersion(x[0]),
        "linear_kernel" => t.linear_kernel(x[0], x[1]),
        "polynomial_kernel" => t.polynomial_kernel(x[0], x[1], p[0], None, p[1]),
        "sigmoid_kernel" => t.sigmoid_kernel(x[0], x[1], None, p[0]),
        "rbf_kernel" => t.rbf_kernel(x[0], x[1], None),
        "cosine_kernel" => t.cosine_kernel(x[0], x[1]),
        "squared_distances" => t.squared_distances(x[0], x[1]),
        "modularity" => t.modularity(x[0], x[1], p[0]),
        "modularity_matrix" => t.modularity_matrix(x[0], p[0], p[1] != 0.0),
        "laplacian" => t.laplacian(x[0], p[0] != 0.0),
        "connectopy" => t.connectopy(x[0], x[1]),
        "sparse_correlation" => Ok(t.sparse_correlation(x[0], p[0] as usize)?.weights),
        "sparse_product" => {
            let sparse = t.sparse_correlation(x[0], p[0] as usize)?;
            t.sparse_product(&sparse, x[1])
        }
        "batch_correlation" => t.batch_correlation(x[0], x[1]),
        "qc_fc" => t.qc_fc(x[0], x[1], critical_correlation(t.shape(x[1])[0], f64::from(p[0]))? as f32),
        "distance_dependence" => t.distance_dependence(x[0], x[1]),
        "gram_log_determinant" | "gram_determinant" => {
            let gram = t.correlation(x[0], None, false)?;
            if op == "gram_determinant" { t.gram_determinant(gram, p[0]) } else { t.gram_log_determinant(gram, p[0]) }
        }
        "kurtosis_of_series" => {
            let precision = t.series_precision(x[0], 0)?;
            t.multivariate_kurtosis(x[0], precision, false)
        }
        "multivariate_kurtosis" => t.multivariate_kurtosis(x[0], x[1], true),
        other => panic!("no loss `{other}`"),
    }
}

/// The oracle's tolerance allows for attributes such as 1/n in f32, with an error of 6·10⁻⁸ each; a formula has a few of them.
#[test]
fn scores_equal_those_of_other_software() {
    hold(&goldens()["cases"], build, 3e-7, 1e-5);
}

#[test]
fn critical_correlations_are_students() {
    for case in goldens()["critical_correlation"].as_array().unwrap() {
        let [n, significance, wanted] = numbers(case)[..] else { panic!("three numbers") };
        let found = critical_correlation(n as usize, significance).unwrap();
        assert!((found - wanted).abs() < 1e-9, "{n} subjects, {significance}: {found}, not {wanted}");
    }
    assert!(critical_correlation(2, 0.05).is_err());
    assert!(critical_correlation(20, 1.0).is_err());
}

/// Both hemispheres at fsaverage5: with gradients for the memberships, no tensor of the plan is larger than 2 P V.
#[test]
fn the_losses_of_a_parcellation_take_no_tensor_larger_than_twice_its_memberships() {
    const P: usize = 400;
    const V: usize = 20_484;
    const T: usize = 652;
    let mut t = Tape::new();
    let logits = t.input("logits", TensorType::f32([P, V])).unwrap();
    let series = t.input("series", TensorType::f32([V, T])).unwrap();
    let places = t.input("places", TensorType::f32([V, 3])).unwrap();
    let parcels = t.soft_parcellation(logits, series).unwrap();
    let mut objective = Objective::new();
    let moment = t.second_moment(&parcels, series, Moment::PerMass).unwrap();
    objective.term(&mut t, "second moment", 5.0, moment, Reduction::Mean).unwrap();
    let entropy = t.entropy(parcels.memberships, 0).unwrap();
    objective.term(&mut t, "entropy", Schedule::Linear { start: 0.1, end: 3.5, steps: 100 }, entropy, Reduction::Mean).unwrap();
    let equilibrium = t.equilibrium(parcels.memberships).unwrap();
    objective.term(&mut t, "equilibrium", 1e5, equilibrium, Reduction::MeanSquare).unwrap();
    let compactness = t.compactness(parcels.memberships, places, Some(100.0), 0.0).unwrap();
    objective.term(&mut t, "compactness", 2.0, compactness, Reduction::Mean).unwrap();
    let loss = objective.total(&mut t).unwrap();
    let gradient = t.gradient(loss, &[logits]).unwrap()[0];
    let plan = Plan::new(&t, &[loss, gradient], &Target::portable()).unwrap();
    let limit = (2 * P * V * 4) as u64;
    for (ty, name) in &plan.buffers {
        let used = plan.steps.iter().any(|s| s.values.iter().any(|b| plan.buffers[b.buffer.index()].1 == *name));
        assert!(!used || ty.bytes() <= limit, "{name}: {ty}");
    }
    assert!(plan.slots.iter().all(|&bytes| bytes <= limit), "{:?}", plan.slots);
    // O(PV + PT + VT): with the reverse sweep, six tensors of each at most.
    let bound = 6 * 4 * (P * V + P * T + V * T) as u64;
    assert!(plan.memory.planned <= bound, "{} of {bound}", plan.memory.planned);
    println!("planned {} MB in {} slots; P V is {} MB", plan.memory.planned >> 20, plan.slots.len(), (P * V * 4) >> 20);
}

/// Where a path is cut, only the other paths contribute to the gradient.
#[test]
fn gradients_go_where_they_are_sent() {
    let x = HostTensor::f32([4], vec![0.5, 1.0, 2.0, 4.0]).unwrap();
    let gradient = |path| {
        let mut t = Tape::new();
        let var = t.input("x", x.ty()).unwrap();
        let mean = number(&mut t, var, Reduction::SelfWeightedMean(path)).unwrap();
        let g = t.gradient(mean, &[var]).unwrap()[0];
        Device::oracle().compile(&t, &[g]).unwrap().run(&[(var, &x)]).unwrap().remove(0).to_f64_vec()
    };
    let (sum, mean) = (7.5, (0.25 + 1.0 + 4.0 + 16.0) / 7.5);
    for (i, x) in x.to_f64_vec().into_iter().enumerate() {
        // Of Σ w x / Σ w at w = x: w / Σw by x, (x − mean) / Σw by w.
        assert!((gradient(GradientPath::Score)[i] - x / sum).abs() < 1e-12);
        assert!((gradient(GradientPath::Weights)[i] - (x - mean) / sum).abs() < 1e-12);
        assert!((gradient(GradientPath::Both)[i] - (2.0 * x - mean) / sum).abs() < 1e-12);
    }
}

/// Places that coincide, empty parcels, zero rows and constant features have finite scores and gradients.
#[test]
fn degenerate_operands_have_no_nan() {
    type Build = fn(&mut Tape, Var) -> Result<Var>;
    let builds: [(&str, Build); 9] = [
        ("great_circle_distances", |t, x| t.great_circle_distances(x, x, 1.0)),
        ("compactness", |t, x| {
            let weights = t.full([2, 4], 0.0)?;
            t.compactness(weights, x, Some(1.0), 0.0)
        }),
        ("dispersion", |t, x| t.dispersion(x)),
        ("cosine_kernel", |t, x| t.cosine_kernel(x, x)),
        ("norm 3", |t, x| t.vector_norm(x, 3.0, &[1])),
        ("batch_correlation", |t, x| {
            let measure = t.full([4], 1.0)?;
            t.batch_correlation(x, measure)
        }),
        ("entropy", |t, x| t.entropy(x, 1)),
        ("kl_divergence", |t, x| t.kl_divergence(x, x, 1)),
        ("js_divergence", |t, x| t.js_divergence(x, x, 1)),
    ];
    let x = HostTensor::f32([4, 3], vec![0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]).unwrap();
    for (name, build) in builds {
        for device in [Device::cpu(), gpu()] {
            let mut t = Tape::new();
            let var = t.input("x", x.ty()).unwrap();
            let y = build(&mut t, var).unwrap();
            let total = t.sum(y, &[], false).unwrap();
            let g = t.gradient(total, &[var]).unwrap()[0];
            let values = device.compile(&t, &[y, g]).unwrap().run(&[(var, &x)]).unwrap();
            assert!(values.iter().all(|v| v.to_f64_vec().iter().all(|x| x.is_finite())), "{name} on {}: {values:?}", device.name());
        }
    }
}

#[test]
fn refusals_say_what_was_expected() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([3, 4])).unwrap();
    let w = t.input("w", TensorType::f32([5])).unwrap();
    let message = |r: Result<Var>| r.unwrap_err().to_string();
    let left = Scalarise::over(Reduction::Sum, &[0]).apply(&mut t, x);
    assert!(message(left).contains("are left"));
    assert!(message(t.weighted_mean(x, w, &[])).contains("broadcast"));
    assert!(message(t.vector_norm(x, 0.5, &[])).contains("at least 1"));
    assert!(message(t.entropy_of_logits(x, 0, 0.0)).contains("temperature"));
    assert!(message(t.difference(x, 4, 1)).contains("leaves nothing"));
    assert!(message(t.constraint_violation(&[])).contains("no constraints"));
    assert!(message(t.great_circle_distances(x, x, 100.0)).contains("[.., 3]"));
    assert!(message(t.upper_triangle(x)).contains("[.., n, n]"));
    assert!(message(t.batch_correlation(x, w)).contains("[subjects]"));
    let mut objective = Objective::new();
    assert!(objective.total(&mut t).is_err());
    objective.term(&mut t, "a", 1.0, x, Reduction::Mean).unwrap();
    assert!(objective.term(&mut t, "a", 1.0, x, Reduction::Mean).is_err());
}
