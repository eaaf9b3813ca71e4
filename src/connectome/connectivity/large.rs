//! Computations of correlations and covariances without the whole matrix in memory: its rows in panels, the edges of a sparse matrix,
//! and degrees.

use super::measure::{Connectivity, Rows};
use super::neighbours;
use super::panels::Panels;
use crate::blocking::block_on;
use crate::tensor::parallel;
use crate::{Device, Error, HostTensor, Result};
use std::ops::Range;

/// The edges that are kept of a matrix of connectivity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Edges {
    /// The k greatest values of each row, by value and not by magnitude, of equal values those of the first columns. Fewer where a row has
    /// fewer others to choose from.
    TopK(usize),
    /// Every pair i < j whose value, in f32, is this or greater.
    Threshold(f32),
}

/// The columns and the values of one row's edges.
type Row = (Vec<usize>, Vec<f32>);

impl Connectivity {
    /// Calls `take` with each row of the matrix `[n, n]` of series `[n, time]`, in order. A region that is `missing` (one mark for each
    /// region, or none at all) has NaN throughout its row and its column. Memory is bounded by the series and a few panels of 64 MiB, and no
    /// binding is larger than the device allows.
    ///
    /// # Errors
    /// Returns an error for a measure other than a correlation or a covariance without shrinkage, weights and vectors; where the series do
    /// not fit, have a value that is not finite, or have covariances that f32 cannot represent; where the device reports a fault; and the
    /// errors of `take`.
    pub fn rows(&self, device: &Device, series: &HostTensor, missing: &[bool], mut take: impl FnMut(&[f32]) -> Result<()>) -> Result<Rows> {
        block_on(self.rows_async(device, series, missing, async |row: &[f32]| take(row)))?
    }

    /// The asynchronous form of [`Connectivity::rows`], for callers that must not block. The next row is computed when `take` is done.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::rows`].
    pub async fn rows_async(
        &self,
        device: &Device,
        series: &HostTensor,
        missing: &[bool],
        mut take: impl AsyncFnMut(&[f32]) -> Result<()>,
    ) -> Result<Rows> {
        let panels = Panels::new(self, series, missing)?;
        let (n, width) = (series.shape()[0], panels.varying.len());
        // The row of a constant series, and of others before their values are in it: zeros, and NaN for regions without values.
        let blank: Vec<f32> = (0..n).map(|region| if missing.get(region) == Some(&true) { f32::NAN } else { 0.0 }).collect();
        let nothing = vec![f32::NAN; n];
        let without = |region: usize| if blank[region].is_nan() { &nothing } else { &blank };
        let mut next = 0;
        let put = async |rows: Range<usize>, values: &[f32]| {
            let mut whole = vec![0.0; rows.len() * n];
            parallel::rows(&mut whole, n, 8 * width, |at, row| {
                row.copy_from_slice(&blank);
                for (j, (&column, &value)) in panels.varying.iter().zip(&values[at * width..]).enumerate() {
                    row[column] = if self.fisher_z && j == rows.start + at { 0.0 } else { panels.transformed(value) };
                }
            });
            for (row, &region) in whole.chunks_exact(n).zip(&panels.varying[rows]) {
                for region in next..region {
                    take(without(region)).await?;
                }
                take(row).await?;
                next = region + 1;
            }
            Ok(())
        };
        panels.each(device, put).await?;
        for region in next..n {
            take(without(region)).await?;
        }
        Ok(panels.rows)
    }

    /// Calls `take` with each region of series `[n, time]` in order, and its edges: their columns in ascending order, and their values. A
    /// region that is `missing` (one mark for each region, or none at all), or whose series is constant, has no edges and is no end of any.
    /// Edges are chosen before Fisher's z is taken of them. Memory is bounded as in [`Connectivity::rows`].
    ///
    /// # Errors
    /// Returns an error where k is 0 or not less than n, or the threshold is NaN; and the errors of [`Connectivity::rows`].
    pub fn edges(
        &self,
        device: &Device,
        series: &HostTensor,
        missing: &[bool],
        which: Edges,
        mut take: impl FnMut(usize, &[usize], &[f32]) -> Result<()>,
    ) -> Result<Rows> {
        let take = async |region: usize, columns: &[usize], values: &[f32]| take(region, columns, values);
        block_on(self.edges_async(device, series, missing, which, take))?
    }

    /// The asynchronous form of [`Connectivity::edges`], for callers that must not block. The next region follows when `take` is done.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::edges`].
    pub async fn edges_async(
        &self,
        device: &Device,
        series: &HostTensor,
        missing: &[bool],
        which: Edges,
        mut take: impl AsyncFnMut(usize, &[usize], &[f32]) -> Result<()>,
    ) -> Result<Rows> {
        let panels = Panels::new(self, series, missing)?;
        let n = series.shape()[0];
        which.check(n)?;
        let mut next = 0;
        let mut put = async |i: usize, (columns, values): &Row| {
            let region = panels.varying[i];
            for region in next..region {
                take(region, &[], &[]).await?;
            }
            next = region + 1;
            take(region, columns, values).await
        };
        if let Some(found) = neighbours::strongest(&panels, device, which).await? {
            for (i, kept) in found.into_iter().enumerate() {
                put(i, &row(&panels, kept)).await?;
            }
        } else {
            let panel = async |rows: Range<usize>, values: &[f32]| {
                let width = panels.varying.len();
                let mut found: Vec<Row> = vec![Row::default(); rows.len()];
                parallel::rows(&mut found, 1, 8 * width, |at, found| {
                    found[0] = row(&panels, which.of_row(rows.start + at, &values[at * width..][..width]));
                });
                for (i, row) in rows.zip(&found) {
                    put(i, row).await?;
                }
                Ok(())
            };
            panels.each(device, panel).await?;
        }
        for region in next..n {
            take(region, &[], &[]).await?;
        }
        Ok(panels.rows)
    }

