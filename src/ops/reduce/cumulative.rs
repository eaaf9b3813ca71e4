//! Sums of all elements up to each along an axis.

use crate::kernel::{Binding, Choice, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, real_inputs};
use crate::{Error, Result};

pub(in crate::ops) static CUMULATIVE_SUM: Source =
    kernel_source!("reduce/cumulative_sum").with_choices(&[Choice::Constant("REVERSED", &["false", "true"])]);

/// Sums of all elements up to each, or from each on where `reversed`.
#[derive(Debug, Clone, Copy)]
struct CumulativeSum {
    axis: usize,
    reversed: bool,
}

impl CumulativeSum {
    fn run<R: Real>(&self, x: &HostTensor) -> Result<HostTensor> {
        let shape = x.shape();
        let [outer, n, inner] = shape.around(self.axis);
        let mut y = x.elements::<R>()?.to_vec();
        for row in 0..outer * inner {
            let base = row / inner * n * inner + row % inner;
            let mut sum = 0.0;
            for k in 0..n {
                let at = base + inner * if self.reversed { n - 1 - k } else { k };
                sum += y[at].double();
                y[at] = R::of(sum);
            }
        }
        HostTensor::real(shape, y)
    }
}

impl Op for CumulativeSum {
    fn key(&self) -> OpKey {
        OpKey::of("cumulative_sum", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        match inputs[0].dtype {
            DType::F32 => Ok(inputs.to_vec()),
            _ => Err(Error::op("cumulative_sum", format!("the operand must be f32, found {}", inputs[0]))),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0])).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let g = cx.cotangent_or_zeros(0)?;
        let op = Self { reversed: !self.reversed, ..*self };
        Ok(vec![Some(cx.tape().record_one(op, &[g])?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [outer, n, inner] = cx.input_shape(0).around(self.axis);
        let rows = outer * inner;
        let bindings = vec![Binding::read(cx.input(0)), Binding::write(cx.output(0))];
        cx.check_iterations(n)?;
        let kernel = cx.kernel(&CUMULATIVE_SUM, &[usize::from(self.reversed)]);
        let workgroups = if n == 0 { 0 } else { rows.div_ceil(64) };
        cx.dispatch(kernel, bindings, Params::new().u32(rows).u32(n).u32(inner), workgroups, (rows * n) as f64)
    }
}

/// # Cumulative sums
impl Tape {
    /// Σ of the elements up to and including each along `axis`.
    pub fn cumulative_sum(&mut self, x: Var, axis: isize) -> Result<Var> {
        let axis = self.axis("cumulative_sum", x, axis)?;
        self.record_one(CumulativeSum { axis, reversed: false }, &[x])
    }
}
