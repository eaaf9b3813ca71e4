//! Parcels of a cortex, learnt and compared: what `tapetum demo` and `tapetum parcellate` share.

use super::common::{Common, Done, progress};
use crate::connectome::parcels::cortex::Cortex;
use crate::connectome::parcels::judge::{RANDOM, Scores};
use crate::connectome::parcels::learn_parcels::{Learner, Learnt, Settings};
use crate::data::cifti::{BrainModels, Cifti, Places, numbered_labels};
use crate::data::{label_gifti, npy_bytes};
use crate::file::OutputFolder;
use crate::report::picture::{self, Hemisphere, Matrix};
use crate::report::{Figure, ReportTable, Section, cluster_order, reordered, report, table};
use crate::{HostTensor, Result};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Instant;

/// Settings of a parcellation to be learnt: the cortex, and the split into training and test frames.
pub(super) struct Parcels<'a> {
    pub(super) cortex: Cortex,
    pub(super) settings: Settings,
    /// The number of training frames, at the beginning; the remaining frames are the test frames.
    pub(super) train: usize,
    pub(super) hemisphere: Hemisphere,
    /// The structure, as CIFTI-2 names it.
    pub(super) structure: &'a str,
    /// The grayordinates of the series, where they are from a CIFTI-2 file.
    pub(super) models: Option<BrainModels>,
    pub(super) out: &'a Path,
    pub(super) title: &'a str,
    /// A sentence that suggests a next step to the reader of the report.
    pub(super) next: &'a str,
    /// The entries that say how the series were read. They are added to the result.
    pub(super) read: Value,
}

impl Parcels<'_> {
    /// Learns the parcels on the training frames, compares them with others on the test frames where there are any, and writes labels,
    /// memberships, pictures and the report.
    pub(super) fn learn(&self, common: &Common) -> Result<Done> {
        let surface = self.cortex.surface(0..self.train)?;
        let device = common.device()?;
        let started = Instant::now();
        let learner = Learner::new(&device, &surface, &self.settings)?;
        let mut folder = OutputFolder::new(self.out)?;
        common.say(&device);
        let bar = progress(u64::from(self.settings.steps), "steps")?;
        let learnt = learner.run(|step, loss| bar.at(u64::from(step), format!("loss {loss:.5}")))?;
        bar.finish();
        let seconds = started.elapsed().as_secs_f64();

        let scores = if self.test() > 1 { Some(self.cortex.judge(&learnt, &self.settings, self.train)?) } else { None };
        let correlation = self.cortex.parcel_correlation(&device, &learnt.memberships, self.cortex.test_frames(self.train))?;
        let used: std::collections::BTreeSet<i32> = learnt.labels.iter().copied().collect();
        let mut result = json!({
            "device": device.name(), "cooperative": device.cooperative(), "steps": self.settings.steps, "seed": common.seed, "seconds": seconds,
            "vertices": self.cortex.usable.len(), "frames": { "train": self.train, "test": self.test() },
            "parcels": { "asked": self.settings.parcels, "non_empty": used.len() },
            "loss": { "first": learnt.losses.first(), "last": learnt.losses.last() },
            "out": self.out.display().to_string(),
        });
        for (key, value) in scores.iter().flat_map(object) {
            result[key] = value;
        }
        for (key, value) in self.read.as_object().into_iter().flatten() {
            result[key] = value.clone();
        }
        self.write(&mut folder, &learnt, &correlation, scores.as_ref(), &result)?;
        folder.commit()?;
        common.print(&result, || {
            let header = ["homogeneity on the test frames", "score", "learnt is ahead by"];
            let compared = scores.as_ref().map(|s| format!("{}\n\n{HOMOGENEITY}\n\n", table(&header, &rows(s))));
            format!(
                "{}{} of {} parcels in use; {} steps in {seconds:.1} s; everything is in {}\n{}",
                compared.unwrap_or_default(),
                used.len(),
                self.settings.parcels,
                self.settings.steps,
                self.out.join("report.html").display(),
                self.next
            )
        })?;
        Ok(Done::Well)
    }

    /// The number of test frames.
    fn test(&self) -> usize {
        self.cortex.frames() - self.train
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
        let n = correlation.shape()[0];
        let order = cluster_order(n, correlation.elements::<f32>()?)?;
        folder.add("labels.npy", &npy_bytes(&HostTensor::i32([labels.len()], labels.clone())?)?)?;
        self.write_labels(folder, &labels)?;
        folder.add("memberships.npy", &npy_bytes(&self.cortex.spread_memberships(&learnt.memberships)?)?)?;
        folder.add("parcel_correlation.npy", &npy_bytes(correlation)?)?;
        folder.add("parcel_order.npy", &npy_bytes(&HostTensor::i32([n], order.iter().map(|&p| p as i32).collect())?)?)?;
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
            let mut judged = section("Result", &format!("{HOMOGENEITY} {COMPARED}"), &compared, "Each dot is a random parcellation.");
            judged.table = Some(ReportTable { header, rows: rows(scores) });
            sections.push(judged);
        }
        if let Some(parcels) = self.map(&labels)? {
            folder.add("parcels.svg", parcels.as_bytes())?;
            let text = "The parcel of greatest membership at each vertex of the sphere that the cortex was inflated to; grey vertices have no \
                series. Colours tell neighbours apart and mean nothing else.";
            sections.push(section("Parcels", text, &parcels, "A is anterior, P posterior."));
        }
        let matrix = reordered(correlation.elements::<f32>()?, &order);
        let axes = ["parcel, in the order of clusters"; 2];
        let heat = Matrix {
            title: "Connectome of the parcels",
            axes,
            quantity: "correlation (Pearson's r)",
            rows: n,
            values: &matrix,
            ..Matrix::default()
        };
        let heat = Matrix { without_diagonal: true, ..heat }.heat_map()?;
        let points = learnt.losses.iter().enumerate().map(|(i, l)| (i as f64, f64::from(*l))).collect();
        let loss = picture::line_chart("Loss", "step", "loss", &[("loss".into(), points)])?;
        folder.add("correlation.svg", heat.as_bytes())?;
        folder.add("loss.svg", loss.as_bytes())?;
        let over = if scores.is_some() { "the test frames" } else { "all frames" };
        let text = format!(
            "Correlation of the parcels' series over {over}. Parcels that are alike stand together, in the order of an average-linkage \
             clustering, which is in `parcel_order.npy`; `parcel_correlation.npy` is in the order of the labels."
        );
        sections.push(section("Connectome", &text, &heat, "The diagonal, which is 1, is grey."));
        sections.push(section("Learning", LEARNING, &loss, "The loss at each step."));
        let products = if result["cooperative"] == true { ", products on cooperative matrices" } else { "" };
        let device = result["device"].as_str().unwrap_or("");
        let intro = format!("{} steps on {device}{products}, seed {}.", result["steps"], result["seed"]);
        folder.add("report.html", report(self.title, &intro, &sections).as_bytes())
    }

    /// Writes the labels for viewers of surfaces: all vertices in `parcels.label.gii`, and, where the series are from a CIFTI-2 file, their
    /// grayordinates in `parcels.dlabel.nii`. The key of a parcel is its number and 1, and its name is the number; key 0 is for vertices
    /// without a parcel.
    fn write_labels(&self, folder: &mut OutputFolder, labels: &[i32]) -> Result<()> {
        let keys: Vec<i32> = labels.iter().map(|label| label + 1).collect();
        let table = numbered_labels(self.settings.parcels);
        folder.add("parcels.label.gii", label_gifti(&keys, &table, Some(self.structure)).as_bytes())?;
        let Some(models) = &self.models else { return Ok(()) };
        let vertices = models.models.iter().flat_map(|model| match &model.places {
            Places::Vertices { indices, .. } => indices.as_slice(),
            Places::Voxels(_) => &[],
        });
        let keys: Vec<i32> = vertices.filter_map(|vertex| keys.get(*vertex as usize).copied()).collect();
        folder.add("parcels.dlabel.nii", &Cifti::labels(models.clone(), "parcels", &keys, table)?.to_bytes()?)
    }

    /// The parcels on the sphere, where its faces are known.
    fn map(&self, labels: &[i32]) -> Result<Option<String>> {
        let Some(faces) = &self.cortex.faces else { return Ok(None) };
        let triples = |t: &HostTensor| t.to_f64_vec().chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect::<Vec<_>>();
        let xyz: Vec<[f32; 3]> = triples(&self.cortex.xyz).into_iter().map(|p| p.map(|x| x as f32)).collect();
        let faces: Vec<[i32; 3]> = triples(faces).into_iter().map(|f| f.map(|x| x as i32)).collect();
        picture::sphere_map("Learnt parcels on the sphere", self.hemisphere, &xyz, &faces, labels).map(Some)
    }
}

