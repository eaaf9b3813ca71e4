//! y = A x, and products of rows sampled at the entries of A.

use super::{FEATURES, by_fours};
use crate::kernel::{Adapters, Binding, Lowering, Params, Source, Variant, kernel_source};
use crate::ops::reduce::tree_sum_of;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};

pub(in crate::ops) static PRODUCT: Source = kernel_source!("sparse/product").with_choices(&[FEATURES]);
pub(in crate::ops) static SAMPLE: Source = kernel_source!("sparse/sample").with_variants(&SHARES).with_choices(&[FEATURES]);

/// By the invocations that share an entry: on a GPU as many as read 128 bytes side by side.
const SHARES: [Variant; 2] = [
    Variant { name: "serial", adapters: Adapters::Software, classes: &[], constants: &[("LANES", "1u")], snippets: &[] },
    Variant { name: "eight", adapters: Adapters::Hardware, classes: &[], constants: &[("LANES", "8u")], snippets: &[] },
];

/// The position of a pattern's indices among an op's inputs, after two real operands.
const INDICES: usize = 2;

/// (w, x, pattern) → y: y_i = Σ w_e x_j over the entries of row i.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowProduct {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) most: [usize; 2],
}

/// (g, x, pattern) → ⟨g_i, x_j⟩ of every entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampled {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) most: [usize; 2],
}

/// The features of `[rows, features]`, or an error of `op`.
pub(super) fn features(op: &str, what: &str, ty: TensorType, rows: usize) -> Result<usize> {
    match *ty.shape {
        [n, f] if n == rows && ty.dtype == DType::F32 => Ok(f),
        _ => Err(Error::op(op, format!("{what} must be f32 [{rows}, features], found {ty}"))),
    }
}

pub(super) fn indices(t: &HostTensor) -> Result<&[i32]> {
    t.as_i32().ok_or_else(|| Error::argument(format!("a pattern's indices must be i32, found {}", t.ty())))
}

/// The pattern with rows and columns exchanged.
pub(super) fn turned(pattern: &[Var]) -> [Var; 8] {
    let p = |i: usize| pattern[i];
    [p(3), p(4), p(5), p(0), p(1), p(2), p(7), p(6)]
}

impl RowProduct {
    fn run<R: Real>(&self, x: &[HostTensor]) -> Result<HostTensor> {
        let f = x[1].shape()[1];
        let (w, x0) = (x[0].elements::<R>()?, x[1].elements::<R>()?);
        let [begins, columns, places] = [0, 1, 2].map(|i| indices(&x[INDICES + i]));
        let (begins, columns, places) = (begins?, columns?, places?);
        let mut y = buffer(self.rows * f);
        parallel::rows(&mut y, f, 2 * f * (1 + columns.len() / self.rows.max(1)), |i, y| {
            y.fill(R::zero());
            let mut part = vec![R::zero(); f];
            let (first, last) = (begins[i] as usize, begins[i + 1] as usize);
            for block in (first..last).step_by(64) {
                part.fill(R::zero());
                for e in block..last.min(block + 64) {
                    let (w, x) = (w[places[e] as usize], &x0[columns[e] as usize * f..][..f]);
                    part.iter_mut().zip(x).for_each(|(p, &x)| *p += w * x);
                }
                y.iter_mut().zip(&part).for_each(|(y, &p)| *y += p);
            }
        });
        HostTensor::real([self.rows, f], y)
    }
}

