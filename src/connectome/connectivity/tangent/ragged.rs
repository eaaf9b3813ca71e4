//! Connectivity of subjects whose series differ in length, one tensor `[n, time]` for each.

use super::super::present::Whole;
use super::{Connectivity, Ended, Fitted, Kind, Matrices, NILEARN, OnDevice, SINGLE, Shrinkage, Stop, extents, level};
use crate::blocking::block_on;
use crate::host::Precision;
use crate::statistics::centre::Centred;
use crate::{Device, Error, HostTensor, Result, Shape};

/// Subjects whose series have the same length: their places in the list, and their series `[members, n, time]`.
struct Group {
    members: Vec<usize>,
    series: HostTensor,
}

impl Connectivity {
    /// Computes the matrices `[subjects, n, n]` as [`Connectivity::compute`] does, of series `[n, time]` of each subject.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::compute`], and an error where there is no subject or the numbers of regions differ.
    pub fn compute_each(&self, device: &Device, series: &[HostTensor]) -> Result<Matrices> {
        block_on(self.compute_each_async(device, series))?
    }

    /// The asynchronous form of [`Connectivity::compute_each`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::compute_each`].
    pub async fn compute_each_async(&self, device: &Device, series: &[HostTensor]) -> Result<Matrices> {
        self.check()?;
        if self.kind == Kind::Tangent {
            return match series.len() {
                0 | 1 => Err(Error::argument(format!("{} subject: a tangent is of a group of at least 2", series.len()))),
                _ => Ok(self.fit_transform_each_async(device, series).await?.1),
            };
        }
        let (n, groups) = grouped(series)?;
        let mut whole = Whole::new(Shape::from([series.len(), n, 1]), series.len(), n)?;
        let all: Vec<usize> = (0..n).collect();
        let matrices = Self { vectorise: None, ..self.clone() };
        for Group { members, series } in &groups {
            let rows: Vec<usize> = members.iter().flat_map(|member| all.iter().map(move |region| member * n + region)).collect();
            whole.place(&matrices.compute_async(device, series).await?, members, &all, &rows)?;
        }
        self.written(whole.matrices()?)
    }

    /// Fits the tangent space as [`Connectivity::fit`] does, to series `[n, time]` of each subject, and returns it with the subjects'
    /// tangents.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::fit`], and an error where there is no subject or the numbers of regions differ.
    pub fn fit_transform_each(&self, device: &Device, series: &[HostTensor]) -> Result<(Fitted, Matrices)> {
        block_on(self.fit_transform_each_async(device, series))?
    }

    /// The asynchronous form of [`Connectivity::fit_transform_each`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::fit_transform_each`].
    pub async fn fit_transform_each_async(&self, device: &Device, series: &[HostTensor]) -> Result<(Fitted, Matrices)> {
        self.check()?;
        if self.kind != Kind::Tangent {
            return Err(Error::argument(format!("a tangent is fitted, and not a {}", self.kind.name())));
        }
        let (n, groups) = grouped(series)?;
        let centred = groups.iter().map(|group| self.centred(&group.series)).collect::<Result<Vec<_>>>()?;
        if centred.iter().any(|c| c.values.iter().any(|x| !x.is_finite())) {
            return Err(Error::argument("series of finite numbers are expected for a tangent: the mean of a group is of all of them"));
        }
        let mut kept = vec![true; n];
        centred.iter().flat_map(|c| &c.constant).for_each(|row| kept[row % n] = false);
        let factor = match self.shrinkage() {
            Shrinkage::Ridge(_) => 1.0,
            _ => centred.first().map_or(1.0, level),
        };
        let mut covariances = self.covariances_each(device, &groups, &centred, &kept, factor).await?;
        let tolerance = match (self.tolerance, self.shrinkage) {
            (Some(tolerance), _) => tolerance,
            (None, None) => NILEARN * (n * n) as f64,
            (None, Some(_)) => Stop::default().tolerance,
        };
        let (mean, ended) = covariances.geometric_mean(Stop { tolerance, unconverged: self.unconverged, ..Stop::default() }).await?;
        let scale = |at: usize| if kept[at / n] && kept[at % n] { factor * factor } else { 1.0 };
        let reference = mean.to_f64_vec().into_iter().enumerate().map(|(at, x)| x / scale(at)).collect::<Vec<f64>>();
        let fitted = Fitted { reference: HostTensor::real([n, n], reference)?, kept, ended, measure: self.clone(), factor };
        let tangents = fitted.projected(Shape::from([series.len(), n, 1]), &merged(&groups, &centred, n)?, &covariances).await?;
        Ok((fitted, tangents))
    }

