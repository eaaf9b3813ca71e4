//! Series about their means. Means and deviations are judged, and means taken off, in f64 on the values as they were given; f32 then holds
//! what varies, however large the mean is.

use super::standardise::Moments;
use crate::tensor::parallel;
use crate::{HostTensor, Result, Shape};

/// A mean of this many deviations leaves few digits of what varies: of values held in f64, and of those held in f32.
const FAR: [f64; 2] = [1e7, 1e5];

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
    /// The rows whose mean is more than 10⁷ deviations from 0, or 10⁵ where they are held in f32: what varies has few digits left.
    pub far: Vec<usize>,
}

/// Which rows are constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    /// Those of one value throughout.
    Exactly,
    /// Those which vary no more than rounding makes them, by the rule of [`standardise`](super::standardise), ε that of what the values
    /// are held in.
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
        let (epsilon, far) = if single { (f32::EPSILON, FAR[1]) } else { (f64::EPSILON as f32, FAR[0]) };
        let mut values = series.to_f64_vec();
        let mut found = vec![Row::default(); values.len() / time];
        let epsilon = if constant == Constant::Exactly { 0.0 } else { epsilon };
        parallel::rows_with(&mut values, time, &mut found, 8 * time, |_, row, found| *found = Row::centred(row, epsilon));
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
    /// Takes the mean off `row`.
    fn centred(row: &mut [f64], epsilon: f32) -> Self {
        let moments = Moments::new(row.iter().copied(), epsilon);
        let constant = moments.power == 0.0;
        row.iter_mut().for_each(|x| *x = if constant { 0.0 } else { *x - moments.mean });
        Self { mean: moments.mean, deviation: moments.deviation(), constant }
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
    fn a_row_of_f32_is_constant_within_the_rounding_of_f32() {
        let given = vec![1000.0f32, 1_000.000_1, 1000.0, 1_000.000_1, 1e6, 1e6 + 4.0, 1e6, 1e6 - 4.0];
        let centred = Centred::new(&HostTensor::f32([2, 4], given).unwrap(), Constant::ToRounding).unwrap();
        assert_eq!((centred.constant, centred.far), (vec![0], vec![1]));
    }
}