    /// The number of others with which each region of series `[n, time]` has a value, in f32, of `threshold` or greater: f32 `[n]`. A
    /// region that is `missing` has NaN and does not count for others; one whose series is constant has 0 and does not count either.
    ///
    /// # Errors
    /// Returns an error where the threshold is NaN; and the errors of [`Connectivity::rows`].
    pub fn degrees(&self, device: &Device, series: &HostTensor, missing: &[bool], threshold: f32) -> Result<(HostTensor, Rows)> {
        block_on(self.degrees_async(device, series, missing, threshold))?
    }

    /// The asynchronous form of [`Connectivity::degrees`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Connectivity::degrees`].
    pub async fn degrees_async(
        &self,
        device: &Device,
        series: &HostTensor,
        missing: &[bool],
        threshold: f32,
    ) -> Result<(HostTensor, Rows)> {
        let panels = Panels::new(self, series, missing)?;
        let n = series.shape()[0];
        Edges::Threshold(threshold).check(n)?;
        let mut degrees: Vec<f32> = (0..n).map(|region| if missing.get(region) == Some(&true) { f32::NAN } else { 0.0 }).collect();
        let mut put = |first: usize, counts: &[f32]| {
            counts.iter().zip(&panels.varying[first..]).for_each(|(count, region)| degrees[*region] = *count);
        };
        if let Some(counts) = neighbours::counts(&panels, device, threshold).await? {
            put(0, &counts);
        } else {
            let panel = async |rows: Range<usize>, values: &[f32]| {
                let width = panels.varying.len();
                let mut counts = vec![0.0; rows.len()];
                parallel::rows(&mut counts, 1, 2 * width, |at, count| {
                    let of_row = others(rows.start + at, &values[at * width..][..width]);
                    count[0] = of_row.filter(|(_, value)| *value >= threshold).count() as f32;
                });
                put(rows.start, &counts);
                Ok(())
            };
            panels.each(device, panel).await?;
        }
        Ok((HostTensor::f32([n], degrees)?, panels.rows))
    }
}

/// The values of a row with all others, and which they are.
fn others(i: usize, values: &[f32]) -> impl Iterator<Item = (usize, f32)> {
    values.iter().copied().enumerate().filter(move |&(j, _)| j != i)
}

/// The edges of a row as they are written: regions in ascending order.
fn row(panels: &Panels, mut kept: Vec<(usize, f32)>) -> Row {
    kept.sort_unstable_by_key(|&(j, _)| j);
    kept.into_iter().map(|(j, value)| (panels.varying[j], panels.transformed(value))).unzip()
}

impl Edges {
    fn check(self, n: usize) -> Result<()> {
        match self {
            Self::TopK(k) if k == 0 || k >= n => {
                let others = n.saturating_sub(1);
                Err(Error::argument(format!("the {k} strongest of each region: a number from 1 to {others} is expected for {n} regions")))
            }
            Self::Threshold(threshold) if threshold.is_nan() => Err(Error::argument("the threshold is NaN: a number is expected")),
            _ => Ok(()),
        }
    }

    /// The edges of a row, counted over the regions that vary, in no particular order.
    fn of_row(self, i: usize, values: &[f32]) -> Vec<(usize, f32)> {
        match self {
            Self::Threshold(threshold) => others(i, values).filter(|&(j, value)| j > i && value >= threshold).collect(),
            Self::TopK(k) => greatest(others(i, values), k),
        }
    }
}

/// The k greatest, of equals the first, in no particular order. No value is NaN.
fn greatest(others: impl Iterator<Item = (usize, f32)>, k: usize) -> Vec<(usize, f32)> {
    let room = 2 * k + 1024;
    let mut kept: Vec<(usize, f32)> = Vec::with_capacity(room);
    // A value that is not greater than the k-th so far is not among them, since it comes later.
    let mut least = f32::NEG_INFINITY;
    for (j, value) in others {
        if value > least {
            kept.push((j, value));
        }
        if kept.len() == room {
            least = cut(&mut kept, k);
        }
    }
    cut(&mut kept, k);
    kept
}

/// Cuts a list to its k greatest, of equals the first, and returns the least of them.
fn cut(kept: &mut Vec<(usize, f32)>, k: usize) -> f32 {
    if kept.len() <= k {
        return f32::NEG_INFINITY;
    }
    // The sum with 0 makes −0 equal to 0.
    let (_, least, _) = kept.select_nth_unstable_by(k - 1, |a, b| (b.1 + 0.0).total_cmp(&(a.1 + 0.0)).then(a.0.cmp(&b.0)));
    let least = least.1;
    kept.truncate(k);
    least
}
