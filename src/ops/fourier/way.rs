//! Two ways to transform a length: by steps of its own factors, or by Bluestein's convolution; the passes that make them; and the tables
//! that each needs.

use crate::tensor::{HostTensor, Real};
use crate::{Error, Result};
use realfft::num_complex::Complex64;

/// The most complex numbers that a workgroup holds: 16 KiB.
pub(super) const TILE: usize = 2048;

/// The radices for which the kernel has a butterfly.
const BUTTERFLIES: [usize; 6] = [2, 3, 4, 5, 7, 8];

/// The largest prime factor that is a step of its own. Its terms are summed one after the other, so that the sums stay short.
const LARGEST: usize = 64;

/// The most points of a pass of several: a workgroup then takes 8 transforms side by side at least, whose neighbours in memory are read
/// together.
const PASS: usize = 256;

/// The method by which a length is transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By steps of its own factors, which cost n p a factor p without a butterfly.
    Own,
    /// By Bluestein's: X_k = c_k Σ_t (x_t c_t) c̄_{k−t}, c_t = e^(−πit²/n), a circular convolution of this length.
    Bluestein(usize),
}

impl Way {
    /// The way for n: by its own factors, unless one of them is large.
    pub(super) fn of(n: usize) -> Self {
        if radices(n).into_iter().all(|p| p <= LARGEST) {
            return Self::Own;
        }
        Self::Bluestein(smooth(2 * n - 1))
    }

    /// True if neighbours in a row of reals go as one complex number.
    pub(super) fn pairs(self, n: usize, by: Passes) -> bool {
        by == Passes::Whole && self == Self::Own && n.is_multiple_of(2) && by.of(n / 2).len() == 1
    }

    /// Complex numbers of a row that is transformed.
    pub(super) fn length(self, n: usize, by: Passes) -> usize {
        match self {
            Self::Own if self.pairs(n, by) => n / 2,
            Self::Own => n,
            Self::Bluestein(m) => m,
        }
    }

    /// Complex numbers of its tables.
    pub(super) fn entries(self, n: usize) -> usize {
        match self {
            Self::Own => n,
            Self::Bluestein(m) => 2 * m + n,
        }
    }

