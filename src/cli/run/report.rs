//! The report of a workflow.

use super::rows;
use crate::report::picture;
use crate::report::{Figure, ReportTable, Section, report};
use crate::workflow::{Outcome, Picture, Shown, Workflow};
use crate::{Device, Result};

/// Heat maps or lines of one value, at most.
const MOST: usize = 12;

pub(super) fn page(workflow: &Workflow, device: &Device, outcome: &Outcome) -> Result<String> {
    let mut sections = Vec::new();
    if !outcome.metrics.is_empty() {
        let header = ["", "learnt from", "judged", "all judged"].map(String::from).to_vec();
        let text = "Mean and standard deviation over folds, on the subjects learnt from and on those judged; and over all subjects \
            judged together, each by the fold that had not seen them.";
        let table = Some(ReportTable { header, rows: rows(&outcome.metrics) });
        sections.push(Section { heading: "Metrics".into(), text: text.into(), table, figures: Vec::new() });
    }
    for shown in &outcome.values {
        let figures = figures(shown)?;
        if !figures.is_empty() {
            sections.push(Section { heading: shown.title.clone(), text: caption(shown), table: None, figures });
        }
    }
    if outcome.losses.iter().any(|fold| !fold.is_empty()) {
        sections.push(Section { heading: "Learning".into(), text: String::new(), table: None, figures: learning(outcome)? });
    }
    let folds = workflow.folds();
    let divided = match folds {
        [one] if one.train == one.test => format!("{} subjects, learnt from and judged", one.train.len()),
        [one] => format!("{} subjects learnt from, {} judged", one.train.len(), one.test.len()),
        _ => format!("{} subjects in {} folds", workflow.subjects(), folds.len()),
    };
    let description = workflow.description();
    let between = if description.is_empty() { "" } else { "\n\n" };
    let intro = format!(
        "{description}{between}{divided}; {} steps on {}, seed {}. What was run, and the hashes of its inputs, is in run.json.",
        workflow.steps(),
        device.name(),
        workflow.seed()
    );
    Ok(report(workflow.title(), &intro, &sections))
}

fn caption(shown: &Shown) -> String {
    match (shown.leading, shown.value.shape().first()) {
        (1, Some(n)) => format!("The mean over {n} subjects or folds; all are in {}.npy.", shown.name),
        _ => format!("The values are in {}.npy.", shown.name),
    }
}

/// The mean over its leading axes, and the shape that is left.
fn mean(shown: &Shown) -> Result<(Vec<f32>, Vec<usize>)> {
    let shape = shown.value.shape();
    let each: usize = shape[shown.leading..].iter().product();
    let values = shown.value.elements::<f32>()?;
    let n = (values.len() / each.max(1)).max(1);
    let mut sums = vec![0.0f64; each];
    values.chunks_exact(each.max(1)).for_each(|row| sums.iter_mut().zip(row).for_each(|(s, x)| *s += f64::from(*x)));
    Ok((sums.into_iter().map(|s| (s / n as f64) as f32).collect(), shape[shown.leading..].to_vec()))
}

fn figures(shown: &Shown) -> Result<Vec<Figure>> {
    let (values, shape) = mean(shown)?;
    match shown.picture {
        Picture::None => Ok(Vec::new()),
        Picture::HeatMap => {
            let n = shape[shape.len() - 1];
            let largest = values.iter().fold(0.0f32, |m, x| m.max(x.abs())).max(f32::MIN_POSITIVE);
            let many = values.len() / (n * n).max(1);
            let map = |(i, matrix): (usize, &[f32])| {
                let title = if many == 1 { shown.title.clone() } else { format!("{} {i}", shown.title) };
                let svg = picture::heat_map(&title, "", &shown.name, n, matrix, (-largest, largest))?;
                Ok(Figure { svg, caption: String::new() })
            };
            values.chunks_exact((n * n).max(1)).take(MOST).enumerate().map(map).collect()
        }
        Picture::Lines => {
            let points = shape[shape.len() - 1].max(1);
            let line =
                |(i, row): (usize, &[f32])| (i.to_string(), row.iter().enumerate().map(|(x, y)| (x as f64, f64::from(*y))).collect());
            let lines: Vec<(String, Vec<(f64, f64)>)> = values.chunks_exact(points).take(MOST).enumerate().map(line).collect();
            let left = (values.len() / points).saturating_sub(MOST);
            let caption = if left > 0 { format!("The first {MOST} of {}.", left + MOST) } else { String::new() };
            Ok(vec![Figure { svg: picture::line_chart(&shown.title, "", &shown.name, &lines)?, caption }])
        }
    }
}

/// The loss of every fold, and the terms of the first.
fn learning(outcome: &Outcome) -> Result<Vec<Figure>> {
    let points = |curve: &[f32]| curve.iter().enumerate().map(|(x, y)| (x as f64, f64::from(*y))).collect::<Vec<_>>();
    let folds: Vec<_> =
        outcome.losses.iter().enumerate().filter_map(|(i, fold)| Some((format!("fold {i}"), points(&fold.first()?.1)))).collect();
    let mut figures = vec![Figure { svg: picture::line_chart("Loss", "step", "loss", &folds)?, caption: String::new() }];
    if let Some(first) = outcome.losses.first().filter(|fold| fold.len() > 2) {
        let terms: Vec<_> = first[1..].iter().map(|(name, curve)| (name.clone(), points(curve))).collect();
        let svg = picture::line_chart("Its terms", "step", "weighted", &terms)?;
        figures.push(Figure { svg, caption: "Of the first fold.".into() });
    }
    Ok(figures)
}
