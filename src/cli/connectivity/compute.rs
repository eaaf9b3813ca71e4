//! From series to matrices.

use super::warnings::constant;
use super::{Connectivity, Kind};
use crate::connectome::connectivity::shrinkage::Shrinkage;
use crate::{Device, Error, HostTensor, Init, Result, Tape, Var};

/// What eigenvalues are held to, of covariances whose variances are about 1.
const FLOOR: f32 = 1e-7;

/// Steps to the geometric mean; each takes about a digit, and more the nearer the subjects are to one another.
const STEPS: usize = 50;

/// A step this long, for each region, is lost in the rounding of f32; one a hundred times as long is not.
const REACHED: f32 = 1e-7;
pub(super) const CONVERGED: f32 = 1e-5;

/// What is written.
pub(super) struct Matrices {
    /// `[.., regions, regions]`.
    pub(super) values: HostTensor,
    /// The length of the last step to the geometric mean, where there is one.
    pub(super) residual: Option<f32>,
}

impl Connectivity {
    pub(super) fn compute(&self, device: &Device, series: &HostTensor) -> Result<Matrices> {
        let series = &match self.kind {
            _ if self.scale_free() => balanced(series)?,
            Kind::Tangent if !matches!(self.shrinkage(), Shrinkage::Ridge(_)) => levelled(series)?,
            _ => series.clone(),
        };
        let made = match self.kind {
            Kind::Tangent => self.tangent(device, series)?,
            _ => Matrices { values: self.matrices(device, series)?, residual: None },
        };
        match self.beyond_range(series, &made.values)? {
            Some(what) => Err(Error::file(&self.series, format!("{what} for their {} in f32: other units are expected", self.kind.name()))),
            None => Ok(made),
        }
    }

    fn matrices(&self, device: &Device, series: &HostTensor) -> Result<HostTensor> {
        let mut tape = Tape::new();
        let x = tape.input("series", series.ty())?;
        let matrices = match self.kind {
            Kind::Correlation if self.shrinkage() == Shrinkage::None => tape.correlation(x, None, self.fisher_z)?,
            Kind::Correlation => {
                // Of unit variance, so that a ridge is a share of it.
                let units = tape.standardise(x)?.0;
                let frames = series.shape()[series.shape().rank() - 1];
                let scaled = tape.scale(units, ((frames - 1) as f32).sqrt())?;
                let covariance = tape.shrunk_covariance(scaled, self.shrinkage())?.covariance;
                let correlation = tape.normalised(covariance)?;
                self.fisher(&mut tape, correlation)?
            }
            Kind::PartialCorrelation => {
                let partial = match self.shrinkage() {
                    Shrinkage::None => tape.partial_correlation(x)?,
                    shrinkage => {
                        let covariance = tape.shrunk_covariance(x, shrinkage)?.covariance;
                        tape.partial_correlation_of(covariance)?
                    }
                };
                self.fisher(&mut tape, partial)?
            }
            Kind::Precision if self.shrinkage() == Shrinkage::None => tape.series_precision(x, 1)?,
            Kind::Precision => {
                let covariance = tape.shrunk_covariance(x, self.shrinkage())?.covariance;
                tape.precision(covariance)?
            }
            _ => tape.shrunk_covariance(x, self.shrinkage())?.covariance,
        };
        let mut program = device.compile(&tape, &[matrices])?;
        program.write(x, series)?;
        program.step()?;
        program.read(matrices)
    }

    fn fisher(&self, tape: &mut Tape, r: Var) -> Result<Var> {
        if !self.fisher_z {
            return Ok(r);
        }
        let n = tape.shape(r).last().copied().unwrap_or(1);
        let held = tape.clamp(r, -0.999_999, 0.999_999)?;
        let z = tape.atanh(held)?;
        let off = (0..n * n).map(|at| if at.is_multiple_of(n + 1) { 0.0 } else { 1.0 }).collect();
        let off = tape.constant(HostTensor::f32([n, n], off)?)?;
        tape.mul(z, off)
    }