    /// The covariances of all subjects in the order of the list.
    async fn covariances_each(
        &self,
        device: &Device,
        groups: &[Group],
        centred: &[Centred],
        kept: &[bool],
        factor: f64,
    ) -> Result<OnDevice> {
        if let ([group], [centred]) = (groups, centred) {
            return self.covariances(device, group.series.shape(), centred, kept, factor, &|at| group.members[at]).await;
        }
        let n = kept.len();
        let mut all = vec![0.0; groups.iter().map(|g| g.members.len()).sum::<usize>() * n * n];
        for (group, centred) in groups.iter().zip(centred) {
            let found = self.covariances(&Device::oracle(), group.series.shape(), centred, kept, factor, &|at| group.members[at]).await?;
            let found = found.matrices().await?.to_f64_vec();
            for (member, matrix) in group.members.iter().zip(found.chunks_exact(n * n)) {
                all[member * n * n..][..n * n].copy_from_slice(matrix);
            }
        }
        let all = HostTensor::real([all.len() / (n * n), n, n], all)?;
        let covariances = OnDevice::record(&Device::oracle(), &all, |_, x| Ok(x)).await?;
        match device {
            Device::Gpu(_) if covariances.condition() <= SINGLE => OnDevice::record(device, &all.to_real::<f32>(), |_, x| Ok(x)).await,
            _ => Ok(covariances),
        }
    }
}

impl Fitted {
    /// The tangent space of `measure` at a reference `[n, n]` that was fitted before, such as one from a file. `kept` is false for each
    /// region that the reference leaves out.
    ///
    /// # Errors
    /// Returns an error where the measure is no tangent, or the reference is not `[n, n]` with finite variances above 0 for n regions.
    pub fn at(measure: &Connectivity, reference: HostTensor, kept: Vec<bool>) -> Result<Self> {
        let n = kept.len();
        if measure.kind != Kind::Tangent {
            return Err(Error::argument(format!("a tangent has a reference, and not a {}", measure.kind.name())));
        }
        if *reference.shape() != [n, n] {
            return Err(Error::argument(format!("a reference [{n}, {n}] is expected, found {}", reference.shape())));
        }
        let reference = reference.to_real::<f64>();
        let values = reference.to_f64_vec();
        let variances: Vec<f64> = (0..n).filter(|i| kept[*i]).map(|i| values[i * (n + 1)]).collect();
        if values.iter().any(|x| !x.is_finite()) || variances.iter().any(|v| *v <= 0.0) {
            return Err(Error::argument("a reference of finite numbers with variances above 0 is expected"));
        }
        let mean = variances.iter().sum::<f64>() / variances.len().max(1) as f64;
        let ridge = matches!(measure.shrinkage(), Shrinkage::Ridge(_)) || mean == 0.0;
        let factor = if ridge { 1.0 } else { (-0.5 * mean.log2()).round().exp2() };
        let ended = Ended { residual: f64::NAN, tolerance: f64::INFINITY, steps: 0, converged: true, precision: Precision::F64 };
        Ok(Self { reference, kept, ended, measure: measure.clone(), factor })
    }

    /// The tangents `[subjects, n, n]` as [`Fitted::transform`] has them, of series `[n, time]` of each subject.
    ///
    /// # Errors
    /// The same as those of [`Fitted::transform`], and an error where there is no subject or the numbers of regions differ.
    pub fn transform_each(&self, device: &Device, series: &[HostTensor]) -> Result<Matrices> {
        block_on(self.transform_each_async(device, series))?
    }

    /// The asynchronous form of [`Fitted::transform_each`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Fitted::transform_each`].
    pub async fn transform_each_async(&self, device: &Device, series: &[HostTensor]) -> Result<Matrices> {
        let (n, groups) = grouped(series)?;
        let mut whole = Whole::new(Shape::from([series.len(), n, 1]), series.len(), n)?;
        let all: Vec<usize> = (0..n).collect();
        let vectorise = self.measure.vectorise;
        let plain = Self { measure: Connectivity { vectorise: None, ..self.measure.clone() }, ..self.clone() };
        for Group { members, series } in &groups {
            let rows: Vec<usize> = members.iter().flat_map(|member| all.iter().map(move |region| member * n + region)).collect();
            let made = plain.transformed(device, series, &|at| members[at]).await?;
            whole.place(&made, members, &all, &rows)?;
        }
        Connectivity { vectorise, ..self.measure.clone() }.written(whole.matrices()?)
    }

