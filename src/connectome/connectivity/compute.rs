//! Computation of connectivity matrices from series. Series are centred in f64; the matrices are computed on a device in f32 where f32 is
//! exact enough, and otherwise on the host in f64.

use super::condition::{beyond_single, largest};
use super::mean::Ended;
use super::measure::{Connectivity, Diagonal, Kind, LARGEST};
use super::shrinkage::Shrinkage;
use crate::blocking::block_on;
use crate::host::Precision;
use crate::ops::spd::inverse;
use crate::statistics::centre::{Centred, Constant, far_warning, listed};
use crate::tensor::parallel;
use crate::{Device, Error, HostTensor, Result, Shape, State, Tape};

/// Connectivity matrices, with the numerical findings of their computation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Matrices {
    /// The matrices, f32 `[.., n, n]` with the leading axes of the series, or `[.., entries]` where they are vectors.
    pub values: HostTensor,
    /// The precision of the computation: f32 on the device, or f64 on the host.
    pub precision: Precision,
    /// The largest condition number, in the 1-norm, of the inverted matrices with variables scaled to variance 1; `None` where nothing was
    /// inverted. Regions that are left out do not count.
    pub condition: Option<f64>,
    /// The end of the iteration for the geometric mean of a tangent.
    pub mean: Option<Ended>,
    /// The rows of the series that need attention.
    pub rows: Rows,
}

/// Rows of series, counted over subjects × regions, that need attention.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Rows {
    /// The rows that are constant; they get zeros.
    pub constant: Vec<usize>,
    /// The rows that are linear combinations of the regions before them, to the rounding of f64; they get zeros in an inverse.
    pub dependent: Vec<usize>,
    /// The rows whose mean is so large relative to their variation that few digits of the variation are left; see [`Centred::far`].
    pub far: Vec<usize>,
}

impl Connectivity {
    /// Computes the matrices `[.., n, n]` of series `[.., n, time]` of any element type and precision, or vectors where
    /// [`vectorise`](Connectivity::vectorise) is set. Series are centred in f64 first. Partial correlation and precision are computed on
    /// the host in f64 where a condition number is above [`CONDITION_IN_SINGLE`](super::condition::CONDITION_IN_SINGLE), and a tangent where f32 does not resolve its mean.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Connectivity::check`]; where series or weights do not fit; where f32 cannot represent the result
    /// in the units of the series; for a tangent in the cases of [`Connectivity::fit`], and with fewer than two subjects; or where the
    /// device reports a fault.
    pub fn compute(&self, device: &Device, series: &HostTensor) -> Result<Matrices> {
        block_on(self.compute_async(device, series))?
    }

    /// The asynchronous form of [`Connectivity::compute`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::compute`].
    pub async fn compute_async(&self, device: &Device, series: &HostTensor) -> Result<Matrices> {
        self.check()?;
        extents(series)?;
        if self.kind == Kind::Tangent {
            return self.fit_transform(device, series).await;
        }
        let centred = self.centred(series)?;
        let given = if self.scale_free() { balanced(&centred) } else { centred };
        let mut made = self.on_device(device, &given).await?;
        let suspect = made.condition.is_some_and(beyond_single) || self.leaves_out(&given, &made)?;
        if self.kind.is_inverse() && suspect {
            made = self.on_host(&given)?;
        }
        self.in_range(&given, &made)?;
        self.written(made)
    }

    /// Series minus their means. Constant series are treated as the kind needs.
    pub(super) fn centred(&self, series: &HostTensor) -> Result<Centred> {
        Centred::new(series, if self.scale_free() { Constant::ToRounding } else { Constant::Exactly })
    }

    /// The matrices, written as vectors where these are asked for.
    pub(super) fn written(&self, made: Matrices) -> Result<Matrices> {
        match self.vectorise {
            None => Ok(made),
            Some(diagonal) => Ok(Matrices { values: vectors(&made.values, diagonal)?, ..made }),
        }
    }

    async fn on_device(&self, device: &Device, given: &Centred) -> Result<Matrices> {
        let series = given.single()?;
        let mut tape = Tape::new();
        let x = tape.input("series", series.ty())?;
        let weights = self.weights.as_ref().map(|w| tape.input("weights", w.ty())).transpose()?;
        let recorded = self.recorded(&mut tape, x, weights)?;
        let mut outputs = vec![recorded.matrices];
        if let Some([gram, inverse]) = recorded.inverted {
            outputs.push(tape.condition(gram, inverse)?);
        }
        let mut program = device.compile_async(&tape, &outputs, &State::new(device)).await?;
        let mut inputs = vec![(x, &series)];
        inputs.extend(weights.zip(self.weights.as_ref()));
        let mut read = program.run_async(&inputs).await?;
        let condition = read.get(1).map(|c| largest(&c.to_f64_vec()));
        let precision = if let Device::Cpu(precision) = device { *precision } else { Precision::F32 };
        let rows = Rows { constant: given.constant.clone(), dependent: Vec::new(), far: given.far.clone() };
        Ok(Matrices { values: read.swap_remove(0).to_real::<f32>(), precision, condition, mean: None, rows })
    }

