//! The tangents of a group in which subjects lack regions of their own.

use super::compute::{Matrices, extents};
use super::measure::Connectivity;
use super::present::{Whole, selected};
use crate::blocking::block_on;
use crate::{Device, Error, HostTensor, Result, Shape};

/// The tangents of a group, and the mean at which they are taken.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GroupTangents {
    /// The tangents, f32 `[subjects, n, n]`. A region that a subject lacks is NaN in all.
    pub matrices: Matrices,
    /// The geometric mean of the covariances, f32 `[n, n]`, in squared units of the series. A region that a subject lacks is NaN.
    pub reference: HostTensor,
    /// For each region, true where every subject has it.
    pub present: Vec<bool>,
}

impl Connectivity {
    /// Computes the tangents of a group as [`Connectivity::fit_transform_each`] does, from the series `[n, time]` of each subject, whose
    /// lengths may differ. `missing` is true for the regions of a subject whose values are to be ignored; such a region is left out of all.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Connectivity::fit_transform_each`]; where there are fewer than two subjects, `missing` does not
    /// fit, no region is in all subjects, or matrices are to be written as vectors.
    pub fn compute_group(&self, device: &Device, series: &[HostTensor], missing: &[Vec<bool>]) -> Result<GroupTangents> {
        block_on(self.compute_group_async(device, series, missing))?
    }

    /// The asynchronous form of [`Connectivity::compute_group`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::compute_group`].
    pub async fn compute_group_async(&self, device: &Device, series: &[HostTensor], missing: &[Vec<bool>]) -> Result<GroupTangents> {
        let [first, _, ..] = series else {
            return Err(Error::argument(format!("{} subject: a tangent is of a group of at least 2", series.len())));
        };
        if self.vectorise.is_some() {
            return Err(Error::argument("matrices of a group are not written as vectors"));
        }
        let [regions, frames] = extents(first)?;
        for (subject, of) in series.iter().enumerate() {
            let [own, _] = extents(of)?;
            let marks = missing.get(subject).map_or(0, Vec::len);
            if of.shape().rank() != 2 || [own, marks] != [regions; 2] {
                let what = format!("subject {subject}, counted from 0, is {}, with {marks} regions marked as missing or not", of.shape());
                return Err(Error::argument(format!("{what}: [{regions}, time] is expected of each")));
            }
        }
        let present: Vec<bool> = (0..regions).map(|region| missing.iter().all(|of| !of[region])).collect();
        let kept: Vec<usize> = (0..regions).filter(|region| present[*region]).collect();
        if kept.is_empty() {
            return Err(Error::argument("no region has values in all subjects: a tangent is of the regions that all have"));
        }
        let parts = series.iter().map(|of| {
            let frames = extents(of)?[1];
            selected(of, &kept, frames, Shape::from([kept.len(), frames]))
        });
        let (fitted, made) = self.fit_transform_each_async(device, &parts.collect::<Result<Vec<_>>>()?).await?;
        let subjects: Vec<usize> = (0..series.len()).collect();
        let rows: Vec<usize> = subjects.iter().flat_map(|s| kept.iter().map(move |region| s * regions + region)).collect();
        let mut whole = Whole::new(Shape::from([series.len(), regions, frames]), series.len(), regions)?;
        whole.place(&made, &subjects, &kept, &rows)?;
        let mut reference = vec![f32::NAN; regions * regions];
        for (at, x) in fitted.reference.to_f64_vec().into_iter().enumerate() {
            reference[kept[at / kept.len()] * regions + kept[at % kept.len()]] = x as f32;
        }
        Ok(GroupTangents { matrices: whole.matrices()?, reference: HostTensor::f32([regions, regions], reference)?, present })
    }
}
