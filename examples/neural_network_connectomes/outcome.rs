//! The output of the study: its report, its figures, and its connectomes for other tools.

use super::images::Images;
use super::monitor::Watched;
use super::network::{Connectomes, Settings};
use super::study::{Method, Study};
use tapetum::data::npy_bytes;
use tapetum::file::OutputFolder;
use tapetum::report::picture::{Score, barcode, comparison, line_chart, scatter};
use tapetum::report::{Figure, ReportTable, Section, report};
use tapetum::topology::{Curves, group_curves};
use tapetum::{HostTensor, Result};

type Lines = Vec<(String, Vec<(f64, f64)>)>;

/// All results of the study.
pub struct Outcome<'a> {
    pub images: &'a Images,
    pub settings: &'a Settings,
    pub connectomes: &'a Connectomes,
    pub by_strategy: &'a Study,
    pub by_class: &'a [Study],
    pub watched: &'a [Watched],
    pub times: &'a [(f64, f64)],
}

impl Outcome<'_> {
    /// Writes the report, its figures, and the connectomes by strategy with their labels.
    pub fn write(&self, folder: &mut OutputFolder) -> Result<()> {
        let a = self.by_strategy;
        folder.add("connectomes.npy", &npy_bytes(&self.connectomes.stack)?)?;
        let labels = a.labels.iter().map(|&l| l as i32).collect();
        folder.add("labels.npy", &npy_bytes(&HostTensor::i32([a.labels.len()], labels)?)?)?;
        let mut sections = vec![purity(a)?];
        for study in self.by_class {
            sections.push(purity(study)?);
        }
        sections.extend([curves(a)?, embedding(a)?, barcodes(a)?, monitored(self.watched)?, runtime(self.times)?]);
        for section in &sections {
            for (i, figure) in section.figures.iter().enumerate() {
                folder.add(format!("{}_{i}.svg", slug(&section.heading)), figure.svg.as_bytes())?;
            }
        }
        folder.add("report.html", report("Functional connectomes of neural networks", &self.intro(), &sections).as_bytes())
    }

    fn intro(&self) -> String {
        let a = self.by_strategy;
        let [first, second] = self.settings.hidden;
        let right = |label: usize| {
            let members = a.members(label);
            format!("{} {:.1} %", a.names[label], 100.0 * members.iter().map(|&g| a.right[g]).sum::<f64>() / members.len().max(1) as f64)
        };
        let blocks =
            self.settings.filters.map_or_else(String::new, |[a, b, c]| format!(" behind convolutions of {a}, {b} and {c} filters"));
        let seen =
            if self.images.stimuli == self.images.training { "which they were trained on" } else { "none of which they were trained on" };
        format!(
            "{} networks of {first} and {second} hidden units{blocks}, {} steps each on {}. Of their {} stimuli, {seen}, they name \
             rightly: {}. A connectome is the absolute correlation of hidden units over stimuli.",
            a.labels.len(),
            self.settings.steps,
            self.images.name,
            self.images.stimuli.len(),
            (0..a.names.len()).map(right).collect::<Vec<_>>().join(", ")
        )
    }
}