    /// True where an inverse has rows of zeros for series that are not constant.
    fn leaves_out(&self, given: &Centred, made: &Matrices) -> Result<bool> {
        let n = made.values.shape().last().copied().unwrap_or(1).max(1);
        let zeros = |row: &[f32]| row.iter().all(|x| *x == 0.0);
        let rows = made.values.elements::<f32>()?.chunks_exact(n).enumerate();
        // A single region has a z of 0, so it is not counted.
        Ok(n > 1 && rows.filter(|(_, row)| zeros(row)).any(|(i, _)| given.constant.binary_search(&i).is_err()))
    }

    /// Partial correlation or precision on the host in f64.
    fn on_host(&self, given: &Centred) -> Result<Matrices> {
        let series = given.double()?;
        let mut tape = Tape::new();
        let x = tape.input("series", series.ty())?;
        let weights = self.weights.as_ref().map(|w| tape.input("weights", w.ty())).transpose()?;
        let gram = self.gram(&mut tape, x, weights)?;
        let mut program = Device::oracle().compile(&tape, &[gram])?;
        let mut inputs = vec![(x, &series)];
        inputs.extend(weights.zip(self.weights.as_ref()));
        let gram = program.run(&inputs)?.swap_remove(0);
        let (shape, elements) = (gram.shape(), gram.to_f64_vec());
        let n = shape[shape.rank() - 1];
        let mut each: Vec<(f64, Vec<f64>, Vec<usize>)> = vec![Default::default(); elements.len() / (n * n).max(1)];
        parallel::rows(&mut each, 1, n * n * n, |at, each| each[0] = self.inverted(&elements[at * n * n..][..n * n], n));
        let condition = each.iter().map(|(condition, ..)| *condition).collect::<Vec<_>>();
        let left_out = each.iter().enumerate().flat_map(|(at, (_, _, out))| out.iter().map(move |i| at * n + i));
        let dependent = left_out.filter(|i| given.constant.binary_search(i).is_err()).collect();
        let rows = Rows { constant: given.constant.clone(), dependent, far: given.far.clone() };
        let values = HostTensor::f32(shape, each.iter().flat_map(|(_, m, _)| m.iter().map(|&x| x as f32)).collect())?;
        Ok(Matrices { values, precision: Precision::F64, condition: Some(largest(&condition)), mean: None, rows })
    }

    /// The condition number of one matrix, the result made from its inverse, and the variables that are left out of the inverse.
    fn inverted(&self, gram: &[f64], n: usize) -> (f64, Vec<f64>, Vec<usize>) {
        let (mut omega, left_out) = inverse(gram, n);
        let roots: Vec<f64> = (0..n).map(|i| if left_out.contains(&i) { 0.0 } else { gram[i * (n + 1)].sqrt() }).collect();
        let norm = |entry: &dyn Fn(usize, usize) -> f64| {
            let sums = (0..n).filter(|i| roots[*i] != 0.0).map(|i| (0..n).map(|j| entry(i, j).abs()).sum::<f64>());
            largest(&sums.collect::<Vec<_>>())
        };
        let scaled = |i: usize, j: usize| if roots[i] * roots[j] == 0.0 { 0.0 } else { gram[i * n + j] / (roots[i] * roots[j]) };
        let condition = norm(&scaled) * norm(&|i, j| omega[i * n + j] * roots[i] * roots[j]);
        if self.kind == Kind::PartialCorrelation {
            let scales: Vec<f64> = (0..n).map(|i| if roots[i] == 0.0 { 0.0 } else { omega[i * (n + 1)].sqrt().recip() }).collect();
            for (at, x) in omega.iter_mut().enumerate() {
                let (i, j) = (at / n, at % n);
                *x = match (i == j, self.fisher_z) {
                    (true, true) => 0.0,
                    (true, false) => *x * scales[i] * scales[i],
                    (false, false) => -*x * scales[i] * scales[j],
                    (false, true) => (-*x * scales[i] * scales[j]).clamp(-f64::from(LARGEST), f64::from(LARGEST)).atanh(),
                };
            }
        }
        (condition, omega, left_out)
    }

