//! Convolutions and pooling over series `[batch, channels, time]` and images `[images, channels, height, width]`. A series is treated as an
//! image of one row.

use super::Parameters;
use super::parameters::within_fan_in;
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The spacing of the windows of a convolution along an axis, in PyTorch's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    /// The number of elements from one window to the next.
    pub stride: usize,
    /// The number of zeros before the first element and after the last.
    pub padding: usize,
    /// The number of elements from one element of a window to the next.
    pub dilation: usize,
}

impl Default for Spacing {
    /// Stride 1, no padding, dilation 1.
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1 }
    }
}

impl Spacing {
    /// The number of windows of `size` elements along an axis; `None` where none fits.
    fn windows(self, extent: usize, size: usize) -> Option<usize> {
        let (span, padded) = (self.dilation * size.checked_sub(1)? + 1, extent + 2 * self.padding);
        (self.stride > 0 && self.dilation > 0 && span <= padded).then(|| (padded - span) / self.stride + 1)
    }
}

/// A convolution in time with learnt kernels.
#[derive(Debug, Clone, Copy)]
pub struct Convolution {
    /// The kernels, `[filters, channels, size]`.
    pub kernels: Var,
    /// The bias, `[filters]`.
    pub bias: Option<Var>,
    /// The spacing of the windows.
    pub spacing: Spacing,
}

impl Convolution {
    /// A layer with extents `[channels, filters, size]`, initialised as in PyTorch, with parameters `<name>.kernels` and `<name>.bias`.
    ///
    /// # Errors
    /// Returns an error where a name is taken by a state of another type.
    pub fn new(
        tape: &mut Tape,
        parameters: &mut Parameters,
        name: &str,
        [channels, filters, size]: [usize; 3],
        spacing: Spacing,
    ) -> Result<Self> {
        let kernels = parameters.add(tape, &format!("{name}.kernels"), [filters, channels, size], within_fan_in(channels * size))?;
        let bias = Some(parameters.add(tape, &format!("{name}.bias"), [filters], within_fan_in(channels * size))?);
        Ok(Self { kernels, bias, spacing })
    }

    /// The same layer without a bias.
    ///
    /// # Errors
    /// The same as those of [`Convolution::new`].
    pub fn unbiased(
        tape: &mut Tape,
        parameters: &mut Parameters,
        name: &str,
        [channels, filters, size]: [usize; 3],
        spacing: Spacing,
    ) -> Result<Self> {
        let kernels = parameters.add(tape, &format!("{name}.kernels"), [filters, channels, size], within_fan_in(channels * size))?;
        Ok(Self { kernels, bias: None, spacing })
    }

    /// Applies [`Tape::convolution_1d`] to x `[batch, channels, time]`.
    ///
    /// # Errors
    /// The same as those of [`Tape::convolution_1d`].
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        tape.convolution_1d(x, self.kernels, self.bias, self.spacing)
    }
}

/// # Convolution and pooling
impl Tape {
    /// The cross-correlation of series x `[batch, channels, time]` with `kernels` `[filters, channels, size]`, plus a `bias` `[filters]`:
    /// PyTorch's `conv1d`. The result is `[batch, filters, ⌊(time + 2 padding − dilation (size − 1) − 1) / stride⌋ + 1]`.
    ///
    /// The windows of all series are the rows of one matrix product, which needs `size` copies of x.
    ///
    /// # Errors
    /// Returns an error where shapes differ from these, the stride or the dilation is 0, or a kernel is longer than the padded series.
    pub fn convolution_1d(&mut self, x: Var, kernels: Var, bias: Option<Var>, spacing: Spacing) -> Result<Var> {
        const OP: &str = "convolution_1d";
        let [batch, channels, time] = self.expect_axes(OP, "x", x)?;
        let [filters, inputs, size] = self.expect_axes(OP, "kernels", kernels)?;
        let x = self.reshape(x, [batch, channels, 1, time])?;
        let kernels = self.reshape(kernels, [filters, inputs, 1, size])?;
        let y = self.convolve(OP, [x, kernels], bias, [Spacing::default(), spacing])?;
        let windows = self.shape(y)[3];
        self.reshape(y, [batch, filters, windows])
    }

