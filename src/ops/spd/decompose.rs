//! The eigendecomposition of one symmetric matrix on the host, in double precision: Householder's reduction to tridiagonal form, then
//! implicit QL with Wilkinson's shifts (Golub and Van Loan, *Matrix Computations*, 4th ed., §8.3).

/// Shifts that one eigenvalue may take; a matrix of finite numbers needs about two.
const SHIFTS: usize = 60;

/// Eigenvalues ascending, and the eigenvectors as rows of `[n, n]`: each of the sign that makes positive the first of its components
/// whose magnitude is at least half the largest. Where an entry is not finite, all are NaN.
pub(super) fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    if !a.iter().all(|x| x.is_finite()) {
        return (vec![f64::NAN; n], vec![f64::NAN; n * n]);
    }
    let reflectors = tridiagonal(&mut a, n);
    let mut d: Vec<f64> = (0..n).map(|i| a[i * n + i]).collect();
    let mut e: Vec<f64> = (0..n).map(|i| if i + 1 < n { a[(i + 1) * n + i] } else { 0.0 }).collect();
    let mut z = accumulated(&reflectors, n);
    diagonalise(&mut d, &mut e, &mut z, n);
    ordered(&d, &z, n)
}

/// Reduces `a` to tridiagonal form, and returns the reflectors v, of |v|² = 2: that of column k acts on the rows below k.
fn tridiagonal(a: &mut [f64], n: usize) -> Vec<Vec<f64>> {
    let mut reflectors = Vec::with_capacity(n);
    for k in 0..n.saturating_sub(2) {
        let mut v: Vec<f64> = (k + 1..n).map(|i| a[i * n + k]).collect();
        let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let below = v[1..].iter().map(|x| x.abs()).fold(0.0, f64::max);
        if below == 0.0 {
            // Nothing to reflect: the identity.
            reflectors.push(vec![0.0; v.len()]);
            continue;
        }
        let alpha = if v[0] > 0.0 { -length } else { length };
        v[0] -= alpha;
        let scale = (2.0 / v.iter().map(|x| x * x).sum::<f64>()).sqrt();
        v.iter_mut().for_each(|x| *x *= scale);
        a[(k + 1) * n + k] = alpha;
        reflect_both(a, n, k + 1, &v);
        reflectors.push(v);
    }
    reflectors
}

/// B ← H B H of the block B of `a` from `first` on, H = 1 − v vᵀ: a symmetric update of rank two.
fn reflect_both(a: &mut [f64], n: usize, first: usize, v: &[f64]) {
    let mut p: Vec<f64> = a[first * n..].chunks_exact(n).map(|row| dot(&row[first..], v)).collect();
    let half = 0.5 * dot(&p, v);
    p.iter_mut().zip(v).for_each(|(p, v)| *p -= half * v);
    for (i, row) in a[first * n..].chunks_exact_mut(n).enumerate() {
        let (vi, pi) = (v[i], p[i]);
        row[first..].iter_mut().zip(v).zip(&p).for_each(|((x, v), p)| *x -= vi * p + pi * v);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums side by side, so that they vectorise.
    let (whole, rest) = (a.chunks_exact(4).zip(b.chunks_exact(4)), a.len() / 4 * 4);
    let sums = whole.fold([0.0; 4], |s, (a, b)| [s[0] + a[0] * b[0], s[1] + a[1] * b[1], s[2] + a[2] * b[2], s[3] + a[3] * b[3]]);
    a[rest..].iter().zip(&b[rest..]).map(|(a, b)| a * b).sum::<f64>() + sums.iter().sum::<f64>()
}

/// The transpose of the product of the reflectors.
fn accumulated(reflectors: &[Vec<f64>], n: usize) -> Vec<f64> {
    let mut z: Vec<f64> = (0..n * n).map(|at| if at.is_multiple_of(n + 1) { 1.0 } else { 0.0 }).collect();
    for (k, v) in reflectors.iter().enumerate().rev() {
        for row in z[(k + 1) * n..].chunks_exact_mut(n) {
            let along = dot(&row[k + 1..], v);
            row[k + 1..].iter_mut().zip(v).for_each(|(x, v)| *x -= along * v);
        }
    }
    z
}

/// Makes the tridiagonal matrix of diagonal `d` and off-diagonal `e` diagonal, and turns the rows of `z` along.
fn diagonalise(d: &mut [f64], e: &mut [f64], z: &mut [f64], n: usize) {
    for l in 0..n {
        for _ in 0..SHIFTS {
            let small = |m: usize| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs());
            let m = (l..n - 1).find(|&m| small(m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            step(d, e, z, n, l, m);
        }
    }
}

/// One implicit QL step on the block l..=m.
fn step(d: &mut [f64], e: &mut [f64], z: &mut [f64], n: usize, l: usize, m: usize) {
    let ratio = (d[l + 1] - d[l]) / (2.0 * e[l]);
    let mut g = d[m] - d[l] + e[l] / (ratio + ratio.hypot(1.0).copysign(ratio));
    let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
    for i in (l..m).rev() {
        let (f, b) = (s * e[i], c * e[i]);
        let r = f.hypot(g);
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
        let (above, below) = z.split_at_mut((i + 1) * n);
        let rows = above[i * n..].iter_mut().zip(&mut below[..n]);
        rows.for_each(|(x, y)| (*x, *y) = (c * *x - s * *y, s * *x + c * *y));
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}

/// In ascending order, signs settled.
fn ordered(d: &[f64], z: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| d[i].total_cmp(&d[j]));
    let mut rows = Vec::with_capacity(n * n);
    for &i in &order {
        let row = &z[i * n..(i + 1) * n];
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
        for n in [1, 2, 3, 7, 40, 65] {
            let entry = |i: usize, j: usize| ((i * j + i + j) as f64 * 0.7).sin() + if i == j { 1.0 } else { 0.0 };
            let a: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
            let (d, z) = eigen(a.clone(), n);
            assert!(d.windows(2).all(|w| w[0] <= w[1]));
            let within = 30.0 * n as f64 * f64::EPSILON * d.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
            for i in 0..n {
                for j in 0..n {
                    let back: f64 = (0..n).map(|k| z[k * n + i] * d[k] * z[k * n + j]).sum();
                    assert!((back - a[i * n + j]).abs() <= within, "{n}: {i}, {j}");
                    let one = dot(&z[i * n..(i + 1) * n], &z[j * n..(j + 1) * n]);
                    assert!((one - if i == j { 1.0 } else { 0.0 }).abs() <= within, "{n}: {i}, {j}");
                }
            }
        }
    }

    #[test]
    fn what_is_diagonal_repeated_or_zero_is_left_as_it_is() {
        let (d, z) = eigen(vec![2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0], 3);
        assert_eq!((d, z), (vec![1.0, 2.0, 2.0], vec![0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]));
        let (d, z) = eigen(vec![0.0; 4], 2);
        assert_eq!((d, z), (vec![0.0, 0.0], vec![1.0, 0.0, 0.0, 1.0]));
    }
}