    /// The covariances M^½ exp(X) M^½ `[.., n, n]` whose tangents at the reference M are X `[.., n, n]`, computed on the host in f64.
    ///
    /// # Errors
    /// Returns an error where the tangents are not `[.., n, n]` of the reference's size.
    pub fn inverse(&self, tangents: &HostTensor) -> Result<HostTensor> {
        let (n, shape) = (self.kept.len(), tangents.shape());
        if shape.rank() < 2 || shape[shape.rank() - 1] != n || shape[shape.rank() - 2] != n {
            return Err(Error::argument(format!("tangents [.., {n}, {n}] are expected, found {shape}")));
        }
        let mut tape = crate::Tape::new();
        let (x, reference) = (tape.input("tangents", tangents.ty())?, tape.input("reference", self.reference.ty())?);
        let covariances = tape.cone_projection(x, reference, super::super::mean::FLOOR)?;
        let mut program = Device::oracle().compile(&tape, &[covariances])?;
        Ok(program.run(&[(x, &tangents.to_real::<f64>()), (reference, &self.reference)])?.remove(0))
    }

    /// M^−½ `[n, n]` of the reference M, which whitens a covariance; computed on the host in f64.
    ///
    /// # Errors
    /// Returns an error where the reference has no such root.
    pub fn whitening(&self) -> Result<HostTensor> {
        let mut tape = crate::Tape::new();
        let reference = tape.input("reference", self.reference.ty())?;
        let root = tape.matrix_inverse_sqrt(reference, super::super::mean::FLOOR)?;
        let mut program = Device::oracle().compile(&tape, &[root])?;
        Ok(program.run(&[(reference, &self.reference)])?.remove(0))
    }
}

/// The number of regions, and the subjects by the length of their series.
fn grouped(series: &[HostTensor]) -> Result<(usize, Vec<Group>)> {
    let mut lengths: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut regions = None;
    for (subject, one) in series.iter().enumerate() {
        let wrong = |what: String| Error::argument(format!("subject {subject} (counted from 0): {what}"));
        let [n, frames] = extents(one).map_err(|e| wrong(e.to_string()))?;
        if one.shape().rank() != 2 {
            return Err(wrong(format!("series [regions, time] are expected, found {}", one.shape())));
        }
        let before = *regions.get_or_insert(n);
        if before != n {
            return Err(wrong(format!("{n} regions, and the subjects before it have {before}")));
        }
        match lengths.iter_mut().find(|(same, _)| *same == frames) {
            Some((_, members)) => members.push(subject),
            None => lengths.push((frames, vec![subject])),
        }
    }
    let n = regions.ok_or_else(|| Error::argument("series of at least one subject are expected"))?;
    let group = |(frames, members): (usize, Vec<usize>)| {
        let of = members.iter().map(|&member| &series[member]);
        let shape = Shape::from([members.len(), n, frames]);
        let series = match of.clone().all(|one| one.as_f32().is_some()) {
            true => HostTensor::f32(shape, of.flat_map(|one| one.as_f32().unwrap_or_default().iter().copied()).collect())?,
            false => HostTensor::real(shape, of.flat_map(HostTensor::to_f64_vec).collect::<Vec<f64>>())?,
        };
        Ok(Group { members, series })
    };
    Ok((n, lengths.into_iter().map(group).collect::<Result<_>>()?))
}

/// The findings about all subjects' rows, counted in the order of the list.
fn merged(groups: &[Group], centred: &[Centred], n: usize) -> Result<Centred> {
    let mut all = Centred::new(&HostTensor::zeros(crate::TensorType::f32([0, 1])), crate::statistics::centre::Constant::Exactly)?;
    for (group, centred) in groups.iter().zip(centred) {
        let moved = |rows: &[usize]| rows.iter().map(|row| group.members[row / n] * n + row % n).collect::<Vec<_>>();
        all.constant.extend(moved(&centred.constant));
        all.far.extend(moved(&centred.far));
    }
    all.constant.sort_unstable();
    all.far.sort_unstable();
    Ok(all)
}