    /// The cross-correlation of images x `[images, channels, height, width]` with `kernels` `[filters, channels, h, w]`, plus a `bias`
    /// `[filters]`: PyTorch's `conv2d` with the same spacing on both axes. The result is `[images, filters, ⌊(height + 2 padding − dilation
    /// (h − 1) − 1) / stride⌋ + 1, ..]`.
    ///
    /// The windows of all images are the rows of one matrix product, which needs `h w` copies of x.
    ///
    /// # Errors
    /// Returns an error where shapes differ from these, the stride or the dilation is 0, or the kernels are larger than the padded images.
    pub fn convolution_2d(&mut self, x: Var, kernels: Var, bias: Option<Var>, spacing: Spacing) -> Result<Var> {
        self.convolve("convolution_2d", [x, kernels], bias, [spacing; 2])
    }

    fn convolve(&mut self, op: &str, [x, kernels]: [Var; 2], bias: Option<Var>, spacing: [Spacing; 2]) -> Result<Var> {
        let [images, channels, height, width] = self.expect_axes(op, "x", x)?;
        let [filters, inputs, h, w] = self.expect_axes(op, "kernels", kernels)?;
        let (Some(rows), Some(columns), true) = (spacing[0].windows(height, h), spacing[1].windows(width, w), inputs == channels) else {
            let what = format!("{} over {}, {:?}", self.shape(kernels), self.shape(x), spacing[1]);
            return Err(Error::op(op, format!("kernels of {channels} channels that fit, and steps of 1 or more expected, found {what}")));
        };
        let mut padded = x;
        for (axis, padding) in [(2, spacing[0].padding), (3, spacing[1].padding)] {
            if padding > 0 {
                padded = self.pad(padded, axis, padding, padding, 0.0)?;
            }
        }
        let mut windows = Vec::with_capacity(h * w);
        for at in 0..h * w {
            let (dy, dx) = (at / w * spacing[0].dilation, at % w * spacing[1].dilation);
            let [down, across] = spacing.map(|s| s.stride);
            let part = self.slice(padded, 2, dy, dy + (rows - 1) * down + 1, down)?;
            windows.push(self.slice(part, 3, dx, dx + (columns - 1) * across + 1, across)?);
        }
        let windows = self.concatenate(&windows, 1)?;
        let windows = self.transpose(windows, &[0, 2, 3, 1])?;
        let windows = self.reshape(windows, [images * rows * columns, h * w * channels])?;
        let weights = self.transpose(kernels, &[0, 2, 3, 1])?;
        let weights = self.reshape(weights, [filters, h * w * channels])?;
        let mut y = self.matmul_with(windows, weights, false, true)?;
        if let Some(bias) = bias {
            y = self.add(y, bias)?;
        }
        let y = self.reshape(y, [images, rows, columns, filters])?;
        self.transpose(y, &[0, 3, 1, 2])
    }

    /// The maximum of each `size` consecutive frames, without overlap, of series x `[batch, channels, time]`. Remaining frames are dropped,
    /// as in PyTorch's `max_pool1d`. Among ties the gradient is shared evenly.
    ///
    /// # Errors
    /// Returns an error where x does not have this shape, or has fewer frames than `size`; this holds for all pooling methods.
    pub fn max_pool_1d(&mut self, x: Var, size: usize) -> Result<Var> {
        let tiles = self.pools("max_pool_1d", x, size)?;
        self.max(tiles, &[3], false)
    }

    /// The mean of each `size` consecutive frames, otherwise like [`Tape::max_pool_1d`].
    pub fn mean_pool_1d(&mut self, x: Var, size: usize) -> Result<Var> {
        let tiles = self.pools("mean_pool_1d", x, size)?;
        self.mean(tiles, &[3], false)
    }

