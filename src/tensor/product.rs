//! Matrix products on the host: packed and parallel through `gemm` where the feature `host` is on, plain loops otherwise.

use super::{Real, parallel};
#[cfg(feature = "host")]
use std::ops::Range;

/// A matrix within a slice: offset, and the strides of its rows and columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MatrixLayout {
    /// The first element.
    pub offset: usize,
    /// From one row to the next.
    pub row: usize,
    /// From one column to the next.
    pub col: usize,
}

impl MatrixLayout {
    /// `[rows, cols]` row-major from `offset` on, or its transpose.
    pub(crate) fn new(offset: usize, [rows, cols]: [usize; 2], transposed: bool) -> Self {
        if transposed { Self { offset, row: 1, col: rows } } else { Self { offset, row: cols, col: 1 } }
    }

    /// The matrix without the columns before this one.
    fn after_cols(self, col: usize) -> Self {
        Self { offset: self.offset + col * self.col, ..self }
    }

    /// The matrix without the rows before this one.
    fn after_rows(self, row: usize) -> Self {
        Self { offset: self.offset + row * self.row, ..self }
    }

    fn holds(&self, len: usize, rows: usize, cols: usize) -> bool {
        rows == 0 || cols == 0 || self.offset + (rows - 1) * self.row + (cols - 1) * self.col < len
    }
}

/// C = A B: A is `[m, k]`, B is `[k, n]`, C is `[m, n]` row-major.
pub(crate) fn product<R: Real>(c: &mut [R], [m, k, n]: [usize; 3], a: &[R], la: MatrixLayout, b: &[R], lb: MatrixLayout) {
    let how = How { add: false, parallel: m * n * k >= 1 << 18 };
    if k <= LONG || m.min(n) > NARROW {
        return multiply(c, n, [m, k, n], (a, la), (b, lb), how);
    }
    let mut part = vec![R::zero(); m * n];
    c[..m * n].fill(R::zero());
    in_runs(k, LONG, |from, terms| {
        multiply(&mut part, n, [m, terms, n], (a, la.after_cols(from)), (b, lb.after_rows(from)), how);
        c.iter_mut().zip(&part).for_each(|(c, &part)| *c += part);
    });
}

/// The same on the core it is called on, for work that is shared out already; added to C where `add`.
pub(crate) fn product_alone<R: Real>(
    c: &mut [R],
    [m, k, n]: [usize; 3],
    (a, la): (&[R], MatrixLayout),
    (b, lb): (&[R], MatrixLayout),
    add: bool,
) {
    multiply(c, n, [m, k, n], (a, la), (b, lb), How { add, parallel: false });
}

/// The way a product is computed: added to what is there or not, on all cores or on one.
#[derive(Clone, Copy)]
struct How {
    add: bool,
    parallel: bool,
}

/// Rows of a symmetric product that are computed at once.
const ROWS: usize = 128;

/// Terms of a narrow product that are summed at once: `gemm` sums those of a vector in sequence, and over tens of thousands that misses
/// 2e-6 in f32. It cuts the sums of wider products itself.
const LONG: usize = 1024;
/// The most rows or columns of a narrow product.
const NARROW: usize = 8;

/// Calls `sum` for each run of at most `length` of `terms`, with its first and its number; once where there are none.
fn in_runs(terms: usize, length: usize, mut sum: impl FnMut(usize, usize)) {
    (0..terms.max(1)).step_by(length).for_each(|from| sum(from, length.min(terms - from)));
}

/// Terms of a symmetric product that are summed at once: sums in sequence over all frames of a run miss 1e-6 in f32.
const TERMS: usize = 128;

