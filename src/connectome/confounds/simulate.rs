//! Simulated runs: clean series, whose connectome is known, with real confounds added by known weights (after Ciric et al. 2022).
//!
//! Each subject has the confounds of one real run, rotated in time by a random number of frames, with its motion scaled up or down. The
//! artefacts are made from all columns of the 36-parameter model and the first aCompCor components of each tissue, standardised:
//!
//! x = clean + s m / √K · Σ_k l_k a_k, a_k = (M_k + δ) C,
//!
//! Here m is the motion of the subject, a_k are K processes made from the columns C, and l_k are their loadings, which are similar in
//! regions near each other. The cohort shares the weights M and l, and each subject adds a deviation of its own, scaled by `jitter`. So the
//! artefact raises correlations between near regions in subjects who move. Real regressors that contain signal, such as a global signal,
//! also remove signal; the simulated ones do not.

use super::{Column, Confounds, Strategy, censor};
use crate::statistics::standardise::standardised;
use crate::tensor::{HostTensor, Philox};
use crate::{Error, Result};

/// Settings of the simulated artefacts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The number of processes that all subjects share. Where it is `None`, each column is a process of its own, so that a few regressors
    /// cannot capture them all.
    pub processes: Option<usize>,
    /// The standard deviation of the artefact at motion 1, relative to that of the clean series.
    pub strength: f64,
    /// The standard deviation of a subject's weights around those of the cohort, relative to the latter.
    pub jitter: f64,
    /// The distance in mm over which loadings are similar.
    pub width: f64,
    /// The standard deviation of the logarithm of motion.
    pub spread: f64,
    /// The seed of all random draws.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { processes: Some(6), strength: 1.0, jitter: 0.3, width: 30.0, spread: 0.6, seed: 0 }
    }
}

/// A simulator of the subjects of one cohort.
#[derive(Debug, Clone)]
pub struct Simulator {
    settings: Settings,
    /// The base columns of the real run, with the line between their first and last value removed.
    base: Vec<Column>,
    /// The slow cosine trends, which are not rotated in time.
    cosines: Vec<Column>,
    masks: std::collections::BTreeMap<String, String>,
    frames: usize,
    regions: usize,
    /// The weights of the columns in each process, and those of the processes in each region.
    mixing: Vec<Vec<f64>>,
    loadings: Vec<Vec<f64>>,
}

/// A simulated subject.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// The series with artefacts, f32 `[regions, time]`.
    pub series: HostTensor,
    /// All columns that the strategies need, and no others.
    pub table: Confounds,
    /// Mean framewise displacement in mm.
    pub motion: f64,
}

const MOTION: [&str; 6] = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"];
const TISSUES: [&str; 3] = ["csf", "white_matter", "global_signal"];

impl Simulator {
    /// Draws the weights of the cohort. `table` is from a real run; `lengths` `[regions, regions]` are the distances between regions in mm.
    ///
    /// # Errors
    /// Returns an error where columns that the strategies need are missing (the message names them), or where the lengths are not those of
    /// a square matrix.
    pub fn new(table: &Confounds, lengths: &[f64], settings: Settings) -> Result<Self> {
        let regions = lengths.len().isqrt();
        if regions * regions != lengths.len() || regions == 0 {
            return Err(Error::argument(format!("lengths [regions, regions] expected, found {} values", lengths.len())));
        }
        let table = steady(table)?;
        let frames = table.frames();
        // The components come first, then motion and cosines.
        let components = Strategy::Acompcor.columns(&table)?.into_iter().filter(|n| n.contains("_comp_cor_"));
        let names: Vec<String> = MOTION.iter().chain(&TISSUES).map(|n| (*n).to_owned()).chain(components).collect();
        let base = table.select(&names)?.into_iter().map(without_line).collect();
        let cosines = table.select(&table.numbered("cosine"))?;
        let mut made = Self { settings, base, cosines, masks: table.masks, frames, regions, mixing: Vec::new(), loadings: Vec::new() };
        let columns = 4 * (MOTION.len() + TISSUES.len()) + names.len() - MOTION.len() - TISSUES.len();
        let normal = |stream: u32, step: usize, n: usize| normals(settings.seed, stream, step as u32, n);
        let processes = settings.processes.unwrap_or(columns);
        made.mixing = match settings.processes {
            Some(k) => (0..k).map(|k| normal(0, k, columns)).collect(),
            None => (0..columns).map(|k| (0..columns).map(|c| f64::from(u8::from(c == k))).collect()).collect(),
        };
        made.loadings = (0..processes).map(|k| smooth(&normal(1, k, regions), lengths, settings.width)).collect();
        Ok(made)
    }