    /// Its tables, `[entries, 2]`: the powers e^(−2πik/n); by Bluestein's, those of m, the spectrum of the conjugate chirp over m, and the
    /// chirp.
    pub(super) fn tables(self, n: usize) -> Result<HostTensor> {
        let root = |k: usize, n: usize| Complex64::from_polar(1.0, -2.0 * std::f64::consts::PI * k as f64 / n as f64);
        let all: Vec<Complex64> = match self {
            Self::Own => (0..n).map(|k| root(k, n)).collect(),
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

/// The radices of the steps of n: primes, those below 10 gathered to 8 and 4, in the order in which the steps are taken. Odd ones come
/// first: a step writes to places that lie its radix apart, which in workgroup memory collide where that is even, unless it is a late one.
pub(super) fn radices(n: usize) -> Vec<usize> {
    let mut rest = n.max(1);
    let (mut radices, mut large) = (Vec::new(), Vec::new());
    let mut prime = 3;
    while rest >> rest.trailing_zeros() > 1 {
        // Beyond its root, what is left is prime.
        if prime * prime > rest >> rest.trailing_zeros() {
            prime = rest >> rest.trailing_zeros();
        }
        while rest.is_multiple_of(prime) {
            if BUTTERFLIES.contains(&prime) { &mut radices } else { &mut large }.push(prime);
            rest /= prime;
        }
        prime += 2;
    }
    radices.reverse();
    let twos = rest.trailing_zeros() as usize;
    // 2^3a is a steps of 8; the other powers are made whole by one or two of 4, and 2 by one of its own.
    let fours = if twos == 1 { 0 } else { [0, 2, 1][twos % 3] };
    radices.extend(std::iter::repeat_n(4, fours).chain(std::iter::repeat_n(8, (twos - twos.min(2 * fours)) / 3)));
    radices.extend((twos == 1).then_some(2));
    radices.extend(large);
    // One element is its own transform: a step moves it.
    if radices.is_empty() { vec![1] } else { radices }
}

/// The points that steps of these radices make.
pub(super) fn points(radices: &[usize]) -> usize {
    radices.iter().product()
}

/// The division of steps among dispatches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passes {
    /// Several steps each, in workgroup memory.
    Whole,
    /// One step each.
    Steps,
}

impl Passes {
    /// The radices of each pass of a transform of n: one pass where its points fit in workgroup memory, else as few as need be, of like
    /// numbers of points.
    pub(super) fn of(self, n: usize) -> Vec<Vec<usize>> {
        let mut all = radices(n);
        if self == Self::Steps {
            return gathered(n, all).into_iter().map(|p| vec![p]).collect();
        }
        if n <= TILE {
            return vec![all];
        }
        all.sort_unstable_by(|a, b| b.cmp(a));
        for count in 2..all.len() {
            let passes = shared(&all, count);
            if passes.iter().all(|pass| points(pass) <= PASS) {
                return passes;
            }
        }
        all.into_iter().map(|p| vec![p]).collect()
    }
}

/// So many passes, each radix in turn in the one of the fewest points.
fn shared(descending: &[usize], count: usize) -> Vec<Vec<usize>> {
    let mut passes = vec![Vec::new(); count];
    for &p in descending {
        let smallest = (0..count).min_by_key(|&i| points(&passes[i])).unwrap_or(0);
        passes[smallest].push(p);
    }
    passes.iter().map(|pass| radices(points(pass))).collect()
}

/// The factors of n, the largest first: those below 10 gathered to at most 8 while that is a whole factor of what is left.
fn gathered(n: usize, radices: Vec<usize>) -> Vec<usize> {
    let mut factors: Vec<usize> = radices.into_iter().filter(|p| *p > 8).collect();
    let mut rest = n.max(1) / points(&factors);
    while let Some(p) = (2..=8).rev().find(|&p| rest.is_multiple_of(p)).filter(|_| rest > 1) {
        factors.push(p);
        rest /= p;
    }
    factors.sort_unstable_by(|a, b| b.cmp(a));
    if factors.is_empty() { vec![1] } else { factors }
}

/// The number from n on, and below twice as much, whose prime factors are 2, 3 and 5 and whose steps take the least together.
fn smooth(n: usize) -> usize {
    let end = 2 * n.max(1);
    let below = move |p: usize| std::iter::successors(Some(1usize), move |k| k.checked_mul(p)).take_while(move |k| *k < end);
    let products = below(2).flat_map(|a| below(3).flat_map(move |b| below(5).map(move |c| a.saturating_mul(b).saturating_mul(c))));
    products.filter(|k| (n..end).contains(k)).min_by_key(|&k| (k * radices(k).len(), k)).unwrap_or(n)
}

#[cfg(test)]
mod tests {
    use super::{PASS, Passes, TILE, Way, points, radices, smooth};

    #[test]
    fn radices_multiply_to_the_length() {
        for n in 1..3000 {
            assert_eq!(points(&radices(n)), n, "{:?}", radices(n));
        }
        assert_eq!(radices(600), [5, 5, 3, 8]);
        assert_eq!(radices(814), [2, 11, 37]);
        assert_eq!(radices(2048), [4, 8, 8, 8]);
        assert_eq!((Way::of(814), Way::of(1201), Way::of(1)), (Way::Own, Way::Bluestein(2560), Way::Own));
        assert_eq!((smooth(2401), Passes::Steps.of(1200)), (2560, vec![vec![8], vec![6], vec![5], vec![5]]));
    }

    #[test]
    fn passes_fit_in_workgroup_memory() {
        for n in 1..20_000 {
            let length = Way::of(n).length(n, Passes::Whole);
            let passes = Passes::Whole.of(length);
            assert_eq!(passes.iter().map(|p| points(p)).product::<usize>(), length, "{passes:?}");
            let most = if passes.len() == 1 { TILE } else { PASS };
            assert!(passes.iter().all(|p| points(p) <= most && p.len() < 8), "{n}: {passes:?}");
        }
    }
}
