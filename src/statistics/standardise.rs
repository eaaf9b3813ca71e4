//! Series of mean 0 and of one size, on the host, by the same rule for constant series as [`Tape::standardise`](crate::Tape::standardise).
//!
//! A series x of T values is constant where Σ(x − μ)² ≤ (c · ε · max|x|)² · T, ε the spacing of the numbers it is held in. It becomes zeros.
//! A series with NaN becomes NaN.

use crate::ops::covariance::CONSTANT_SPACINGS;

/// The mean of a series, and its sum of squares about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// μ.
    pub mean: f64,
    /// Σ(x − μ)²; 0 where the series is constant.
    pub power: f64,
    length: usize,
}

impl Moments {
    /// Of values whose spacing is `epsilon` relative to their size: `f32::EPSILON` of what was f32, else `f64::EPSILON`.
    pub fn new(values: impl Iterator<Item = f64> + Clone, epsilon: f32) -> Self {
        let length = values.clone().count();
        // About the first value, so that the mean of a constant is that constant.
        let origin = values.clone().next().unwrap_or(0.0);
        let mean = origin + values.clone().map(|x| x - origin).sum::<f64>() / length.max(1) as f64;
        let power = values.clone().map(|x| (x - mean).powi(2)).sum::<f64>();
        let floor = f64::from(CONSTANT_SPACINGS) * f64::from(epsilon) * values.fold(0.0, |most: f64, x| most.max(x.abs()));
        // Where the power is NaN it stays so.
        let power = if power <= floor * floor * length as f64 { 0.0 } else { power };
        Self { mean, power, length }
    }

    /// The standard deviation, of a population.
    pub fn deviation(&self) -> f64 {
        (self.power / self.length.max(1) as f64).sqrt()
    }
}

/// A series of mean 0 and standard deviation 1 (of a population), or zeros where it is constant.
pub fn standardised(x: &[f64]) -> Vec<f64> {
    let moments = Moments::new(x.iter().copied(), f64::EPSILON as f32);
    let deviation = moments.deviation();
    x.iter().map(|x| if deviation == 0.0 { 0.0 } else { (x - moments.mean) / deviation }).collect()
}

/// Rows of `[rows, time]` of mean 0 and length 1, so that their products are correlations; a constant row becomes zeros.
pub fn unit_rows(series: &[f32], time: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(series.len());
    for row in series.chunks_exact(time.max(1)) {
        let moments = Moments::new(row.iter().map(|&x| f64::from(x)), f32::EPSILON);
        let scale = if moments.power == 0.0 { 0.0 } else { moments.power.sqrt().recip() };
        out.extend(row.iter().map(|&x| ((f64::from(x) - moments.mean) * scale) as f32));
    }
    out
}
