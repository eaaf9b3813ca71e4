//! The forecasts of every design for every test worm, with settings chosen on other worms.

use crate::choice::{Choice, choose, pairs};
use crate::forecast::{Forecast, LINEAR, LOOKS, Scores, Setting as Training, Trained, Trial};
use crate::model::{Design, Kind};
use crate::recordings::{HORIZON, Recordings, Variation, WINDOW};
use crate::study::{INNER_SEED, Setting, ahead, by_seed, by_worm, cells, header, mean, spread};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::time::Instant;
use tapetum::Result;
use tapetum::report::picture::line_chart;
use tapetum::report::{Figure, ReportTable, Section};

/// The penalties of ridge regression.
const PENALTIES: [f32; 4] = [1e2, 1e3, 1e4, 1e5];
/// The penalty of the linear model below the networks during the choice of settings.
const INNER_PENALTY: f32 = 1e3;

/// All settings that are tried, the same for each design.
const SETTINGS: [Training; 2] = [
    Training { variation: None, steps: 120, rate: 2e-3 },
    Training { variation: Some(Variation { gain: 0.4, shift: 0.6 }), steps: 600, rate: 2e-3 },
];

const fn alone(kind: Kind) -> Design {
    Design { kind, corrects: false }
}

const fn corrects(kind: Kind) -> Design {
    Design { kind, corrects: true }
}

/// The network that is analysed further.
pub const GNN: Design = corrects(Kind::Gnn);

const DESIGNS: [(&str, Design); 7] = [
    ("linear, tuned through roll-outs", corrects(Kind::Linear)),
    ("MLP", alone(Kind::Mlp)),
    ("GRU", alone(Kind::Gru)),
    ("LSTM", alone(Kind::Lstm)),
    ("GNN, inferred edges", alone(Kind::Gnn)),
    ("linear + MLP", corrects(Kind::Mlp)),
    ("linear + GNN, inferred edges", GNN),
];

/// Ablations of the edges, trained with the settings chosen for the GNN.
const ABLATIONS: [(&str, Design); 3] = [
    ("linear + GNN, no edges", corrects(Kind::GnnEdgeless)),
    ("linear + GNN, all edges alike", corrects(Kind::GnnComplete)),
    ("linear + GNN, wiring", corrects(Kind::GnnWiring)),
];

/// The results of the forecasts.
pub struct Found<'a> {
    pub sections: Vec<Section>,
    /// A trial for each test worm.
    pub trials: Vec<Trial<'a>>,
    /// The GNN of the first seed for each test worm.
    pub networks: Vec<Trained>,
    /// The edges that the GNN infers, averaged over test worms and seeds, `[neurons × neurons]`.
    pub edges: Vec<f32>,
}

/// The runs of a design, ordered by worm and then by seed.
struct Runs {
    name: &'static str,
    scores: Vec<Scores>,
    forecasts: Vec<Forecast>,
    trained: Vec<Trained>,
}

impl Runs {
    fn each(&self, of: impl Fn(&Scores) -> f64) -> Vec<f64> {
        self.scores.iter().map(of).collect()
    }

    fn score(&self) -> Vec<f64> {
        self.each(Scores::score)
    }

    /// The mean prediction over seeds, as one prediction for each worm.
    fn ensemble(&self, name: &'static str, setting: &Setting<'_>) -> Result<Self> {
        let worms = setting.folds.iter().zip(self.forecasts.chunks(self.forecasts.len() / setting.folds.len()));
        let joined = worms.map(|(&worm, seeds)| {
            let mut made = vec![0.0; seeds[0].made.len()];
            for forecast in seeds {
                made.iter_mut().zip(&forecast.made).for_each(|(sum, x)| *sum += x / seeds.len() as f32);
            }
            let scores = Scores::of(&made, setting.data, &test(setting.data, worm))?;
            Ok((scores, Forecast { made, edges: None }))
        });
        let (scores, forecasts) = joined.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok(Self { name, scores, forecasts, trained: Vec::new() })
    }
}

/// The test windows: those of the test worm, every fourth frame.
fn test(data: &Recordings, worm: usize) -> Vec<(usize, usize)> {
    data.of(worm, WINDOW + HORIZON, 4)
}

