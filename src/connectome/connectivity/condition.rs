//! Condition numbers of what a tape inverts. In f32 an inverse keeps no digit at a condition of 10⁷, and the error looks like a result; what
//! runs a tape on a device compares these numbers with [`CONDITION_IN_SINGLE`].

use crate::Result;
use crate::tape::{Inversion, Origin, Tape, Var};

/// The largest condition number of a matrix, with its variables scaled to variance 1, whose inverse is computed on a device in f32.
pub const CONDITION_IN_SINGLE: f64 = 1e4;

/// True where f32 does not hold an inverse of this condition number; NaN is no condition that it holds.
pub(crate) fn beyond_single(condition: f64) -> bool {
    condition.is_nan() || condition > CONDITION_IN_SINGLE
}

/// The largest value; NaN where any value is NaN.
pub(crate) fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, &x| if x.is_nan() || x > m { x } else { m })
}

/// # Condition numbers
impl Tape {
    /// Appends the condition numbers of the matrices that are inverted for `outputs`, a value `[..]` for each op that inverts. For a
    /// Cholesky factor the number is a lower bound, the largest ratio of a variance to its pivot: infinite where a variable is left out
    /// that is not constant. Where a program on a GPU finds one above [`CONDITION_IN_SINGLE`], the inverse is lost in f32: the host
    /// ([`Device::cpu`](crate::Device::cpu)) computes it in f64. Workflows do so by themselves.
    ///
    /// ```
    /// use tapetum::connectome::connectivity::measure::CONDITION_IN_SINGLE;
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// // Two regions that differ by a thousandth.
    /// let mut tape = Tape::new();
    /// let x = tape.input("series", TensorType::f32([2, 4]))?;
    /// let precision = tape.series_precision(x, 1)?;
    /// let conditions = tape.conditions(&[precision])?;
    /// let series = HostTensor::f32([2, 4], vec![1.0, 2.0, 4.0, 3.0, 1.001, 2.0, 4.0, 2.999])?;
    /// let found = Device::cpu().compile(&tape, &conditions)?.run(&[(x, &series)])?;
    /// assert!(found.iter().any(|condition| condition.to_f64_vec()[0] > CONDITION_IN_SINGLE));
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// The same as those of the ops it records.
    pub fn conditions(&mut self, outputs: &[Var]) -> Result<Vec<Var>> {
        self.conditions_where(outputs, |inversion| inversion != Inversion::Rows)
    }

    /// The same with the rows that are made orthonormal, such as the confounds of a regression: of those that are kept, the largest ratio
    /// of what a row is to what is left of it beside those before it, both squared.
    #[cfg(feature = "workflow")]
    pub(crate) fn conditions_and_rows(&mut self, outputs: &[Var]) -> Result<Vec<Var>> {
        self.conditions_where(outputs, |_| true)
    }

    fn conditions_where(&mut self, outputs: &[Var], counts: impl Fn(Inversion) -> bool) -> Result<Vec<Var>> {
        let needed = self.needed(outputs);
        let inverting: Vec<(Inversion, Vec<Var>, Var)> = self
            .nodes()
            .iter()
            .enumerate()
            .filter(|(i, _)| needed[*i])
            .filter_map(|(_, node)| match &node.origin {
                Origin::Op(op) => {
                    let inversion = op.inversion().filter(|inversion| counts(*inversion))?;
                    Some((inversion, node.inputs.clone(), self.var(node.outputs.start)))
                }
                _ => None,
            })
            .collect();
        inverting
            .into_iter()
            .map(|(inversion, inputs, made)| match inversion {
                Inversion::Factor => self.pivot_ratio(inputs[0], made),
                Inversion::Inverse => self.condition(inputs[1], made),
                Inversion::Spectrum { floor } => self.spectral_condition(inputs[2], floor),
                Inversion::Rows => self.row_ratio(inputs[0], inputs[1], made),
            })
            .collect()
    }

    /// The largest ratio Aᵢᵢ/Lᵢᵢ² `[..]` over the variables that vary, of matrices A `[.., n, n]` and their Cholesky factors L.
    fn pivot_ratio(&mut self, x: Var, factor: Var) -> Result<Var> {
        let (variances, pivots) = (self.diagonal(x)?, self.diagonal(factor)?);
        let pivots = self.square(pivots)?;
        let ratio = self.div(variances, pivots)?;
        // A constant variable has a variance of 0, and counts for nothing.
        let ratio = self.select(variances, ratio, variances)?;
        self.max(ratio, &[-1], false)
    }

    /// The largest ratio Σwx²/(Σwxq)² `[..]` over rows x `[.., k, time]`, of which q are orthonormal under the weights `[.., time]`.
    fn row_ratio(&mut self, x: Var, weights: Var, q: Var) -> Result<Var> {
        let shape = self.shape(x);
        let wide = self.reshape(weights, shape.with(shape.rank() - 2, 1))?;
        let power = |tape: &mut Self, a: Var, b: Var| {
            let product = tape.mul(a, b)?;
            let weighted = tape.mul(product, wide)?;
            tape.sum(weighted, &[-1], false)
        };
        // Of a row x, Σwxq is the length of what is left beside the rows before it.
        let (whole, left) = (power(self, x, x)?, power(self, x, q)?);
        let left = self.square(left)?;
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let safe = self.select(left, left, one)?;
        let ratio = self.div(whole, safe)?;
        // A row that is left out counts for nothing.
        let ratio = self.select(left, ratio, zero)?;
        self.max(ratio, &[-1], false)
    }

    /// The ratio `[..]` of the largest to the smallest of ascending eigenvalues `[.., n]`, which are held to the floor.
    fn spectral_condition(&mut self, values: Var, floor: f32) -> Result<Var> {
        let n = self.shape(values).last().copied().unwrap_or(1);
        let held = self.clamp(values, floor, f32::MAX)?;
        let (least, most) = (self.slice(held, -1, 0, 1, 1)?, self.slice(held, -1, n - 1, n, 1)?);
        let ratio = self.div(most, least)?;
        self.max(ratio, &[-1], false)
    }

    /// The condition numbers ‖R‖₁ ‖R⁻¹‖₁ `[..]`, in the 1-norm, of symmetric positive-definite matrices `[.., n, n]` given their inverses.
    /// Variables are scaled to variance 1, and those left out of the inverse do not count.
    pub(super) fn condition(&mut self, x: Var, inverse: Var) -> Result<Var> {
        let variances = self.diagonal(x)?;
        let roots = self.sqrt(variances)?;
        let (columns, rows) = self.by_columns_and_rows(roots)?;
        let of_inverse = self.mul(inverse, rows)?;
        let of_inverse = self.mul(of_inverse, columns)?;
        let correlation = self.normalised(x)?;
        let mut norms = Vec::with_capacity(2);
        for matrix in [correlation, of_inverse] {
            let sizes = self.abs(matrix)?;
            let sums = self.sum(sizes, &[-1], false)?;
            norms.push(self.max(sums, &[-1], false)?);
        }
        self.mul(norms[0], norms[1])
    }
}
