//! Censoring: the choice of the frames that are kept, and the interpolation of the censored frames before a filter.

use super::{Column, Confounds};
use crate::statistics::metrics;
use crate::{Error, Result};

/// Framewise displacement in millimetres of motion parameters `[6][time]`: three translations in millimetres, then three rotations in
/// radians. It is the sum of the absolute changes from the frame before, with each rotation taken as an arc on a sphere of 50 mm radius
/// (Power et al. 2012). The first frame has 0.
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

/// [`dvars`] divided by its expected value under independent noise, √mean_r 2 (1 − ρ_r) σ_r². Here ρ_r is the correlation of region r from
/// one frame to the next, and σ_r is its interquartile range divided by 1.349 (Nichols 2013; fMRIPrep's `std_dvars`). It is about 1 in a
/// quiet frame and 0 at the first.
pub fn standardised_dvars(series: &[f32], time: usize) -> Vec<f64> {
    let rows = series.chunks_exact(time.max(1));
    let n = rows.len().max(1) as f64;
    let expected = rows.map(|row| row.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>()).map(|row| chance(&row)).sum::<f64>() / n;
    let scale = if expected > 0.0 { expected.sqrt().recip() } else { 0.0 };
    dvars(series, time).into_iter().map(|x| x * scale).collect()
}

/// The expected squared change of one region, 2 (1 − ρ) σ².
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
    // Where one of the two slices is constant, the region varies in one frame only, and its deviation is 0.
    let from_frame_to_frame = metrics::pearson(&x[..last], &x[1..]).unwrap_or(0.0);
    2.0 * (1.0 - from_frame_to_frame) * deviation * deviation
}

/// Keeps the frames whose `framewise_displacement` in the table is at most `limit` millimetres. The first frame, which has no displacement,
/// is kept.
///
/// # Errors
/// Returns an error where the table has no such column, or where a value other than the first is missing.
pub fn kept_below(table: &Confounds, limit: f64) -> Result<Vec<bool>> {
    let displacement = quality(table, "framewise_displacement", 1)?;
    Ok((0..displacement.len()).map(|t| !exceeds(displacement, t, limit)).collect())
}

/// A column by which frames are judged, whose first `leading` values may be missing.
fn quality<'a>(table: &'a Confounds, name: &str, leading: usize) -> Result<&'a [f64]> {
    let column = table.get(name).ok_or_else(|| Error::argument(format!("the confound table has no column `{name}`")))?;
    missing_after(column, leading)?;
    Ok(&column.values)
}

/// Refuses a column that misses a value after its first `leading`.
///
/// # Errors
/// Returns an error in this case; the message names column and frame.
pub(super) fn missing_after(column: &Column, leading: usize) -> Result<()> {
    match (leading..column.values.len()).find(|&t| !column.values[t].is_finite()) {
        None => Ok(()),
        Some(frame) => Err(super::no_number(&column.name, frame, leading)),
    }
}

/// True where the value of a frame is above the limit. A missing first value is never above it.
fn exceeds(values: &[f64], frame: usize, limit: f64) -> bool {
    !values[frame].is_nan() && values[frame] > limit
}

/// Keeps the frames that no column `non_steady_state_outlier…` of the table marks. With these columns fMRIPrep marks the first volumes of a
/// run, before the magnetisation has reached its steady state. All frames are kept where the table has no such column.
///
/// # Errors
/// Returns an error where such a column misses a value.
pub fn steady_state(table: &Confounds) -> Result<Vec<bool>> {
    let mut kept = vec![true; table.frames()];
    for name in table.numbered("non_steady_state_outlier") {
        let outlier = quality(table, &name, 0)?;
        kept.iter_mut().zip(outlier).for_each(|(kept, &x)| *kept &= x == 0.0);
    }
    Ok(kept)
}

/// Keeps frames by the motion criteria of nilearn's `scrubbing`: framewise displacement at most 0.5 mm, standardised DVARS at most 1.5, and
/// at least five such frames in a row.
///
/// # Errors
/// Returns an error where the table has no `framewise_displacement` or `std_dvars`, or where one of them misses a value other than its
/// first.
pub fn motionless(table: &Confounds) -> Result<Vec<bool>> {
    let (fd, dvars) = (quality(table, "framewise_displacement", 1)?, quality(table, "std_dvars", 1)?);
    let mut kept: Vec<bool> = (0..fd.len()).map(|t| !exceeds(fd, t, 0.5) && !exceeds(dvars, t, 1.5)).collect();
    if kept.contains(&false) {
        drop_short_runs(&mut kept, 5);
    }
    Ok(kept)
}

/// Keeps the frames that both [`motionless`] and [`steady_state`] keep, which is the full rule of nilearn's `scrubbing`.
///
/// # Errors
/// The same as those of [`motionless`] and [`steady_state`].
pub fn scrubbed(table: &Confounds) -> Result<Vec<bool>> {
    let steady = steady_state(table)?;
    Ok(motionless(table)?.into_iter().zip(steady).map(|(still, steady)| still && steady).collect())
}

/// Censors runs of fewer than `least` kept frames.
pub fn drop_short_runs(kept: &mut [bool], least: usize) {
    for run in kept.chunk_by_mut(|a, b| a == b) {
        if run.len() < least {
            run.fill(false);
        }
    }
}

/// Spike regressors: one column for each censored frame, which is 1 at that frame and 0 elsewhere.
pub fn spikes(kept: &[bool]) -> Vec<Column> {
    let spike = |(frame, _): (usize, &bool)| {
        let mut values = vec![0.0; kept.len()];
        values[frame] = 1.0;
        Column { name: format!("spike{frame}"), values }
    };
    kept.iter().enumerate().filter(|(_, kept)| !**kept).map(spike).collect()
}

/// Replaces the censored frames of x by linear interpolation between the nearest kept frames. Censored frames before the first kept frame
/// or after the last take the value of the nearest kept frame. Without any kept frame x stays unchanged.
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