    /// The maximum of each tile of `size` × `size` pixels, without overlap, of images x `[images, channels, height, width]`. Remaining rows
    /// and columns are dropped, as in PyTorch's `max_pool2d`. Ties are treated as in [`Tape::max_pool_1d`].
    pub fn max_pool_2d(&mut self, x: Var, size: usize) -> Result<Var> {
        let tiles = self.tiles("max_pool_2d", x, [size; 2])?;
        self.max(tiles, &[3, 5], false)
    }

    /// The mean of each tile of `size` × `size` pixels, otherwise like [`Tape::max_pool_2d`].
    pub fn mean_pool_2d(&mut self, x: Var, size: usize) -> Result<Var> {
        let tiles = self.tiles("mean_pool_2d", x, [size; 2])?;
        self.mean(tiles, &[3, 5], false)
    }

    /// Series reshaped to `[batch, channels, time / size, size]`.
    fn pools(&mut self, op: &str, x: Var, size: usize) -> Result<Var> {
        let [batch, channels, time] = self.expect_axes(op, "x", x)?;
        let image = self.reshape(x, [batch, channels, 1, time])?;
        let tiles = self.tiles(op, image, [1, size])?;
        let windows = self.shape(tiles)[4];
        self.reshape(tiles, [batch, channels, windows, size])
    }

    /// Images reshaped to `[images, channels, height / h, h, width / w, w]`.
    fn tiles(&mut self, op: &str, x: Var, [h, w]: [usize; 2]) -> Result<Var> {
        let [images, channels, height, width] = self.expect_axes(op, "x", x)?;
        if h == 0 || w == 0 || h > height || w > width {
            return Err(Error::op(op, format!("pools of {h} × {w} in {}: from 1 to its extents expected", self.shape(x))));
        }
        let [rows, columns] = [height / h, width / w];
        let x = self.slice(x, 2, 0, rows * h, 1)?;
        let x = self.slice(x, 3, 0, columns * w, 1)?;
        self.reshape(x, [images, channels, rows, h, columns, w])
    }

    fn expect_axes<const N: usize>(&self, op: &str, what: &str, x: Var) -> Result<[usize; N]> {
        self.expect_f32(op, what, x)?;
        <[usize; N]>::try_from(&*self.shape(x)).map_err(|_| Error::op(op, format!("{what} of {N} axes expected, found {}", self.shape(x))))
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for ([x, kernels], stride, padding) in [([[2, 3, 7, 5], [4, 3, 3, 3]], 1, 1), ([[1, 1, 7, 7], [2, 1, 3, 2]], 2, 0)] {
        let operands = vec![normal(x), normal(kernels), normal([kernels[0]])];
        let spacing = Spacing { stride, padding, dilation: 1 };
        cases.push(one("convolution_2d", operands, move |t, x| t.convolution_2d(x[0], x[1], Some(x[2]), spacing)));
    }
    for ([x, kernels], stride, padding, dilation) in
        [([[1, 1, 1], [1, 1, 1]], 1, 0, 1), ([[2, 3, 7], [4, 3, 3]], 1, 1, 1), ([[1, 2, 65], [3, 2, 5]], 3, 4, 2)]
    {
        let operands = vec![normal(x), normal(kernels), normal([kernels[0]])];
        let spacing = Spacing { stride, padding, dilation };
        cases.push(one("convolution_1d", operands, move |t, x| t.convolution_1d(x[0], x[1], Some(x[2]), spacing)));
    }
    cases.push(one("max_pool_2d", vec![normal([2, 3, 7, 5])], |t, x| t.max_pool_2d(x[0], 2)));
    cases.push(one("mean_pool_2d", vec![normal([2, 3, 7, 5])], |t, x| t.mean_pool_2d(x[0], 2)));
    for (shape, size) in [([1, 1, 1], 1), ([2, 3, 7], 2), ([1, 2, 65], 4)] {
        cases.push(one("max_pool_1d", vec![normal(shape)], move |t, x| t.max_pool_1d(x[0], size)));
        cases.push(one("mean_pool_1d", vec![normal(shape)], move |t, x| t.mean_pool_1d(x[0], size)));
    }
    cases
}
