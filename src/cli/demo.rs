//! `tapetum demo`: learn a soft parcellation of the cortex that ships with the crate, and judge it on frames it has not seen.

use super::picture;
use super::picture::Hemisphere;
use super::report::{Figure, ReportTable, Section, report};
use super::{Common, Done, progress, table};
use crate::connectome::cortex::Cortex;
use crate::connectome::homogeneity::{homogeneity, standardised};
use crate::connectome::learn_parcels::{Learner, Learnt, Settings, features, k_means};
use crate::connectome::sphere;
use crate::data::{OutputFolder, npy_bytes};
use crate::{Device, HostTensor, Result, Tape};
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

/// Random parcellations to compare with.
const RANDOM: u64 = 20;

#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// The folder for labels, memberships, pictures and the report.
    #[arg(short, long, default_value = "tapetum-demo", value_name = "DIR")]
    out: PathBuf,
    /// Steps of Adam.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: u32,
}

/// Homogeneity on unseen frames.
struct Scores {
    learnt: f64,
    random: Vec<f64>,
    atlas: f64,
    k_means: f64,
}

impl Scores {
    fn random_mean(&self) -> f64 {
        self.random.iter().sum::<f64>() / self.random.len() as f64
    }

    fn random_best(&self) -> f64 {
        self.random.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

impl Demo {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let cortex = Cortex::shipped()?;
        let half = cortex.frames() / 2;
        let settings = Settings { steps: self.steps, seed: common.seed, ..Settings::default() };
        let surface = cortex.surface(0..half)?;
        let device = common.device()?;

        let started = Instant::now();
        let learner = Learner::new(&device, &surface, &settings)?;
        let mut folder = OutputFolder::new(&self.out)?;
        common.say(&device);
        let bar = progress(u64::from(self.steps), "steps")?;
        let learnt = learner.run(|step, loss| {
            bar.set_position(u64::from(step));
            bar.set_message(format!("loss {loss:.5}"));
        })?;
        bar.finish_and_clear();
        let seconds = started.elapsed().as_secs_f64();

        let scores = judge(&cortex, &learnt, &settings, half)?;
        let correlation = parcel_correlation(&device, &cortex, &learnt)?;
        let used: std::collections::BTreeSet<i32> = learnt.labels.iter().copied().collect();
        let result = json!({
            "device": device.name(), "steps": self.steps, "seed": common.seed, "seconds": seconds,
            "vertices": cortex.usable.len(), "frames": { "learnt_on": half, "judged_on": cortex.frames() - half },
            "parcels": { "asked": settings.parcels, "non_empty": used.len() },
            "loss": { "first": learnt.losses.first(), "last": learnt.losses.last() },
            "homogeneity": {
                "learnt": scores.learnt,
                "random": { "parcellations": RANDOM, "mean": scores.random_mean(), "best": scores.random_best() },
                "schaefer": scores.atlas, "k_means": scores.k_means,
            },
            "margin": {
                "over_best_random": scores.learnt - scores.random_best(), "over_schaefer": scores.learnt - scores.atlas,
                "over_k_means": scores.learnt - scores.k_means,
            },
            "out": self.out.display().to_string(),
        });
        self.write(&mut folder, &cortex, &learnt, &correlation, &scores, &result)?;
        folder.commit()?;
        common.print(&result, || {
            let lines = comparison(&scores);
            format!(
                "{}\n{} of {} parcels in use; {} steps in {seconds:.1} s; everything is in {}",
                table(&["homogeneity on unseen frames", "score", "learnt is ahead by"], &lines),
                used.len(),
                settings.parcels,
                self.steps,
                self.out.join("report.html").display()
            )
        })?;
        Ok(Done::Well)
    }

    fn write(
        &self,
        folder: &mut OutputFolder,
        cortex: &Cortex,
        learnt: &Learnt,
        correlation: &HostTensor,
        scores: &Scores,
        result: &serde_json::Value,
    ) -> Result<()> {
        let labels = cortex.spread(&learnt.labels);
        let vertices = labels.len();
        folder.add("labels.npy", &npy_bytes(&HostTensor::i32([vertices], labels.clone())?)?)?;
        folder.add("memberships.npy", &npy_bytes(&whole(cortex, &learnt.memberships)?)?)?;
        folder.add("parcel_correlation.npy", &npy_bytes(correlation)?)?;
        let lines = learnt.losses.iter().enumerate().map(|(i, l)| format!("{i},{l}\n"));
        folder.add("loss.csv", format!("step,loss\n{}", lines.collect::<String>()).as_bytes())?;
        folder.add("result.json", format!("{result:#}\n").as_bytes())?;

        let points = learnt.losses.iter().enumerate().map(|(i, l)| (i as f64, f64::from(*l))).collect();
        let loss = picture::line_chart("Loss", "step", "loss", &[("loss".into(), points)])?;
        let triples = |t: &HostTensor| t.to_f64_vec().chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect::<Vec<_>>();
        let xyz: Vec<[f32; 3]> = triples(&cortex.xyz).into_iter().map(|p| p.map(|x| x as f32)).collect();
        let faces: Vec<[i32; 3]> = triples(&cortex.faces).into_iter().map(|f| f.map(|x| x as i32)).collect();
        let parcels = picture::sphere_map("Learnt parcels", Hemisphere::Left, &xyz, &faces, &labels)?;
        let n = correlation.shape()[0];
        let heat = picture::heat_map("Connectome of the parcels", "parcel", "correlation", n, correlation.elements::<f32>()?, (-1.0, 1.0))?;
        let bars = [("learnt".to_owned(), scores.learnt), ("k-means".to_owned(), scores.k_means), ("Schaefer".to_owned(), scores.atlas)];
        let random = ("random", scores.random.as_slice());
        let compared = picture::comparison("Homogeneity on unseen frames", "mean correlation within parcels", &bars, random)?;
        for (name, svg) in [("loss.svg", &loss), ("parcels.svg", &parcels), ("correlation.svg", &heat), ("comparison.svg", &compared)] {
            folder.add(name, svg.as_bytes())?;
        }
        let header = ["", "homogeneity", "learnt is ahead by"].map(String::from).to_vec();
        let section = |heading: &str, text: &str, svg: String, caption: &str| Section {
            heading: heading.into(),
            text: text.into(),
            table: None,
            figures: vec![Figure { svg, caption: caption.into() }],
        };
        let mut judged = section("Result", JUDGED, compared, "The dots are random parcellations.");
        judged.table = Some(ReportTable { header, rows: comparison(scores) });
        let sections = [
            judged,
            section("Parcels", "The parcel of greatest membership at each vertex; grey is the medial wall.", parcels, ""),
            section("Connectome", "Correlation of the parcels' series over the unseen frames.", heat, ""),
            section("Learning", LEARNING, loss, "The loss at each step."),
        ];
        let intro = format!("{} steps on {}, seed {}.", result["steps"], result["device"].as_str().unwrap_or(""), result["seed"]);
        folder.add("report.html", report("A cortex, parcellated by gradient descent", &intro, &sections).as_bytes())
    }
}

const JUDGED: &str = "For each parcel, the mean Pearson correlation over distinct pairs of its vertices on frames that were not learnt from, \
    averaged over parcels weighted by size. Random parcellations are spherical k-means from random starts; k-means works on the same \
    series and coordinates as the learner.";
const LEARNING: &str = "Memberships are a softmax of free logits. The loss joins within-parcel homogeneity, compactness on the sphere, \
    agreement with neighbours, and an entropy whose weight falls to zero; the loss rises while it does.";

/// Everything is judged on the frames from `half` on.
fn judge(cortex: &Cortex, learnt: &Learnt, settings: &Settings, half: usize) -> Result<Scores> {
    let unseen = cortex.frames_of(half..cortex.frames())?;
    let time = cortex.frames() - half;
    let z = standardised(unseen.elements::<f32>()?, time);
    let surface = cortex.surface(0..half)?;
    let points = &surface.directions;
    let random = |i: u64| {
        let start = sphere::random_points(points, settings.parcels, settings.seed.wrapping_mul(RANDOM).wrapping_add(1 + i));
        homogeneity(&z, time, &sphere::nearest(points, &sphere::k_means(points, start, 50)))
    };
    let atlas = cortex.atlas.to_f64_vec();
    let atlas: Vec<i32> = cortex.usable.iter().map(|&v| atlas[v] as i32 - 1).collect();
    let clusters = k_means(&features(&surface, settings)?, points, settings);
    Ok(Scores {
        learnt: homogeneity(&z, time, &learnt.labels)?,
        random: (0..RANDOM).map(random).collect::<Result<_>>()?,
        atlas: homogeneity(&z, time, &atlas)?,
        k_means: homogeneity(&z, time, &clusters)?,
    })
}

fn comparison(s: &Scores) -> Vec<Vec<String>> {
    let row = |name: &str, score: f64| vec![name.to_owned(), format!("{score:.4}"), format!("{:+.4}", s.learnt - score)];
    vec![
        vec!["learnt".to_owned(), format!("{:.4}", s.learnt), String::new()],
        row("k-means on series and coordinates", s.k_means),
        row("Schaefer", s.atlas),
        row(&format!("best of {RANDOM} random parcellations"), s.random_best()),
        row("their mean", s.random_mean()),
    ]
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

/// The correlation of the parcels' series over the unseen frames.
fn parcel_correlation(device: &Device, cortex: &Cortex, learnt: &Learnt) -> Result<HostTensor> {
    let unseen = cortex.frames_of(cortex.frames() / 2..cortex.frames())?;
    let mut tape = Tape::new();
    let a = tape.input("memberships", learnt.memberships.ty())?;
    let x = tape.input("series", unseen.ty())?;
    let (series, _) = tape.parcel_series(a, x)?;
    let r = tape.correlation(series, None, false)?;
    let mut program = device.compile(&tape, &[r])?;
    Ok(program.run(&[(a, &learnt.memberships), (x, &unseen)])?.remove(0))
}
