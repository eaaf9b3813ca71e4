//! The definition of softmax and of its reverse. Along the last axis a row is worked on at a time. Along another one columns lie side by
//! side, and a block of them is worked on row by row, with the sums in the same order as along the last axis.

use crate::ops::reduce::{largest_of, tree_sum};
use crate::tensor::{Real, Wide, buffer, parallel, widest};
use std::ops::Range;

/// Columns worked on side by side: few enough that those of hundreds of rows stay in a core's second cache.
const SIDE: usize = 128;
/// Columns that one core takes at a time.
const SHARE: usize = 2 * SIDE;

/// Softmax of x `[outer, n, inner]` along its middle axis, or its logarithm.
pub(super) fn softmax<R: Real>(x: &[R], [outer, n, inner]: [usize; 3], log: bool) -> Vec<R> {
    let mut y = buffer(outer * n * inner);
    if inner == 1 {
        parallel::rows(&mut y, n, 8 * n, |row, y| softmax_of_row(&x[row * n..(row + 1) * n], log, y));
        return y;
    }
    each_block(&mut y, [outer, n, inner], |from, y| widest(OfBlock { x: &x[from..], inner, log, y }));
    y
}

/// The cotangent of the operand, from the result y and its cotangent g.
pub(super) fn reverse<R: Real>(y: &[R], g: &[R], [outer, n, inner]: [usize; 3], log: bool) -> Vec<R> {
    let mut d = buffer(outer * n * inner);
    if inner == 1 {
        parallel::rows(&mut d, n, 8 * n, |row, d| reverse_of_row(&y[row * n..(row + 1) * n], &g[row * n..(row + 1) * n], log, d));
        return d;
    }
    each_block(&mut d, [outer, n, inner], |from, d| {
        reverse_of_block((|i: usize| &y[from + i * inner..], |i: usize| &g[from + i * inner..]), log, d)
    });
    d
}

fn softmax_of_row<R: Real>(x: &[R], log: bool, y: &mut [R]) {
    let most = largest_of([x], |[x]| x);
    y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - most).exp_not_above_one());
    let sum = tree_sum(y);
    if log {
        let shift = sum.ln();
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = x - most - shift);
    } else {
        let scale = sum.recip();
        y.iter_mut().for_each(|y| *y *= scale);
    }
}

fn reverse_of_row<R: Real>(y: &[R], g: &[R], log: bool, d: &mut [R]) {
    if log {
        let sum = tree_sum(g);
        d.iter_mut().zip(y).zip(g).for_each(|((d, &y), &g)| *d = g - y.exp() * sum);
    } else {
        d.iter_mut().zip(y).zip(g).for_each(|((d, &y), &g)| *d = y * g);
        let sum = tree_sum(d);
        d.iter_mut().zip(y).zip(g).for_each(|((d, &y), &g)| *d = y * (g - sum));
    }
}

/// Calls `f(from, block)` for blocks of at most [`SIDE`] columns of `values`: a slice of each row, the first of which begins at `from`.
fn each_block<R: Real>(values: &mut [R], [_, n, inner]: [usize; 3], f: impl Fn(usize, &mut [&mut [R]]) + Sync) {
    for (o, values) in values.chunks_mut((n * inner).max(1)).enumerate() {
        parallel::columns(values, inner, SHARE, 8 * n, |first, rows| {
            let width = rows.first().map_or(0, |row| row.len());
            for at in (0..width).step_by(SIDE) {
                let mut block: Vec<&mut [R]> = rows.iter_mut().map(|row| &mut row[at..width.min(at + SIDE)]).collect();
                f(o * n * inner + first + at, &mut block);
            }
        });
    }
}

/// The softmax of a block of columns, whose rows begin at each `inner`th element of `x`.
struct OfBlock<'a, 'b, R> {
    x: &'a [R],
    inner: usize,
    log: bool,
    y: &'a mut [&'b mut [R]],
}

