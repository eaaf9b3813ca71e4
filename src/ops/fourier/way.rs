//! Two ways to transform a length: by stages of its own factors, or by Bluestein's convolution; and the tables that each needs.

use crate::tensor::{HostTensor, Real};
use crate::{Error, Result};
use realfft::num_complex::Complex64;

/// The method by which a length is transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By stages of its own factors, which cost n p a factor p.
    Stages,
    /// By Bluestein's: X_k = c_k Σ_t (x_t c_t) c̄_{k−t}, c_t = e^(−πit²/n), a circular convolution of this length, a power of 2.
    Bluestein(usize),
}

impl Way {
    /// The cheaper one.
    pub(super) fn of(n: usize) -> Self {
        let m = (2 * n.max(1) - 1).next_power_of_two();
        let cost = |n: usize| n * radices(n).iter().sum::<usize>();
        // Two transforms of m and three products, and twice as much for their dispatches.
        if cost(n) > 2 * (2 * cost(m) + 3 * m) { Self::Bluestein(m) } else { Self::Stages }
    }

    /// Complex numbers of its tables.
    pub(super) fn entries(self, n: usize) -> usize {
        match self {
            Self::Stages => n,
            Self::Bluestein(m) => 2 * m + n,
        }
    }

    /// Its tables, `[entries, 2]`: the powers e^(−2πik/n); by Bluestein's, those of m, the spectrum of the conjugate chirp over m, and the
    /// chirp.
    pub(super) fn tables(self, n: usize) -> Result<HostTensor> {
        let root = |k: usize, n: usize| Complex64::from_polar(1.0, -2.0 * std::f64::consts::PI * k as f64 / n as f64);
        let all: Vec<Complex64> = match self {
            Self::Stages => (0..n).map(|k| root(k, n)).collect(),
            Self::Bluestein(m) => {
                // Of t², what is beyond whole turns is kept in whole numbers.
                let chirp = |t: usize| root(((t as u64 * t as u64) % (2 * n as u64)) as usize, 2 * n);
                let spectrum = chirp_spectrum(chirp, n, m)?;
                (0..m).map(|k| root(k, m)).chain(spectrum).chain((0..n).map(chirp)).collect()
            }
        };
        HostTensor::f32([all.len(), 2], all.iter().flat_map(|z| [z.re as f32, z.im as f32]).collect())
    }
}

/// The spectrum over m of c̄_t laid around 0, which is even in t: that of its real and that of its imaginary part are real and even too.
fn chirp_spectrum(chirp: impl Fn(usize) -> Complex64, n: usize, m: usize) -> Result<Vec<Complex64>> {
    let (forward, _) = f64::fourier(m);
    let part = |of: fn(Complex64) -> f64| {
        let at = |j: usize| {
            if j < n {
                of(chirp(j))
            } else if m - j < n {
                of(chirp(m - j))
            } else {
                0.0
            }
        };
        let (mut x, mut spectrum) = ((0..m).map(at).collect::<Vec<f64>>(), vec![Complex64::default(); m / 2 + 1]);
        let failed = |e: realfft::FftError| Error::op("rfft", e.to_string());
        forward.process(&mut x, &mut spectrum).map(|()| spectrum).map_err(failed)
    };
    let (re, im) = (part(|z| z.re)?, part(|z| -z.im)?);
    let half = |k: usize| k.min(m - k);
    Ok((0..m).map(|k| Complex64::new(re[half(k)].re, im[half(k)].re) / m as f64).collect())
}

/// The radices of the stages of n, the largest first: primes, gathered to at most 8 while that is a whole factor of what is left.
pub(super) fn radices(n: usize) -> Vec<usize> {
    let mut radices = Vec::new();
    let mut rest = n;
    while let Some(radix) = (2..=8).rev().find(|&p| rest.is_multiple_of(p)).filter(|_| rest > 1) {
        radices.push(radix);
        rest /= radix;
    }
    let mut prime = 11;
    while rest > 1 {
        // Beyond its root, what is left is prime.
        if prime * prime > rest {
            prime = rest;
        }
        while rest.is_multiple_of(prime) && rest > 1 {
            radices.push(prime);
            rest /= prime;
        }
        prime += 2;
    }
    radices.sort_unstable_by(|a, b| b.cmp(a));
    // One element is its own transform: a stage moves it.
    if radices.is_empty() { vec![1] } else { radices }
}

#[cfg(test)]
mod tests {
    use super::{Way, radices};

    #[test]
    fn radices_multiply_to_the_length() {
        for n in 1..3000 {
            let radices = radices(n);
            assert_eq!(radices.iter().product::<usize>(), n, "{radices:?}");
        }
        assert_eq!(radices(814), [37, 11, 2]);
        assert_eq!(radices(1200), [8, 6, 5, 5]);
        assert_eq!(radices(1201), [1201]);
        assert_eq!((Way::of(814), Way::of(1201), Way::of(1)), (Way::Stages, Way::Bluestein(4096), Way::Stages));
    }
}
