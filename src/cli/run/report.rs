//! The report of a workflow.

use super::rows;
use crate::report::picture::{self, Matrix};
use crate::report::{ConnectomeView, Figure, ReportTable, Section, report};
use crate::workflow::{Leading, MetricResult, Picture, RunResult, ValueResult, Workflow};
use crate::{Device, Result};

/// Heat maps or lines of one value, at most.
const MOST: usize = 12;

pub(super) fn page(workflow: &Workflow, device: &Device, found: &RunResult) -> Result<String> {
    let mut sections = Vec::new();
    if !found.metrics.is_empty() {
        let header = ["", "train", "test", "pooled"].map(String::from).to_vec();
        let what = workflow.samples();
        let mut text = format!(
            "Mean and standard deviation over folds, on the {what} that a model was trained on and on those that it was tested on; pooled: over \
            all {what} that were tested on together, each by the model that had not seen it."
        );
        for why in found.metrics.iter().flat_map(MetricResult::undefined) {
            text += &format!("\n\nUndefined: {why}.");
        }
        let table = Some(ReportTable { header, rows: rows(&found.metrics) });
        sections.push(Section { heading: "Metrics".into(), text, table, figures: Vec::new() });
    }
    for value in &found.values {
        let figures = figures(value)?;
        if !figures.is_empty() {
            sections.push(Section { heading: value.title.clone(), text: caption(workflow, value), table: None, figures });
        }
    }
    if found.losses.iter().any(|fold| !fold.is_empty()) {
        sections.push(Section { heading: "Learning".into(), text: String::new(), table: None, figures: learning(found)? });
    }
    let description = workflow.description();
    let between = if description.is_empty() { "" } else { "\n\n" };
    let intro = format!(
        "{description}{between}{} on {}, seed {}. What was run, and the hashes of its inputs, is in run.json.",
        size(workflow),
        device.name(),
        workflow.seed()
    );
    Ok(report(workflow.title(), &intro, &sections))
}

/// The numbers of samples, folds and steps, in words.
pub(super) fn size(workflow: &Workflow) -> String {
    let (what, steps) = (workflow.samples(), workflow.steps());
    let divided = match workflow.folds() {
        [one] if one.train == one.test => format!("{} {what}, all to train on and to test on", one.train.len()),
        [one] => format!("{} {what} to train on, {} to test on", one.train.len(), one.test.len()),
        folds => format!("{} {what} in {} folds", workflow.subjects(), folds.len()),
    };
    match steps {
        0 => format!("{divided}; nothing is trained"),
        1 => format!("{divided}; 1 step"),
        _ => format!("{divided}; {steps} steps{}", if workflow.folds().len() > 1 { " each" } else { "" }),
    }
}

fn caption(workflow: &Workflow, value: &ValueResult) -> String {
    let rows = value.value.shape().first().copied().unwrap_or(1);
    match value.leading {
        Leading::None => format!("The values are in {}.npy.", value.name),
        Leading::Subjects => format!("The mean over {rows} {}; all are in {}.npy.", workflow.samples(), value.name),
        Leading::Folds => format!("The mean over {rows} folds; all are in {}.npy.", value.name),
    }
}

fn figures(value: &ValueResult) -> Result<Vec<Figure>> {
    let mean = value.mean()?;
    let (values, shape) = (mean.elements::<f32>()?, mean.shape());
    let quantity = value.name.replace('_', " ");
    match value.picture {
        Picture::None => Ok(Vec::new()),
        _ if values.iter().any(|x| !x.is_finite()) => {
            let caption = "The values are not all finite, so that there is no picture of them.".into();
            Ok(vec![Figure { svg: String::new(), caption }])
        }
        Picture::HeatMap => {
            let n = shape[shape.len() - 1];
            if let Some(names) = value.names.as_ref().filter(|names| names.len() == n) {
                return named_maps(value, names, values, &quantity);
            }
            let many = values.len() / (n * n).max(1);
            let map = |(i, matrix): (usize, &[f32])| {
                let title = if many == 1 { value.title.clone() } else { format!("{} {i}", value.title) };
                let axes = ["row", "column"];
                let matrix = Matrix { title: &title, axes, quantity: &quantity, rows: n, values: matrix, ..Matrix::default() };
                let svg = matrix.without_constant_diagonal().heat_map()?;
                Ok(Figure { svg, caption: String::new() })
            };
            values.chunks_exact((n * n).max(1)).take(MOST).enumerate().map(map).collect()
        }
        Picture::Lines => {
            let points = shape[shape.len() - 1].max(1);
            let names = value.names.as_ref().filter(|names| names.len() * points == values.len());
            let called = |i: usize| names.map_or_else(|| format!("row {i}"), |names| names[i].clone());
            let line = |(i, row): (usize, &[f32])| (called(i), row.iter().enumerate().map(|(x, y)| (x as f64, f64::from(*y))).collect());
            let lines: Vec<(String, Vec<(f64, f64)>)> = values.chunks_exact(points).take(MOST).enumerate().map(line).collect();
            let left = (values.len() / points).saturating_sub(MOST);
            let caption = if left > 0 { format!("The first {MOST} of {}.", left + MOST) } else { String::new() };
            Ok(vec![Figure { svg: picture::line_chart(&value.title, "place along the last axis", &quantity, &lines)?, caption }])
        }
    }
}

/// Heat maps of matrices of regions with names, in the order of the clusters of the first.
fn named_maps(value: &ValueResult, names: &[String], values: &[f32], quantity: &str) -> Result<Vec<Figure>> {
    let each = names.len() * names.len();
    let many = values.len() > each;
    let first = values.get(..each).unwrap_or_default();
    let order = ConnectomeView { title: &value.title, quantity, names, values: first, without_diagonal: false }.order()?;
    let map = |(i, matrix): (usize, &[f32])| {
        let title = if many { format!("{} {i}", value.title) } else { value.title.clone() };
        ConnectomeView { title: &title, quantity, names, values: matrix, without_diagonal: false }.map(&order)
    };
    values.chunks_exact(each.max(1)).take(MOST).enumerate().map(map).collect()
}

/// The loss of every fold, and the terms of the first.
fn learning(found: &RunResult) -> Result<Vec<Figure>> {
    let points = |curve: &[f32]| curve.iter().enumerate().map(|(x, y)| (x as f64, f64::from(*y))).collect::<Vec<_>>();
    let folds: Vec<_> =
        found.losses.iter().enumerate().filter_map(|(i, fold)| Some((format!("fold {i}"), points(&fold.first()?.1)))).collect();
    let mut figures = vec![Figure { svg: picture::line_chart("Loss", "step", "loss", &folds)?, caption: String::new() }];
    if let Some(first) = found.losses.first().filter(|fold| fold.len() > 2) {
        let terms: Vec<_> = first[1..].iter().map(|(name, curve)| (name.clone(), points(curve))).collect();
        let svg = picture::line_chart("Terms of the loss", "step", "weighted term", &terms)?;
        figures.push(Figure { svg, caption: "Of the first fold.".into() });
    }
    Ok(figures)
}
