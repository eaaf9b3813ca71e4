//! Standardised series on the host, with the same rule for constant series as [`Tape::standardise`](crate::Tape::standardise).
//!
//! A series x of T values is constant where Σ(x − μ)² ≤ (c · ε · max|x|)² · T, with ε the relative spacing of the type that holds it. It
//! becomes zeros. A series with NaN becomes NaN.

use crate::ops::covariance::CONSTANT_SPACINGS;

/// The mean of a series, and the sum of squares about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The mean μ.
    pub mean: f64,
    /// The sum of squares Σ(x − μ)²; 0 where the series is constant.
    pub power: f64,
    length: usize,
}

impl Moments {
    /// Moments of values with relative spacing `epsilon`: `f32::EPSILON` for values that were f32, otherwise `f64::EPSILON`.
    pub fn new(values: impl Iterator<Item = f64> + Clone, epsilon: f32) -> Self {
        let length = values.clone().count();
        // The first value is subtracted, so that the mean of a constant is exactly that constant.
        let origin = values.clone().next().unwrap_or(0.0);
        let mean = origin + values.clone().map(|x| x - origin).sum::<f64>() / length.max(1) as f64;
        let power = values.clone().map(|x| (x - mean).powi(2)).sum::<f64>();
        let floor = f64::from(CONSTANT_SPACINGS) * f64::from(epsilon) * values.fold(0.0, |most: f64, x| most.max(x.abs()));
        // A power of NaN stays NaN.
        let power = if power <= floor * floor * length as f64 { 0.0 } else { power };
        Self { mean, power, length }
    }

    /// The population standard deviation.
    pub fn deviation(&self) -> f64 {
        (self.power / self.length.max(1) as f64).sqrt()
    }
}

/// The series with mean 0 and population standard deviation 1, or zeros where it is constant.
pub fn standardised(x: &[f64]) -> Vec<f64> {
    let moments = Moments::new(x.iter().copied(), f64::EPSILON as f32);
    let deviation = moments.deviation();
    x.iter().map(|x| if deviation == 0.0 { 0.0 } else { (x - moments.mean) / deviation }).collect()
}

/// The rows of `[rows, time]` with mean 0 and length 1, so that their products are correlations; a constant row becomes zeros.
pub fn unit_rows(series: &[f32], time: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(series.len());
    for row in series.chunks_exact(time.max(1)) {
        let moments = Moments::new(row.iter().map(|&x| f64::from(x)), f32::EPSILON);
        let scale = if moments.power == 0.0 { 0.0 } else { moments.power.sqrt().recip() };
        out.extend(row.iter().map(|&x| ((f64::from(x) - moments.mean) * scale) as f32));
    }
    out
}
