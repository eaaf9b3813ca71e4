//! The largest over the entries of a row.

use super::product::{RowProduct, features, indices, turned};
use super::{FEATURES, by_fours};
use crate::Result;
use crate::kernel::{Binding, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Var};
use crate::tensor::{HostTensor, Real, TensorType, buffer, parallel, real_inputs};

pub(in crate::ops) static MAXIMUM: Source = kernel_source!("sparse/maximum").with_choices(&[FEATURES]);

/// (x, pattern) → y: y_i the largest x_j over the entries of row i, feature by feature; 0 where there are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowMaximum {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) most: [usize; 2],
}

impl RowMaximum {
    fn run<R: Real>(&self, x: &[HostTensor]) -> Result<HostTensor> {
        let (f, x0) = (x[0].shape()[1], x[0].elements::<R>()?);
        let (begins, columns) = (indices(&x[1])?, indices(&x[2])?);
        let mut y = buffer(self.rows * f);
        parallel::rows(&mut y, f, f * (1 + columns.len() / self.rows.max(1)), |i, y| {
            let row = &columns[begins[i] as usize..begins[i + 1] as usize];
            y.fill(if row.is_empty() { R::zero() } else { R::neg_infinity() });
            for &j in row {
                y.iter_mut().zip(&x0[j as usize * f..][..f]).for_each(|(y, &x)| *y = y.larger(x));
            }
        });
        HostTensor::real([self.rows, f], y)
    }
}

impl Op for RowMaximum {
    fn key(&self) -> OpKey {
        OpKey::of("sparse_max", self)
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        let f = features("sparse_max", "x", x[0], self.columns)?;
        Ok(vec![TensorType::f32([self.rows, f])])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (x, y, pattern) = (cx.input(0), cx.output(0), cx.inputs()[1..].to_vec());
        let g = cx.cotangent_or_zeros(0)?;
        let tape = cx.tape();
        let entries = tape.shape(pattern[6])[0];
        // Entry by entry: whether its element is the row's largest, and its share of the row's cotangent.
        let (own, largest) = (tape.gather_rows(x, pattern[7])?, tape.gather_rows(y, pattern[6])?);
        let hit = tape.equal(own, largest)?;
        let meet = entries_by(&pattern, entries, self.rows, self.most[0]);
        let ones = tape.full([entries], 1.0)?;
        // A row with a NaN has no hit: 0 of an infinite share is NaN. The share of a row without entries is not read.
        let count = tape.record_one(meet.0, &[&[ones, hit], &meet.1[..]].concat())?;
        let share = tape.div(g, count)?;
        let share = tape.gather_rows(share, pattern[6])?;
        let share = tape.mul(hit, share)?;
        let back = entries_by(&turned(&pattern), entries, self.columns, self.most[1]);
        let dx = tape.record_one(back.0, &[&[ones, share], &back.1[..]].concat())?;
        Ok([Some(dx)].into_iter().chain(pattern.iter().map(|_| None)).collect())
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let f = cx.input_shape(0)[1];
        cx.check_iterations(self.most[0])?;
        let (wide, width) = by_fours(f);
        let n = self.rows * f / width;
        let entries = cx.input_shape(2)[0];
        let params = Params::new().u32(n).u32(f / width).u32(self.columns);
        let bindings = [0, 1, 2].map(|i| Binding::read(cx.input(i))).into_iter().chain([Binding::write(cx.output(0))]).collect();
        let kernel = cx.kernel(&MAXIMUM, &[wide]);
        cx.dispatch(kernel, bindings, params, n.div_ceil(256), entries as f64 * f as f64)
    }
}

/// The sum by which entries meet in the rows of their pattern: the same rows, whose columns are the entries' places. A tape that is
/// differentiated twice finds the pattern's own transpose in the place of this one's, which is of other extents, and refuses.
fn entries_by(pattern: &[Var], entries: usize, rows: usize, most: usize) -> (RowProduct, [Var; 8]) {
    let op = RowProduct { rows, columns: entries, most: [most, 1] };
    let p = |i: usize| pattern[i];
    (op, [p(0), p(2), p(2), p(3), p(4), p(5), p(6), p(7)])
}
