//! What a user should know of series and matrices before trusting them.

use super::{Connectivity, Kind};
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
}

/// The first ten names.
fn listed(names: &[String]) -> String {
    let more = if names.len() > 10 { format!(" and {} more", names.len() - 10) } else { String::new() };
    format!("{}{more}", names[..names.len().min(10)].join(", "))
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
