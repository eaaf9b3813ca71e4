//! Kernels and distances of the rows of matrices, by products: nothing of size n × m × d. `gamma` is 1 / d where it is `None`, as in
//! scikit-learn and hypercoil.

use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// A length below this is that of a row of zeros.
const SHORTEST: f32 = 1e-30;

/// # Kernels and distances between rows
impl Tape {
    /// x yᵀ of rows x `[.., n, d]` and y `[.., m, d]`: `[.., n, m]`. For a weighted product x Θ yᵀ multiply x by Θ first, or by its
    /// diagonal.
    ///
    /// # Errors
    /// Where shapes do not fit; so for every kernel here.
    pub fn linear_kernel(&mut self, x: Var, y: Var) -> Result<Var> {
        self.matmul_with(x, y, false, true)
    }

    /// (γ x yᵀ + c)ᵒ, o the whole or broken `order`.
    pub fn polynomial_kernel(&mut self, x: Var, y: Var, order: f32, gamma: Option<f32>, c: f32) -> Result<Var> {
        let scaled = self.scaled_products(x, y, gamma)?;
        let moved = self.offset(scaled, c)?;
        self.powf(moved, order)
    }

    /// tanh(γ x yᵀ + c).
    pub fn sigmoid_kernel(&mut self, x: Var, y: Var, gamma: Option<f32>, c: f32) -> Result<Var> {
        let scaled = self.scaled_products(x, y, gamma)?;
        let moved = self.offset(scaled, c)?;
        self.tanh(moved)
    }

    /// |x_i − y_j|² as |x_i|² + |y_j|² − 2 x_i·y_j, held to at least 0, of rows x `[.., n, d]` and y `[.., m, d]` taken about the mean of
    /// the rows of y, so that an offset that they share costs no digits. Of x with itself the diagonal is 0, up to rounding.
    ///
    /// The rounding is 10⁻⁷ of the greatest square: for places in space, whose near neighbours matter, see [`Tape::squared_chords`].
    pub fn squared_distances(&mut self, x: Var, y: Var) -> Result<Var> {
        self.expect_rows("squared_distances", x)?;
        self.expect_rows("squared_distances", y)?;
        let mean = self.mean(y, &[-2], true)?;
        // Distances do not depend on it, so no gradient goes there.
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

    /// exp(−γ |x_i − y_j|²). With γ = 1 / σ² it is hypercoil's `gaussian_kernel`, which lacks the ½ of a Gaussian of that width.
    pub fn rbf_kernel(&mut self, x: Var, y: Var, gamma: Option<f32>) -> Result<Var> {
        let squares = self.squared_distances(x, y)?;
        let gamma = self.gamma_of(x, gamma);
        let exponent = self.scale(squares, -gamma)?;
        self.exp(exponent)
    }

    /// x_i·y_j / (|x_i| |y_j|); 0 with a row of zeros.
    pub fn cosine_kernel(&mut self, x: Var, y: Var) -> Result<Var> {
        let unit_x = self.unit_rows(x)?;
        let unit_y = if x == y { unit_x } else { self.unit_rows(y)? };
        self.linear_kernel(unit_x, unit_y)
    }

    /// The rows of x `[.., n, d]` scaled to length 1; a row of zeros stays, and has no gradient.
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
    /// Where the matrices are not square.
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

    /// The extent of square f32 matrices `[.., n, n]`, or an error of `op`.
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
