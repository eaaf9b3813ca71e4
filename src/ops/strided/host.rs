//! Strided moves on the host: parts of y over all cores, planes whose axes are turned in squares.

use super::Strided;
use crate::Result;
use crate::tensor::{HostTensor, parallel};

/// Rows and columns that the host turns at a time: a cache line of f32.
const SIDE: usize = 16;

impl Strided {
    /// Moves on all cores what lies apart along the outermost axis of y.
    fn apply<T: Copy + Send + Sync>(&self, x: &[T], y: &mut [T]) {
        let (Some(&outer), Some(&step)) = (self.extents.first(), self.y.1.first()) else { return self.copy(x, y) };
        let each = self.elements() / outer.max(1);
        let span: usize = self.extents.iter().zip(&self.y.1).skip(1).map(|(extent, stride)| (extent.max(&1) - 1) * stride).sum();
        if step <= span || each == 0 {
            return self.copy(x, y);
        }
        let together = (parallel::GRAIN / 4).div_ceil(each).max(SIDE);
        let end = y.len().min(self.y.0 + outer * step);
        parallel::rows(&mut y[self.y.0..end], together * step, together * each, |at, y| {
            let first = at * together;
            let mut part = Self { x: (self.x.0 + first * self.x.1[0], self.x.1.clone()), y: (0, self.y.1.clone()), ..self.clone() };
            part.extents[0] = together.min(outer - first);
            part.copy(x, y);
        });
    }

    /// The axes of the two innermost that are turned: those of y side by side lie apart in x, and the other way about.
    fn is_turned(&self) -> bool {
        match (&self.extents[..], &self.x.1[..], &self.y.1[..]) {
            ([.., a, b], [.., 1, x], [.., y, 1]) => *x != 1 && *y != 1 && *a > 1 && *b > 1,
            _ => false,
        }
    }

    /// Moves on the core it is called on.
    fn copy<T: Copy>(&self, x: &[T], y: &mut [T]) {
        if self.elements() == 0 {
            return;
        }
        let Some(last) = self.extents.len().checked_sub(1) else {
            y[self.y.0] = x[self.x.0];
            return;
        };
        if self.is_turned() {
            return self.turn(x, y);
        }
        let (inner, sx, sy) = (self.extents[last], self.x.1[last], self.y.1[last]);
        self.outer(last).each(|from, to| {
            if sx == 1 && sy == 1 {
                y[to..to + inner].copy_from_slice(&x[from..from + inner]);
            } else {
                (0..inner).for_each(|j| y[to + j * sy] = x[from + j * sx]);
            }
        });
    }

    /// The move of the first elements alone along all axes but so many of the outermost.
    fn outer(&self, axes: usize) -> Self {
        let strides = |(base, strides): &(usize, Vec<usize>)| (*base, strides[..axes].to_vec());
        Self { extents: self.extents[..axes].to_vec(), x: strides(&self.x), y: strides(&self.y) }
    }

    /// The planes of the two innermost axes, which are turned, in squares, so that each cache line that is read is used up at once.
    fn turn<T: Copy>(&self, x: &[T], y: &mut [T]) {
        let outer = self.extents.len() - 2;
        let ([rows, cols], x_col, y_row) = ([self.extents[outer], self.extents[outer + 1]], self.x.1[outer + 1], self.y.1[outer]);
        self.outer(outer).each(|from, to| {
            for first_row in (0..rows).step_by(SIDE) {
                for first_col in (0..cols).step_by(SIDE) {
                    let last_col = cols.min(first_col + SIDE);
                    for row in first_row..rows.min(first_row + SIDE) {
                        let y = &mut y[to + row * y_row..][first_col..last_col];
                        y.iter_mut().zip(first_col..).for_each(|(y, col)| *y = x[from + row + col * x_col]);
                    }
                }
            }
        });
    }

    /// Calls `f` with the places in x and in y of each element.
    fn each(&self, mut f: impl FnMut(usize, usize)) {
        let place =
            |index: &[usize], (base, strides): &(usize, Vec<usize>)| base + index.iter().zip(strides).map(|(i, s)| i * s).sum::<usize>();
        let mut index = vec![0; self.extents.len()];
        loop {
            f(place(&index, &self.x), place(&index, &self.y));
            let Some(axis) = (0..index.len()).rev().find(|&a| index[a] + 1 < self.extents[a]) else { return };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }

    /// Moves elements of `x` into `y`, both of one type.
    pub(in crate::ops) fn apply_to(&self, x: &HostTensor, y: &mut HostTensor) -> Result<()> {
        y.zip_mut(x, |y, x| self.apply(x, y), |y, x| self.apply(x, y), |y, x| self.apply(x, y), |y, x| self.apply(x, y))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Strided, strides};

    /// Element by element, each place worked out from its number.
    fn one_by_one(strided: &Strided, x: &[i32], y: &mut [i32]) {
        let each = strides(&strided.extents);
        for n in 0..strided.elements() {
            let index = || each.iter().zip(&strided.extents).map(|(stride, extent)| n / stride % extent);
            let place = |(base, strides): &(usize, Vec<usize>)| base + index().zip(strides).map(|(i, s)| i * s).sum::<usize>();
            y[place(&strided.y)] = x[place(&strided.x)];
        }
    }

    /// Moves in one piece and in many, in order and turned, of all of y and of a part of it.
    #[test]
    fn the_host_moves_each_element() {
        let moves = |extents: [usize; 3], x: (usize, [usize; 3]), y: (usize, [usize; 3])| Strided {
            extents: extents.to_vec(),
            x: (x.0, x.1.to_vec()),
            y: (y.0, y.1.to_vec()),
        };
        for strided in [
            moves([1, 1, 1], (3, [1, 1, 1]), (2, [1, 1, 1])),
            moves([0, 5, 7], (0, [35, 7, 1]), (0, [35, 7, 1])),
            moves([3, 65, 257], (0, [65 * 257, 257, 1]), (0, [65 * 257, 257, 1])),
            // The last two axes, the first two, and the outer two turned.
            moves([3, 257, 65], (0, [65 * 257, 1, 257]), (0, [65 * 257, 65, 1])),
            moves([65, 3, 257], (0, [257, 65 * 257, 1]), (0, [3 * 257, 257, 1])),
            moves([257, 65, 3], (0, [1, 257, 257 * 65]), (0, [65 * 3, 3, 1])),
            // Every other column into the middle of wider rows, one element for all, and rows that lie within one another.
            moves([2, 100, 129], (1, [100 * 258, 258, 2]), (40, [100 * 200, 200, 1])),
            moves([2, 100, 129], (5, [0, 0, 0]), (0, [100 * 129, 129, 1])),
            moves([40, 3, 500], (0, [1500, 500, 1]), (0, [1, 20_000, 40])),
        ] {
            let reach = |(base, strides): &(usize, Vec<usize>)| {
                base + strided.extents.iter().zip(strides).map(|(n, s)| n.saturating_sub(1) * s).sum::<usize>() + 1
            };
            let x: Vec<i32> = (0..reach(&strided.x) as i32).collect();
            let (mut found, mut wanted) = (vec![-1; reach(&strided.y) + 3], vec![-1; reach(&strided.y) + 3]);
            strided.apply(&x, &mut found);
            one_by_one(&strided, &x, &mut wanted);
            assert_eq!(found, wanted, "{strided:?}");
        }
    }
}