/// C = A Bᵀ, known to be symmetric: A and B are `[n, k]`, C is `[n, n]`, all row-major. Computes the lower half in blocks of rows, and
/// mirrors it.
pub(crate) fn symmetric_product<R: Real>(c: &mut [R], [n, k]: [usize; 2], a: &[R], b: &[R]) {
    parallel::rows(c, ROWS * n, ROWS * n * k, |block, c| {
        let first = block * ROWS;
        let rows = c.len() / n;
        let (la, lb) = (MatrixLayout::new(first * k, [rows, k], false), MatrixLayout::new(0, [k, n], true));
        in_runs(k, TERMS, |from, terms| {
            let (la, lb) = (la.after_cols(from), lb.after_rows(from));
            multiply(c, n, [rows, terms, first + rows], (a, la), (b, lb), How { add: from > 0, parallel: false });
        });
    });
    for first in (0..n).step_by(ROWS) {
        let last = (first + ROWS).min(n);
        let (above, below) = c.split_at_mut(last * n);
        let block = &mut above[first * n..];
        for i in first..last {
            for j in i + 1..last {
                block[(i - first) * n + j] = block[(j - first) * n + i];
            }
        }
        // A few rows at a time, so that what is read of a column is a cache line.
        parallel::rows(block, 16 * n, 16 * n, |few, rows| {
            let i = first + 16 * few;
            for (j, from) in below.chunks_exact(n).enumerate() {
                rows.chunks_exact_mut(n).zip(&from[i..last]).for_each(|(row, &x)| row[last + j] = x);
            }
        });
    }
}

/// C = A B, or C + A B, in the first n elements of each of m rows of `c`, `width` apart.
fn multiply<R: Real>(
    c: &mut [R],
    width: usize,
    [m, k, n]: [usize; 3],
    (a, la): (&[R], MatrixLayout),
    (b, lb): (&[R], MatrixLayout),
    how: How,
) {
    let lc = MatrixLayout { offset: 0, row: width, col: 1 };
    let held = lc.holds(c.len(), m, n) && la.holds(a.len(), m, k) && lb.holds(b.len(), k, n);
    assert!(held && n <= width, "a product's operands are as large as it says");
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !how.add {
            c.chunks_mut(width).take(m).for_each(|row| row[..n].fill(R::zero()));
        }
        return;
    }
    #[cfg(feature = "host")]
    packed(c, width, [m, k, n], (a, la), (b, lb), how);
    #[cfg(not(feature = "host"))]
    plain(c, width, [m, k, n], (a, la), (b, lb), how);
}

/// The fewest rows or columns that a thread takes as a part of its own: so many that `gemm` sums the terms of a part as those of the whole,
/// which it does not where rows and columns are both at most 64.
#[cfg(feature = "host")]
const PART: usize = 128;

/// [`multiply`] of operands that are as large as it says. Threads share out the longer side of C: each packs its own part, where one
/// thread would pack for all if `gemm` shared out. No element depends on where the parts end.
#[cfg(feature = "host")]
fn packed<R: Real>(
    c: &mut [R],
    width: usize,
    [m, k, n]: [usize; 3],
    (a, la): (&[R], MatrixLayout),
    (b, lb): (&[R], MatrixLayout),
    how: How,
) {
    use rayon::prelude::*;
    let c = Shared(c.as_mut_ptr());
    let part = |rows: Range<usize>, cols: Range<usize>, parallelism: gemm::Parallelism| {
        let (la, lb) = (la.after_rows(rows.start), lb.after_cols(cols.start));
        // SAFETY: `multiply` asserts that every index of the three operands lies within its slice; C's rows do not overlap one another
        // (n ≤ width), nor A or B (C is borrowed mutably), and calls that run at once have rows or columns of their own.
        unsafe {
            gemm::gemm(
                rows.len(),
                cols.len(),
                k,
                c.pointer().add(rows.start * width + cols.start),
                1,
                width as isize,
                how.add,
                a.as_ptr().add(la.offset),
                la.col as isize,
                la.row as isize,
                b.as_ptr().add(lb.offset),
                lb.col as isize,
                lb.row as isize,
                if how.add { R::one() } else { R::zero() },
                R::one(),
                false,
                false,
                false,
                parallelism,
            );
        }
    };
    if !how.parallel || cfg!(target_arch = "wasm32") {
        return part(0..m, 0..n, gemm::Parallelism::None);
    }
    let (threads, long) = (rayon::current_num_threads(), m.max(n));
    if long < threads * PART || m.min(n) <= NARROW {
        return part(0..m, 0..n, gemm::Parallelism::Rayon(0));
    }
    // Whole vectors, but for the last part.
    let bound = |i: usize| if i == threads { long } else { i * long / threads / 16 * 16 };
    (0..threads).into_par_iter().for_each(|i| {
        let along = bound(i)..bound(i + 1);
        let (rows, cols) = if n >= m { (0..m, along) } else { (along, 0..n) };
        part(rows, cols, gemm::Parallelism::None);
    });
}

