//! Kernels and distances between the rows of matrices, computed by matrix products, without any array of size n × m × d. Where `gamma` is
//! `None` it is 1 / d, as in scikit-learn and hypercoil.

use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// A row shorter than this counts as a row of zeros.
const SHORTEST: f32 = 1e-30;

/// # Kernels and distances between rows
impl Tape {
    /// The linear kernel x yᵀ `[.., n, m]` of rows x `[.., n, d]` and y `[.., m, d]`. For a weighted product x Θ yᵀ, multiply x by Θ first,
    /// or by its diagonal.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit; this holds for every kernel in this file.
    pub fn linear_kernel(&mut self, x: Var, y: Var) -> Result<Var> {
        self.matmul_with(x, y, false, true)
    }

    /// The polynomial kernel (γ x yᵀ + c)ᵒ, where the exponent o is `order`, an integer or a fraction.
    pub fn polynomial_kernel(&mut self, x: Var, y: Var, order: f32, gamma: Option<f32>, c: f32) -> Result<Var> {
        let scaled = self.scaled_products(x, y, gamma)?;
        let moved = self.offset(scaled, c)?;
        self.powf(moved, order)
    }

    /// The sigmoid kernel tanh(γ x yᵀ + c).
    pub fn sigmoid_kernel(&mut self, x: Var, y: Var, gamma: Option<f32>, c: f32) -> Result<Var> {
        let scaled = self.scaled_products(x, y, gamma)?;
        let moved = self.offset(scaled, c)?;
        self.tanh(moved)
    }

    /// The squared distances |x_i − y_j|² of rows x `[.., n, d]` and y `[.., m, d]`, computed as |x_i|² + |y_j|² − 2 x_i·y_j and at least
    /// 0. The mean of the rows of y is subtracted from both first, so that a shared offset costs no digits. For x with itself the diagonal
    /// is 0 up to rounding.
    ///
    /// The rounding error is 10⁻⁷ of the greatest square. For points in space, where near neighbours matter, see [`Tape::squared_chords`].
    pub fn squared_distances(&mut self, x: Var, y: Var) -> Result<Var> {
        self.expect_rows("squared_distances", x)?;
        self.expect_rows("squared_distances", y)?;
        let mean = self.mean(y, &[-2], true)?;
        // Distances do not depend on the mean, so it gets no gradient.
        let mean = self.detach(mean)?;
        let (x, y) = if x == y {
            let x = self.sub(x, mean)?;
            (x, x)
        } else {
            (self.sub(x, mean)?, self.sub(y, mean)?)
        };
        let (rows, columns) = (self.squared_lengths(x)?, self.squared_lengths(y)?);
        let columns = self.reshape(columns, turned(self.shape(columns)))?;
        let products = self.linear_kernel(x, y)?;
        let twice = self.scale(products, -2.0)?;
        let lengths = self.add(rows, columns)?;
        let squares = self.add(lengths, twice)?;
        self.relu(squares)
    }

    /// The radial basis kernel exp(−γ |x_i − y_j|²). With γ = 1 / σ² it is hypercoil's `gaussian_kernel`, which lacks the factor ½ of a
    /// Gaussian of standard deviation σ.
    pub fn rbf_kernel(&mut self, x: Var, y: Var, gamma: Option<f32>) -> Result<Var> {
        let squares = self.squared_distances(x, y)?;
        let gamma = self.gamma_of(x, gamma);
        let exponent = self.scale(squares, -gamma)?;
        self.exp(exponent)
    }

    /// The cosine x_i·y_j / (|x_i| |y_j|); 0 for a row of zeros.
    pub fn cosine_kernel(&mut self, x: Var, y: Var) -> Result<Var> {
        let unit_x = self.unit_rows(x)?;
        let unit_y = if x == y { unit_x } else { self.unit_rows(y)? };
        self.linear_kernel(unit_x, unit_y)
    }

    /// The rows of x `[.., n, d]` scaled to length 1. A row of zeros stays unchanged and has no gradient.
    pub fn unit_rows(&mut self, x: Var) -> Result<Var> {
        self.expect_rows("unit_rows", x)?;
        let length = self.l2_norm(x, &[-1], true)?;
        let (zero, one, least) = (self.scalar(0.0)?, self.scalar(1.0)?, self.scalar(SHORTEST)?);
        let none = self.less(length, least)?;
        let length = self.select(none, one, length)?;
        let unit = self.div(x, length)?;
        self.select(none, zero, unit)
    }

    /// The entries above the diagonal of matrices `[.., n, n]`, row by row: `[.., n (n − 1) / 2]`, the edges of an undirected connectome
    /// (hypercoil's `sym2vec`).
    ///
    /// # Errors
    /// Returns an error where the matrices are not square.
    pub fn upper_triangle(&mut self, matrices: Var) -> Result<Var> {
        let n = self.expect_square("upper_triangle", matrices)?;
        let shape = self.shape(matrices);
        let batch = shape.elements() / (n * n).max(1);
        let places: Vec<i32> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i * n + j) as i32)).collect();
        let pairs = places.len();
        let places = self.constant(crate::HostTensor::i32([pairs], places)?)?;
        let flat = self.reshape(matrices, [batch, n * n])?;
        let entries = self.transpose(flat, &[1, 0])?;
        let taken = self.gather_rows(entries, places)?;
        let rows = self.transpose(taken, &[1, 0])?;
        let rank = shape.rank();
        self.reshape(rows, shape.without(rank - 1).with(rank - 2, pairs))
    }

    fn scaled_products(&mut self, x: Var, y: Var, gamma: Option<f32>) -> Result<Var> {
        let products = self.linear_kernel(x, y)?;
        let gamma = self.gamma_of(x, gamma);
        self.scale(products, gamma)
    }

    fn gamma_of(&self, x: Var, gamma: Option<f32>) -> f32 {
        gamma.unwrap_or_else(|| 1.0 / self.shape(x).last().copied().unwrap_or(1).max(1) as f32)
    }

    fn squared_lengths(&mut self, x: Var) -> Result<Var> {
        let squares = self.square(x)?;
        self.sum(squares, &[-1], true)
    }

    fn expect_rows(&self, op: &str, x: Var) -> Result<()> {
        self.expect_f32(op, "rows", x)?;
        if self.shape(x).rank() < 2 {
            return Err(Error::op(op, format!("rows must be [.., n, d], found {}", self.ty(x))));
        }
        Ok(())
    }

    /// The extent n of square f32 matrices `[.., n, n]`; otherwise an error that names `op`.
    pub(crate) fn expect_square(&self, op: &str, x: Var) -> Result<usize> {
        self.expect_rows(op, x)?;
        let shape = self.shape(x);
        let (n, m) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        if n != m {
            return Err(Error::op(op, format!("matrices must be [.., n, n], found {}", self.ty(x))));
        }
        Ok(n)
    }
}

/// Columns `[.., n, 1]` as rows `[.., 1, n]`.
fn turned(columns: crate::Shape) -> crate::Shape {
    let rank = columns.rank();
    columns.with(rank - 1, columns[rank - 2]).with(rank - 2, 1)
}
