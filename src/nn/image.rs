//! Layers over images `[images, channels, height, width]`.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::{Error, Result, Shape};

impl Tape {
    /// The cross-correlation of x `[images, channels, height, width]` with `kernels` `[filters, channels, h, w]`, and a `bias` `[filters]`:
    /// PyTorch's `conv2d`, every `stride` pixels, with `padding` zeros around. `[images, filters, ⌊(height + 2 padding − h) / stride⌋ + 1, ..]`.
    ///
    /// The windows of all images are the rows of one product: `h w` copies of x are made.
    ///
    /// # Errors
    /// Where shapes are not these, the stride is 0, or the kernels are larger than the padded images.
    pub fn convolution_2d(&mut self, x: Var, kernels: Var, bias: Option<Var>, stride: usize, padding: usize) -> Result<Var> {
        const OP: &str = "convolution_2d";
        let [images, channels, height, width] = self.expect_images(OP, "x", x)?;
        let [filters, inputs, h, w] = self.expect_images(OP, "kernels", kernels)?;
        let (tall, wide) = (height + 2 * padding, width + 2 * padding);
        if inputs != channels || stride == 0 || h == 0 || w == 0 || h > tall || w > wide {
            let what = format!("{} over {}, stride {stride}, padding {padding}", self.shape(kernels), self.shape(x));
            return Err(Error::op(
                OP,
                format!("kernels of {channels} channels that fit, and a stride of 1 or more expected, found {what}"),
            ));
        }
        let [rows, columns] = [(tall - h) / stride + 1, (wide - w) / stride + 1];
        let mut padded = x;
        if padding > 0 {
            padded = self.pad(padded, 2, padding, padding, 0.0)?;
            padded = self.pad(padded, 3, padding, padding, 0.0)?;
        }
        let mut windows = Vec::with_capacity(h * w);
        for at in 0..h * w {
            let (dy, dx) = (at / w, at % w);
            let part = self.slice(padded, 2, dy, dy + (rows - 1) * stride + 1, stride)?;
            windows.push(self.slice(part, 3, dx, dx + (columns - 1) * stride + 1, stride)?);
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

    /// The largest of each square of `size` × `size` pixels, side by side, of x `[images, channels, height, width]`; rows and columns that
    /// are left over are left out, as by PyTorch's `max_pool2d`. Where several are largest the gradient is shared evenly among them.
    ///
    /// # Errors
    /// Where x is not of this shape, or has no such square.
    pub fn max_pool_2d(&mut self, x: Var, size: usize) -> Result<Var> {
        let [images, channels, height, width] = self.expect_images("max_pool_2d", "x", x)?;
        if size == 0 || size > height || size > width {
            return Err(Error::op("max_pool_2d", format!("squares of {size} pixels in {}: from 1 to its sides expected", self.shape(x))));
        }
        let [rows, columns] = [height / size, width / size];
        let x = self.slice(x, 2, 0, rows * size, 1)?;
        let x = self.slice(x, 3, 0, columns * size, 1)?;
        let x = self.reshape(x, [images, channels, rows, size, columns, size])?;
        self.max(x, &[3, 5], false)
    }

    fn expect_images(&self, op: &str, what: &str, x: Var) -> Result<[usize; 4]> {
        self.expect_f32(op, what, x)?;
        <[usize; 4]>::try_from(&*self.shape(x)).map_err(|_| Error::op(op, format!("{what} of four axes expected, found {}", self.shape(x))))
    }
}

pub(super) fn cases() -> Vec<Case> {
    let normal = |shape: [usize; 4]| f32s(Shape::from(shape), Draw::Normal);
    let mut cases = Vec::new();
    for ([x, kernels], stride, padding) in [([[2, 3, 7, 5], [4, 3, 3, 3]], 1, 1), ([[1, 1, 7, 7], [2, 1, 3, 2]], 2, 0)] {
        let operands = vec![normal(x), normal(kernels), f32s([kernels[0]], Draw::Normal)];
        let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.convolution_2d(x[0], x[1], Some(x[2]), stride, padding)?]);
        cases.push(Case::new("convolution_2d", operands, build).within(5e-6, 1e-5));
    }
    cases.push(Case::new("max_pool_2d", vec![normal([2, 3, 7, 5])], |t, x| Ok(vec![t.max_pool_2d(x[0], 2)?])));
    cases
}