/// Runs the forecasts of every design on every fold.
pub fn run<'a>(setting: &Setting<'a>) -> Result<Found<'a>> {
    let trial = |left_out: &[usize], alpha| Trial::new(setting.device, setting.data, setting.wiring, left_out, alpha);
    let worms = setting.data.worms.len();
    let penalties = choose(worms, &setting.folds, PENALTIES.len(), |candidate, pair| {
        let trial = trial(&pair, PENALTIES[candidate])?;
        let score = |w| -> Result<Vec<f64>> {
            let starts = test(setting.data, w);
            Ok(vec![Scores::of(&trial.forecast(trial.linear(), LINEAR, &starts)?.made, setting.data, &starts)?.score()])
        };
        Ok([score(pair[0])?, score(pair[1])?])
    })?;
    let chosen: Vec<f32> = penalties.iter().map(|c| PENALTIES[c.candidate]).collect();
    println!("ridge penalties: {chosen:?}");
    let trials: Vec<Trial<'_>> =
        setting.folds.par_iter().zip(&chosen).map(|(&fold, &alpha)| trial(&[fold], alpha)).collect::<Result<_>>()?;
    let pairs = pairs(worms, &setting.folds);
    let inner = pairs.into_iter().map(|pair| Ok((pair, trial(&pair, INNER_PENALTY)?))).collect::<Result<BTreeMap<_, _>>>()?;

    let mut all = vec![linear(setting, &trials)?];
    let (mut table, mut gnn) = (Vec::new(), Vec::new());
    for (name, design) in DESIGNS {
        let begun = Instant::now();
        let choices = choose(worms, &setting.folds, SETTINGS.len(), |candidate, pair| {
            // The same pairs are requested here.
            let trial = &inner[&pair];
            let every = pair.map(|w| setting.data.of(w, WINDOW + HORIZON, 16));
            let from = (trial.linear(), trial.starts());
            trial.curves(from, (design, &shortened(candidate, setting.steps)), [&every[0], &every[1]], INNER_SEED)
        })?;
        table.extend(choices.iter().zip(&setting.folds).map(|(choice, fold)| told(name, *fold, choice)));
        all.push(finals(setting, &trials, (name, design), &choices, begun)?);
        if design == GNN {
            gnn = choices;
        }
    }
    let network = all.len() - 1;
    for ablation in ABLATIONS {
        all.push(finals(setting, &trials, ablation, &gnn, Instant::now())?);
    }
    all.push(all[network].ensemble("linear + GNN, mean of the seeds' predictions", setting)?);
    let rows = rows(setting, &all);
    rows.iter().for_each(|row| println!("{}", row.join(" | ")));
    let sections = vec![section(setting, rows, roll_outs(setting.data, setting.folds[0], &all, network)?), inner_section(table)];
    let edges = average(all[network].forecasts.iter().filter_map(|f| f.edges.as_ref()), setting.data.neurons.len());
    let networks = all.swap_remove(network).trained.into_iter().step_by(setting.seeds.max(1) as usize).collect();
    Ok(Found { sections, trials, networks, edges })
}

/// A setting, limited to this number of steps.
fn shortened(candidate: usize, steps: Option<u32>) -> Training {
    let setting = SETTINGS[candidate];
    Training { steps: steps.map_or(setting.steps, |s| s.min(setting.steps)), ..setting }
}

fn linear(setting: &Setting<'_>, trials: &[Trial<'_>]) -> Result<Runs> {
    let mut runs = Runs { name: "linear VAR(16), ridge", scores: Vec::new(), forecasts: Vec::new(), trained: Vec::new() };
    for (trial, &worm) in trials.iter().zip(&setting.folds) {
        let starts = test(setting.data, worm);
        let forecast = trial.forecast(trial.linear(), LINEAR, &starts)?;
        runs.scores.push(Scores::of(&forecast.made, setting.data, &starts)?);
        runs.forecasts.push(forecast);
    }
    Ok(runs)
}