    /// The greatest number of frames that a subject can have.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Simulates the subject of this number from clean series f32 `[regions, time]`, which are standardised first.
    ///
    /// # Errors
    /// Returns an error where the series have another number of regions, or more frames than the real run.
    pub fn subject(&self, clean: &HostTensor, number: u32) -> Result<Simulated> {
        let [regions, time] = *clean.shape() else {
            return Err(Error::argument(format!("clean series [regions, time] expected, found {}", clean.ty())));
        };
        if regions != self.regions || time > self.frames || time < 3 {
            let limits = format!("{} regions and 3 to {} frames", self.regions, self.frames);
            return Err(Error::argument(format!("clean series of {limits} expected, found {}", clean.ty())));
        }
        let draws = Philox::new(self.settings.seed, 2, number);
        let size = (self.settings.spread * draws.normal(0)).exp();
        let turn = draws.word(4) as usize % self.frames;
        let mut table = self.table(size, turn, time);
        let columns: Vec<Vec<f64>> = table.select(&artefact_columns(&table)?)?.iter().map(|c| standardised(&c.values)).collect();
        let mut rows: Vec<Vec<f64>> = clean.to_f64_vec().chunks_exact(time).map(standardised).collect();
        self.add_artefacts(&mut rows, &columns, size, number);
        let series = HostTensor::f32([regions, time], rows.concat().into_iter().map(|x| x as f32).collect())?;
        let mut dvars = censor::standardised_dvars(series.elements::<f32>()?, time);
        dvars[0] = f64::NAN;
        table.columns.push(Column { name: "std_dvars".into(), values: dvars });
        let displaced = table.get("framewise_displacement").map(|c| &c.values[1..]).unwrap_or_default();
        Ok(Simulated { series, motion: displaced.iter().sum::<f64>() / displaced.len().max(1) as f64, table })
    }

    /// The confounds of a subject.
    fn table(&self, size: f64, turn: usize, time: usize) -> Confounds {
        let mut columns = Vec::new();
        let mut moved: [Vec<f64>; 6] = Default::default();
        for (at, base) in self.base.iter().enumerate() {
            let scale = if at < MOTION.len() { size } else { 1.0 };
            let values: Vec<f64> = (0..time).map(|t| scale * base.values[(t + turn) % self.frames]).collect();
            if let Some(kept) = moved.get_mut(at) {
                kept.clone_from(&values);
            }
            let expanded = at < MOTION.len() + TISSUES.len();
            columns.push(Column { name: base.name.clone(), values });
            if expanded {
                let last = columns.len() - 1;
                columns.extend(expansions(&columns[last]));
            }
        }
        let cut = |c: &Column| Column { name: c.name.clone(), values: c.values[..time].to_vec() };
        columns.extend(self.cosines.iter().map(cut));
        let mut displaced = censor::framewise_displacement(&moved);
        displaced[0] = f64::NAN;
        columns.push(Column { name: "framewise_displacement".into(), values: displaced });
        Confounds { columns, masks: self.masks.clone(), ..Confounds::default() }
    }

