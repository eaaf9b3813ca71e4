//! Series about their means. Means and deviations are judged, and means taken off, in f64 on the values as they were given; f32 then holds
//! what varies, however large the mean is.

use crate::tensor::parallel;
use crate::{HostTensor, Result, Shape};

/// Means this many deviations large leave f64 too few digits of what varies to be trusted without a word, and f32 this many.
const FAR: [f64; 2] = [1e7, 1e6];

/// Rows of series `[.., time]`, and what was found of each.
#[derive(Debug, Clone)]
pub struct Centred {
    shape: Shape,
    /// x − μ, row-major; exactly 0 throughout a constant row. NaN throughout a row that holds a value which is no finite number.
    pub values: Vec<f64>,
    /// μ of each row.
    pub means: Vec<f64>,
    /// The rows that are constant.
    pub constant: Vec<usize>,
    /// The rows whose mean is more than 10⁷ deviations from 0, or 10⁶ where they are held in f32: what varies has few digits left.
    pub far: Vec<usize>,
}

/// Which rows are constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    /// Those of one value throughout.
    Exactly,
    /// Those which vary no more than rounding makes them: Σ(x − μ)² ≤ (r max|x|)² T, r the ε of f32 for values held in f32 and 8 ε of f64
    /// for others.
    ToRounding,
}

impl Centred {
    /// Centres series `[.., time]`, of any element type.
    ///
    /// # Errors
    /// None that a tensor can cause; the signature is that of making a tensor.
    pub fn new(series: &HostTensor, constant: Constant) -> Result<Self> {
        let shape = series.shape();
        let time = shape.last().copied().unwrap_or(1).max(1);
        let single = series.as_f32().is_some();
        let (rounding, far) = if single { (f64::from(f32::EPSILON), FAR[1]) } else { (8.0 * f64::EPSILON, FAR[0]) };
        let mut values = series.to_f64_vec();
        let mut found = vec![Row::default(); values.len() / time];
        let least = if constant == Constant::Exactly { 0.0 } else { rounding };
        parallel::rows_with(&mut values, time, &mut found, 8 * time, |_, row, found| *found = Row::centred(row, least));
        let rows = |which: &dyn Fn(&Row) -> bool| found.iter().enumerate().filter(|(_, row)| which(row)).map(|(i, _)| i).collect();
        let is_far = |row: &Row| !row.constant && row.mean.abs() > far * row.deviation;
        Ok(Self {
            shape,
            values,
            means: found.iter().map(|row| row.mean).collect(),
            constant: rows(&|row| row.constant),
            far: rows(&is_far),
        })
    }

    /// The centred series as the tape takes them, f32 of the shape that was given.
    ///
    /// # Errors
    /// As [`Centred::new`].
    pub fn single(&self) -> Result<HostTensor> {
        HostTensor::f32(self.shape, self.values.iter().map(|&x| x as f32).collect())
    }

    /// The centred series held in double precision, for the host.
    ///
    /// # Errors
    /// As [`Centred::new`].
    pub fn double(&self) -> Result<HostTensor> {
        HostTensor::real(self.shape, self.values.clone())
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Row {
    mean: f64,
    deviation: f64,
    constant: bool,
}

impl Row {
    /// Takes the mean off `row`. The first value goes before, so that what is summed is of the size of what varies.
    fn centred(row: &mut [f64], least: f64) -> Self {
        let (n, first) = (row.len().max(1) as f64, row.first().copied().unwrap_or(0.0));
        let largest = row.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        row.iter_mut().for_each(|x| *x -= first);
        let moved = row.iter().sum::<f64>() / n;
        let same = row.iter().all(|x| *x == 0.0);
        row.iter_mut().for_each(|x| *x -= moved);
        let deviation = (row.iter().map(|x| x * x).sum::<f64>() / n).sqrt();
        // Rows that are no numbers are not constant: no comparison with NaN holds.
        let constant = same || deviation <= least * largest;
        if constant {
            row.fill(0.0);
        }
        Self { mean: first + moved, deviation, constant }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_keeps_its_digits_and_what_does_not_is_zero() {
        let row = |mean: f64| [1.0, -2.0, 0.5, 0.5].map(|x| mean + x);
        let given = [row(1e9), [7.0; 4], [0.1 + 0.2, 0.3, 0.3, 0.3], [1.0, f64::NAN, 2.0, 3.0]].concat();
        let centred = Centred::new(&HostTensor::real([4, 4], given.clone()).unwrap(), Constant::ToRounding).unwrap();
        assert_eq!(centred.values[..12], [1.0, -2.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(centred.values[12..].iter().all(|x| x.is_nan()));
        assert_eq!((centred.constant, centred.far, centred.means[0]), (vec![1, 2], vec![0], 1e9));
        let exactly = Centred::new(&HostTensor::real([4, 4], given).unwrap(), Constant::Exactly).unwrap();
        assert_eq!(exactly.constant, [1]);
    }

    #[test]
    fn a_row_of_f32_is_constant_within_a_rounding_of_f32() {
        let given = vec![1000.0f32, 1_000.000_1, 1000.0, 1_000.000_1, 1e7, 1e7 + 2.0, 1e7, 1e7 - 2.0];
        let centred = Centred::new(&HostTensor::f32([2, 4], given).unwrap(), Constant::ToRounding).unwrap();
        assert_eq!((centred.constant, centred.far), (vec![0], vec![1]));
    }
}
