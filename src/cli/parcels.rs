//! Parcels of a cortex, learnt and judged: what `tapetum demo` and `tapetum parcellate` share.

use super::common::{Common, Done, progress};
use crate::connectome::parcels::cortex::Cortex;
use crate::connectome::parcels::homogeneity::homogeneity;
use crate::connectome::parcels::learn_parcels::{Learner, Learnt, Settings, features, k_means};
use crate::connectome::parcels::sphere;
use crate::data::npy_bytes;
use crate::file::OutputFolder;
use crate::report::picture::{self, Hemisphere};
use crate::report::table;
use crate::report::{Figure, ReportTable, Section, report};
use crate::statistics::standardise::unit_rows;
use crate::{Device, HostTensor, Result, Tape};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Instant;

/// Random parcellations to compare with.
const RANDOM: u64 = 20;

/// What is learnt, and from which frames.
pub(super) struct Parcels<'a> {
    pub(super) cortex: Cortex,
    pub(super) settings: Settings,
    /// Frames learnt from, from the first; those that are left judge.
    pub(super) learnt_on: usize,
    pub(super) hemisphere: Hemisphere,
    pub(super) out: &'a Path,
    pub(super) title: &'a str,
}

/// Homogeneity on unseen frames.
struct Scores {
    learnt: f64,
    random: Vec<f64>,
    atlas: Option<f64>,
    k_means: f64,
}

impl Scores {
    fn random_mean(&self) -> f64 {
        self.random.iter().sum::<f64>() / self.random.len() as f64
    }

