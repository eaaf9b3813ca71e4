//! Random memberships.

use crate::tensor::{HostTensor, Philox};
use crate::{Error, Result};

/// Memberships `[parcels, vertices]` whose columns are drawn from a symmetric Dirichlet distribution. They are near 1 / parcels for a large
/// concentration, and near the corners of the simplex for one below 1 (hypercoil's `AtlasLinear` starts with 50). Their logarithms are
/// logits from which a softmax restores them.
///
/// # Errors
/// Returns an error where the concentration is not above 0.
pub fn dirichlet([parcels, vertices]: [usize; 2], concentration: f64, seed: u64, stream: u32) -> Result<HostTensor> {
    if concentration.is_nan() || concentration.is_infinite() || concentration <= 0.0 {
        return Err(Error::argument(format!("a concentration above 0 expected, found {concentration}")));
    }
    let n = parcels * vertices;
    let mut draws: Vec<f64> = (0..n).map(|i| log_gamma_draw(concentration, seed, stream, i)).collect();
    for v in 0..vertices {
        let most = (0..parcels).map(|p| draws[p * vertices + v]).fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = (0..parcels).map(|p| (draws[p * vertices + v] - most).exp()).sum();
        (0..parcels).for_each(|p| draws[p * vertices + v] = (draws[p * vertices + v] - most).exp() / total);
    }
    HostTensor::f32([parcels, vertices], draws.into_iter().map(|x| x as f32).collect())
}

/// The logarithm of a gamma variable of shape `a` (Marsaglia & Tsang 2000) for this element; its rejection steps use successive steps of
/// the stream. For a shape below 1 a variable of shape a + 1 is multiplied by U^(1/a).
fn log_gamma_draw(a: f64, seed: u64, stream: u32, element: usize) -> f64 {
    let d = a.max(1.0 + a * f64::from(a < 1.0)) - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    // The values lie in (0, 1], so that logarithms are finite.
    let uniform = |draws: &Philox, word: usize| 1.0 - f64::from(draws.uniform(4 * element + word));
    let mut step = 0;
    loop {
        let draws = Philox::new(seed, stream, step);
        let (x, u) = (draws.normal(4 * element), uniform(&draws, 2));
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            let shrink = if a < 1.0 { uniform(&draws, 3).ln() / a } else { 0.0 };
            return (d * v).ln() + shrink;
        }
        step += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Means 1/k and variances (k − 1) / (k² (k a + 1)), over 20,000 columns: within five standard errors.
    #[test]
    fn columns_have_dirichlets_moments() {
        const K: usize = 4;
        const N: usize = 20_000;
        for a in [0.3, 1.0, 50.0] {
            let made = dirichlet([K, N], a, 3, 0).unwrap().to_f64_vec();
            let k = K as f64;
            let variance = (k - 1.0) / (k * k * (k * a + 1.0));
            for p in 0..K {
                let row = &made[p * N..(p + 1) * N];
                let mean = row.iter().sum::<f64>() / N as f64;
                assert!((mean - 1.0 / k).abs() < 5.0 * (variance / N as f64).sqrt(), "{a}: mean {mean}");
                let found = row.iter().map(|x| (x - 1.0 / k).powi(2)).sum::<f64>() / N as f64;
                // The fourth moment of any of these is below 6 variances².
                assert!((found / variance - 1.0).abs() < 5.0 * (6.0 / N as f64).sqrt(), "{a}: variance {found}, not {variance}");
            }
            for v in 0..N {
                let sum: f64 = (0..K).map(|p| made[p * N + v]).sum();
                assert!((sum - 1.0).abs() < 1e-6);
            }
        }
        assert!(dirichlet([2, 2], 0.0, 0, 0).is_err());
    }
}
