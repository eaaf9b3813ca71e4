//! Metrics that compare a workflow's predictions with the truth, as a table with a row for each metric.

use super::block::Name;
use super::form::{Form, Placed, text};
use super::object::{Row, object, row, tagged};
use super::record::Recording;
use crate::statistics::agreement::Confusion;
use crate::statistics::metrics::{auroc, pearson, r_squared, spearman};
use crate::{HostTensor, Result, Shape};

/// A metric's value, or the reason why it is undefined.
pub type Figure = std::result::Result<f64, String>;

/// A metric that is reported.
#[derive(Debug, Clone)]
pub(super) struct Metric {
    pub(super) name: String,
    pub(super) predicted: Name,
    /// The name of the truth that predictions are compared with. Both have its units.
    pub(super) target: Option<Name>,
    figure: Kind,
}

/// The kind of values that a metric is computed from, and its definition.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A metric of one value of any shape.
    Value(fn(&[f64]) -> Figure),
    /// A metric of predicted and true numbers, `[subjects]` each.
    Numbers(fn(&[f64], &[f64]) -> Figure),
    /// A metric of predicted and true classes: logits and 0 or 1, `[subjects]`, or logits and one-hot rows, `[subjects, classes]`.
    Classes(fn(&Confusion) -> f64),
}

/// The metrics: name, description, and definition.
const METRICS: [(&str, &str, Kind); 8] = [
    ("area_under_curve", "the area under the ROC curve of scores, for targets of 0 and 1", Kind::Numbers(area_under_curve)),
    (
        "accuracy",
        "the share of subjects whose class is predicted: above 0 of one logit, the largest of several",
        Kind::Classes(Confusion::accuracy),
    ),
    (
        "balanced_accuracy",
        "the mean over the classes that occur of the share of each that is predicted",
        Kind::Classes(Confusion::balanced_accuracy),
    ),
    ("pearson", "Pearson's correlation of predictions and targets", Kind::Numbers(|p, t| defined(pearson(p, t)))),
    ("spearman", "Spearman's rank correlation of predictions and targets", Kind::Numbers(|p, t| defined(spearman(p, t)))),
    ("r2", "the coefficient of determination, 1 - Σ (t - p)^2 / Σ (t - mean t)^2", Kind::Numbers(|p, t| defined(r_squared(t, p)))),
    ("mean_absolute_error", "the mean of |p - t|", Kind::Numbers(mean_absolute_error)),
    ("mean", "the mean of a value over all of its elements", Kind::Value(mean)),
];

/// A metric.
pub(super) fn metric() -> Form<Placed<Metric>> {
    let common = object("", (text().maybe("name", "its name in the report; that of the metric where it is not given"),), Ok);
    tagged("metric", None, common, METRICS.map(kind).into())
        .map(|((name,), metric)| Metric { name: name.unwrap_or_else(|| metric.name.clone()), ..metric })
        .placed()
}

fn kind((name, what, figure): (&'static str, &'static str, Kind)) -> Row<Metric> {
    let value = |key: &'static str, what: &str| text().refers("value").placed().field(key, what);
    let made = move |predicted, target| Ok(Metric { name: name.to_owned(), predicted, target, figure });
    let shapes = match figure {
        Kind::Value(_) => return row(name, what, (value("of", "the value"),), move |(of,)| made(of, None)),
        Kind::Numbers(_) => ["[subjects]", "[subjects]"],
        Kind::Classes(_) => ["logits [subjects] or [subjects, classes]", "0 and 1 [subjects], or one-hot [subjects, classes]"],
    };
    let parts = (value("predicted", shapes[0]), value("target", shapes[1]));
    row(name, what, parts, move |(predicted, target)| made(predicted, Some(target)))
}

impl Metric {
    /// The names of the values that the metric is computed from.
    pub(super) fn values(&self) -> impl Iterator<Item = &Name> {
        [Some(&self.predicted), self.target.as_ref()].into_iter().flatten()
    }

    /// Checks that the metric's values exist and have shapes from which it can be computed.
    pub(super) fn check(&self, recording: &Recording) -> Result<()> {
        let predicted = recording.shape(&self.predicted)?;
        let Some(target) = &self.target else { return Ok(()) };
        let found = recording.shape(target)?;
        let (most, expected) = match self.figure {
            Kind::Classes(_) => (2, "[subjects], or [subjects, classes],"),
            Kind::Numbers(_) | Kind::Value(_) => (1, "[subjects]"),
        };
        if found == predicted && (1..=most).contains(&found.rank()) {
            return Ok(());
        }
        Err(target.error(format!("{expected} of both is expected, found {predicted} of `{}` and {found}", self.predicted.value)))
    }

    /// The figure of values and targets, in the same units.
    pub(super) fn of(&self, predicted: &HostTensor, target: Option<&HostTensor>) -> Figure {
        let p = predicted.to_f64_vec();
        let t = target.map(HostTensor::to_f64_vec).unwrap_or_default();
        for (values, what) in [(&p, "predictions"), (&t, "targets")] {
            let missing = values.iter().filter(|x| x.is_nan()).count();
            if missing > 0 {
                return Err(format!("{missing} of {} {what} are NaN", values.len()));
            }
        }
        let figure = match self.figure {
            Kind::Value(figure) => figure(&p),
            Kind::Numbers(figure) => figure(&p, &t),
            Kind::Classes(figure) => confusion(&predicted.shape(), &p, &t).map(|confusion| figure(&confusion)),
        }?;
        if figure.is_finite() { Ok(figure) } else { Err(format!("it comes to {figure}")) }
    }
}