    fn random_best(&self) -> f64 {
        self.random.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Each that is compared with, and its score.
    fn others(&self) -> Vec<(&'static str, f64)> {
        let atlas = self.atlas.map(|score| ("schaefer", score));
        [("best_random", self.random_best())].into_iter().chain(atlas).chain([("k_means", self.k_means)]).collect()
    }

    fn json(&self) -> [(&'static str, Value); 2] {
        let mut scores = json!({
            "learnt": self.learnt, "k_means": self.k_means,
            "random": { "parcellations": RANDOM, "mean": self.random_mean(), "best": self.random_best() },
        });
        if let Some(atlas) = self.atlas {
            scores["schaefer"] = atlas.into();
        }
        let margin: Map<String, Value> =
            self.others().into_iter().map(|(name, score)| (format!("over_{name}"), json!(self.learnt - score))).collect();
        [("homogeneity", scores), ("margin", Value::Object(margin))]
    }
}

impl Parcels<'_> {
    /// Learns, judges where frames are left, and writes labels, memberships, pictures and the report.
    pub(super) fn learn(&self, common: &Common) -> Result<Done> {
        let surface = self.cortex.surface(0..self.learnt_on)?;
        let device = common.device()?;
        let started = Instant::now();
        let learner = Learner::new(&device, &surface, &self.settings)?;
        let mut folder = OutputFolder::new(self.out)?;
        common.say(&device);
        let bar = progress(u64::from(self.settings.steps), "steps")?;
        let learnt = learner.run(|step, loss| {
            bar.set_position(u64::from(step));
            bar.set_message(format!("loss {loss:.5}"));
        })?;
        bar.finish_and_clear();
        let seconds = started.elapsed().as_secs_f64();

        let scores = if self.judged_on() > 1 { Some(self.judge(&learnt)?) } else { None };
        let correlation = self.parcel_correlation(&device, &learnt)?;
        let used: std::collections::BTreeSet<i32> = learnt.labels.iter().copied().collect();
        let mut result = json!({
            "device": device.name(), "steps": self.settings.steps, "seed": common.seed, "seconds": seconds,
            "vertices": self.cortex.usable.len(), "frames": { "learnt_on": self.learnt_on, "judged_on": self.judged_on() },
            "parcels": { "asked": self.settings.parcels, "non_empty": used.len() },
            "loss": { "first": learnt.losses.first(), "last": learnt.losses.last() },
            "out": self.out.display().to_string(),
        });
        for (key, value) in scores.iter().flat_map(Scores::json) {
            result[key] = value;
        }
        self.write(&mut folder, &learnt, &correlation, scores.as_ref(), &result)?;
        folder.commit()?;
        common.print(&result, || {
            let lines =
                scores.as_ref().map(|s| table(&["homogeneity on unseen frames", "score", "learnt is ahead by"], &comparison(s)) + "\n");
            format!(
                "{}{} of {} parcels in use; {} steps in {seconds:.1} s; everything is in {}",
                lines.unwrap_or_default(),
                used.len(),
                self.settings.parcels,
                self.settings.steps,
                self.out.join("report.html").display()
            )
        })?;
        Ok(Done::Well)
    }

    fn judged_on(&self) -> usize {
        self.cortex.frames() - self.learnt_on
    }

    /// The frames that judge: those not learnt from, or all where there are none.
    fn unseen(&self) -> std::ops::Range<usize> {
        if self.judged_on() > 1 { self.learnt_on..self.cortex.frames() } else { 0..self.cortex.frames() }
    }

    fn write(
        &self,
        folder: &mut OutputFolder,
        learnt: &Learnt,
        correlation: &HostTensor,
        scores: Option<&Scores>,
        result: &Value,
    ) -> Result<()> {
        let labels = self.cortex.spread(&learnt.labels);
        folder.add("labels.npy", &npy_bytes(&HostTensor::i32([labels.len()], labels.clone())?)?)?;
        folder.add("memberships.npy", &npy_bytes(&whole(&self.cortex, &learnt.memberships)?)?)?;
        folder.add("parcel_correlation.npy", &npy_bytes(correlation)?)?;
        let lines = learnt.losses.iter().enumerate().map(|(i, l)| format!("{i},{l}\n"));
        folder.add("loss.csv", format!("step,loss\n{}", lines.collect::<String>()).as_bytes())?;
        folder.add("result.json", format!("{result:#}\n").as_bytes())?;

        let section = |heading: &str, text: &str, svg: &str, caption: &str| Section {
            heading: heading.into(),
            text: text.into(),
            table: None,
            figures: vec![Figure { svg: svg.into(), caption: caption.into() }],
        };
        let mut sections = Vec::new();
        if let Some(scores) = scores {
            let compared = compared(scores)?;
            folder.add("comparison.svg", compared.as_bytes())?;
            let header = ["", "homogeneity", "learnt is ahead by"].map(String::from).to_vec();
            let mut judged = section("Result", JUDGED, &compared, "The dots are random parcellations.");
            judged.table = Some(ReportTable { header, rows: comparison(scores) });
            sections.push(judged);
        }
        if let Some(parcels) = self.map(&labels)? {
            folder.add("parcels.svg", parcels.as_bytes())?;
            let text = "The parcel of greatest membership at each vertex; grey is what was left out.";
            sections.push(section("Parcels", text, &parcels, ""));
        }
        let n = correlation.shape()[0];
        let heat = picture::heat_map("Connectome of the parcels", "parcel", "correlation", n, correlation.elements::<f32>()?, (-1.0, 1.0))?;
        let points = learnt.losses.iter().enumerate().map(|(i, l)| (i as f64, f64::from(*l))).collect();
        let loss = picture::line_chart("Loss", "step", "loss", &[("loss".into(), points)])?;
        folder.add("correlation.svg", heat.as_bytes())?;
        folder.add("loss.svg", loss.as_bytes())?;
        let over = if scores.is_some() { "the unseen frames" } else { "all frames" };
        sections.push(section("Connectome", &format!("Correlation of the parcels' series over {over}."), &heat, ""));
        sections.push(section("Learning", LEARNING, &loss, "The loss at each step."));
        let intro = format!("{} steps on {}, seed {}.", result["steps"], result["device"].as_str().unwrap_or(""), result["seed"]);
        folder.add("report.html", report(self.title, &intro, &sections).as_bytes())
    }

    /// The parcels on the sphere, where its faces are known.
    fn map(&self, labels: &[i32]) -> Result<Option<String>> {
        let Some(faces) = &self.cortex.faces else { return Ok(None) };
        let triples = |t: &HostTensor| t.to_f64_vec().chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect::<Vec<_>>();
        let xyz: Vec<[f32; 3]> = triples(&self.cortex.xyz).into_iter().map(|p| p.map(|x| x as f32)).collect();
        let faces: Vec<[i32; 3]> = triples(faces).into_iter().map(|f| f.map(|x| x as i32)).collect();
        picture::sphere_map("Learnt parcels", self.hemisphere, &xyz, &faces, labels).map(Some)
    }

    /// Everything is judged on the frames that were not learnt from.
    fn judge(&self, learnt: &Learnt) -> Result<Scores> {
        let (cortex, settings) = (&self.cortex, &self.settings);
        let (unseen, time) = (cortex.frames_of(self.unseen())?, self.judged_on());
        let z = unit_rows(unseen.elements::<f32>()?, time);
        let surface = cortex.surface(0..self.learnt_on)?;
        let points = &surface.directions;
        let random = |i: u64| {
            let start = sphere::random_points(points, settings.parcels, settings.seed.wrapping_mul(RANDOM).wrapping_add(1 + i));
            homogeneity(&z, time, &sphere::nearest(points, &sphere::k_means(points, start, 50)))
        };
        let of_atlas = |atlas: &HostTensor| {
            let atlas = atlas.to_f64_vec();
            let atlas: Vec<i32> = cortex.usable.iter().map(|&v| atlas[v] as i32 - 1).collect();
            homogeneity(&z, time, &atlas)
        };
        let clusters = k_means(&features(&surface, settings)?, points, settings)?.clusters;
        let clusters: Vec<i32> = clusters.into_iter().map(|c| c as i32).collect();
        Ok(Scores {
            learnt: homogeneity(&z, time, &learnt.labels)?,
            random: (0..RANDOM).map(random).collect::<Result<_>>()?,
            atlas: cortex.atlas.as_ref().map(of_atlas).transpose()?,
            k_means: homogeneity(&z, time, &clusters)?,
        })
    }

    /// The correlation of the parcels' series over the frames that judge.
    fn parcel_correlation(&self, device: &Device, learnt: &Learnt) -> Result<HostTensor> {
        let unseen = self.cortex.frames_of(self.unseen())?;
        let mut tape = Tape::new();
        let a = tape.input("memberships", learnt.memberships.ty())?;
        let x = tape.input("series", unseen.ty())?;
        let (series, _) = tape.parcel_series(a, x)?;
        let r = tape.correlation(series, None, false)?;
        let mut program = device.compile(&tape, &[r])?;
        Ok(program.run(&[(a, &learnt.memberships), (x, &unseen)])?.remove(0))
    }
}

const JUDGED: &str = "For each parcel, the mean Pearson correlation over distinct pairs of its vertices on frames that were not learnt from, \
    averaged over parcels weighted by size. Random parcellations are spherical k-means from random starts; k-means works on the same \
    series and coordinates as the learner.";
const LEARNING: &str = "Memberships are a softmax of free logits. The loss joins within-parcel homogeneity, compactness on the sphere, \
    agreement with neighbours, and an entropy whose weight falls to zero; the loss rises while it does.";

fn compared(scores: &Scores) -> Result<String> {
    let atlas = scores.atlas.map(|score| ("Schaefer".to_owned(), score));
    let bars: Vec<(String, f64)> =
        [("learnt".to_owned(), scores.learnt), ("k-means".to_owned(), scores.k_means)].into_iter().chain(atlas).collect();
    let random = ("random", scores.random.as_slice());
    picture::comparison("Homogeneity on unseen frames", "mean correlation within parcels", &bars, random)
}

fn comparison(s: &Scores) -> Vec<Vec<String>> {
    let row = |name: &str, score: f64| vec![name.to_owned(), format!("{score:.4}"), format!("{:+.4}", s.learnt - score)];
    let mut rows = vec![vec!["learnt".to_owned(), format!("{:.4}", s.learnt), String::new()]];
    rows.push(row("k-means on series and coordinates", s.k_means));
    rows.extend(s.atlas.map(|score| row("Schaefer", score)));
    rows.push(row(&format!("best of {RANDOM} random parcellations"), s.random_best()));
    rows.push(row("their mean", s.random_mean()));
    rows
}

/// Memberships of all vertices, 0 where there is no series.
fn whole(cortex: &Cortex, memberships: &HostTensor) -> Result<HostTensor> {
    let [parcels, usable] = [memberships.shape()[0], memberships.shape()[1]];
    let vertices = cortex.series.shape()[0];
    let mut out = vec![0.0; parcels * vertices];
    for (row, a) in out.chunks_exact_mut(vertices).zip(memberships.elements::<f32>()?.chunks_exact(usable)) {
        cortex.usable.iter().zip(a).for_each(|(&v, &a)| row[v] = a);
    }
    HostTensor::f32([parcels, vertices], out)
}
