//! Metrics of what a workflow says of subjects, against what is so.

use super::place::Place;
use super::record::Recording;
use crate::statistics::agreement::Confusion;
use crate::statistics::metrics::{auroc, pearson, r_squared};
use crate::{Error, HostTensor, Result};

/// A figure that is reported.
#[derive(Debug, Clone)]
pub(super) struct Metric {
    pub(super) name: String,
    kind: &'static str,
    /// What is judged, and what it is judged against.
    pub(super) predicted: String,
    pub(super) target: Option<String>,
    at: String,
}

/// Of values against targets.
pub(super) const AGAINST: [&str; 6] = ["area_under_curve", "accuracy", "balanced_accuracy", "pearson", "r2", "mean_absolute_error"];

impl Metric {
    pub(super) fn parse(place: &Place<'_>) -> Result<Self> {
        let kind = place.get("metric")?.choice(&[&AGAINST[..], &["mean"]].concat())?;
        let against = kind != "mean";
        place.only(if against { &["name", "metric", "predicted", "target"] } else { &["name", "metric", "of"] })?;
        Ok(Self {
            name: place.find("name").map_or(Ok(kind), |p| p.text())?.to_owned(),
            kind,
            predicted: place.get(if against { "predicted" } else { "of" })?.text()?.to_owned(),
            target: if against { Some(place.get("target")?.text()?.to_owned()) } else { None },
            at: place.at().to_owned(),
        })
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        [Some(&self.predicted), self.target.as_ref()].into_iter().flatten().map(String::as_str)
    }

    pub(super) fn check(&self, made: &Recording) -> Result<()> {
        let shape = |name: &str| match made.values.get(name) {
            Some(&var) => Ok(made.tape.shape(var)),
            None => Err(Error::argument(format!("{}: no value is called `{name}`", self.at))),
        };
        let predicted = shape(&self.predicted)?;
        let Some(target) = &self.target else { return Ok(()) };
        let (target, most) = (shape(target)?, if self.classes() { 2 } else { 1 });
        if target != predicted || !(1..=most).contains(&target.rank()) {
            let what = if self.classes() { "[subjects], or [subjects, classes]," } else { "[subjects]" };
            return Err(Error::argument(format!("{}: {what} of both is expected, found {predicted} and {target}", self.at)));
        }
        Ok(())
    }

    fn classes(&self) -> bool {
        matches!(self.kind, "accuracy" | "balanced_accuracy")
    }

    /// The figure; `None` where it has no meaning, such as a curve of one class alone.
    pub(super) fn of(&self, predicted: &HostTensor, target: Option<&HostTensor>) -> Option<f64> {
        let p = predicted.to_f64_vec();
        let Some(target) = target else { return Some(p.iter().sum::<f64>() / p.len().max(1) as f64) };
        let t = target.to_f64_vec();
        match self.kind {
            "area_under_curve" => auroc(&p, &t.iter().map(|t| *t > 0.5).collect::<Vec<bool>>()).ok(),
            "pearson" => pearson(&p, &t).ok(),
            "r2" => r_squared(&t, &p).ok(),
            "mean_absolute_error" => Some(p.iter().zip(&t).map(|(p, t)| (p - t).abs()).sum::<f64>() / t.len().max(1) as f64),
            kind => {
                let classes = if target.shape().rank() == 2 { target.shape()[1] } else { 1 };
                let of = |x: &[f64], above: f64| x.chunks_exact(classes).map(|row| class(row, above)).collect::<Vec<i32>>();
                let confusion = Confusion::new(classes.max(2), &of(&t, 0.5), &of(&p, 0.0)).ok()?;
                Some(if kind == "accuracy" { confusion.accuracy() } else { confusion.balanced_accuracy() })
            }
        }
    }
}

/// Of one number, whether it is above a threshold; of several, which is the largest.
fn class(row: &[f64], above: f64) -> i32 {
    match row {
        [x] => i32::from(*x > above),
        row => (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best }) as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(kind: &'static str) -> Metric {
        Metric { name: kind.into(), kind, predicted: String::new(), target: Some(String::new()), at: String::new() }
    }

    fn of(kind: &'static str, p: &[f32], t: &[f32], shape: &[usize]) -> Option<f64> {
        let tensor = |x: &[f32]| HostTensor::f32(crate::Shape::try_new(shape).unwrap(), x.to_vec()).unwrap();
        metric(kind).of(&tensor(p), Some(&tensor(t)))
    }

    /// Worked by hand.
    #[test]
    fn figures_are_those_of_their_definitions() {
        let (p, t) = ([0.5, -1.0, 2.0, 0.5, -3.0], [1.0, 0.0, 1.0, 0.0, 0.0]);
        // Of the six pairs, five are in order and one is a tie.
        assert_eq!(of("area_under_curve", &p, &t, &[5]), Some(5.5 / 6.0));
        assert_eq!(of("accuracy", &p, &t, &[5]), Some(0.8));
        assert_eq!(of("balanced_accuracy", &p, &t, &[5]), Some((1.0 + 2.0 / 3.0) / 2.0));
        assert_eq!(of("mean_absolute_error", &p, &t, &[5]), Some((0.5 + 1.0 + 1.0 + 0.5 + 3.0) / 5.0));
        assert_eq!(of("r2", &[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0], &[3]), Some(0.5));
        let r = of("pearson", &[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0], &[3]).unwrap();
        assert!((r - 3.0 / (14.0f64 / 3.0 * 2.0).sqrt()).abs() < 1e-12, "{r}");
        let (p, t) = ([2.0, 1.0, 0.0, 0.0, 3.0, 1.0], [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(of("accuracy", &p, &t, &[2, 3]), Some(0.5));
        assert_eq!(of("balanced_accuracy", &p, &t, &[2, 3]), Some(0.5));
        assert_eq!(of("area_under_curve", &[1.0, 2.0], &[1.0, 1.0], &[2]), None);
    }
}
