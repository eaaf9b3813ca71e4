//! The tangent space of a group: the covariances of its subjects, mapped to the tangent space at their geometric mean (Varoquaux et al.
//! 2010).

use super::compute::{Matrices, Rows, extents};
use super::mean::{Ended, OnDevice, SINGLE, Stop};
use super::measure::{Connectivity, Kind};
use super::shrinkage::Shrinkage;
use crate::blocking::block_on;
use crate::statistics::centre::Centred;
use crate::tape::{Tape, Var};
use crate::{Device, Error, HostTensor, Result, Shape};

mod ragged;

/// The value of ‖mean log‖/n² at which nilearn's geometric mean stops.
///
/// nilearn's tangents depend on the step at which its mean stops: for 64 to 122 regions of real recordings (5 to 40 subjects, defaults)
/// they lie 2·10⁻⁵ to 1·10⁻⁴ from the tangents of the converged mean, where entries reach 2. A default that converges would miss nilearn by
/// that; this rule gives the same to 10⁻⁷. A tolerance or a shrinkage that is given asks for the mean itself.
const NILEARN: f64 = 1e-7;

/// A tangent space fitted to a group, into which the series of other subjects can be mapped too.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Fitted {
    /// The geometric mean `[n, n]` of the group's covariances, held in double precision. A region that is left out has 1 on the diagonal.
    pub reference: HostTensor,
    /// For each region, true where it is kept: where it is constant in no subject of the group.
    pub kept: Vec<bool>,
    /// The end of the iteration for the mean.
    pub ended: Ended,
    measure: Connectivity,
    /// The power of two by which series are multiplied so that their variances are about 1. The reference is in the units of the original
    /// series.
    factor: f64,
}

impl Connectivity {
    /// Fits the tangent space of the subjects' series `[.., n, time]`, at the geometric mean of their covariances.
    ///
    /// # Errors
    /// Returns an error where the kind is not [`Kind::Tangent`] or the series do not fit; where a covariance is not positive definite (the
    /// message names the subject); where the mean has not converged and [`Connectivity::unconverged`] is not set; or where the device
    /// reports a fault.
    pub fn fit(&self, device: &Device, series: &HostTensor) -> Result<Fitted> {
        block_on(self.fit_async(device, series))?
    }

    /// The asynchronous form of [`Connectivity::fit`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::fit`].
    pub async fn fit_async(&self, device: &Device, series: &HostTensor) -> Result<Fitted> {
        Ok(self.fitted(device, series).await?.0)
    }

    pub(super) async fn fit_transform(&self, device: &Device, series: &HostTensor) -> Result<Matrices> {
        let subjects: usize = series.shape()[..series.shape().rank() - 2].iter().product();
        if subjects < 2 {
            return Err(Error::argument(format!(
                "{subjects} subject: a tangent is of a group, [subjects, regions, time] of at least 2 is expected"
            )));
        }
        let (fitted, centred, covariances) = self.fitted(device, series).await?;
        fitted.projected(series.shape(), &centred, &covariances).await
    }

    async fn fitted(&self, device: &Device, series: &HostTensor) -> Result<(Fitted, Centred, OnDevice)> {
        self.check()?;
        if self.kind != Kind::Tangent {
            return Err(Error::argument(format!("a tangent is fitted, and not a {}", self.kind.name())));
        }
        let [n, _] = extents(series)?;
        let centred = self.centred(series)?;
        if centred.values.iter().any(|x| !x.is_finite()) {
            return Err(Error::argument("series of finite numbers are expected for a tangent: the mean of a group is of all of them"));
        }
        let mut kept = vec![true; n];
        centred.constant.iter().for_each(|row| kept[row % n] = false);
        let factor = if matches!(self.shrinkage(), Shrinkage::Ridge(_)) { 1.0 } else { level(&centred) };
        let mut covariances = self.covariances(device, series.shape(), &centred, &kept, factor, &|subject| subject).await?;
        let tolerance = match (self.tolerance, self.shrinkage) {
            (Some(tolerance), _) => tolerance,
            (None, None) => NILEARN * (n * n) as f64,
            (None, Some(_)) => Stop::default().tolerance,
        };
        let stop = Stop { tolerance, unconverged: self.unconverged, ..Stop::default() };
        let (mean, ended) = covariances.geometric_mean(stop).await?;
        // An entry that is left out is 1, whatever factor the series are multiplied by.
        let scale = |at: usize| if kept[at / n] && kept[at % n] { factor * factor } else { 1.0 };
        let reference = mean.to_f64_vec().into_iter().enumerate().map(|(at, x)| x / scale(at)).collect::<Vec<f64>>();
        let reference = HostTensor::real([n, n], reference)?;
        Ok((Fitted { reference, kept, ended, measure: self.clone(), factor }, centred, covariances))
    }

