//! What a user should know of series and matrices before trusting them.

use super::{Axes, Connectivity, Kind};
use crate::connectome::connectivity::shrinkage::Shrinkage;
use crate::data::Series;
use crate::{HostTensor, Result};

impl Connectivity {
    /// What a user should know of the series before trusting the result.
    pub(super) fn warnings(&self, series: &Series, [regions, frames]: [usize; 2]) -> Result<Vec<String>> {
        let mut found = Vec::new();
        if frames < regions && self.shrinkage() == Shrinkage::None {
            found.push(format!("fewer frames ({frames}) than regions ({regions}): the matrix is singular; is the layout right?"));
        }
        let rows = series.values.elements::<f32>()?;
        if self.of_table() {
            found.extend(doubtful_header(series.names.as_deref(), rows, frames));
        }
        let flat = |i: &usize| constant(&rows[i * frames..(i + 1) * frames], self.scale_free());
        let flat: Vec<String> = (0..rows.len() / frames).filter(flat).map(|i| name(series, i, regions)).collect();
        if !flat.is_empty() {
            let whose = if self.kind == Kind::Tangent { ", in every subject" } else { "" };
            found.push(format!("constant series get zeros{whose}: {}", listed(&flat)));
        }
        Ok(found)
    }

    /// Regions that an inverse leaves out, for they are combinations of others.
    pub(super) fn left_out(&self, series: &Series, matrices: &HostTensor) -> Result<Option<String>> {
        if !matches!(self.kind, Kind::PartialCorrelation | Kind::Precision) {
            return Ok(None);
        }
        let (found, n) = (matrices.elements::<f32>()?, matrices.shape()[matrices.shape().rank() - 1]);
        let (rows, frames) = (series.values.elements::<f32>()?, series.values.shape()[series.values.shape().rank() - 1]);
        let zeros = |i: &usize| found[i * n..(i + 1) * n].iter().all(|x| *x == 0.0);
        let out = (0..found.len() / n).filter(zeros).filter(|i| !constant(&rows[i * frames..(i + 1) * frames], self.scale_free()));
        let names: Vec<String> = out.map(|i| name(series, i, n)).collect();
        Ok((!names.is_empty()).then(|| format!("combinations of other regions get zeros: {}", listed(&names))))
    }

    /// Whether the series come from a table with regions in columns.
    fn of_table(&self) -> bool {
        let table = |e: &std::ffi::OsStr| e.eq_ignore_ascii_case("csv") || e.eq_ignore_ascii_case("tsv");
        self.layout == Axes::TimeRegions && self.series.extension().is_some_and(table)
    }
}

/// The first ten names.
fn listed(names: &[String]) -> String {
    let more = if names.len() > 10 { format!(" and {} more", names.len() - 10) } else { String::new() };
    format!("{}{more}", names[..names.len().min(10)].join(", "))
}

/// A first row that is not surely what it was taken for. Tables written by programs are often headed 0, 1, 2, …
fn doubtful_header(names: Option<&[String]>, rows: &[f32], frames: usize) -> Option<String> {
    let Some(names) = names else {
        let counts = |from: f32| rows.iter().step_by(frames).enumerate().all(|(i, x)| *x == from + i as f32);
        let many = rows.len() > 2 * frames;
        return (many && (counts(0.0) || counts(1.0)))
            .then(|| "the first row counts the columns and was read as a frame: if it is a header, remove it".to_owned());
    };
    let number = names.iter().find(|n| n.parse::<f64>().is_ok())?;
    Some(format!("the first row was read as a header, and holds the number {number}: if it is a frame, mend the cell that is no number"))
}

/// Whether a row gets zeros: for correlations by the rule of the op, Σ(x − μ)² ≤ (8 ε max|x|)² T with ε of f32; a covariance is zero
/// only where the row is.
pub(super) fn constant(row: &[f32], scale_free: bool) -> bool {
    if !scale_free {
        return row.iter().all(|x| *x == row[0]);
    }
    let time = row.len() as f64;
    let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / time;
    let power: f64 = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
    let largest = row.iter().fold(0.0, |m: f64, &x| m.max(f64::from(x).abs()));
    power <= (8.0 * f64::from(f32::EPSILON) * largest).powi(2) * time
}

fn name(series: &Series, row: usize, regions: usize) -> String {
    let region = match series.names.as_ref().and_then(|n| n.get(row % regions)) {
        Some(name) => format!("`{name}`"),
        None => format!("region {} (counted from 0)", row % regions),
    };
    if series.values.shape().rank() > 2 { format!("subject {} {region}", row / regions) } else { region }
}