const HOMOGENEITY: &str = "Homogeneity is the mean correlation between the series of two vertices of one parcel, from -1 to 1: the higher, \
    the more alike is what a parcel joins.";
const COMPARED: &str = "It is taken on frames that were not learnt from, and averaged over parcels weighted by size. Random parcellations \
    are spherical k-means from random starts; k-means works on the same series and coordinates as the learner.";
const LEARNING: &str = "Memberships are a softmax of free logits. The loss joins within-parcel homogeneity, compactness on the sphere, \
    agreement with neighbours, and an entropy whose weight falls to zero; the loss rises while it does.";

/// The scores of all parcellations, and the differences between the learnt parcels and the others.
fn object(s: &Scores) -> [(&'static str, Value); 2] {
    let mut scores = json!({
        "learnt": s.learnt, "k_means": s.k_means,
        "random": { "parcellations": RANDOM, "mean": s.random_mean(), "best": s.random_best() },
    });
    if let Some(atlas) = s.atlas {
        scores["schaefer"] = atlas.into();
    }
    let atlas = s.atlas.map(|score| ("schaefer", score));
    let others = [("best_random", s.random_best())].into_iter().chain(atlas).chain([("k_means", s.k_means)]);
    let margin: Map<String, Value> = others.map(|(name, score)| (format!("over_{name}"), json!(s.learnt - score))).collect();
    [("homogeneity", scores), ("margin", Value::Object(margin))]
}

fn compared(scores: &Scores) -> Result<String> {
    let atlas = scores.atlas.map(|score| ("Schaefer".to_owned(), score));
    let bars: Vec<(String, f64)> = [("learnt".to_owned(), scores.learnt), ("k-means".to_owned(), scores.k_means)]
        .into_iter()
        .chain(atlas)
        .chain([("best random".to_owned(), scores.random_best())])
        .collect();
    let random = ("random", scores.random.as_slice());
    picture::comparison("Homogeneity on the test frames", "mean correlation within parcels", &bars, random)
}

fn rows(s: &Scores) -> Vec<Vec<String>> {
    let row = |name: &str, score: f64| vec![name.to_owned(), format!("{score:.4}"), format!("{:+.4}", s.learnt - score)];
    let mut rows = vec![vec!["learnt".to_owned(), format!("{:.4}", s.learnt), String::new()]];
    rows.push(row("k-means on series and coordinates", s.k_means));
    rows.extend(s.atlas.map(|score| row("Schaefer", score)));
    rows.push(row(&format!("best of {RANDOM} random parcellations"), s.random_best()));
    rows.push(row("mean of the random parcellations", s.random_mean()));
    rows
}
