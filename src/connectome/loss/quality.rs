//! Dependence of connectivity on data quality (QC-FC and its distance dependence: Ciric et al. 2017, NeuroImage 154), and kurtosis.

use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::ops::work::{Instance, Work};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The |r| that a correlation over `subjects` exceeds by chance with probability `significance`, two-sided: √(t² / (N − 2 + t²)), with t
/// the quantile of Student's distribution at N − 2 degrees of freedom. With r = sin φ, the density of φ is proportional to cos^(N − 3) φ.
///
/// # Errors
/// Returns an error where there are fewer than three subjects, or the significance is not between 0 and 1.
pub fn critical_correlation(subjects: usize, significance: f64) -> Result<f64> {
    if subjects < 3 || !(significance > 0.0 && significance < 1.0) {
        return Err(Error::argument(format!(
            "a correlation of {subjects} subjects at significance {significance}: at least 3, and 0 to 1"
        )));
    }
    let power = subjects as f64 - 3.0;
    // Simpson's rule from φ to π/2. The density is smooth everywhere, and its width is at least 1 / √N.
    let tail = |from: f64| {
        const PANELS: usize = 4096;
        let step = (std::f64::consts::FRAC_PI_2 - from) / PANELS as f64;
        let at = |i: usize| ((from + i as f64 * step).cos().max(0.0)).powf(power);
        let inner: f64 = (1..PANELS).map(|i| at(i) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
        (at(0) + inner + at(PANELS)) * step / 3.0
    };
    let whole = tail(0.0);
    let (mut low, mut high) = (0.0, std::f64::consts::FRAC_PI_2);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if tail(middle) > significance * whole { low = middle } else { high = middle }
    }
    Ok(low.sin())
}

/// # Losses of denoising quality
impl Tape {
    /// Pearson correlations `[..]` over subjects of features x `[subjects, ..]`, such as edges of connectomes, with `measure` `[subjects]`,
    /// such as mean framewise displacement. Constant features get 0.
    ///
    /// # Errors
    /// Returns an error where x has no axis of features, or `measure` does not have one value for each subject.
    pub fn batch_correlation(&mut self, x: Var, measure: Var) -> Result<Var> {
        self.expect_f32("batch_correlation", "features", x)?;
        self.expect_f32("batch_correlation", "measure", measure)?;
        let shape = self.shape(x);
        if shape.rank() < 2 || *self.shape(measure) != [shape[0]] {
            let what = format!("features [subjects, ..] and a measure [subjects] expected, found {shape} and {}", self.shape(measure));
            return Err(Error::op("batch_correlation", what));
        }
        let (subjects, features) = (shape[0], shape.elements() / shape[0].max(1));
        let flat = self.reshape(x, [subjects, features])?;
        let rows = self.transpose(flat, &[1, 0])?;
        let measure = self.reshape(measure, [1, subjects])?;
        let r = self.paired_correlation(rows, measure, None)?;
        self.reshape(r, shape.without(0))
    }

    /// QC-FC: max(|r| − tolerance, 0) `[..]`, with r the correlation over subjects of each edge of `connectivity` `[subjects, ..]` with
    /// `quality` `[subjects]`. With a tolerance of [`critical_correlation`], correlations that chance explains are not penalised. (The sign
    /// is wrong in hypercoil's documentation.)
    ///
    /// # Errors
    /// The same as those of [`Tape::batch_correlation`].
    pub fn qc_fc(&mut self, connectivity: Var, quality: Var, tolerance: f32) -> Result<Var> {
        let r = self.batch_correlation(connectivity, quality)?;
        let strength = self.abs(r)?;
        if tolerance == 0.0 {
            return Ok(strength);
        }
        let beyond = self.offset(strength, -tolerance)?;
        self.relu(beyond)
    }

    /// Distance dependence: the Pearson correlation `[]` of the QC-FC correlations `[edges]` ([`Tape::batch_correlation`]) with the lengths
    /// `[edges]`. Motion artefacts make it negative. (Reports use rank correlations, which have no gradient.)
    ///
    /// # Errors
    /// Returns an error where the operands are not f32 of one axis and one length.
    pub fn distance_dependence(&mut self, qc_fc: Var, lengths: Var) -> Result<Var> {
        self.expect_f32("distance_dependence", "QC-FC", qc_fc)?;
        self.expect_f32("distance_dependence", "lengths", lengths)?;
        let shape = self.shape(qc_fc);
        if shape.rank() != 1 || self.shape(lengths) != shape {
            let what = format!("QC-FC and lengths [edges] expected, found {shape} and {}", self.shape(lengths));
            return Err(Error::op("distance_dependence", what));
        }
        let (a, b) = (self.reshape(qc_fc, [1, shape[0]])?, self.reshape(lengths, [1, shape[0]])?);
        let r = self.paired_correlation(a, b, None)?;
        self.reshape(r, [])
    }

    /// The negated multivariate kurtosis −mean_t (x_tᵀ Ω x_t)² `[..]` of series x `[.., variables, time]` about their means, with Ω `[..,
    /// variables, variables]` their precision, from [`Tape::series_precision`] at ddof 0 (Mardia 1970). Where `scaled`, it is divided by d
    /// (d + 2), which gives −1 for a normal distribution. (hypercoil's `MultivariateKurtosis` does not subtract the means.)
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn multivariate_kurtosis(&mut self, x: Var, precision: Var, scaled: bool) -> Result<Var> {
        let n = self.expect_square("multivariate_kurtosis", precision)?;
        let mean = self.mean(x, &[-1], true)?;
        let centred = self.sub(x, mean)?;
        let turned = self.matmul(precision, centred)?;
        let products = self.mul(centred, turned)?;
        let distances = self.sum(products, &[-2], false)?;
        let squares = self.square(distances)?;
        let fourth = self.mean(squares, &[-1], false)?;
        self.scale(fourth, if scaled { -1.0 / (n * (n + 2)) as f32 } else { -1.0 })
    }
}

/// Test cases of the quality measures and the kurtosis.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [n, edges] in [[3, 1], [7, 65], [33, 257]] {
        let operands = || vec![normal([n, edges]), normal([n])];
        cases.push(one("batch_correlation", operands(), |t, x| t.batch_correlation(x[0], x[1])));
        cases.push(one("qc_fc", operands(), |t, x| t.qc_fc(x[0], x[1], 0.2)));
    }
    cases.push(one("distance_dependence", vec![normal([65]), normal([65])], |t, x| t.distance_dependence(x[0], x[1])));
    for shape in [[1, 3, 7], [2, 7, 65]] {
        let operands = vec![normal(shape), normal([shape[0], shape[1], shape[1]])];
        cases.push(one("multivariate_kurtosis", operands, |t, x| t.multivariate_kurtosis(x[0], x[1], true)));
    }
    cases
}

/// Benchmarks of the quality measures.
pub(super) fn works() -> Vec<Work> {
    let qc_fc = [[16, 64], [40, 79_800], [400, 79_800]]
        .map(|[n, e]| Instance::new(vec![f32s([n, e], Draw::Normal), f32s([n], Draw::Normal)], |t, x| Ok(vec![t.qc_fc(x[0], x[1], 0.0)?])));
    vec![Work::new("qc_fc", qc_fc)]
}
