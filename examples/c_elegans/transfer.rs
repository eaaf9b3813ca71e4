//! Transfer of a trained model to another worm, adapted to the beginning of that worm's recording.

use crate::forecast::{AHEAD, LINEAR, Scores, Setting as Training, Trained, Trial, named};
use crate::forecasts::{Found, GNN};
use crate::linear::ridge;
use crate::model::Design;
use crate::recordings::{HORIZON, Starts, Variation, WINDOW};
use crate::study::{Setting, header, mean, spread};
use rayon::prelude::*;
use tapetum::Result;
use tapetum::report::picture::line_chart;
use tapetum::report::{Figure, ReportTable, Section};

/// The shares of the recording used for adaptation; all models are tested on its second half.
const PARTS: [f64; 5] = [0.0, 0.1, 0.2, 0.3, 0.5];
const JUDGED: f64 = 0.5;
/// The share of the adaptation data used for fitting while penalties and run lengths are chosen on the rest; afterwards all of it is used.
const CHOOSING: f64 = 2.0 / 3.0;
/// The penalties on a linear model of the new worm alone, and on its distance from the model of the other worms.
const PENALTIES: [f32; 5] = [1e2, 1e3, 1e4, 1e5, 1e6];
/// The settings for fine-tuning the network.
const TUNING: Training = Training { variation: Some(Variation { gain: 0.2, shift: 0.3 }), steps: 100, rate: 1e-3 };

const MODELS: [&str; 4] =
    ["linear, this worm alone", "linear, other worms and this", "linear + GNN, other worms", "linear + GNN, trained on with this"];

/// A test worm, and the models trained without it.
struct Moved<'a> {
    setting: &'a Setting<'a>,
    trial: &'a Trial<'a>,
    network: &'a Trained,
    worm: usize,
}

impl Moved<'_> {
    /// The windows of `length` frames that lie between these shares of the recording.
    fn within(&self, from: f64, to: f64, length: usize) -> Starts {
        let frames = self.setting.data.worms[self.worm].states.len() as f64;
        let inside = |&(_, s): &(usize, usize)| s as f64 >= from * frames && (s + length) as f64 <= to * frames;
        self.setting.data.of(self.worm, length, 1).into_iter().filter(inside).collect()
    }

    fn score(&self, trained: &Trained, design: Design, starts: &Starts) -> Result<f64> {
        Ok(Scores::of(&self.trial.forecast(trained, design, starts)?.made, self.setting.data, starts)?.score())
    }

    /// A linear model of this part of the recording, with the penalty on its distance from `towards` chosen on the end of the part.
    fn linear(&self, part: f64, towards: Option<&Trained>) -> Result<Trained> {
        let prior = towards.map(|p| [&p[0].1, &p[1].1]);
        let fit = |starts: &Starts, alpha| ridge(self.setting.data, starts, alpha, prior).map(named);
        let (seen, choosing) = (self.within(0.0, CHOOSING * part, WINDOW + 1), self.within(CHOOSING * part, part, WINDOW + HORIZON));
        let (mut best, mut most) = (PENALTIES[0], f64::NEG_INFINITY);
        for alpha in PENALTIES {
            let score = self.score(&fit(&seen, alpha)?, LINEAR, &choosing)?;
            if score > most {
                (best, most) = (alpha, score);
            }
        }
        fit(&self.within(0.0, part, WINDOW + 1), best)
    }

    /// The network fine-tuned on this part of the recording, with the number of steps chosen on the end of the part.
    fn tuned(&self, part: f64) -> Result<Trained> {
        let (seen, choosing) = (self.within(0.0, CHOOSING * part, WINDOW + AHEAD), self.within(CHOOSING * part, part, WINDOW + HORIZON));
        let [curve] = self.trial.curves((self.network, &seen), (GNN, &TUNING), [&choosing], 0)?;
        let best = (0..curve.len()).max_by(|&a, &b| curve[a].total_cmp(&curve[b]).then(b.cmp(&a))).unwrap_or(0);
        self.trial.train((self.network, &self.within(0.0, part, WINDOW + AHEAD)), (GNN, &TUNING), best, 0)
    }

    /// The scores of each model on the second half of the recording, for each adaptation share.
    fn scores(&self) -> Result<Vec<[f64; 4]>> {
        let judged: Starts = self.within(JUDGED, 1.0, WINDOW + HORIZON).into_iter().step_by(4).collect();
        let others = self.score(self.network, GNN, &judged)?;
        let row = |part: f64| -> Result<[f64; 4]> {
            if part == 0.0 {
                // A linear model without data copies the last frame.
                return Ok([0.0, self.score(self.trial.linear(), LINEAR, &judged)?, others, others]);
            }
            let (own, both) = (self.linear(part, None)?, self.linear(part, Some(self.trial.linear()))?);
            let tuned = self.score(&self.tuned(part)?, GNN, &judged)?;
            Ok([self.score(&own, LINEAR, &judged)?, self.score(&both, LINEAR, &judged)?, others, tuned])
        };
        PARTS.into_iter().map(row).collect()
    }
}

/// Runs every fold.
pub fn run(setting: &Setting<'_>, found: &Found<'_>) -> Result<Section> {
    let worms = setting.folds.par_iter().zip(&found.trials).zip(&found.networks);
    let folds = worms.map(|((&worm, trial), network)| Moved { setting, trial, network, worm }.scores()).collect::<Result<Vec<_>>>()?;
    let of = |part: usize, model: usize| folds.iter().map(|rows| rows[part][model]).collect::<Vec<f64>>();
    let row = |model: usize| {
        let cell = |part: usize| format!("{:.3} ± {:.3}", mean(&of(part, model)), spread(&of(part, model)));
        [MODELS[model].to_owned()].into_iter().chain((0..PARTS.len()).map(cell)).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = (0..MODELS.len()).map(row).collect();
    rows.iter().for_each(|row| println!("{}", row.join(" | ")));
    let line = |model: usize| {
        let points = PARTS.iter().enumerate().map(|(at, part)| (100.0 * part, mean(&of(at, model))));
        (MODELS[model].to_owned(), points.collect())
    };
    let lines: Vec<_> = (0..MODELS.len()).map(line).collect();
    let svg = line_chart("Another worm", "per cent of its recording learnt from", "score on its second half", &lines)?;
    let parts: Vec<String> = PARTS.iter().map(|p| format!("{:.0} %", 100.0 * p)).collect();
    let names: Vec<&str> = std::iter::once("model, and how much of the worm it has seen").chain(parts.iter().map(String::as_str)).collect();
    Ok(Section {
        heading: "Transfer to another worm".into(),
        text: "What was trained on four worms goes on with the beginning of the fifth's recording, and is judged on its second half: the score over 16 \
               steps, mean and spread over worms. Penalties and run lengths are chosen on the last third of what is learnt from. The network is the first \
               seed's."
            .into(),
        table: Some(ReportTable { header: header(&names), rows }),
        figures: vec![Figure { svg, caption: "The mean over worms.".into() }],
    })
}
