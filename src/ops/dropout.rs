//! Dropout: what is dropped is drawn anew in reverse, and never stored.

use super::Family;
use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::kernel::common::{FLAT_NUMBERS, PHILOX, flat_groups, flat_width};
use crate::kernel::{Binding, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Philox, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};

pub(super) static FAMILY: Family = Family { sources: &[&DROPOUT], cases, works };

pub(super) static DROPOUT: Source = kernel_source!("random/dropout").with_variants(&PHILOX).with_choices(&[FLAT_NUMBERS]);

/// (x, step) → x / (1 − p) where the element's draw on [0, 1) is at least p, else 0.
#[derive(Debug, Clone, Copy)]
struct Dropout {
    p: f32,
    seed: u64,
    stream: u32,
}

impl Dropout {
    /// Words below this, of their top 24 bits, drop.
    fn limit(self) -> u32 {
        (f64::from(self.p) * 16_777_216.0).ceil() as u32
    }

    fn scale(self) -> f32 {
        1.0 / (1.0 - self.p)
    }

    fn run<R: Real>(self, x: &HostTensor, step: u32) -> Result<HostTensor> {
        let (draws, limit, scale) = (Philox::new(self.seed, self.stream, step), self.limit(), R::of(f64::from(self.scale())));
        let (shape, x) = (x.shape(), x.elements::<R>()?);
        let mut y = buffer(x.len());
        parallel::parts(&mut y, 4, |start, y| {
            for (block, (y, x)) in y.chunks_mut(4).zip(x[start..].chunks(4)).enumerate() {
                let words = draws.block((start / 4 + block) as u32);
                y.iter_mut().zip(x).zip(words).for_each(|((y, &x), w)| *y = x * if w >> 8 < limit { R::zero() } else { scale });
            }
        });
        HostTensor::real(shape, y)
    }
}

impl Op for Dropout {
    fn key(&self) -> OpKey {
        OpKey::of("dropout", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        match inputs {
            [x, step] if x.dtype == DType::F32 && *step == TensorType::u32([1]) => Ok(vec![*x]),
            _ => Err(Error::op("dropout", format!("an f32 tensor and the step counter u32[1] expected, found {inputs:?}"))),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let step = inputs[1].as_u32().and_then(|s| s.first()).copied().unwrap_or(0);
        real_inputs!(inputs[..1], R => self.run::<R>(&inputs[0], step)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (step, g) = (cx.input(1), cx.cotangent_or_zeros(0)?);
        Ok(vec![Some(cx.tape().record_one(*self, &[g, step])?), None])
    }

    fn draw_counter(&self) -> Option<usize> {
        Some(1)
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let n = cx.output_shape(0).elements();
        let params = Params::new().u32(n).u32(self.seed as usize).u32((self.seed >> 32) as usize).u32(self.stream as usize);
        let params = params.u32(self.limit() as usize).f32(self.scale());
        let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), Binding::write(cx.output(0))];
        let kernel = cx.kernel(&DROPOUT, &[flat_width(&[n]).0]);
        cx.dispatch(kernel, bindings, params, flat_groups(n), n as f64)
    }
}

/// # Dropout
impl Tape {
    /// Each element of x is multiplied by 0 with probability `p`, else by 1 / (1 − p) (Srivastava et al. 2014), so that NaN stays NaN, as in
    /// PyTorch; drawn anew at every step by Philox of (seed, stream, step, element), and once more in reverse, so that nothing is stored.
    ///
    /// # Errors
    /// Where x is not f32 or p is outside [0, 1).
    pub fn dropout(&mut self, x: Var, p: f32, seed: u64, stream: u32) -> Result<Var> {
        if !(0.0..1.0).contains(&p) {
            return Err(Error::op("dropout", format!("a probability in [0, 1) expected, found {p}")));
        }
        self.expect_f32("dropout", "x", x)?;
        if p == 0.0 {
            return Ok(x);
        }
        let step = self.draw_counter()?;
        self.record_one(Dropout { p, seed, stream }, &[x, step])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let case = |n: usize| Case::new("dropout", vec![f32s([n], Draw::Normal)], |t, x| Ok(vec![t.dropout(x[0], 0.3, 1 << 40, 3)?]));
    [1, 7, 256, 257, 1028].map(case).map(|case| case.within(1e-7, 1e-7)).to_vec()
}

pub(super) fn works() -> Vec<Work> {
    let instance = |n: usize| Instance::new(vec![f32s([n], Draw::Normal)], |t, x| Ok(vec![t.dropout(x[0], 0.5, 0, 0)?]));
    vec![Work::new("dropout", [1 << 10, 1 << 20, 1 << 24].map(instance))]
}