impl<R: Real> Wide for OfBlock<'_, '_, R> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        let Self { x, inner, log, y } = self;
        let x = |i: usize| &x[i * inner..];
        let mut most = [R::neg_infinity(); SIDE];
        for (i, y) in y.iter().enumerate() {
            for (most, &x) in most.iter_mut().zip(&x(i)[..y.len()]) {
                *most = if x > *most { x } else { *most };
            }
        }
        for (i, y) in y.iter_mut().enumerate() {
            for ((y, &x), &most) in y.iter_mut().zip(x(i)).zip(&most) {
                *y = (x - most).exp_not_above_one();
            }
        }
        let sums = tree_sums(0..y.len(), &|i| &*y[i]);
        if log {
            let shifts = sums.map(R::ln);
            for (i, y) in y.iter_mut().enumerate() {
                for ((y, &x), (&most, &shift)) in y.iter_mut().zip(x(i)).zip(most.iter().zip(&shifts)) {
                    *y = x - most - shift;
                }
            }
            return;
        }
        let scales = sums.map(R::recip);
        for y in y {
            for (y, &scale) in y.iter_mut().zip(&scales) {
                *y *= scale;
            }
        }
    }
}

/// `y(i)` and `g(i)` begin with the block's elements of row i.
fn reverse_of_block<'a, R: Real, Y: Fn(usize) -> &'a [R], G: Fn(usize) -> &'a [R]>((y, g): (Y, G), log: bool, d: &mut [&mut [R]]) {
    if log {
        let width = d.first().map_or(0, |d| d.len());
        let sums = tree_sums(0..d.len(), &|i| &g(i)[..width]);
        for (i, d) in d.iter_mut().enumerate() {
            d.iter_mut().zip(y(i)).zip(g(i)).zip(&sums).for_each(|(((d, &y), &g), &sum)| *d = g - y.exp() * sum);
        }
        return;
    }
    for (i, d) in d.iter_mut().enumerate() {
        d.iter_mut().zip(y(i)).zip(g(i)).for_each(|((d, &y), &g)| *d = y * g);
    }
    let sums = tree_sums(0..d.len(), &|i| &*d[i]);
    for (i, d) in d.iter_mut().enumerate() {
        d.iter_mut().zip(y(i)).zip(g(i)).zip(&sums).for_each(|(((d, &y), &g), &sum)| *d = y * (g - sum));
    }
}

/// The sums of the columns of a block, `row(i)` a row of it, each in the order of [`tree_sum`].
fn tree_sums<'a, R: Real>(rows: Range<usize>, row: &impl Fn(usize) -> &'a [R]) -> [R; SIDE] {
    let n = rows.len();
    if n > 64 {
        let half = rows.start + (n / 2).next_multiple_of(64);
        let (mut sums, rest) = (tree_sums(rows.start..half, row), tree_sums(half..rows.end, row));
        sums.iter_mut().zip(rest).for_each(|(sum, rest)| *sum += rest);
        return sums;
    }
    let mut lanes = [[R::zero(); SIDE]; 8];
    for (at, i) in rows.enumerate() {
        lanes[at % 8].iter_mut().zip(row(i)).for_each(|(lane, &x)| *lane += x);
    }
    let mut sums = [R::zero(); SIDE];
    for lane in &lanes {
        sums.iter_mut().zip(lane).for_each(|(sum, &lane)| *sum += lane);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::{SIDE, reverse, softmax};

    /// Columns and rows give the same bits, for blocks that are full, in part, and more than one share.
    #[test]
    fn columns_are_as_rows() {
        for [n, inner] in [[1, 2], [7, 65], [63, SIDE], [129, 300], [400, 7], [200, 5 * SIDE + 1]] {
            let x: Vec<f32> = (0..n * inner).map(|i| (i as f32 * 0.7).sin() * 30.0).collect();
            let g: Vec<f32> = (0..n * inner).map(|i| (i as f32 * 0.3).cos()).collect();
            let turned = |x: &[f32]| -> Vec<f32> { (0..n * inner).map(|i| x[i % n * inner + i / n]).collect() };
            for log in [false, true] {
                let (columns, rows) = (softmax(&x, [1, n, inner], log), softmax(&turned(&x), [inner, n, 1], log));
                assert_eq!(turned(&columns), rows, "{n} by {inner}");
                let d = reverse(&columns, &g, [1, n, inner], log);
                assert_eq!(turned(&d), reverse(&rows, &turned(&g), [inner, n, 1], log), "{n} by {inner}");
            }
        }
    }
}
