//! Householder's reduction of one symmetric matrix to tridiagonal form (Golub and Van Loan, *Matrix Computations*, 4th ed., §8.3.1).
//!
//! Reflectors act on groups of rows, a chunk of each after another. Rows are padded with zeros to whole strips, matrices to whole groups.

/// Numbers that are worked on at once.
pub(super) type Chunk = [f64; 8];
/// Rows are padded to whole strips.
const STRIP: usize = 16;
/// Rows that take a reflector together: their sums go side by side, and none waits for another. Matrices are padded to whole groups of rows.
const ROWS: usize = 4;

/// The length of a padded row.
pub(super) fn padded(n: usize) -> usize {
    n.next_multiple_of(STRIP)
}

/// A tridiagonal matrix, and what it was reduced by.
pub(super) struct Tridiagonal {
    /// The diagonal.
    pub d: Vec<f64>,
    /// The entries below it; the last is 0.
    pub e: Vec<f64>,
    /// In row k, padded, the reflector v of column k, of |v|² = 2 or 0, which acts on the rows below k.
    pub reflectors: Vec<f64>,
}

/// Reduces `a` to tridiagonal form. A reflector v and p make the rest B of the matrix B − v pᵀ − p vᵀ; each row is brought up to date while
/// its product with the next reflector is summed.
#[inline(always)]
pub(super) fn tridiagonal(a: &[f64], n: usize) -> Tridiagonal {
    let width = padded(n);
    let mut b = vec![0.0; n.next_multiple_of(ROWS) * width];
    for (b, a) in b.chunks_exact_mut(width.max(1)).zip(a.chunks_exact(n.max(1))) {
        b[..n].copy_from_slice(a);
    }
    let mut reflectors = vec![0.0; n * width];
    let (mut d, mut e) = (vec![0.0; n], vec![0.0; n]);
    let [mut last, mut p, mut next] = [vec![0.0; width], vec![0.0; width], vec![0.0; width]];
    for (k, v) in reflectors.chunks_exact_mut(width.max(1)).enumerate() {
        let from = k / STRIP * STRIP;
        let row = &mut b[k * width..][..width];
        reflect([&mut row[from..]], [[last[k], p[k]]], [&last[from..], &p[from..], &v[from..]]);
        d[k] = row[k];
        if k + 1 == n {
            break;
        }
        e[k] = reflector(&row[k + 1..n], &mut v[k + 1..n]);
        let (from, first) = ((k + 1) / STRIP * STRIP, (k + 1) / ROWS * ROWS);
        next.fill(0.0);
        for (i, group) in (first..).step_by(ROWS).zip(b[first * width..].chunks_exact_mut(ROWS * width)) {
            let of = std::array::from_fn(|r| [last[i + r], p[i + r]]);
            let products = reflect(rows(group, from), of, [&last[from..], &p[from..], &v[from..]]);
            next[i..i + ROWS].copy_from_slice(&products);
        }
        // Rows up to k are done with: what their group made of them is not read.
        next[..=k].fill(0.0);
        let half = 0.5 * dot(&next, v);
        for (next, v) in next.iter_mut().zip(&*v) {
            *next -= half * v;
        }
        std::mem::swap(&mut p, &mut next);
        last.copy_from_slice(v);
    }
    Tridiagonal { d, e, reflectors }
}

/// The reflector that leaves of x its first entry alone, and what it makes of that.
#[inline(always)]
fn reflector(x: &[f64], v: &mut [f64]) -> f64 {
    if x[1..].iter().all(|x| *x == 0.0) {
        // Nothing to reflect: the identity.
        return x[0];
    }
    let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let alpha = if x[0] > 0.0 { -length } else { length };
    let scale = (length * (length + x[0].abs())).sqrt().recip();
    v.copy_from_slice(x);
    v[0] -= alpha;
    for v in v {
        *v *= scale;
    }
    alpha
}

/// The rows of a group, from the column `from` on.
#[inline(always)]
fn rows(group: &mut [f64], from: usize) -> [&mut [f64]; ROWS] {
    let (a, b) = group.split_at_mut(group.len() / 2);
    let [(a, b), (c, d)] = [a, b].map(|half| half.split_at_mut(half.len() / 2));
    [a, b, c, d].map(|row| &mut row[from..])
}

/// Subtracts uᵢ p + pᵢ u from each of K rows, and returns their products with v.
#[inline(always)]
fn reflect<const K: usize>(rows: [&mut [f64]; K], of: [[f64; 2]; K], [u, p, v]: [&[f64]; 3]) -> [f64; K] {
    let n = chunks(v).len();
    let [u, p, v] = [u, p, v].map(|x| &chunks(x)[..n]);
    let rows = rows.map(|row| &mut row.as_chunks_mut().0[..n]);
    let mut sums = [Chunk::default(); K];
    for j in 0..n {
        let (u, p, v): (Chunk, Chunk, Chunk) = (u[j], p[j], v[j]);
        for r in 0..K {
            let (x, [ui, pi]): (Chunk, _) = (rows[r][j], of[r]);
            let y: Chunk = std::array::from_fn(|i| x[i] - (ui * p[i] + pi * u[i]));
            sums[r] = std::array::from_fn(|i| sums[r][i] + y[i] * v[i]);
            rows[r][j] = y;
        }
    }
    sums.map(total)
}

#[inline(always)]
fn chunks(x: &[f64]) -> &[Chunk] {
    x.as_chunks().0
}

#[inline(always)]
fn total(s: Chunk) -> f64 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

/// The product of two rows of whole strips: two sums of chunks side by side, neither of which waits for the other.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [Chunk::default(); 2];
    for (a, b) in chunks(a).chunks_exact(2).zip(chunks(b).chunks_exact(2)) {
        for (sums, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sums = std::array::from_fn(|i| sums[i] + a[i] * b[i]);
        }
    }
    total(std::array::from_fn(|i| sums[0][i] + sums[1][i]))
}

/// The transpose of the product of the reflectors, in padded rows.
#[inline(always)]
pub(super) fn accumulated(reflectors: &[f64], n: usize) -> Vec<f64> {
    let width = padded(n);
    let mut z = vec![0.0; n.next_multiple_of(ROWS) * width];
    for i in 0..n {
        z[i * width + i] = 1.0;
    }
    for (at, group) in z.chunks_exact_mut((ROWS * width).max(1)).enumerate() {
        // The reflector of column k leaves the rows up to k as they are.
        for k in (0..((at + 1) * ROWS - 1).min(n.saturating_sub(2))).rev() {
            let from = (k + 1) / STRIP * STRIP;
            mirror(rows(group, from), &reflectors[k * width + from..(k + 1) * width]);
        }
    }
    z
}

/// Subtracts from each row v times its product with v.
#[inline(always)]
fn mirror(rows: [&mut [f64]; ROWS], v: &[f64]) {
    let v = chunks(v);
    let rows = rows.map(|row| &mut row.as_chunks_mut().0[..v.len()]);
    let mut sums = [Chunk::default(); ROWS];
    for (j, &v) in v.iter().enumerate() {
        for r in 0..ROWS {
            let x: Chunk = rows[r][j];
            sums[r] = std::array::from_fn(|i| sums[r][i] + x[i] * v[i]);
        }
    }
    let along = sums.map(total);
    for (j, &v) in v.iter().enumerate() {
        for r in 0..ROWS {
            let x = rows[r][j];
            rows[r][j] = std::array::from_fn(|i| x[i] - along[r] * v[i]);
        }
    }
}
