//! The eigendecomposition of one symmetric matrix on the host, in double precision: Householder's reduction to tridiagonal form, then
//! implicit QL with Wilkinson's shifts (Golub and Van Loan, *Matrix Computations*, 4th ed., §8.3).
//!
//! All loops but those over scalars run over rows padded with zeros to whole chunks, with the widest vectors that the processor has. Products
//! and sums are rounded one by one, so that the results are the same with vectors of any width.

use super::householder::{Chunk, Tridiagonal, accumulated, padded, tridiagonal};
use crate::tensor::{Wide, widest};

/// Shifts that one eigenvalue may take; a matrix of finite numbers needs about two.
const SHIFTS: usize = 60;
/// Chunks of a row whose rotations are done together: so many that none waits for the one before it, and few enough to stay in registers.
const SIDE: usize = 4;
/// Rotations that are gathered before they are done.
const GATHERED: usize = 1 << 13;

/// Eigenvalues ascending, and the eigenvectors as rows of `[n, n]`: each of the sign that makes positive the first of its components
/// whose magnitude is at least half the largest. Where an entry is not finite, all are NaN.
pub(super) fn eigen(a: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    if !a.iter().all(|x| x.is_finite()) {
        return (vec![f64::NAN; n], vec![f64::NAN; n * n]);
    }
    let (values, rows) = widest(Decomposition { a, n, vectors: true });
    ordered(&values, &rows, n)
}

/// The eigenvalues alone, ascending, at two fifths of the price. Where an entry is not finite, all are NaN.
pub(super) fn eigenvalues(a: &[f64], n: usize) -> Vec<f64> {
    if !a.iter().all(|x| x.is_finite()) {
        return vec![f64::NAN; n];
    }
    let (mut values, _) = widest(Decomposition { a, n, vectors: false });
    values.sort_by(f64::total_cmp);
    values
}

struct Decomposition<'a> {
    a: &'a [f64],
    n: usize,
    vectors: bool,
}

impl Wide for Decomposition<'_> {
    type Made = (Vec<f64>, Vec<f64>);

    #[inline(always)]
    fn run(self) -> Self::Made {
        let n = self.n;
        let Tridiagonal { mut d, mut e, reflectors } = tridiagonal(self.a, n);
        let mut z = if self.vectors { accumulated(&reflectors, n) } else { Vec::new() };
        diagonalise(&mut d, &mut e, &mut z);
        (d, z)
    }
}

/// A rotation of the rows `row` and `row + 1`: x, y → c x − s y, s x + c y.
struct Turn {
    row: usize,
    c: f64,
    s: f64,
}

