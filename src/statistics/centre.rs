//! Series minus their means. Means and deviations are computed and subtracted in f64 on the given values, so that f32 then holds the
//! variation, however large the mean is.

use super::standardise::Moments;
use crate::tensor::parallel;
use crate::{HostTensor, Result, Shape};

/// A ratio of mean to deviation above this leaves few digits of the variation: for values held in f64, and for those held in f32.
const FAR: [f64; 2] = [1e7, 1e5];

/// A ratio of mean to deviation up to which f32 holds a row as it is.
const NEAR: f64 = 10.0;

/// The number of names that a warning lists.
const LISTED: usize = 5;

/// The names of rows, at most five of them, for a warning.
pub(crate) fn listed(rows: &[usize], name: impl Fn(usize) -> String) -> String {
    let more = if rows.len() > LISTED { format!(" and {} more", rows.len() - LISTED) } else { String::new() };
    rows.iter().take(LISTED).map(|&row| name(row)).collect::<Vec<_>>().join(", ") + &more
}

/// The warning about rows whose mean leaves few digits of the variation; `None` where there are no such rows. `name` names a row.
pub(crate) fn far_warning(far: &[usize], name: impl Fn(usize) -> String) -> Option<String> {
    let what = "the mean is so large beside what varies that few digits of that are left";
    (!far.is_empty()).then(|| format!("{what}: {}", listed(far, name)))
}

/// Rows of series `[.., time]` minus their means, with the numerical findings about each.
#[derive(Debug, Clone)]
pub struct Centred {
    shape: Shape,
    /// The values x − μ, row-major. They are exactly 0 throughout a constant row, and NaN throughout a row with a value that is not finite.
    pub values: Vec<f64>,
    /// The mean μ of each row.
    pub means: Vec<f64>,
    /// The rows that are constant.
    pub constant: Vec<usize>,
    /// The rows whose mean is more than 10⁷ deviations from 0, or 10⁵ where they are held in f32, so that few digits of the variation are
    /// left.
    pub far: Vec<usize>,
    /// True where a row's mean is so large beside its deviation that f32 would not hold the row as it is.
    pub off_centre: bool,
}

/// The criterion by which a row counts as constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    /// All values of the row are equal.
    Exactly,
    /// The row varies no more than rounding explains, by the rule of [`standardise`](super::standardise) with the ε of the type that holds
    /// the values.
    ToRounding,
}

impl Centred {
    /// Centres series `[.., time]` of any element type.
    ///
    /// # Errors
    /// No tensor causes an error; the result is that of making a tensor.
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
        let beyond = |row: &Row, ratio: f64| !row.constant && row.mean.abs() > ratio * row.deviation;
        let is_far = |row: &Row| beyond(row, far);
        Ok(Self {
            shape,
            values,
            means: found.iter().map(|row| row.mean).collect(),
            constant: rows(&|row| row.constant),
            far: rows(&is_far),
            off_centre: found.iter().any(|row| beyond(row, NEAR)),
        })
    }

    /// The centred series in f32 for a tape, in the given shape.
    ///
    /// # Errors
    /// The same as those of [`Centred::new`].
    pub fn single(&self) -> Result<HostTensor> {
        HostTensor::f32(self.shape, self.values.iter().map(|&x| x as f32).collect())
    }

    /// The centred series held in double precision, for the host.
    ///
    /// # Errors
    /// The same as those of [`Centred::new`].
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
    /// Subtracts the mean from `row`.
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
