//! Results in tables, verdicts and figures.

use crate::PRESETS;
use crate::sources::{Source, Subjects};
use tapetum::Result;
use tapetum::connectome::confounds::quality::{Cohort, Quality, pairs};
use tapetum::report::picture::{Matrix, Score, line_chart};
use tapetum::report::{Figure, ReportTable, Section, table};

/// The results of a denoising in one kind of cohort, over seeds.
#[derive(Default)]
pub struct Row {
    pub model: String,
    pub figures: Vec<Quality>,
    pub lost: Vec<f64>,
}

/// The results of all denoisings in one kind of cohort.
pub struct Study {
    pub title: String,
    pub rows: Vec<Row>,
    pub figures: Vec<Figure>,
}

pub fn upper(matrix: &[f64]) -> Vec<f64> {
    let n = matrix.len().isqrt();
    pairs(n).map(|(i, j)| matrix[i * n + j]).collect()
}

pub fn mean(figures: &[Quality], of: impl Fn(&Quality) -> f64) -> f64 {
    figures.iter().map(of).sum::<f64>() / figures.len().max(1) as f64
}

/// The recovery of every denoising with its standard deviation over seeds, in descending order.
pub fn recoveries(rows: &[Row]) -> Vec<Score> {
    let score = |r: &Row| {
        let each: Vec<f64> = r.figures.iter().filter_map(|q| q.recovery).collect();
        let value = each.iter().sum::<f64>() / each.len() as f64;
        let square: f64 = each.iter().map(|x| (x - value).powi(2)).sum();
        let deviation = (each.len() > 1).then(|| (square / (each.len() as f64 - 1.0)).sqrt());
        Score { name: r.model.clone(), value, deviation }
    };
    let mut scores: Vec<Score> = rows.iter().map(score).filter(|s| s.value.is_finite()).collect();
    scores.sort_by(|a, b| b.value.total_cmp(&a.value));
    scores
}

/// The cells of the table; `simulated` cohorts have a true connectome to recover.
pub fn cells(rows: &[Row], simulated: bool) -> ReportTable {
    let header = ["", "recovery", "QC-FC", "p < 0.05", "distance", "Q", "lost"].map(String::from).to_vec();
    let row = |r: &Row| {
        let recovery = mean(&r.figures, |q| q.recovery.unwrap_or(0.0));
        let lost = r.lost.iter().sum::<f64>() / r.lost.len().max(1) as f64;
        vec![
            r.model.clone(),
            if simulated { format!("{recovery:.3}") } else { "–".into() },
            format!("{:.3}", mean(&r.figures, |q| q.qc_fc)),
            format!("{:.1} %", 100.0 * mean(&r.figures, |q| q.significant)),
            format!("{:.3}", mean(&r.figures, |q| q.distance_dependence.unwrap_or(f64::NAN))),
            format!("{:.3}", mean(&r.figures, |q| q.identifiability)),
            format!("{lost:.0}"),
        ]
    };
    ReportTable { header, rows: rows.iter().map(row).collect() }
}

pub fn table_of(rows: &[Row], simulated: bool) -> String {
    let cells = cells(rows, simulated);
    table(&cells.header.iter().map(String::as_str).collect::<Vec<_>>(), &cells.rows)
}

/// The comparison of each learnt model with the presets that use at most as many degrees of freedom.
pub fn verdicts(rows: &[Row]) -> Vec<String> {
    let recovery = |r: &Row| mean(&r.figures, |q| q.recovery.unwrap_or(0.0));
    let lost = |r: &Row| r.lost.iter().sum::<f64>() / r.lost.len().max(1) as f64;
    let of = |learnt: &Row| {
        let presets = rows.iter().filter(|r| PRESETS.iter().any(|s| s.name() == r.model) && lost(r) <= lost(learnt) + 0.5);
        let best = presets.max_by(|a, b| recovery(a).total_cmp(&recovery(b)))?;
        let wins = learnt.figures.iter().zip(&best.figures).filter(|(a, b)| a.recovery > b.recovery).count();
        let verb = if recovery(learnt) > recovery(best) { "beats" } else { "does NOT beat" };
        let by = format!(
            "{:+.3} of recovery, {:+.3} of QC-FC",
            recovery(learnt) - recovery(best),
            mean(&learnt.figures, |q| q.qc_fc) - mean(&best.figures, |q| q.qc_fc)
        );
        Some(format!(
            "{} {verb} {}, the best preset that costs no more: {by}; in {wins} of {} cohorts",
            learnt.model,
            best.model,
            best.figures.len()
        ))
    };
    rows.iter().filter(|r| r.model.starts_with("learnt")).filter_map(of).collect()
}

pub fn section(study: Study) -> Section {
    let text = verdicts(&study.rows).join("\n\n");
    Section { heading: study.title, text, table: Some(cells(&study.rows, true)), figures: study.figures }
}

/// Figures of QC-FC by length, and of a subject's connectomes, for some of the models.
pub fn pictures(source: &Source, held: &Subjects, names: &[&str], connectomes: &[Vec<Vec<f64>>]) -> Result<Vec<Figure>> {
    const BINS: usize = 20;
    let (n, lengths) = (source.lengths.len().isqrt(), upper(&source.lengths));
    let motion: Vec<f64> = held.subjects.iter().map(|s| s.motion).collect();
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by(|&a, &b| lengths[a].total_cmp(&lengths[b]));
    let shown = ["clean", "none", "9p", "36p", "learnt 9", "learnt 36"];
    let mut lines = Vec::new();
    for (name, connectomes) in names.iter().zip(connectomes).filter(|(name, _)| shown.contains(name)) {
        let related = Cohort { regions: n, connectomes, motion: &motion, lengths: &lengths, truth: None }.qc_fc();
        let mean_of = |bin: &[usize], of: &[f64]| bin.iter().map(|&e| of[e]).sum::<f64>() / bin.len() as f64;
        let bins = order.chunks(order.len().div_ceil(BINS));
        lines.push(((*name).to_owned(), bins.map(|b| (mean_of(b, &lengths), mean_of(b, &related))).collect()));
    }
    let svg = line_chart(
        "What connectivity keeps of motion, by distance",
        "length of the edge, mm",
        "mean r of connectivity with motion",
        &lines,
    )?;
    let mut figures = vec![Figure { svg, caption: "Edges in 20 bins of length, seed 0.".into() }];
    let most = (0..motion.len()).fold(0, |best, s| if motion[s] > motion[best] { s } else { best });
    for (name, connectomes) in names.iter().zip(connectomes).filter(|(name, _)| ["clean", "none", "learnt 9"].contains(name)) {
        let mut matrix = vec![1.0f32; n * n];
        for ((i, j), r) in pairs(n).zip(&connectomes[most]) {
            (matrix[i * n + j], matrix[j * n + i]) = (*r as f32, *r as f32);
        }
        let title = format!("Connectome: {name}");
        let map = Matrix { title: &title, axes: ["region"; 2], quantity: "correlation (Pearson's r)", rows: n, ..Matrix::default() };
        let svg = Matrix { values: &matrix, range: Some((-1.0, 1.0)), without_diagonal: true, ..map }.heat_map()?;
        figures.push(Figure { svg, caption: "The held-out subject that moves most, seed 0.".into() });
    }
    Ok(figures)
}