/// Makes the tridiagonal matrix of diagonal `d` and off-diagonal `e` diagonal, and turns the padded rows of `z` along, where there are any.
#[inline(always)]
fn diagonalise(d: &mut [f64], e: &mut [f64], z: &mut [f64]) {
    let n = d.len();
    let mut turns = Vec::with_capacity(GATHERED + n);
    for l in 0..n {
        for _ in 0..SHIFTS {
            let small = |m: usize| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs());
            let m = (l..n - 1).find(|&m| small(m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            step(d, e, &mut turns, l, m);
            if turns.len() >= GATHERED {
                turn(z, padded(n), &turns);
                turns.clear();
            }
        }
    }
    turn(z, padded(n), &turns);
}

/// One implicit QL step on the block l..=m, whose rotations are added to `turns`.
#[inline(always)]
fn step(d: &mut [f64], e: &mut [f64], turns: &mut Vec<Turn>, l: usize, m: usize) {
    let ratio = (d[l + 1] - d[l]) / (2.0 * e[l]);
    let mut g = d[m] - d[l] + e[l] / (ratio + ratio.hypot(1.0).copysign(ratio));
    let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
    for i in (l..m).rev() {
        let (f, b) = (s * e[i], c * e[i]);
        let r = length(f, g);
        e[i + 1] = r;
        if r == 0.0 {
            d[i + 1] -= p;
            e[m] = 0.0;
            return;
        }
        (s, c) = (f / r, g / r);
        g = d[i + 1] - p;
        let t = (d[i] - g) * s + 2.0 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        turns.push(Turn { row: i, c, s });
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}

/// √(a² + b²), the long way only where the squares would leave the range of numbers.
#[inline(always)]
fn length(a: f64, b: f64) -> f64 {
    let square = a * a + b * b;
    if square > 1e-290 && square < 1e290 { square.sqrt() } else { a.hypot(b) }
}

/// Does rotations on rows of `width`, some chunks of each row after others.
#[inline(always)]
fn turn(z: &mut [f64], width: usize, turns: &[Turn]) {
    if z.is_empty() {
        return;
    }
    let (z, width) = (z.as_chunks_mut().0, width / Chunk::default().len());
    for at in (0..width).step_by(SIDE) {
        if width - at >= SIDE { turn_chunks::<SIDE>(z, width, at, turns) } else { turn_chunks::<{ SIDE / 2 }>(z, width, at, turns) }
    }
}

/// Does rotations on K chunks of each row, from the one at `side` on. The row that a rotation leaves stays at hand, for it mostly is the
/// lower one of the next.
#[inline(always)]
fn turn_chunks<const K: usize>(z: &mut [Chunk], width: usize, side: usize, turns: &[Turn]) {
    let (mut held, mut at) = ([Chunk::default(); K], None);
    for &Turn { row, c, s } in turns {
        if at != Some(row + 1) {
            if let Some(at) = at {
                z[at * width + side..][..K].copy_from_slice(&held);
            }
            held.copy_from_slice(&z[(row + 1) * width + side..][..K]);
        }
        let (upper, lower) = z[row * width..][..2 * width].split_at_mut(width);
        for ((upper, lower), held) in upper[side..][..K].iter().zip(&mut lower[side..][..K]).zip(&mut held) {
            let (x, y) = (*upper, *held);
            *lower = std::array::from_fn(|i| s * x[i] + c * y[i]);
            *held = std::array::from_fn(|i| c * x[i] - s * y[i]);
        }
        at = Some(row);
    }
    if let Some(at) = at {
        z[at * width + side..][..K].copy_from_slice(&held);
    }
}

/// In ascending order, signs settled.
fn ordered(d: &[f64], z: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| d[i].total_cmp(&d[j]));
    let mut rows = Vec::with_capacity(n * n);
    for &i in &order {
        let row = &z[i * padded(n)..][..n];
        let most = row.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let flip = row.iter().find(|x| x.abs() >= 0.5 * most).is_some_and(|x| *x < 0.0);
        rows.extend(row.iter().map(|x| if flip { -x } else { *x }));
    }
    (order.iter().map(|&i| d[i]).collect(), rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows are orthonormal and A = Zᵀ D Z, to rounding: n ε of the largest eigenvalue, with room for 30.
    #[test]
    fn decomposes() {
        for n in [1, 2, 3, 7, 16, 17, 40, 65, 129] {
            let entry = |i: usize, j: usize| ((i * j + i + j) as f64 * 0.7).sin() + if i == j { 1.0 } else { 0.0 };
            let a: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
            let (d, z) = eigen(&a, n);
            assert!(d.windows(2).all(|w| w[0] <= w[1]));
            assert_eq!(d, eigenvalues(&a, n));
            let within = 30.0 * n as f64 * f64::EPSILON * d.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
            for i in 0..n {
                for j in 0..n {
                    let back: f64 = (0..n).map(|k| z[k * n + i] * d[k] * z[k * n + j]).sum();
                    assert!((back - a[i * n + j]).abs() <= within, "{n}: {i}, {j}");
                    let one: f64 = (0..n).map(|k| z[i * n + k] * z[j * n + k]).sum();
                    assert!((one - if i == j { 1.0 } else { 0.0 }).abs() <= within, "{n}: {i}, {j}");
                }
            }
        }
    }

    #[test]
    fn what_is_diagonal_repeated_or_zero_is_left_as_it_is() {
        let (d, z) = eigen(&[2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0], 3);
        assert_eq!((d, z), (vec![1.0, 2.0, 2.0], vec![0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]));
        let (d, z) = eigen(&[0.0; 4], 2);
        assert_eq!((d, z), (vec![0.0, 0.0], vec![1.0, 0.0, 0.0, 1.0]));
    }
}
