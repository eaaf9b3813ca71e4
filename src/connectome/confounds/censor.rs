//! Which frames are kept, and what is put in the place of those that are not before a filter.

use super::{Column, Confounds};
use crate::{Error, Result};

/// Framewise displacement in millimetres of motion parameters `[6][time]`, translations in millimetres and rotations in radians, with
/// rotations as arcs on a sphere of 50 mm (Power et al. 2012): Σ |Δ|; 0 at the first frame.
pub fn framewise_displacement(motion: &[Vec<f64>; 6]) -> Vec<f64> {
    let frames = motion.iter().map(Vec::len).min().unwrap_or(0);
    let moved = |t: usize| -> f64 {
        let step = |(i, p): (usize, &Vec<f64>)| (p[t] - p[t - 1]).abs() * if i < 3 { 1.0 } else { 50.0 };
        motion.iter().enumerate().map(step).sum()
    };
    (0..frames).map(|t| if t == 0 { 0.0 } else { moved(t) }).collect()
}

/// DVARS of series `[regions, time]`: the root mean square over regions of the change from the frame before (Power et al. 2012); 0 at the
/// first frame.
pub fn dvars(series: &[f32], time: usize) -> Vec<f64> {
    let rows = series.chunks_exact(time.max(1));
    let n = rows.len().max(1) as f64;
    let mean_square = |t: usize| rows.clone().map(|r| (f64::from(r[t]) - f64::from(r[t - 1])).powi(2)).sum::<f64>() / n;
    (0..time).map(|t| if t == 0 { 0.0 } else { mean_square(t).sqrt() }).collect()
}

/// [`dvars`] over what chance makes of it, √mean_r 2 (1 − ρ_r) σ_r², with ρ_r a region's correlation from one frame to the next and σ_r its
/// interquartile range over 1.349 (Nichols 2013; fMRIPrep's `std_dvars`): about 1 in a quiet frame; 0 at the first.
pub fn standardised_dvars(series: &[f32], time: usize) -> Vec<f64> {
    let rows = series.chunks_exact(time.max(1));
    let n = rows.len().max(1) as f64;
    let expected = rows.map(|row| row.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>()).map(|row| chance(&row)).sum::<f64>() / n;
    let scale = if expected > 0.0 { expected.sqrt().recip() } else { 0.0 };
    dvars(series, time).into_iter().map(|x| x * scale).collect()
}

/// 2 (1 − ρ) σ².
fn chance(x: &[f64]) -> f64 {
    let mut sorted = x.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantile = |q: f64| {
        let at = q * (sorted.len() - 1) as f64;
        let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
        below + (above - below) * at.fract()
    };
    let deviation = (quantile(0.75) - quantile(0.25)) / 1.349;
    let last = x.len() - 1;
    2.0 * (1.0 - crate::connectome::confounds::quality::correlation(&x[..last], &x[1..])) * deviation * deviation
}

/// Keeps the frames whose framewise displacement, by the table's `framewise_displacement`, is not above `limit` millimetres; one that is
/// missing, as the first, is kept.
///
/// # Errors
/// Where the table has no such column.
pub fn kept_below(table: &Confounds, limit: f64) -> Result<Vec<bool>> {
    Ok(values(table, "framewise_displacement")?.iter().map(|&fd| !exceeds(fd, limit)).collect())
}

fn values<'a>(table: &'a Confounds, name: &str) -> Result<&'a [f64]> {
    table.get(name).map(|c| &c.values[..]).ok_or_else(|| Error::argument(format!("the confound table has no column `{name}`")))
}

/// A missing value exceeds nothing.
fn exceeds(value: f64, limit: f64) -> bool {
    value > limit
}

/// Keeps frames as nilearn's `scrubbing`: framewise displacement not above 0.5 mm, standardised DVARS not above 1.5, not called
/// non-steady, and in a run of five such frames at least (of the first two rules).
///
/// # Errors
/// Where the table has no `framewise_displacement` or `std_dvars`.
pub fn scrubbed(table: &Confounds) -> Result<Vec<bool>> {
    let (fd, dvars) = (values(table, "framewise_displacement")?, values(table, "std_dvars")?);
    let mut kept: Vec<bool> = fd.iter().zip(dvars).map(|(&fd, &dv)| !exceeds(fd, 0.5) && !exceeds(dv, 1.5)).collect();
    if kept.contains(&false) {
        drop_short_runs(&mut kept, 5);
    }
    for name in table.numbered("non_steady_state_outlier") {
        let outlier = values(table, &name)?;
        kept.iter_mut().zip(outlier).for_each(|(kept, &x)| *kept &= x == 0.0);
    }
    Ok(kept)
}

/// Censors runs of fewer than `least` kept frames.
pub fn drop_short_runs(kept: &mut [bool], least: usize) {
    for run in kept.chunk_by_mut(|a, b| a == b) {
        if run.len() < least {
            run.fill(false);
        }
    }
}

/// Spike regressors: for each censored frame a column that is 1 there and 0 elsewhere.
pub fn spikes(kept: &[bool]) -> Vec<Column> {
    let spike = |(frame, _): (usize, &bool)| {
        let mut values = vec![0.0; kept.len()];
        values[frame] = 1.0;
        Column { name: format!("spike{frame}"), values }
    };
    kept.iter().enumerate().filter(|(_, kept)| !**kept).map(spike).collect()
}

/// Censored frames of x on the line between the kept ones beside them, and as the nearest kept one beyond the first and the last.
/// Without a kept frame x stays as it is.
pub fn interpolate(x: &mut [f64], kept: &[bool]) {
    let seen: Vec<usize> = (0..x.len()).filter(|&t| kept[t]).collect();
    let (Some(&first), Some(&last)) = (seen.first(), seen.last()) else { return };
    let (head, tail) = (x[first], x[last]);
    x[..first].fill(head);
    x[last + 1..].fill(tail);
    for pair in seen.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        for t in a + 1..b {
            x[t] = x[a] + (x[b] - x[a]) * (t - a) as f64 / (b - a) as f64;
        }
    }
}
