//! Classification of 4 and 7 states, with and without the neurons from which the states were defined.

use crate::behaviour::{Classifier, LOOKS, Task, classes};
use crate::choice::choose;
use crate::recordings::Variation;
use crate::study::{INNER_SEED, Setting, ahead, by_seed, by_worm, cells, header, mean, spread, without_labelling};
use rayon::prelude::*;
use tapetum::Result;
use tapetum::report::picture::Matrix;
use tapetum::report::{Figure, ReportTable, Section};
use tapetum::statistics::agreement::Confusion;

/// All settings that are tried, the same for each classifier.
const VARIATIONS: [Option<Variation>; 2] = [None, Some(Variation { gain: 0.4, shift: 0.6 })];
const STEPS: u32 = 240;

const CLASSIFIERS: [Classifier; 5] = [Classifier::Logistic, Classifier::Window, Classifier::Mlp, Classifier::Gru, Classifier::Gnn];

/// Runs every task and classifier on every test worm.
pub fn run(setting: &Setting<'_>) -> Result<Section> {
    let without = without_labelling(setting.data);
    let (mut rows, mut figures) = (Vec::new(), Vec::new());
    for (seen, data) in [("all", setting.data), ("without AVA, SMD, RIB", &without)] {
        for merged in [true, false] {
            let (class, names) = classes(&data.states, merged);
            let task = Task { device: setting.device, data, class: &class, count: names.len() };
            let mut floor = Vec::new();
            for classifier in CLASSIFIERS {
                let found = runs(setting, &task, classifier)?;
                let accuracy: Vec<f64> = found.iter().map(Confusion::accuracy).collect();
                if classifier == Classifier::Logistic {
                    floor.clone_from(&accuracy);
                }
                rows.push(row(
                    &format!("{} states, {seen}: {}", names.len(), classifier.name()),
                    &found,
                    &accuracy,
                    &floor,
                    setting.folds.len(),
                ));
                println!("{}", rows[rows.len() - 1].join(" | "));
                if classifier == Classifier::Gnn && seen == "all" {
                    figures.push(confusion(&names, &found)?);
                }
            }
        }
    }
    let header = header(&[
        "task: model",
        "accuracy",
        "spread over worms",
        "spread over seeds",
        "balanced",
        "macro F1",
        "ahead of two frames",
        "accuracy of each worm; its seeds",
    ]);
    let text = format!(
        "Behaviour at the last of 16 frames, of worms never seen. The states were inferred from AVA, SMD and RIB, so that with those neurons in sight \
         the task is partly circular. Chosen as for prediction, of {} settings with {LOOKS} looks each.",
        VARIATIONS.len()
    );
    Ok(Section { heading: "Behaviour".into(), text, table: Some(ReportTable { header, rows }), figures })
}

/// The runs of a classifier on each test worm with every seed, with the settings chosen on other worms.
fn runs(setting: &Setting<'_>, task: &Task<'_>, classifier: Classifier) -> Result<Vec<Confusion>> {
    let steps = setting.steps.map_or(STEPS, |s| s.min(STEPS));
    let choices = choose(task.data.worms.len(), &setting.folds, VARIATIONS.len(), |candidate, pair| {
        task.curves(classifier, VARIATIONS[candidate], pair, steps, INNER_SEED)
    })?;
    let folds = setting.folds.iter().zip(&choices);
    let jobs: Vec<_> = folds.flat_map(|(&fold, choice)| (0..setting.seeds).map(move |seed| (fold, choice, seed))).collect();
    jobs.par_iter()
        .map(|(fold, choice, seed)| task.run(classifier, VARIATIONS[choice.candidate], *fold, (steps, choice.look as u32), *seed))
        .collect()
}

fn row(name: &str, found: &[Confusion], accuracy: &[f64], floor: &[f64], worms: usize) -> Vec<String> {
    let each = |f: fn(&Confusion) -> f64| mean(&found.iter().map(f).collect::<Vec<f64>>());
    vec![
        name.into(),
        format!("{:.1} %", 100.0 * mean(accuracy)),
        format!("{:.1}", 100.0 * spread(&by_worm(accuracy, worms))),
        format!("{:.1}", 100.0 * spread(&by_seed(accuracy, worms))),
        format!("{:.1} %", 100.0 * each(Confusion::balanced_accuracy)),
        format!("{:.3}", each(Confusion::macro_f1)),
        ahead(accuracy, floor, worms),
        cells(accuracy, worms),
    ]
}

/// The confusion matrix over all runs, as shares of each true class.
fn confusion(names: &[&str], found: &[Confusion]) -> Result<Figure> {
    let n = names.len();
    let mut shares = Vec::with_capacity(n * n);
    for truth in 0..n {
        let row: Vec<usize> = (0..n).map(|p| found.iter().map(|c| c.counts[truth][p]).sum()).collect();
        let all = row.iter().sum::<usize>().max(1) as f32;
        shares.extend(row.into_iter().map(|x| x as f32 / all));
    }
    let title = format!("{n} states by the GNN");
    let names: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
    let (axes, quantity, range) = (["true class", "predicted class"], "share of the true class", Some((0.0, 1.0)));
    let map = Matrix { title: &title, axes, quantity, names: [&names, &names], rows: n, values: &shares, range, ..Matrix::default() };
    Ok(Figure { svg: map.heat_map()?, caption: String::new() })
}
