//! Correlations and covariances of more regions than a matrix in memory has room for: rows of the matrix, panel by panel. One program
//! multiplies a panel of the standardised series with a block of them, for each panel and block in turn.

use super::compute::{Rows, extents};
use super::measure::{Connectivity, Kind, LARGEST};
use super::shrinkage::Shrinkage;
use crate::tensor::parallel;
use crate::{Device, Error, HostTensor, Program, Result, State, Tape, TensorType, Var};
use std::ops::Range;

/// The most bytes of a panel of rows.
const PANEL: usize = 64 << 20;

/// The series of the regions that vary, ready for the product of any two panels of them.
pub(super) struct Panels {
    /// The regions that vary, ascending: not those that have no value or are constant.
    pub(super) varying: Vec<usize>,
    /// Rows of mean 0 and length 1, `[varying, time]`: their products are correlations.
    units: Vec<f32>,
    time: usize,
    /// The factor of each row by which correlations become covariances, its standard deviation; `None` for correlations.
    scales: Option<Vec<f64>>,
    fisher_z: bool,
    /// The rows that a user should know of, as regions.
    pub(super) rows: Rows,
}

/// The program that multiplies a panel with a block, and their extents.
struct Product {
    program: Program,
    panel: Var,
    block: Var,
    out: Var,
    /// Rows of a panel, and of a block.
    extents: [usize; 2],
}

impl Panels {
    /// Prepares series `[n, time]`, of which those rows are left out where `missing` is true.
    pub(super) fn new(measure: &Connectivity, series: &HostTensor, missing: &[bool]) -> Result<Self> {
        measure.check_panels()?;
        let [n, time] = extents(series)?;
        if series.shape().rank() != 2 || !(missing.is_empty() || missing.len() == n) {
            let what =
                format!("series [regions, time] and a mark for each region are expected, found {} and {}", series.ty(), missing.len());
            return Err(Error::argument(what));
        }
        let present = |region: &usize| missing.get(*region).is_none_or(|missing| !missing);
        if let Some(region) = (0..n).filter(present).find(|region| !is_finite(series, region * time..(region + 1) * time)) {
            return Err(Error::argument(format!("region {region} (counted from 0) has a value that is not a finite f32")));
        }
        let centred = measure.centred(series)?;
        let varying: Vec<usize> = (0..n).filter(|region| present(region) && centred.constant.binary_search(region).is_err()).collect();
        let rows = Rows {
            constant: centred.constant.iter().copied().filter(present).collect(),
            far: centred.far.iter().copied().filter(present).collect(),
            ..Rows::default()
        };
        let row = |at: usize| &centred.values[varying[at] * time..][..time];
        let lengths: Vec<f64> = (0..varying.len()).map(|at| row(at).iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
        let scales = (measure.kind == Kind::Covariance).then(|| deviations(&lengths, time)).transpose()?;
        let mut units = vec![0.0_f32; varying.len() * time];
        parallel::rows(&mut units, time, 8 * time, |at, unit| {
            unit.iter_mut().zip(row(at)).for_each(|(unit, x)| *unit = (x / lengths[at]) as f32);
        });
        Ok(Self { varying, units, time, scales, fisher_z: measure.fisher_z, rows })
    }

    /// Calls `take` with each panel of rows, in order: the rows, counted over those that vary, and their values `[rows, varying]`. The values
    /// are as the matrix has them but for Fisher's z, which [`Panels::transformed`] gives.
    pub(super) async fn each(&self, device: &Device, take: impl AsyncFnMut(Range<usize>, &[f32]) -> Result<()>) -> Result<()> {
        self.each_within(usize::try_from(device.max_binding()).unwrap_or(usize::MAX), device, take).await
    }

    /// [`Panels::each`] with no tensor of more bytes than `limit`, unless a single row takes more.
    async fn each_within(
        &self,
        limit: usize,
        device: &Device,
        mut take: impl AsyncFnMut(Range<usize>, &[f32]) -> Result<()>,
    ) -> Result<()> {
        let count = self.varying.len();
        if count == 0 {
            return Ok(());
        }
        let mut product = self.product(limit, device).await?;
        let [height, width] = product.extents;
        let single = width >= count;
        if single {
            product.program.write(product.block, &self.padded(0, width)?)?;
        }
        let mut values = Vec::new();
        for first in (0..count).step_by(height) {
            let rows = first..count.min(first + height);
            values.clear();
            values.resize(rows.len() * count, 0.0);
            product.program.write(product.panel, &self.padded(first, height)?)?;
            for left in (0..count).step_by(width) {
                if !single {
                    product.program.write(product.block, &self.padded(left, width)?)?;
                }
                product.program.step_async().await?;
                let made = product.program.read_async(product.out).await?.to_real::<f32>();
                let columns = left..count.min(left + width);
                self.put(&mut values, made.elements::<f32>()?, rows.clone(), columns, width);
            }
            if values.iter().any(|x| x.is_nan()) {
                return Err(Error::Device { what: "a product of finite series is not a number".into() });
            }
            take(rows, &values).await?;
        }
        Ok(())
    }

    /// The standardised rows `[varying, time]`, where the values that are made of them are correlations.
    pub(super) fn of_correlations(&self) -> Option<Result<HostTensor>> {
        self.scales.is_none().then(|| HostTensor::f32([self.varying.len(), self.time], self.units.clone()))
    }

    /// A value as it is written: Fisher's z where it is asked for.
    pub(super) fn transformed(&self, r: f32) -> f32 {
        if self.fisher_z { r.clamp(-LARGEST, LARGEST).atanh() } else { r }
    }

    /// Puts the correlations `made` of `rows` with `columns`, whose rows are `width` long, into the values of a panel.
    fn put(&self, values: &mut [f32], made: &[f32], rows: Range<usize>, columns: Range<usize>, width: usize) {
        let count = self.varying.len();
        parallel::rows(values, count, 4 * columns.len(), |at, row| {
            let (i, row) = (rows.start + at, &mut row[columns.clone()]);
            // A NaN stays one.
            row.iter_mut().zip(&made[at * width..]).for_each(|(value, r)| *value = if r.is_nan() { *r } else { r.clamp(-1.0, 1.0) });
            if columns.contains(&i) {
                row[i - columns.start] = 1.0;
            }
            if let Some(scales) = &self.scales {
                let scaled = |r: f32, other: f64| (f64::from(r) * scales[i] * other) as f32;
                row.iter_mut().zip(&scales[columns.clone()]).for_each(|(value, other)| *value = scaled(*value, *other));
            }
        });
    }

    async fn product(&self, limit: usize, device: &Device) -> Result<Product> {
        let (count, row) = (self.varying.len(), 4 * self.time);
        let width = count.min(limit / row).max(1);
        // Whole rows of a panel are on the host, where blocks of columns come together.
        let height = (PANEL.min(limit) / (4 * width)).min(4 * PANEL / (4 * count)).min(limit / row);
        // Whole tiles of the product.
        let height = if height > 128 { height / 128 * 128 } else { height.max(1) }.min(count);
        let mut tape = Tape::new();
        let panel = tape.input("panel", TensorType::f32([height, self.time]))?;
        let block = tape.input("block", TensorType::f32([width, self.time]))?;
        let out = tape.matmul_with(panel, block, false, true)?;
        let program = device.compile_async(&tape, &[out], &State::new(device)).await?;
        Ok(Product { program, panel, block, out, extents: [height, width] })
    }

    /// Standardised rows from `first` on, with zeros after the last.
    fn padded(&self, first: usize, height: usize) -> Result<HostTensor> {
        let rest = &self.units[first * self.time..];
        let mut rows = rest[..rest.len().min(height * self.time)].to_vec();
        rows.resize(height * self.time, 0.0);
        HostTensor::f32([height, self.time], rows)
    }
}

/// True where these elements are finite in f32.
fn is_finite(series: &HostTensor, range: Range<usize>) -> bool {
    match series.elements::<f32>() {
        Ok(elements) => elements[range].iter().all(|x| x.is_finite()),
        Err(_) => series.elements::<f64>().is_ok_and(|elements| elements[range].iter().all(|x| (*x as f32).is_finite())),
    }
}

/// The standard deviations of rows of these lengths about their means, where f32 can represent their squares.
fn deviations(lengths: &[f64], time: usize) -> Result<Vec<f64>> {
    let deviations: Vec<f64> = lengths.iter().map(|length| length / ((time - 1) as f64).sqrt()).collect();
    let range = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
    if !deviations.iter().all(|deviation| range.contains(&(deviation * deviation))) {
        return Err(Error::argument("values too large or too small for their covariance in f32: other units are expected"));
    }
    Ok(deviations)
}

impl Connectivity {
    /// Checks that rows of the matrix can be computed without the whole.
    fn check_panels(&self) -> Result<()> {
        self.check()?;
        let plain = self.shrinkage() == Shrinkage::None && self.weights.is_none() && self.vectorise.is_none();
        if !matches!(self.kind, Kind::Correlation | Kind::Covariance) || !plain {
            let what = "only correlations and covariances without shrinkage, weights and vectors are computed in panels of rows";
            return Err(Error::argument(what));
        }
        Ok(())
    }