/// The runs of a design on each test worm with every seed, with the setting chosen for that worm.
fn finals(
    setting: &Setting<'_>,
    trials: &[Trial<'_>],
    (name, design): (&'static str, Design),
    choices: &[Choice],
    begun: Instant,
) -> Result<Runs> {
    let jobs: Vec<(usize, u64)> = (0..trials.len()).flat_map(|fold| (0..setting.seeds).map(move |seed| (fold, seed))).collect();
    let run = |&(fold, seed): &(usize, u64)| -> Result<_> {
        let (trial, choice) = (&trials[fold], choices[fold]);
        let how = shortened(choice.candidate, setting.steps);
        let trained = trial.train((trial.linear(), trial.starts()), (design, &how), choice.look, seed)?;
        let starts = test(setting.data, setting.folds[fold]);
        let forecast = trial.forecast(&trained, design, &starts)?;
        Ok((Scores::of(&forecast.made, setting.data, &starts)?, forecast, trained))
    };
    let made = jobs.par_iter().map(run).collect::<Result<Vec<_>>>()?;
    let mut runs = Runs { name, scores: Vec::new(), forecasts: Vec::new(), trained: Vec::new() };
    for (scores, forecast, trained) in made {
        runs.scores.push(scores);
        runs.forecasts.push(forecast);
        runs.trained.push(trained);
    }
    println!("{name}: score {} ({:.0} s)", cells(&runs.score(), setting.folds.len()), begun.elapsed().as_secs_f64());
    Ok(runs)
}

fn rows(setting: &Setting<'_>, all: &[Runs]) -> Vec<Vec<String>> {
    let worms = setting.folds.len();
    let copied = |i: usize| mean(&all[0].each(|s| s.copied[i]));
    let mut rows = vec![vec!["copy".into(), format!("{:.4}", copied(0)), format!("{:.4}", copied(1)), "0".into()]];
    for runs in all {
        let score = runs.score();
        rows.push(vec![
            runs.name.into(),
            format!("{:.4}", mean(&runs.each(|s| s.one_step))),
            format!("{:.4}", mean(&runs.each(|s| s.all_steps))),
            format!("{:.3}", mean(&score)),
            format!("{:.3}", spread(&by_worm(&score, worms))),
            format!("{:.3}", spread(&by_seed(&score, worms))),
            ahead(&score, &all[0].score(), worms),
            ahead(&score, &all[1].score(), worms),
            cells(&score, worms),
        ]);
    }
    rows
}

fn section(setting: &Setting<'_>, rows: Vec<Vec<String>>, figures: Vec<Figure>) -> Section {
    let text = format!(
        "{} neurons shared by all worms, each standardised by worm; {WINDOW} frames seen, {HORIZON} predicted from own predictions. Linear and \
         network models learn from all frames of the training worms. Score: 1 − MSE / MSE of copying the last frame, over all {HORIZON} steps. How far \
         a model is ahead is told worm by worm: mean and standard deviation of the differences, and on how many worms.",
        setting.data.neurons.len()
    );
    let header = header(&[
        "model",
        "one-step MSE",
        "16-step MSE",
        "score",
        "spread over worms",
        "spread over seeds",
        "ahead of ridge",
        "ahead of tuned linear",
        "score of each worm; its seeds",
    ]);
    Section { heading: "Prediction".into(), text, table: Some(ReportTable { header, rows }), figures }
}

fn told(name: &str, fold: usize, choice: &Choice) -> Vec<String> {
    let setting = SETTINGS[choice.candidate];
    let variation = setting.variation.map_or("as recorded".into(), |v| format!("gain {}, shift {}", v.gain, v.shift));
    let steps = format!("{} of {}", choice.look as u32 * setting.steps / LOOKS, setting.steps);
    vec![name.into(), fold.to_string(), variation, steps, format!("{:.3}", choice.score)]
}

fn inner_section(rows: Vec<Vec<String>>) -> Section {
    let text = format!(
        "Settings and run lengths are chosen without the worm left out: by the mean score on each of the others, of what was trained on those that are \
         neither. {} settings of {LOOKS} looks each, and no training at all, are tried for each model and worm; the edges' ablations take the GNN's.",
        SETTINGS.len()
    );
    let header = header(&["model", "worm left out", "windows", "steps", "inner score"]);
    Section { heading: "What inner validation chose".into(), text, table: Some(ReportTable { header, rows }), figures: Vec::new() }
}

fn average<'a>(all: impl Iterator<Item = &'a Vec<f32>>, n: usize) -> Vec<f32> {
    let (mut sum, mut count) = (vec![0.0; n * n], 0.0f32);
    for edges in all {
        sum.iter_mut().zip(edges).for_each(|(sum, e)| *sum += e);
        count += 1.0;
    }
    sum.into_iter().map(|x| x / count.max(1.0)).collect()
}

/// Four neurons at the moment of the greatest observed change: the truth, the linear model, and the network.
fn roll_outs(data: &Recordings, worm: usize, all: &[Runs], network: usize) -> Result<Vec<Figure>> {
    let (starts, n) = (test(data, worm), data.neurons.len());
    let windows = data.windows(&starts, WINDOW + HORIZON)?;
    let windows = windows.elements::<f32>()?;
    let each = n * (WINDOW + HORIZON);
    let change = |window: &[f32]| window.chunks_exact(WINDOW + HORIZON).map(|s| (s[WINDOW - 1] - s[0]).powi(2)).sum::<f32>();
    let busiest = windows.chunks_exact(each).enumerate().max_by(|a, b| change(a.1).total_cmp(&change(b.1))).map_or(0, |(at, _)| at);
    let mut figures = Vec::new();
    for neuron in (0..n).step_by(n.div_ceil(4)) {
        let series = &windows[busiest * each + neuron * (WINDOW + HORIZON)..][..WINDOW + HORIZON];
        let truth = series.iter().enumerate().map(|(t, &x)| (t as f64 - WINDOW as f64 + 1.0, f64::from(x))).collect();
        let made = |name: &str, runs: &Runs| {
            let made = &runs.forecasts[0].made[(busiest * n + neuron) * HORIZON..][..HORIZON];
            let points = std::iter::once((0.0, series[WINDOW - 1])).chain(made.iter().enumerate().map(|(t, &x)| (t as f64 + 1.0, x)));
            (name.to_owned(), points.map(|(t, x)| (t, f64::from(x))).collect())
        };
        let lines = [("truth".to_owned(), truth), made("linear", &all[0]), made("linear + GNN", &all[network])];
        let svg = line_chart(&data.neurons[neuron], "frames from the last seen", "standard deviations", &lines)?;
        let caption = format!("Worm {worm}, which no model has seen, from frame {}: what is seen changes nowhere more.", starts[busiest].1);
        figures.push(Figure { svg, caption });
    }
    Ok(figures)
}
