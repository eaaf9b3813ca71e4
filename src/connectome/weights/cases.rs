//! Test cases of the parameter and network blocks, in the form of those of the ops; see [`crate::ops::case`].

use super::Domain;
use crate::Result;
use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::tape::{Tape, Var};

/// The test cases of this module.
pub(in crate::connectome) fn cases() -> Vec<Case> {
    [activations(), domains(), super::network::cases()].concat()
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
    // Condition numbers are about e⁴, a factor that f32 loses once forward and twice in the gradient.
    let matrices = [Domain::Orthonormal, Domain::Isochoric { volume: 2.0, condition: None }];
    cases.extend(matrices.into_iter().map(|domain| case(domain, [4, 4]).within(2e-5, 2e-4)));
    cases
}

/// Scaled covariances that are well conditioned.
fn isochoric(t: &mut Tape, x: &[Var]) -> Result<Var> {
    let covariance = t.covariance(x[0], None, 1)?;
    t.isochoric(covariance, 2.0, None)
}

/// The same, limited to a condition number that they exceed.
fn held_isochoric(t: &mut Tape, x: &[Var]) -> Result<Var> {
    let covariance = t.covariance(x[0], None, 1)?;
    t.isochoric(covariance, 2.0, Some(1.5))
}