impl Op for RowProduct {
    fn key(&self) -> OpKey {
        OpKey::of("sparse_matmul", self)
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        let f = features("sparse_matmul", "x", x[1], self.columns)?;
        let entries = x[INDICES + 6].shape[0];
        if x[0] != TensorType::f32([entries]) {
            return Err(Error::op("sparse_matmul", format!("weights f32[{entries}] expected, found {}", x[0])));
        }
        Ok(vec![TensorType::f32([self.rows, f])])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (w, x, pattern) = (cx.input(0), cx.input(1), cx.inputs()[INDICES..].to_vec());
        let (g, wanted) = (cx.cotangent_or_zeros(0)?, [cx.wanted(0), cx.wanted(1)]);
        let tape = cx.tape();
        let Self { rows, columns, most } = *self;
        let sampled = Sampled { rows, columns, most };
        let dw = if wanted[0] { Some(tape.record_one(sampled, &[&[g, x], &pattern[..]].concat())?) } else { None };
        let dx = if wanted[1] { Some(transposed(tape, *self, [w, g], &pattern)?) } else { None };
        Ok([dw, dx].into_iter().chain(pattern.iter().map(|_| None)).collect())
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let f = cx.input_shape(1)[1];
        let entries = cx.input_shape(0)[0];
        cx.check_iterations(self.most[0] + self.most[0] / 64)?;
        let (wide, width) = by_fours(f);
        let n = self.rows * f / width;
        let params = Params::new().u32(n).u32(f / width).u32(self.columns);
        let inputs = [0, 1, INDICES, INDICES + 1, INDICES + 2].map(|i| Binding::read(cx.input(i)));
        let bindings = inputs.into_iter().chain([Binding::write(cx.output(0))]).collect();
        let kernel = cx.kernel(&PRODUCT, &[wide]);
        cx.dispatch(kernel, bindings, params, n.div_ceil(256), 2.0 * entries as f64 * f as f64)
    }
}

/// Aᵀ g with the weights w.
fn transposed(tape: &mut Tape, op: RowProduct, [w, g]: [Var; 2], pattern: &[Var]) -> Result<Var> {
    let op = RowProduct { rows: op.columns, columns: op.rows, most: [op.most[1], op.most[0]] };
    tape.record_one(op, &[&[w, g], &turned(pattern)[..]].concat())
}

impl Sampled {
    fn run<R: Real>(&self, x: &[HostTensor]) -> Result<HostTensor> {
        let f = x[0].shape()[1];
        let (g, x0) = (x[0].elements::<R>()?, x[1].elements::<R>()?);
        let (rows, columns) = (indices(&x[INDICES + 6])?, indices(&x[INDICES + 7])?);
        let mut d = buffer(rows.len());
        parallel::rows(&mut d, 1, 2 * f, |e, d| {
            let (g, x) = (&g[rows[e] as usize * f..][..f], &x0[columns[e] as usize * f..][..f]);
            d[0] = tree_sum_of([g, x], |[g, x]| g * x);
        });
        HostTensor::real([rows.len()], d)
    }
}

impl Op for Sampled {
    fn key(&self) -> OpKey {
        OpKey::of("sampled_products", self)
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        const OP: &str = "sampled_products";
        let (f, other) = (features(OP, "the rows", x[0], self.rows)?, features(OP, "the columns", x[1], self.columns)?);
        if f != other {
            return Err(Error::op(OP, format!("rows {} and columns {} of different features", x[0], x[1])));
        }
        Ok(vec![TensorType::f32([x[INDICES + 6].shape[0]])])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (g, x, pattern) = (cx.input(0), cx.input(1), cx.inputs()[INDICES..].to_vec());
        let (h, wanted) = (cx.cotangent_or_zeros(0)?, [cx.wanted(0), cx.wanted(1)]);
        let tape = cx.tape();
        let op = RowProduct { rows: self.rows, columns: self.columns, most: self.most };
        let dg = if wanted[0] { Some(tape.record_one(op, &[&[h, x], &pattern[..]].concat())?) } else { None };
        let dx = if wanted[1] { Some(transposed(tape, op, [h, g], &pattern)?) } else { None };
        Ok([dg, dx].into_iter().chain(pattern.iter().map(|_| None)).collect())
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (f, n) = (cx.input_shape(0)[1], cx.output_shape(0).elements());
        let (wide, width) = by_fours(f);
        cx.check_iterations(f / width + f / 64)?;
        let params = Params::new().u32(n).u32(f / width).u32(self.rows).u32(self.columns);
        let inputs = [0, 1, INDICES + 1, INDICES + 2, INDICES + 6].map(|i| Binding::read(cx.input(i)));
        let bindings = inputs.into_iter().chain([Binding::write(cx.output(0))]).collect();
        let variant = SAMPLE.variant(cx.target(), "");
        let together = 256 / variant.constant("LANES").unwrap_or(1);
        cx.dispatch(SAMPLE.kernel(variant, &[wide]), bindings, params, n.div_ceil(together), 2.0 * n as f64 * f as f64)
    }
}