/// Where a result begins, for threads that write parts of it that do not overlap.
#[cfg(feature = "host")]
struct Shared<R>(*mut R);

// SAFETY: `packed` alone makes one; its threads write elements of their own, and nobody reads them before all are done.
#[cfg(feature = "host")]
unsafe impl<R: Send> Sync for Shared<R> {}

#[cfg(feature = "host")]
impl<R> Shared<R> {
    /// Of the whole, so that a closure holds that and not its pointer.
    fn pointer(&self) -> *mut R {
        self.0
    }
}

/// [`multiply`] by loops.
#[cfg(not(feature = "host"))]
fn plain<R: Real>(
    c: &mut [R],
    width: usize,
    [m, k, n]: [usize; 3],
    (a, la): (&[R], MatrixLayout),
    (b, lb): (&[R], MatrixLayout),
    how: How,
) {
    let _ = how.parallel;
    for (i, row) in c.chunks_mut(width).enumerate().take(m) {
        let row = &mut row[..n];
        if !how.add {
            row.fill(R::zero());
        }
        for t in 0..k {
            let x = a[la.offset + i * la.row + t * la.col];
            for (j, out) in row.iter_mut().enumerate() {
                *out += x * b[lb.offset + t * lb.row + j * lb.col];
            }
        }
    }
}

#[cfg(all(test, feature = "host"))]
mod tests {
    use super::{MatrixLayout, PART, product};

    fn entry(i: usize, j: usize) -> f64 {
        ((i * 31 + j * 17) % 101) as f64 / 101.0 - 0.5
    }

    /// Sides about the bounds of parts, the longer one of rows or of columns, and every transposition: the definition to k ε, which is more
    /// than roundings at random of entries of at most a half come to, and the same bits from any number of threads.
    #[test]
    fn threads_share_out_the_longer_side_and_change_no_bit() {
        let pools = [1, 2, 3, 5].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
        for [m, k, n] in
            [[1, 700, 700], [9, 600, 2 * PART], [64, 513, 3 * PART + 1], [70, 1100, 5 * PART], [2 * PART + 7, 520, 65], [700, 7, 699]]
        {
            for transposed in [[false, false], [true, false], [false, true], [true, true]] {
                let (la, lb) = (MatrixLayout::new(0, [m, k], transposed[0]), MatrixLayout::new(0, [k, n], transposed[1]));
                let (mut a, mut b) = (vec![0f32; m * k], vec![0f32; k * n]);
                (0..m * k).for_each(|at| a[at / k * la.row + at % k * la.col] = entry(at / k, at % k) as f32);
                (0..k * n).for_each(|at| b[at / n * lb.row + at % n * lb.col] = entry(at / n, at % n) as f32);
                let found = pools.each_ref().map(|pool| {
                    let mut c = vec![f32::NAN; m * n];
                    pool.install(|| product(&mut c, [m, k, n], &a, la, &b, lb));
                    c
                });
                let alike = |c: &Vec<f32>| c.iter().zip(&found[0]).all(|(x, y)| x.to_bits() == y.to_bits());
                assert!(found.iter().all(alike), "{m} {k} {n} {transposed:?}");
                let within = k as f64 * f64::from(f32::EPSILON);
                for at in (0..m * n).step_by(1 + m * n / 2000) {
                    let (i, j) = (at / n, at % n);
                    let exact: f64 = (0..k).map(|t| f64::from(entry(i, t) as f32) * f64::from(entry(t, j) as f32)).sum();
                    let apart = (f64::from(found[0][at]) - exact).abs();
                    assert!(apart <= within, "{m} {k} {n} {transposed:?}: {apart} at {i}, {j}");
                }
            }
        }
    }
}
