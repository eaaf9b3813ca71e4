//! The reverse of the second moments: their cotangent to the rows', and the rows' to the series' and the weights'.

use super::super::line::{self, Lines};
use super::super::matmul::Product;
use super::super::reduce::tree_sum;
use super::super::strided::{TILE, TILES};
use super::standardise::{Frames, dots, lower_reverse, reverse_rows};
use super::{FALSE_TRUE, Statistic, extents};
use crate::kernel::{Binding, Choice, Lowering, Params, Source, common, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Var};
use crate::tensor::{HostTensor, MatrixLayout, Real, TensorType, buffer, parallel, product, real_inputs};
use crate::{Error, Result};

pub(in crate::ops) static SYMMETRISE: Source = kernel_source!("covariance/symmetrise").with_variants(&TILES);

pub(in crate::ops) static WEIGHTS_REVERSE: Source = kernel_source!("covariance/weights_reverse")
    .with_variants(&line::VARIANTS)
    .with_choices(&[common::LINE_ONE, Choice::Constant("CORRELATION", FALSE_TRUE)]);

/// (G, u, s, w?) → dx, and dw where there are weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct CovarianceReverse {
    pub(super) kind: Statistic,
}

impl CovarianceReverse {
    fn run<R: Real>(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = inputs[1].shape();
        let [batch, n, time] = extents(shape);
        let (g, u, s) = (inputs[0].elements::<R>()?, inputs[1].elements::<R>()?, inputs[2].elements::<R>()?);
        let w = inputs.get(3).map(HostTensor::elements::<R>).transpose()?;
        let frames = Frames::new(w, [batch, n, time]);
        let mut sums = buffer(g.len());
        parallel::rows(&mut sums, n, n, |row, out| {
            let (matrix, i) = (&g[row / n * n * n..][..n * n], row % n);
            out.iter_mut().enumerate().for_each(|(j, out)| *out = matrix[i * n + j] + matrix[j * n + i]);
        });
        let mut p = buffer(u.len());
        for (i, p) in p.chunks_mut((n * time).max(1)).enumerate().take(batch) {
            let (lg, lu) = (MatrixLayout::new(i * n * n, [n, n], false), MatrixLayout::new(i * n * time, [n, time], false));
            product(p, [n, n, time], &sums, lg, u, lu);
        }
        let weighted = w.map(|w| self.weights_cotangent(&p, u, w, &frames, [batch, n, time]));
        // dx takes the place of p.
        reverse_rows(self.kind, &mut p, u, s, &frames, time);
        let mut found = vec![HostTensor::real(shape, p)?];
        if let Some(dw) = weighted {
            found.push(HostTensor::real(inputs[3].shape(), dw)?);
        }
        Ok(found)
    }

    fn weights_cotangent<R: Real>(&self, p: &[R], u: &[R], w: &[R], frames: &Frames<'_, R>, [batch, n, time]: [usize; 3]) -> Vec<R> {
        let mut along = vec![(R::zero(), R::zero()); batch * n];
        parallel::rows(&mut along, 1, 4 * time, |row, along| {
            let span = row * time..(row + 1) * time;
            along[0] = dots(&p[span.clone()], &u[span], frames.of(row).0);
        });
        let mut dw = buffer(batch * time);
        parallel::rows(&mut dw, time, 8 * n * time, |b, dw| {
            let w = &w[b * time..][..time];
            let total = tree_sum(w);
            let squares = w.iter().map(|&w| w * w).sum::<R>();
            let inverse = if total > R::zero() { total.recip() } else { R::zero() };
            let ddof = R::of(self.kind.ddof());
            let f = (total - ddof * squares * inverse).max(R::of(1e-30));
            let half = R::of(0.5);
            for (t, dw) in dw.iter_mut().enumerate() {
                let slope = (R::one() - ddof * inverse * (w[t] + w[t] - squares * inverse)) / f;
                *dw = (b * n..(b + 1) * n).fold(R::zero(), |sum, row| {
                    let (u, p, (a, b)) = (u[row * time + t], p[row * time + t], along[row]);
                    sum + half * u * p - a * u * inverse - half * b * if self.kind.correlation() { u * u } else { slope }
                });
            }
        });
        dw
    }
}

impl Op for CovarianceReverse {
    fn key(&self) -> OpKey {
        OpKey::of(if self.kind.correlation() { "correlation_reverse" } else { "covariance_reverse" }, self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok([inputs[1]].into_iter().chain(inputs.get(3).copied()).collect())
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs))
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Err(Error::NotDifferentiable {
            op: self.key().name.into(),
            why: "its reverse kernels are fused; for a second derivative compose the correlation of tape ops".into(),
        })
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [batch, n, time] = extents(cx.input_shape(1));
        let (g, u, s) = (cx.input(0), cx.input(1), cx.input(2));
        let weighted = cx.inputs() == 4;
        let w = if weighted { cx.input(3) } else { u };
        let correlation = usize::from(self.kind.correlation());
        let sums = cx.scratch(cx.ty(g));
        let bindings = vec![Binding::read(g), Binding::write(sums)];
        let kernel = cx.kernel(&SYMMETRISE, &[]);
        // The sum is symmetric: half of its entries are computed.
        let flops = (batch * n * (n + 1) / 2) as f64;
        let across = n.div_ceil(TILE);
        let tiles = batch * across * across;
        cx.dispatch(kernel, bindings, Params::new().u32(tiles).u32(across).u32(n), tiles, flops)?;
        let p = cx.scratch(cx.ty(u));
        Product::new([n, n, time], [false; 2], batch).lower(cx, sums, u, p)?;

        let dots = cx.scratch(TensorType::f32([batch, n, 2]));
        lower_reverse(cx, self.kind, (p, u, s, weighted.then_some(w)), (cx.output(0), dots))?;
        if !weighted {
            return Ok(());
        }
        cx.check_iterations(time + n + (time + n) / 64)?;
        let mut frames = Lines::single(&WEIGHTS_REVERSE, cx, [batch, n, time]);
        frames.spread();
        let bindings = [p, u, dots, w].map(Binding::read).into_iter().chain([Binding::write(cx.output(1))]).collect();
        let params = Params::new().u32(batch * time).u32(n).u32(time).u32(frames.lines).f32(self.kind.ddof() as f32);
        // A correlation's frames share W alone; a covariance's Σw² and f too, and each frame has a slope of f.
        let [of_batch, of_entry] = if self.kind.correlation() { [time + 2, 10] } else { [8 * time + 7, 9] };
        let flops = (batch * of_batch) as f64 + (of_entry * batch * n * time) as f64;
        cx.dispatch(frames.kernel(&[correlation]), bindings, params, frames.groups(batch * time), flops)
    }
}
