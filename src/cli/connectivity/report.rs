//! The report of `tapetum connectivity`.

use crate::Result;
use crate::file::OutputFolder;
use crate::report::{ConnectomeView, Figure, Section, report};

/// The most subjects whose own matrices are shown.
const SUBJECTS: usize = 3;
/// The most connections that are listed.
const STRONGEST: usize = 20;

/// The contents of a report.
pub(super) struct Page<'a> {
    /// The file of the series, and what was computed of it.
    pub(super) intro: String,
    /// The quantity of the entries.
    pub(super) quantity: String,
    /// The regions' names.
    pub(super) names: Vec<String>,
    /// The matrices, one after the other.
    pub(super) values: &'a [f32],
    pub(super) warnings: &'a [String],
}

impl Page<'_> {
    fn view<'a>(&'a self, title: &'a str, values: &'a [f32]) -> ConnectomeView<'a> {
        ConnectomeView { title, quantity: &self.quantity, names: &self.names, values, without_diagonal: false }
    }

    /// Adds the report and the picture of its first map to a folder.
    pub(super) fn add_to(&self, folder: &mut OutputFolder) -> Result<()> {
        let each = self.names.len() * self.names.len();
        let subjects: Vec<&[f32]> = self.values.chunks_exact(each.max(1)).collect();
        let mean = mean(&subjects, each);
        let title = if subjects.len() > 1 { format!("Mean over {} subjects", subjects.len()) } else { "Connectome".into() };
        let order = self.view(&title, &mean).order()?;
        let mut figures = vec![self.view(&title, &mean).map(&order)?];
        if subjects.len() > 1 {
            let own = |(i, values): (usize, &&[f32])| self.view(&format!("Subject {i}"), values).map(&order);
            figures.extend(subjects.iter().take(SUBJECTS).enumerate().map(own).collect::<Result<Vec<Figure>>>()?);
        }
        if !figures[0].svg.is_empty() {
            folder.add("connectome.svg", figures[0].svg.as_bytes())?;
        }
        let mut sections = Vec::new();
        if !self.warnings.is_empty() {
            let text = self.warnings.join("\n\n");
            sections.push(Section { heading: "Warnings".into(), text, ..Section::default() });
        }
        sections.push(Section { heading: "Connectomes".into(), text: about(subjects.len()), table: None, figures });
        let strongest = self.view(&title, &mean).strongest(STRONGEST);
        if !strongest.rows.is_empty() {
            let text = "The connections of two regions whose values are the largest, whatever their sign.".into();
            sections.push(Section { heading: "Strongest connections".into(), text, table: Some(strongest), figures: Vec::new() });
        }
        folder.add("report.html", report("Functional connectivity", &self.intro, &sections).as_bytes())
    }
}

fn about(subjects: usize) -> String {
    match subjects {
        0 | 1 => String::new(),
        n if n > SUBJECTS => format!(
            "The mean over subjects that have a value, and the first {SUBJECTS} of {n} subjects, counted from 0, in the same order."
        ),
        _ => "The mean over subjects that have a value, and the subjects, counted from 0, in the same order.".into(),
    }
}

/// The mean over the matrices that have a value; NaN where none has.
fn mean(subjects: &[&[f32]], each: usize) -> Vec<f32> {
    let (mut sums, mut counts) = (vec![0.0f64; each], vec![0u32; each]);
    for matrix in subjects {
        for ((sum, count), x) in sums.iter_mut().zip(&mut counts).zip(*matrix).filter(|(_, x)| !x.is_nan()) {
            *sum += f64::from(*x);
            *count += 1;
        }
    }
    sums.iter().zip(&counts).map(|(sum, &count)| if count == 0 { f32::NAN } else { (sum / f64::from(count)) as f32 }).collect()
}