    /// The covariances of subjects, on the device where f32 is exact enough for the later computations, otherwise on the host in f64.
    /// `number` gives the number of a subject for messages.
    async fn covariances(
        &self,
        device: &Device,
        shape: Shape,
        centred: &Centred,
        kept: &[bool],
        factor: f64,
        number: &dyn Fn(usize) -> usize,
    ) -> Result<OnDevice> {
        let (n, frames) = (kept.len(), shape[shape.rank() - 1]);
        let values: Vec<f64> = centred.values.iter().map(|x| x * factor).collect();
        let series = HostTensor::real([values.len() / (n * frames), n, frames], values)?;
        let record = |tape: &mut Tape, x: Var| self.record_kept(tape, x, kept);
        if matches!(device, Device::Gpu(_)) {
            let covariances = OnDevice::record(device, &series.to_real::<f32>(), record).await?;
            if covariances.condition() <= SINGLE {
                return Ok(covariances);
            }
        }
        let covariances = OnDevice::record(&Device::oracle(), &series, record).await?;
        covariances.definite(|subject| format!("the covariance of subject {} (counted from 0)", number(subject)))?;
        Ok(covariances)
    }

    /// Covariances in which a region that is not kept has variance 1 in every subject, and so a tangent of 0.
    fn record_kept(&self, tape: &mut Tape, x: Var, kept: &[bool]) -> Result<Var> {
        let n = kept.len();
        let one = |of: bool| if of { 1.0 } else { 0.0 };
        let mask = tape.constant(HostTensor::f32([n, 1], kept.iter().map(|k| one(*k)).collect())?)?;
        let kept_series = tape.mul(x, mask)?;
        let covariance = tape.shrunk_covariance(kept_series, self.shrinkage())?.covariance;
        let out = (0..n * n).map(|at| one(at.is_multiple_of(n + 1) && !kept[at / n])).collect();
        let out = tape.constant(HostTensor::f32([n, n], out)?)?;
        tape.add(covariance, out)
    }
}

impl Fitted {
    /// The tangents log(M^−½ C M^−½) `[.., n, n]`, or vectors, of the covariances C of series `[.., n, time]` at the reference M. Regions
    /// that are left out get zeros.
    ///
    /// # Errors
    /// Returns an error where the series do not fit, a region that the reference keeps is constant in a subject, a covariance is not
    /// positive definite, or the device reports a fault.
    pub fn transform(&self, device: &Device, series: &HostTensor) -> Result<Matrices> {
        block_on(self.transform_async(device, series))?
    }

    /// The asynchronous form of [`Fitted::transform`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Fitted::transform`].
    pub async fn transform_async(&self, device: &Device, series: &HostTensor) -> Result<Matrices> {
        self.transformed(device, series, &|subject| subject).await
    }

    /// The tangents of subjects, whose numbers for messages `number` gives.
    async fn transformed(&self, device: &Device, series: &HostTensor, number: &dyn Fn(usize) -> usize) -> Result<Matrices> {
        let [n, _] = extents(series)?;
        if n != self.kept.len() {
            return Err(Error::argument(format!("series of {} regions are expected, found {n}", self.kept.len())));
        }
        let centred = self.measure.centred(series)?;
        if let Some(row) = centred.constant.iter().find(|row| self.kept[*row % n]) {
            let what =
                format!("region {} of subject {} (counted from 0) is constant, and the reference holds it", row % n, number(row / n));
            return Err(Error::argument(what));
        }
        let covariances = self.measure.covariances(device, series.shape(), &centred, &self.kept, self.factor, number).await?;
        self.projected(series.shape(), &centred, &covariances).await
    }

    async fn projected(&self, shape: Shape, centred: &Centred, covariances: &OnDevice) -> Result<Matrices> {
        let n = self.kept.len();
        let scale = |at: usize| if self.kept[at / n] && self.kept[at % n] { self.factor * self.factor } else { 1.0 };
        let reference = self.reference.to_f64_vec().into_iter().enumerate().map(|(at, x)| x * scale(at)).collect::<Vec<f64>>();
        let tangents = covariances.projected(&HostTensor::real([n, n], reference)?).await?;
        let mut values = tangents.to_real::<f32>().elements::<f32>()?.to_vec();
        for (at, x) in values.iter_mut().enumerate() {
            if !(self.kept[at / n % n] && self.kept[at % n]) {
                *x = 0.0;
            }
        }
        let values = HostTensor::f32(shape.with(shape.rank() - 1, n), values)?;
        let rows = Rows { constant: centred.constant.clone(), dependent: Vec::new(), far: centred.far.clone() };
        self.measure.written(Matrices { values, precision: self.ended.precision, condition: None, mean: Some(self.ended), rows })
    }
}

/// The power of two that brings the variances of series near 1; it changes no tangent.
fn level(centred: &Centred) -> f64 {
    let squares: f64 = centred.values.iter().map(|x| x * x).sum();
    let varying = centred.values.iter().filter(|x| **x != 0.0).count();
    let mean = squares / varying.max(1) as f64;
    if mean > 0.0 && mean.is_finite() { (-0.5 * mean.log2()).round().exp2() } else { 1.0 }
}