    /// Checks that f32 can represent the result wherever the series are finite.
    fn in_range(&self, given: &Centred, made: &Matrices) -> Result<()> {
        if given.values.iter().any(|x| !x.is_finite()) {
            return Ok(());
        }
        let (found, n) = (made.values.elements::<f32>()?, made.values.shape().last().copied().unwrap_or(1).max(1));
        let lost = |what: &str| Error::argument(format!("{what} for their {} in f32: other units are expected", self.kind.name()));
        if found.iter().any(|x| !x.is_finite()) {
            return Err(lost(if self.kind == Kind::Precision { "values too large or too small" } else { "values too large" }));
        }
        let mut variances = (0..found.len() / n).map(|row| found[row * n + row % n]).enumerate();
        let small =
            self.kind == Kind::Covariance && variances.any(|(row, v)| v < f32::MIN_POSITIVE && given.constant.binary_search(&row).is_err());
        if small { Err(lost("values too small")) } else { Ok(()) }
    }
}

/// The extents [n, time] of series `[.., n, time]`.
pub(super) fn extents(series: &HostTensor) -> Result<[usize; 2]> {
    match series.shape()[..] {
        [.., regions, frames] if regions > 0 && frames > 1 => Ok([regions, frames]),
        _ => Err(Error::argument(format!("series [.., regions, time] of at least 2 frames are expected, found {}", series.shape()))),
    }
}

/// Scales rows whose squares overflow or underflow in f32 by the power of two that brings their largest value near 1. The scaling is exact
/// and leaves correlations unchanged. Such values occur where missing values are marked by 1e20, or where currents are in amperes.
fn balanced(given: &Centred) -> Centred {
    let mut made = given.clone();
    let rows = given.means.len().max(1);
    for row in made.values.chunks_exact_mut((given.values.len() / rows).max(1)) {
        let most = row.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        if most > 0.0 && most.is_finite() && !(1e-12..1e12).contains(&most) {
            let factor = (-most.log2().floor()).exp2();
            row.iter_mut().for_each(|x| *x *= factor);
        }
    }
    made
}

/// The upper triangles of matrices `[.., n, n]` as vectors, row by row.
fn vectors(matrices: &HostTensor, diagonal: Diagonal) -> Result<HostTensor> {
    let shape = matrices.shape();
    let (n, lead) = (shape[shape.rank() - 1], &shape[..shape.rank() - 2]);
    let skip = usize::from(diagonal == Diagonal::Dropped);
    let of_matrix = |m: &[f32]| (0..n).flat_map(|i| m[i * n + (i + skip).min(n)..(i + 1) * n].to_vec()).collect::<Vec<f32>>();
    let entries = n * (n + 1) / 2 - n * skip;
    let values = matrices.elements::<f32>()?.chunks_exact(n * n).flat_map(of_matrix).collect();
    let shape = Shape::try_new(&[lead, &[entries]].concat()).ok_or_else(|| Error::argument("at most 8 axes are possible"))?;
    HostTensor::f32(shape, values)
}

impl Rows {
    /// The warnings that a user should read before trusting the matrices, one line each. `name` names a row; each line lists at most five
    /// rows.
    pub fn warnings(&self, kind: Kind, name: impl Fn(usize) -> String) -> Vec<String> {
        let whose = if kind == Kind::Tangent { ", in every subject" } else { "" };
        let kinds = [
            (&self.constant, format!("constant series get zeros{whose}")),
            (&self.dependent, "combinations of other regions get zeros".to_owned()),
        ];
        let found = kinds.iter().filter(|(rows, _)| !rows.is_empty()).map(|(rows, what)| format!("{what}: {}", listed(rows, &name)));
        found.chain(far_warning(&self.far, &name)).collect()
    }
}

impl Matrices {
    /// The warnings that a user should read before trusting matrices `[subjects, n, n]`, one line each.
    pub fn warnings(&self, kind: Kind) -> Vec<String> {
        let regions = self.values.shape().last().copied().unwrap_or(1).max(1);
        let mut found = self.rows.warnings(kind, |row| format!("region {} of subject {}", row % regions, row / regions));
        if let Some(mean) = self.mean.filter(|mean| !mean.converged) {
            found.push(format!("the geometric mean has not converged: a step of length {:.1e} is left", mean.residual));
        }
        found
    }
}

impl Connectivity {
    /// A warning for series `[.., n, time]` that are too short for the measure.
    pub fn doubt(&self, series: &HostTensor) -> Option<String> {
        let [regions, frames] = extents(series).ok()?;
        (frames < regions && self.shrinkage() == Shrinkage::None)
            .then(|| format!("fewer frames ({frames}) than regions ({regions}): the matrix is singular; is the layout right?"))
    }
}
