//! Atlases, smoothing, activations, domains and networks.

use crate::common::golden::hold;
use crate::common::gpu;
use serde_json::Value;
use tapetum::connectome::parcels::{Normalisation, sphere};
use tapetum::connectome::weights::Domain;
use tapetum::connectome::weights::network::{Similarity, Symmetry};
use tapetum::kernel::Target;
use tapetum::plan::Plan;
use tapetum::{Device, HostTensor, Result, Tape, TensorType, Var};

fn atlas(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Option<Result<Var>> {
    let normalisations =
        [Normalisation::Mean, Normalisation::AbsoluteMean, Normalisation::ZScore, Normalisation::PercentChange, Normalisation::Sum];
    Some(match op {
        "linear_parcellation" => t.linear_parcellation(x[0], x[1], normalisations[p[0] as usize]),
        "parcellation_by_projection" => t.parcellation_by_projection(x[0], x[1], p[0]),
        "compartments" => t.compartments(&[(x[0], 0..5), (x[1], 5..11)], x[2], Normalisation::Sum),
        "hard_parcellation" => {
            let labels = HostTensor::i32([p.len()], p.iter().map(|l| *l as i32).collect()).unwrap();
            t.hard_parcellation(&labels, x[0], 5)
        }
        "soft_parcellation" => t.soft_parcellation(x[0], x[1]).map(|made| made.series),
        _ => return None,
    })
}

fn domain(t: &mut Tape, op: &str, x: &[Var]) -> Option<Result<Var>> {
    let domain = match op {
        "affine" => Domain::Affine { scale: -2.0, shift: 0.5 },
        "tanh" => Domain::Tanh { scale: 1.5 },
        "between" => Domain::Between { low: -1.0, high: 3.0 },
        "positive" => Domain::Positive,
        "sphere" => Domain::Sphere { p: 3.0, axis: 1 },
        "simplex" => Domain::Simplex { axis: 0, temperature: 0.5 },
        _ => return None,
    };
    Some(domain.image(t, x[0]))
}

fn network(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Option<Result<Var>> {
    let similarities = [Similarity::Product, Similarity::Cosine, Similarity::L1, Similarity::L2];
    let symmetries = [Symmetry::None, Symmetry::Cross, Symmetry::Skew];
    Some(match op {
        "crosshair_similarity" => t.crosshair_similarity(x[0], x[1], similarities[p[0] as usize]),
        "sylo" => t.sylo(x[0], [x[1], x[2]], symmetries[p[0] as usize], p[1] != 0.0),
        "recombine" => t.recombine(x[0], x[1]),
        "vertical_compression" => t.vertical_compression(x[0], x[1], x[2], p[0] != 0.0),
        _ => return None,
    })
}

fn build(t: &mut Tape, op: &str, p: &[f32], x: &[Var]) -> Result<Var> {
    if let Some(found) = atlas(t, op, p, x).or_else(|| domain(t, op, x)).or_else(|| network(t, op, p, x)) {
        return found;
    }
    match op {
        "laplace" => t.laplace(x[0], p[0], p[1]),
        "exponential_barrier" => t.exponential_barrier(x[0], p[0]),
        "threshold" => {
            let at = t.scalar(p[0])?;
            t.threshold(x[0], at, p[1], p[2])
        }
        "isochoric" => t.isochoric(x[0], p[0], p.get(1).copied()),
        "amplitude_tanh" => t.amplitude(x[0], Tape::tanh),
        "amplitude_atanh" => t.amplitude(x[0], Tape::atanh),
        "amplitude_laplace" => t.amplitude(x[0], |t, r| t.laplace(r, 0.0, 1.0)),
        "amplitude_barrier" => t.amplitude(x[0], |t, r| t.exponential_barrier(r, 1.0)),
        other => panic!("no block `{other}`"),
    }
}

fn goldens() -> Vec<Value> {
    serde_json::from_str(include_str!("../goldens/blocks.json")).unwrap()
}

/// The tolerances are those of the losses.
#[test]
fn blocks_equal_their_definitions_entry_by_entry() {
    let cases = goldens().into_iter().filter(|c| c["op"] != "smoothing").collect();
    hold(&Value::Array(cases), build, 3e-7, 1e-5);
}

/// The tolerance allows for weights that are stored in f32.
#[test]
fn smoothing_on_the_sphere_is_the_whole_kernels() {
    fn smooth(t: &mut Tape, _: &str, p: &[f32], x: &[Var]) -> Result<Var> {
        let case = goldens().into_iter().find(|c| c["op"] == "smoothing").unwrap();
        let turned = crate::common::golden::given(&case["inputs"][1]).to_f64_vec();
        let n = turned.len() / 3;
        let places = HostTensor::f32([n, 3], (0..n).flat_map(|v| [0, 1, 2].map(|k| turned[k * n + v] as f32)).collect())?;
        let directions = sphere::directions(&places)?;
        let (table, weights) = sphere::gaussian_neighbourhood(&directions, 100.0, f64::from(p[0]), f64::from(p[1]))?;
        t.neighbour_sum(x[0], &table, &weights)
    }
    let cases = goldens().into_iter().filter(|c| c["op"] == "smoothing").collect();
    hold(&Value::Array(cases), smooth, 2e-7, 1e-5);
}

/// The image of a value's preimage is the value itself, within the accuracy of the limits.
#[test]
fn domains_begin_where_they_are_told() {
    let check = |domain: Domain, values: Vec<f32>, wanted: &[f64]| {
        let value = HostTensor::f32([values.len()], values).unwrap();
        let start = domain.preimage(&value).unwrap();
        let mut t = Tape::new();
        let x = t.input("x", start.ty()).unwrap();
        let image = domain.image(&mut t, x).unwrap();
        let found = Device::oracle().compile(&t, &[image]).unwrap().run(&[(x, &start)]).unwrap().remove(0).to_f64_vec();
        // The parameter is stored in f32 as the preimage, which limits the accuracy.
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{domain:?}: {found:?}, not {wanted:?}");
    };
    check(Domain::Free, vec![-2.0, 3.0], &[-2.0, 3.0]);
    check(Domain::Affine { scale: -2.0, shift: 0.5 }, vec![-2.0, 3.0], &[-2.0, 3.0]);
    check(Domain::Tanh { scale: 2.0 }, vec![-1.5, 0.25, 7.0], &[-1.5, 0.25, 2.0 * 3f64.tanh()]);
    let high = -1.0 + 4.0 / (1.0 + (-4.5f64).exp());
    check(Domain::Between { low: -1.0, high: 3.0 }, vec![0.0, 2.5, 9.0], &[0.0, 2.5, high]);
    check(Domain::Positive, vec![1e-3, 1.0, 40.0], &[1e-3, 1.0, 40.0]);
    check(Domain::Sphere { p: 2.0, axis: 0 }, vec![0.6, 0.8], &[0.6, 0.8]);
    check(Domain::Simplex { axis: 0, temperature: 0.3 }, vec![0.7, 0.2, 0.1], &[0.7, 0.2, 0.1]);
    let x = HostTensor::f32([1], vec![1.0]).unwrap();
    for domain in [Domain::Between { low: 1.0, high: 1.0 }, Domain::Tanh { scale: 0.0 }, Domain::Sphere { p: 0.5, axis: 0 }] {
        assert!(domain.preimage(&x).is_err());
    }
}

/// Zeros, empty parcels and constant matrices have finite values and gradients.
#[test]
fn degenerate_operands_have_no_nan() {
    type Build = fn(&mut Tape, Var) -> Result<Var>;
    let builds: [(&str, Build); 9] = [
        ("percent change", |t, x| {
            let w = t.full([2, 3], 0.0)?;
            t.linear_parcellation(w, x, Normalisation::PercentChange)
        }),
        ("mean", |t, x| {
            let w = t.full([2, 3], 0.0)?;
            t.linear_parcellation(w, x, Normalisation::Mean)
        }),
        ("z-score", |t, x| {
            let w = t.full([2, 3], 1.0)?;
            t.linear_parcellation(w, x, Normalisation::ZScore)
        }),
        ("barrier", |t, x| t.exponential_barrier(x, 1.0)),
        ("isochoric", |t, x| t.isochoric(x, 1.0, Some(10.0))),
        ("amplitude", |t, x| {
            let z = t.slice(x, 1, 0, 2, 1)?;
            t.amplitude(z, Tape::tanh)
        }),
        ("sphere", |t, x| Domain::Sphere { p: 2.0, axis: 1 }.image(t, x)),
        ("cosine", |t, x| {
            let x = t.reshape(x, [1, 1, 3, 3])?;
            t.crosshair_similarity(x, x, Similarity::Cosine)
        }),
        ("compression", |t, x| t.vertical_compression(x, x, x, true)),
    ];
    let x = HostTensor::zeros(TensorType::f32([3, 3]));
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

/// A sylo layer of 16 filters over 8 channels at 400 regions, with gradients, has no tensor of size batch × filters × channels × h × w.
#[test]
fn networks_keep_nothing_of_every_filter_and_channel() {
    const N: usize = 400;
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([4, 8, N, N])).unwrap();
    let factors = ["l", "r"].map(|name| t.input(name, TensorType::f32([16, 8, N, 1])).unwrap());
    let y = t.sylo(x, factors, Symmetry::Cross, true).unwrap();
    let square = t.square(y).unwrap();
    let loss = t.mean(square, &[], false).unwrap();
    let gradients = t.gradient(loss, &factors).unwrap();
    let plan = Plan::new(&t, &[loss, gradients[0], gradients[1]], &Target::portable()).unwrap();
    // The templates are 16 × 8 matrices and the result 4 × 16; all filters, channels and items were 512.
    let largest = plan.slots.iter().max().copied().unwrap();
    assert!(largest <= (16 * 8 * N * N * 4) as u64, "{largest}");
}

#[test]
fn refusals_say_what_was_expected() {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([3, 4])).unwrap();
    let message = |r: Result<Var>| r.unwrap_err().to_string();
    let labels = HostTensor::i32([2], vec![0, 1]).unwrap();
    assert!(message(t.hard_parcellation(&labels, x, 2)).contains("2 labels"));
    assert!(message(t.recombine(x, x)).contains("[batch, channels, h, w]"));
    assert!(message(t.amplitude(x, Tape::tanh)).contains("[.., 2]"));
    assert!(message(t.laplace(x, 0.0, 0.0)).contains("above 0"));
    assert!(t.compartments(&[(x, 0..9)], x, Normalisation::Mean).is_err());
    let table = HostTensor::i32([4, 1], vec![1, 2, 3, 0]).unwrap();
    let weights = HostTensor::full([4, 1], 1.0);
    assert!(message(t.neighbour_sum(x, &table, &weights)).contains("not symmetric"));
    assert!(message(t.neighbour_sum(x, &HostTensor::i32([4, 1], vec![0, 1, 2, 9]).unwrap(), &weights)).contains("neighbour 9"));
    assert!(sphere::gaussian_neighbourhood(&[[1.0, 0.0, 0.0]], 100.0, 0.0, 1.0).is_err());
}
