//! Convolution in time: response functions, lags, and polynomials of series with memory.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::{Error, Result, Shape};

/// The alignment of a kernel of R frames with the output frame. Beyond the ends of a series there are zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Padding {
    /// The kernel covers the frames around the output frame, R / 2 of them before it.
    #[default]
    Same,
    /// The kernel covers the output frame and the R − 1 frames before it.
    Causal,
    /// The kernel covers the output frame and the R − 1 frames after it.
    AntiCausal,
}

impl Padding {
    /// The number of zeros before the first frame.
    fn before(self, length: usize) -> usize {
        match self {
            Self::Same => length / 2,
            Self::Causal => length - 1,
            Self::AntiCausal => 0,
        }
    }
}

/// # Convolution in time
impl Tape {
    /// Convolution of series x `[.., in, regions, time]` in time with kernels `[out, in, R]`, the same for all regions. The result is `[..,
    /// out, regions, time]`, y_ot = Σ_ir w_oir x_{i, t + r − before}. As in PyTorch the kernel is not flipped: its last frame applies to
    /// the latest input frame.
    ///
    /// # Errors
    /// Returns an error where the operands are not f32 of these shapes.
    pub fn temporal_convolution(&mut self, x: Var, kernels: Var, padding: Padding) -> Result<Var> {
        self.expect_f32("temporal_convolution", "the series", x)?;
        self.expect_f32("temporal_convolution", "kernels", kernels)?;
        let (shape, w) = (self.shape(x), self.shape(kernels));
        let rank = shape.rank();
        let bad =
            || Error::op("temporal_convolution", format!("[.., in, regions, time] and [out, in, R > 0] expected, found {shape} and {w}"));
        let ([.., channels, regions, time], &[out, given, length]) = (&*shape, &*w) else { return Err(bad()) };
        let (channels, regions, time) = (*channels, *regions, *time);
        if given != channels || length == 0 {
            return Err(bad());
        }
        // One product covers all frames of the kernel: copies of the series, one for each kernel frame and shifted by it, are stacked.
        let before = padding.before(length);
        let padded = self.pad(x, -1, before, length - 1 - before, 0.0)?;
        let moved = (0..length).map(|r| self.slice(padded, -1, r, r + time, 1)).collect::<Result<Vec<_>>>()?;
        let channel_axis = rank as isize - 3;
        let below = self.concatenate(&moved, channel_axis)?;
        let reshaped = |last: &[usize]| Shape::try_new(&[&shape[..rank - 3], last].concat()).ok_or_else(bad);
        let below = self.reshape(below, reshaped(&[length * channels, regions * time])?)?;
        let by_frame = self.transpose(kernels, &[0, 2, 1])?;
        let by_frame = self.reshape(by_frame, [out, length * channels])?;
        let y = self.matmul(by_frame, below)?;
        self.reshape(y, reshaped(&[out, regions, time])?)
    }

    /// The sum of [`Tape::temporal_convolution`] over several functions of the series, each `[.., in, regions, time]`, with kernels `[out,
    /// functions, in, R]`. The functions are a basis of nonlinearities with memory.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::temporal_convolution`], and where the kernels are for another number of functions.
    pub fn basis_convolution(&mut self, functions: &[Var], kernels: Var, padding: Padding) -> Result<Var> {
        self.check(kernels)?;
        let w = self.shape(kernels);
        let &[out, count, channels, length] = &*w else {
            return Err(Error::op("basis_convolution", format!("kernels [out, functions, in, R] expected, found {w}")));
        };
        if count != functions.len() || count == 0 {
            return Err(Error::op("basis_convolution", format!("{} functions, and kernels {w} for {count}", functions.len())));
        }
        let all = self.concatenate(functions, self.shape(functions[0]).rank() as isize - 3)?;
        let kernels = self.reshape(kernels, [out, count * channels, length])?;
        self.temporal_convolution(all, kernels, padding)
    }

    /// [`Tape::basis_convolution`] of x, x², … up to the degree given by the kernels `[out, degree, in, R]`.
    ///
    /// # Errors
    /// The same as those of [`Tape::basis_convolution`].
    pub fn polynomial_convolution(&mut self, x: Var, kernels: Var, padding: Padding) -> Result<Var> {
        self.check(kernels)?;
        let degree = self.shape(kernels).get(1).copied().unwrap_or(0);
        let mut powers = vec![x];
        while powers.len() < degree {
            let last = powers[powers.len() - 1];
            powers.push(self.mul(last, x)?);
        }
        self.basis_convolution(&powers, kernels, padding)
    }
}

/// Test cases of convolutions with each padding, for one series and for batches.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (padding, shape) in [(Padding::Same, [2, 3, 2, 9]), (Padding::Causal, [1, 1, 1, 7]), (Padding::AntiCausal, [1, 3, 5, 33])] {
        let operands = vec![f32s(shape, Draw::Normal), f32s([4, shape[1], 3], Draw::Normal)];
        let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.temporal_convolution(x[0], x[1], padding)?]);
        cases.push(Case::new(&format!("temporal_convolution {padding:?}"), operands, build).within(5e-6, 1e-5));
        let operands = vec![f32s(shape, Draw::Normal), f32s([2, 3, shape[1], 4], Draw::Normal)];
        let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.polynomial_convolution(x[0], x[1], padding)?]);
        cases.push(Case::new(&format!("polynomial_convolution {padding:?}"), operands, build).within(5e-6, 1e-5));
    }
    cases
}