fn defined(figure: Result<f64>) -> Figure {
    figure.map_err(|e| e.to_string())
}

fn mean(values: &[f64]) -> Figure {
    match values.len() {
        0 => Err("there are no values".into()),
        n => Ok(values.iter().sum::<f64>() / n as f64),
    }
}

fn mean_absolute_error(p: &[f64], t: &[f64]) -> Figure {
    mean(&p.iter().zip(t).map(|(p, t)| (p - t).abs()).collect::<Vec<f64>>())
}

fn area_under_curve(p: &[f64], t: &[f64]) -> Figure {
    match t.iter().find(|t| **t != 0.0 && **t != 1.0) {
        Some(t) => Err(format!("targets of 0 and 1 are expected, found {t}")),
        None => defined(auroc(p, &t.iter().map(|t| *t == 1.0).collect::<Vec<bool>>())),
    }
}

fn confusion(shape: &Shape, p: &[f64], t: &[f64]) -> std::result::Result<Confusion, String> {
    let classes = if shape.rank() == 2 { shape[1] } else { 1 };
    let of = |x: &[f64], above: f64| x.chunks_exact(classes.max(1)).map(|row| class(row, above)).collect::<Vec<i32>>();
    Confusion::new(classes.max(2), &of(t, 0.5), &of(p, 0.0)).map_err(|e| e.to_string())
}

/// The class of a row of logits: for one number, 1 where it is above the threshold and else 0; for several, the index of the largest. No
/// number is NaN here.
fn class(row: &[f64], above: f64) -> i32 {
    match row {
        [x] => i32::from(*x > above),
        row => (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best }) as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str, p: &[f32], t: &[f32], shape: &[usize]) -> Figure {
        let tensor = |x: &[f32]| HostTensor::f32(Shape::try_new(shape).unwrap(), x.to_vec()).unwrap();
        let (name, _, figure) = METRICS.into_iter().find(|(name, ..)| *name == kind).unwrap();
        let value = Placed { at: String::new(), value: String::new() };
        let metric = Metric { name: name.into(), predicted: value.clone(), target: Some(value), figure };
        metric.of(&tensor(p), Some(&tensor(t)))
    }

    /// Worked by hand.
    #[test]
    fn figures_are_those_of_their_definitions() {
        let (p, t) = ([0.5, -1.0, 2.0, 0.5, -3.0], [1.0, 0.0, 1.0, 0.0, 0.0]);
        // Of the six pairs, five are in order and one is a tie.
        assert_eq!(of("area_under_curve", &p, &t, &[5]), Ok(5.5 / 6.0));
        assert_eq!(of("accuracy", &p, &t, &[5]), Ok(0.8));
        assert_eq!(of("balanced_accuracy", &p, &t, &[5]), Ok((1.0 + 2.0 / 3.0) / 2.0));
        assert_eq!(of("mean_absolute_error", &p, &t, &[5]), Ok((0.5 + 1.0 + 1.0 + 0.5 + 3.0) / 5.0));
        assert_eq!(of("r2", &[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0], &[3]), Ok(0.5));
        let r = of("pearson", &[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0], &[3]).unwrap();
        assert!((r - 3.0 / (14.0f64 / 3.0 * 2.0).sqrt()).abs() < 1e-12, "{r}");
        // Ranks 2.5, 1, 4, 2.5 and 4, 1, 3, 2: Pearson's r of those.
        let rho = of("spearman", &[5.0, -1.0, 9.0, 5.0], &[4.0, 1.0, 3.0, 2.0], &[4]).unwrap();
        assert!((rho - 3.0 / (4.5f64 * 5.0).sqrt()).abs() < 1e-12, "{rho}");
        let (p, t) = ([2.0, 1.0, 0.0, 0.0, 3.0, 1.0], [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(of("accuracy", &p, &t, &[2, 3]), Ok(0.5));
        assert_eq!(of("balanced_accuracy", &p, &t, &[2, 3]), Ok(0.5));
        assert!(of("area_under_curve", &[1.0, 2.0], &[1.0, 1.0], &[2]).is_err());
    }

    #[test]
    fn what_is_undefined_is_no_number_and_says_why() {
        let t = [1.0, 0.0, 1.0, 0.0];
        for (kind, ..) in METRICS {
            let error = of(kind, &[0.5, f32::NAN, 1.0, -1.0], &t, &[4]).unwrap_err();
            assert_eq!(error, "1 of 4 predictions are NaN", "{kind}");
            if kind != "mean" {
                let error = of(kind, &t, &[1.0, f32::NAN, 0.0, f32::NAN], &[4]).unwrap_err();
                assert_eq!(error, "2 of 4 targets are NaN", "{kind}");
            }
            assert!(of(kind, &[], &[], &[0]).is_err(), "{kind} of nothing");
        }
        // 0.1 has no exact mean over three: a constant is told by its values, not by what is left of them.
        let (constant, varied) = ([0.1; 3], [1.0, 2.0, 4.0]);
        for (kind, p, t, part) in [
            ("pearson", constant, varied, "constant"),
            ("pearson", varied, constant, "constant"),
            ("r2", varied, constant, "constant"),
            ("area_under_curve", varied, [1.0; 3], "0 negatives"),
            ("area_under_curve", constant, varied, "targets of 0 and 1"),
            ("mean_absolute_error", [f32::INFINITY; 3], varied, "inf"),
        ] {
            let error = of(kind, &p, &t, &[3]).unwrap_err();
            assert!(error.contains(part), "{kind}: {error}");
        }
    }
}