    /// True where [`Connectivity::rows`], [`Connectivity::edges`] and [`Connectivity::degrees`] can compute this measure.
    pub fn has_panels(&self) -> bool {
        self.check_panels().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocking::block_on;

    #[test]
    fn blocks_of_columns_come_together() {
        let (n, time) = (23, 11);
        let value = |at: usize| ((at * at * 31 + at * 17) % 1009) as f64 / 100.0;
        let series = HostTensor::real([n, time], (0..n * time).map(value).collect()).unwrap();
        for kind in [Kind::Correlation, Kind::Covariance] {
            let panels = Panels::new(&Connectivity::new(kind), &series, &[]).unwrap();
            let rows = |limit: usize| {
                let (mut found, mut panels_seen) = (Vec::new(), 0);
                let take = async |rows: Range<usize>, values: &[f32]| {
                    assert_eq!((rows.start * n, rows.len() * n), (found.len(), values.len()));
                    found.extend_from_slice(values);
                    panels_seen += 1;
                    Ok(())
                };
                block_on(panels.each_within(limit, &Device::oracle(), take)).unwrap().unwrap();
                (found, panels_seen)
            };
            let (whole, panels_seen) = rows(usize::MAX);
            assert_eq!(panels_seen, 1);
            // Blocks of 7 columns and panels of 7 rows; of one row and column; and panels of all columns and few rows.
            for (limit, wanted) in [(4 * time * 7, 4), (1, 23), (4 * time * n, 3)] {
                let (found, panels_seen) = rows(limit);
                assert!(panels_seen == wanted, "{panels_seen} panels within {limit} bytes");
                assert!(found.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-6), "{kind:?} within {limit} bytes");
            }
        }
    }
}