fn slug(heading: &str) -> String {
    heading.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

fn figure(svg: String, caption: &str) -> Figure {
    Figure { svg, caption: caption.into() }
}

fn purity(study: &Study) -> Result<Section> {
    let row = |m: &Method| {
        let spread = m.purity.iter().copied().fold((f64::MAX, f64::MIN), |(low, high), p| (low.min(p), high.max(p)));
        vec![
            m.name.to_owned(),
            format!("{:.3} ± {:.3}", m.mean(), m.deviation()),
            format!("{:.3} to {:.3}", spread.0, spread.1),
            format!("{:.2} s", m.seconds),
        ]
    };
    let header = ["method", "purity", "range", "a run"].map(String::from).to_vec();
    let score = |m: &Method| Score { name: m.name.to_owned(), value: m.mean(), deviation: Some(m.deviation()) };
    let scores: Vec<Score> = study.methods.iter().map(score).collect();
    let top = &study.methods[0];
    let picture = comparison(&format!("Purity by {}", study.of), "mean purity over first centres", &scores, ("", &[]))?;
    let confused = top.confusion.iter().zip(&study.names).map(|(counts, name)| {
        let counts = counts.iter().map(usize::to_string).collect::<Vec<_>>();
        format!("{name}: {}", counts.join(", "))
    });
    let text = format!(
        "Purity of clusters by {}, mean and standard deviation over 20 random first centres. Top is k-means on sorted births and deaths, \
         Adj on the weights of edges.\n\nGraphs in each cluster of Top's middle run: {}.",
        study.of,
        confused.collect::<Vec<_>>().join("; ")
    );
    let table = ReportTable { header, rows: study.methods.iter().map(row).collect() };
    Ok(Section { heading: format!("Clusters by {}", study.of), text, table: Some(table), figures: vec![figure(picture, "")] })
}

fn curves(study: &Study) -> Result<Section> {
    let thresholds: Vec<f32> = (0..=200).map(|i| i as f32 / 200.0).collect();
    let groups: Vec<_> = (0..study.names.len()).map(|label| group_curves(&study.diagrams, &study.members(label), &thresholds)).collect();
    let lines = |of: fn(&(Curves, Curves)) -> &[f64]| -> Lines {
        let points = |group| thresholds.iter().zip(of(group)).map(|(&t, &y)| (f64::from(t), y)).collect();
        study.names.iter().zip(&groups).map(|(name, group)| (name.clone(), points(group))).collect()
    };
    let figures = vec![
        figure(line_chart("Components, mean", "threshold (|r| of an edge)", "connected components", &lines(|g| &g.0.components))?, ""),
        figure(
            line_chart(
                "Components, standard deviation",
                "threshold (|r| of an edge)",
                "connected components",
                &lines(|g| &g.1.components),
            )?,
            "",
        ),
        figure(line_chart("Cycles, mean", "threshold (|r| of an edge)", "independent cycles", &lines(|g| &g.0.cycles))?, ""),
        figure(line_chart("Cycles, standard deviation", "threshold (|r| of an edge)", "independent cycles", &lines(|g| &g.1.cycles))?, ""),
    ];
    let text = "What is left of the graphs when only the edges above a threshold are kept, by strategy.";
    Ok(Section { heading: "Betti curves".into(), text: text.into(), table: None, figures })
}

fn embedding(study: &Study) -> Result<Section> {
    let places = study.diagrams.embedding();
    let groups: Vec<(String, Vec<[f64; 2]>)> = study
        .names
        .iter()
        .enumerate()
        .map(|(label, name)| (name.clone(), study.members(label).into_iter().map(|g| places[g]).collect()))
        .collect();
    let [x, y] = ["mean birth − mean birth of all networks", "mean death − mean death of all networks"];
    let svg = scatter("Networks by their births and deaths", x, y, &groups)?;
    let text = "Each network by how far its births and deaths lie, on average, from those of the barycentre of all networks.";
    Ok(Section { heading: "Topological embedding".into(), text: text.into(), table: None, figures: vec![figure(svg, "")] })
}

fn barcodes(study: &Study) -> Result<Section> {
    let of = |(label, name): (usize, &String)| {
        let (births, deaths) = study.diagrams.barycentre(&study.members(label));
        Ok(figure(barcode(&format!("Barycentre: {name}"), &births, &deaths)?, ""))
    };
    let figures = study.names.iter().enumerate().map(of).collect::<Result<_>>()?;
    Ok(Section { heading: "Barycentres".into(), text: "Means of births and deaths, rank by rank.".into(), table: None, figures })
}

fn monitored(watched: &[Watched]) -> Result<Section> {
    let lines = |of: fn(&Watched) -> &[f64]| -> Lines {
        watched.iter().map(|w| (w.name.to_owned(), of(w).iter().enumerate().map(|(i, &y)| (i as f64, y)).collect())).collect()
    };
    let figures = vec![
        figure(line_chart("Distance at every step", "step", "squared distance", &lines(|w| &w.distance))?, ""),
        figure(line_chart("Cross-entropy", "step", "cross-entropy", &lines(|w| &w.loss))?, ""),
    ];
    let text = "The topological distance of a network's connectome to the barycentre of those trained with batch norm, computed at every \
        step of training: watched alone, and with the distance as a term of the loss.";
    Ok(Section { heading: "At every step".into(), text: text.into(), table: None, figures })
}

fn runtime(times: &[(f64, f64)]) -> Result<Section> {
    let svg = line_chart("Runtime", "nodes", "milliseconds", &[("distance".into(), times.to_vec())])?;
    let rows = times.iter().map(|(n, ms)| vec![format!("{n}"), format!("{ms:.2}")]).collect();
    let table = ReportTable { header: ["nodes", "milliseconds"].map(String::from).to_vec(), rows };
    let text = "The distance between two random graphs, both decomposed: the best of three.";
    Ok(Section { heading: "Runtime".into(), text: text.into(), table: Some(table), figures: vec![figure(svg, "")] })
}
