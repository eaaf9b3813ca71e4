//! Connectivity of series in which some regions have no value, such as those that XCP-D leaves out for their coverage.

use super::compute::{Matrices, Rows, extents};
use super::measure::{Connectivity, Kind};
use crate::blocking::block_on;
use crate::host::Precision;
use crate::{Device, Error, HostTensor, Result, Shape};

impl Connectivity {
    /// Computes the matrices as [`Connectivity::compute`] does, from the regions that have values. `missing` is true for each row of the
    /// series, that is for each region of each subject, whose values are to be ignored. The rows and columns of such a region are NaN. A
    /// tangent is of a group: a region that one subject lacks is left out of all.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::compute`]; and an error where `missing` does not fit the series, or a subject has no region left.
    pub fn compute_present(&self, device: &Device, series: &HostTensor, missing: &[bool]) -> Result<Matrices> {
        block_on(self.compute_present_async(device, series, missing))?
    }

    /// The asynchronous form of [`Connectivity::compute_present`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::compute_present`].
    pub async fn compute_present_async(&self, device: &Device, series: &HostTensor, missing: &[bool]) -> Result<Matrices> {
        if !missing.contains(&true) {
            return self.compute_async(device, series).await;
        }
        let [regions, frames] = extents(series)?;
        let subjects = series.shape().elements() / (regions * frames);
        if missing.len() != subjects * regions {
            return Err(Error::argument(format!("{} rows marked as missing or not, of series {}", missing.len(), series.shape())));
        }
        let mut whole = Whole::new(series.shape(), subjects, regions)?;
        let measure = Self { vectorise: None, ..self.clone() };
        for (present, members) in self.groups(missing, regions) {
            if present.is_empty() {
                return Err(Error::argument(format!("subject {}, counted from 0, has no region with values", members[0])));
            }
            let rows = members.iter().flat_map(|s| present.iter().map(move |region| s * regions + region)).collect::<Vec<_>>();
            let part = Self { weights: self.weights_of(&members, frames)?, ..measure.clone() };
            let shape = if self.kind == Kind::Tangent || members.len() > 1 {
                Shape::from([members.len(), present.len(), frames])
            } else {
                Shape::from([present.len(), frames])
            };
            let made = part.compute_async(device, &selected(series, &rows, frames, shape)?).await?;
            whole.place(&made, &members, &present, &rows)?;
        }
        self.written(whole.matrices()?)
    }

    /// Groups of subjects that have the same regions: these regions, and the subjects.
    fn groups(&self, missing: &[bool], regions: usize) -> Vec<(Vec<usize>, Vec<usize>)> {
        let subjects: Vec<&[bool]> = missing.chunks_exact(regions).collect();
        if self.kind == Kind::Tangent {
            let present = (0..regions).filter(|&region| subjects.iter().all(|s| !s[region])).collect();
            return vec![(present, (0..subjects.len()).collect())];
        }
        let mut groups: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
        for (subject, of) in subjects.iter().enumerate() {
            let present: Vec<usize> = (0..regions).filter(|&region| !of[region]).collect();
            match groups.iter_mut().find(|(same, _)| *same == present) {
                Some((_, members)) => members.push(subject),
                None => groups.push((present, vec![subject])),
            }
        }
        groups
    }

    fn weights_of(&self, subjects: &[usize], frames: usize) -> Result<Option<HostTensor>> {
        let Some(weights) = &self.weights else { return Ok(None) };
        if weights.shape().elements() == frames {
            return weights.reshaped([frames]).map(Some);
        }
        let all = weights.to_f64_vec();
        let own = |s: &usize| all.get(s * frames..(s + 1) * frames);
        let own = subjects.iter().map(own).collect::<Option<Vec<_>>>();
        let own = own.ok_or_else(|| Error::argument(format!("weights {} of {frames} frames: [.., time] is expected", weights.shape())))?;
        let shape = if subjects.len() > 1 { Shape::from([subjects.len(), frames]) } else { Shape::from([frames]) };
        HostTensor::real(shape, own.concat()).map(|w| if weights.is_f64() { w } else { w.to_real::<f32>() }).map(Some)
    }
}

pub(super) fn selected(series: &HostTensor, rows: &[usize], frames: usize, shape: Shape) -> Result<HostTensor> {
    let of = |values: &[f64]| rows.iter().flat_map(|row| values[row * frames..][..frames].to_vec()).collect::<Vec<f64>>();
    let values = HostTensor::real(shape, of(&series.to_f64_vec()))?;
    Ok(if series.is_f64() { values } else { values.to_real::<f32>() })
}

/// The matrices of all regions, NaN until a part is placed.
pub(super) struct Whole {
    shape: Shape,
    values: Vec<f32>,
    regions: usize,
    made: Option<Matrices>,
}

impl Whole {
    pub(super) fn new(series: Shape, subjects: usize, regions: usize) -> Result<Self> {
        let lead = &series[..series.rank() - 2];
        let shape = Shape::try_new(&[lead, &[regions, regions]].concat()).ok_or_else(|| Error::argument("at most 8 axes are possible"))?;
        Ok(Self { shape, values: vec![f32::NAN; subjects * regions * regions], regions, made: None })
    }

    /// Places the matrices of a group of subjects. `rows` are the rows of the series that they were made from.
    pub(super) fn place(&mut self, part: &Matrices, members: &[usize], present: &[usize], rows: &[usize]) -> Result<()> {
        let n = present.len();
        for (subject, matrix) in members.iter().zip(part.values.elements::<f32>()?.chunks_exact(n * n)) {
            let whole = &mut self.values[subject * self.regions * self.regions..][..self.regions * self.regions];
            for (i, row) in present.iter().zip(matrix.chunks_exact(n)) {
                for (j, x) in present.iter().zip(row) {
                    whole[i * self.regions + j] = *x;
                }
            }
        }
        let moved = |of: &[usize]| of.iter().map(|&row| rows[row]).collect::<Vec<_>>();
        let found = Rows { constant: moved(&part.rows.constant), dependent: moved(&part.rows.dependent), far: moved(&part.rows.far) };
        let made = self.made.get_or_insert_with(|| Matrices { rows: Rows::default(), ..part.clone() });
        made.rows.constant.extend(found.constant);
        made.rows.dependent.extend(found.dependent);
        made.rows.far.extend(found.far);
        if part.precision == Precision::F64 {
            made.precision = Precision::F64;
        }
        // A condition that is NaN stays, as the largest of several would be.
        made.condition = match (made.condition, part.condition) {
            (Some(a), Some(b)) if a.is_nan() || b.is_nan() => Some(f64::NAN),
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        Ok(())
    }

    pub(super) fn matrices(self) -> Result<Matrices> {
        let mut made = self.made.ok_or_else(|| Error::argument("series without a subject"))?;
        for rows in [&mut made.rows.constant, &mut made.rows.dependent, &mut made.rows.far] {
            rows.sort_unstable();
        }
        Ok(Matrices { values: HostTensor::f32(self.shape, self.values)?, ..made })
    }
}