    fn add_artefacts(&self, rows: &mut [Vec<f64>], columns: &[Vec<f64>], size: f64, number: u32) {
        let Settings { strength, jitter, seed, .. } = self.settings;
        let time = rows.first().map_or(0, Vec::len);
        let own = |stream: u32, k: usize, n: usize| normals(seed, stream + 2 * k as u32, number, n);
        let scale = strength * size / (self.mixing.len() as f64).sqrt();
        for (k, (mixing, loadings)) in self.mixing.iter().zip(&self.loadings).enumerate() {
            let weights: Vec<f64> = match self.settings.processes {
                Some(_) => mixing.iter().zip(own(3, k, mixing.len())).map(|(m, e)| m + jitter * e).collect(),
                None => mixing.clone(),
            };
            let process: Vec<f64> = (0..time).map(|t| weights.iter().zip(columns).map(|(w, c)| w * c[t]).sum()).collect();
            let process = standardised(&process);
            let loads = loadings.iter().zip(own(4, k, loadings.len())).map(|(l, e)| l + jitter * e);
            for (row, load) in rows.iter_mut().zip(loads) {
                row.iter_mut().zip(&process).for_each(|(x, a)| *x += scale * load * a);
            }
        }
    }
}

/// The columns that artefacts are made from and that a model can be trained on: the 36 parameters and the aCompCor components.
///
/// # Errors
/// Returns an error where the table has fewer than five components of a tissue.
pub fn artefact_columns(table: &Confounds) -> Result<Vec<String>> {
    let components = Strategy::Acompcor.columns(table)?.into_iter().filter(|n| n.contains("_comp_cor_"));
    Ok(Strategy::ThirtySixP.columns(table)?.into_iter().chain(components).collect())
}

/// The table without the frames that it marks as not in the steady state.
fn steady(table: &Confounds) -> Result<Confounds> {
    let kept = censor::steady_state(table)?;
    if kept.iter().filter(|k| **k).count() < 3 {
        return Err(Error::argument("fewer than three frames of the confound table are steady"));
    }
    let cut = |c: &Column| {
        let values = c.values.iter().zip(&kept).filter(|(_, k)| **k).map(|(&x, _)| x).collect();
        Column { name: c.name.clone(), values }
    };
    Ok(Confounds { columns: table.columns.iter().map(cut).collect(), ..table.clone() })
}

/// The column minus the line from its first value to its last, so that its end meets its beginning.
fn without_line(mut column: Column) -> Column {
    let (n, x) = (column.values.len(), &mut column.values);
    let (first, last) = (x[0], x[n - 1]);
    x.iter_mut().enumerate().for_each(|(t, x)| *x -= first + (last - first) * t as f64 / (n.max(2) - 1) as f64);
    column
}

/// The derivative of a column, its square, and the square of the derivative, under fMRIPrep's names. Derivatives have no first value.
fn expansions(column: &Column) -> [Column; 3] {
    let x = &column.values;
    let derivative: Vec<f64> = (0..x.len()).map(|t| if t == 0 { f64::NAN } else { x[t] - x[t - 1] }).collect();
    let named = |suffix: &str, values: Vec<f64>| Column { name: format!("{}{suffix}", column.name), values };
    let squared = |x: &[f64]| x.iter().map(|x| x * x).collect();
    let (power, both) = (squared(x), squared(&derivative));
    [named("_derivative1", derivative), named("_power2", power), named("_derivative1_power2", both)]
}

fn normals(seed: u64, stream: u32, step: u32, n: usize) -> Vec<f64> {
    let draws = Philox::new(seed, stream, step);
    (0..n).map(|i| draws.normal(i)).collect()
}

/// A map over regions, smoothed by the kernel e^(−d² / 2w²) and scaled to mean square 1.
fn smooth(map: &[f64], lengths: &[f64], width: f64) -> Vec<f64> {
    let near = |row: &[f64]| row.iter().zip(map).map(|(d, x)| (-d * d / (2.0 * width * width)).exp() * x).sum::<f64>();
    let made: Vec<f64> = lengths.chunks_exact(map.len()).map(near).collect();
    let size = (made.iter().map(|x| x * x).sum::<f64>() / map.len() as f64).sqrt();
    made.iter().map(|x| if size > 0.0 { x / size } else { 0.0 }).collect()
}