    /// log(M^−½ Σ M^−½) of each subject, M the geometric mean; regions that are constant in a subject are left out of all.
    fn tangent(&self, device: &Device, series: &HostTensor) -> Result<Matrices> {
        let shape = series.shape();
        let [regions, frames] = [shape[shape.rank() - 2], shape[shape.rank() - 1]];
        let mut kept = vec![1.0f32; regions];
        let rows = series.elements::<f32>()?.chunks_exact(frames).enumerate();
        rows.filter(|(_, row)| constant(row, self.scale_free())).for_each(|(i, _)| kept[i % regions] = 0.0);

        let mut tape = Tape::new();
        let x = tape.input("series", series.ty())?;
        let mask = tape.constant(HostTensor::f32([regions, 1], kept.clone())?)?;
        let x_kept = tape.mul(x, mask)?;
        let covariance = tape.shrunk_covariance(x_kept, self.shrinkage())?.covariance;
        // What is left out has variance 1 in every subject, and so a tangent of 0.
        let out: Vec<f32> =
            (0..regions * regions).map(|at| if at.is_multiple_of(regions + 1) { 1.0 - kept[at / regions] } else { 0.0 }).collect();
        let out = tape.constant(HostTensor::f32([regions, regions], out)?)?;
        let covariance = tape.add(covariance, out)?;
        let mean = tape.mean_euclidean(covariance)?;
        let mut program = device.compile(&tape, &[covariance, mean])?;
        program.write(x, series)?;
        program.step()?;
        let (covariances, mean) = (program.read(covariance)?, program.read(mean)?);
        let (mean, residual) = geometric_mean(device, &covariances, mean)?;

        let mut tape = Tape::new();
        let (x, m) = (tape.constant(covariances)?, tape.constant(mean)?);
        let tangent = tape.tangent_projection(x, m, FLOOR)?;
        let both: Vec<f32> = (0..regions * regions).map(|at| kept[at / regions] * kept[at % regions]).collect();
        let both = tape.constant(HostTensor::f32([regions, regions], both)?)?;
        let tangent = tape.mul(tangent, both)?;
        let mut program = device.compile(&tape, &[tangent])?;
        program.step()?;
        Ok(Matrices { values: program.read(tangent)?, residual: Some(residual) })
    }

    /// Whether single precision lost the result, and how.
    fn beyond_range(&self, series: &HostTensor, matrices: &HostTensor) -> Result<Option<&'static str>> {
        let (found, n) = (matrices.elements::<f32>()?, matrices.shape()[matrices.shape().rank() - 1]);
        if found.iter().any(|x| !x.is_finite()) {
            return Ok(Some(if self.kind == Kind::Precision { "values too large or too small" } else { "values too large" }));
        }
        let time = series.shape()[series.shape().rank() - 1];
        let variances = (0..found.len() / n).map(|row| found[row * n + row % n]);
        let rows = series.elements::<f32>()?.chunks_exact(time);
        let lost = rows.zip(variances).any(|(row, v)| v < f32::MIN_POSITIVE && !constant(row, self.scale_free()));
        Ok((self.kind == Kind::Covariance && lost).then_some("values too small"))
    }
}

/// The geometric mean of matrices from their Euclidean one, step by step until none is left, and the length of the last.
fn geometric_mean(device: &Device, matrices: &HostTensor, start: HostTensor) -> Result<(HostTensor, f32)> {
    let n = start.shape().last().copied().unwrap_or(1);
    let mut tape = Tape::new();
    let x = tape.constant(matrices.clone())?;
    let mean = tape.state("mean", start.ty(), Init::Value(start))?;
    let next = tape.karcher_step(x, mean, FLOOR)?;
    tape.assign(mean, next.mean)?;
    let mut program = device.compile(&tape, &[next.residual])?;
    let mut last = f32::MAX;
    for _ in 0..STEPS {
        program.step()?;
        let residual = program.read(next.residual)?.elements::<f32>()?.first().copied().unwrap_or(0.0);
        // Rounding is all that is left, too, where steps no longer become shorter.
        let stalled = residual <= CONVERGED * n as f32 && residual > 0.5 * last;
        last = residual;
        if residual <= REACHED * n as f32 || stalled {
            break;
        }
    }
    Ok((program.state().read("mean")?, last))
}

/// Rows whose squares f32 would not hold, times the power of two that brings their largest value near 1: exact, and their correlations
/// are the same. Files hold such values where a missing one is marked by 1e20, or currents are in amperes.
fn balanced(series: &HostTensor) -> Result<HostTensor> {
    let time = series.shape()[series.shape().rank() - 1];
    let mut values = series.elements::<f32>()?.to_vec();
    for row in values.chunks_exact_mut(time) {
        let largest = f64::from(row.iter().fold(0.0, |m: f32, x| m.max(x.abs())));
        if largest > 0.0 && !(1e-12..1e12).contains(&largest) {
            let factor = (-largest.log2().floor()).exp2();
            row.iter_mut().for_each(|x| *x = (f64::from(*x) * factor) as f32);
        }
    }
    HostTensor::f32(series.shape(), values)
}

/// All rows times the one power of two that brings their variances near 1, which changes no tangent.
fn levelled(series: &HostTensor) -> Result<HostTensor> {
    let shape = series.shape();
    let rows = series.elements::<f32>()?.chunks_exact(shape[shape.rank() - 1]);
    let variance = |row: &[f32]| {
        let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / row.len() as f64;
        row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / row.len() as f64
    };
    let varying: Vec<f64> = rows.map(variance).filter(|v| *v > 0.0).collect();
    let mean = varying.iter().sum::<f64>() / varying.len().max(1) as f64;
    let factor = if mean > 0.0 { (-0.5 * mean.log2()).round().exp2() } else { 1.0 };
    HostTensor::f32(shape, series.elements::<f32>()?.iter().map(|&x| (f64::from(x) * factor) as f32).collect())
}
