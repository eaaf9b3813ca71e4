//! Which subjects are learnt from, and which are judged.

use super::place::Place;
use crate::data::read_column;
use crate::tensor::Philox;
use crate::{Error, Result};
use std::path::Path;

/// Draws of the folds are of this stream.
const STREAM: u32 = 0x5917;

/// One division of the subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Subjects learnt from, by number.
    pub train: Vec<usize>,
    /// Subjects judged.
    pub test: Vec<usize>,
}

/// How subjects are divided.
#[derive(Debug, Clone)]
pub(super) enum Split {
    /// All are learnt from, and judged.
    None,
    /// k folds, each class spread over them evenly where there is one.
    Folds(usize, Option<Vec<String>>),
    /// A fold for each value of a column.
    LeaveOut(Vec<String>),
    /// Those with these values are judged.
    Test(Vec<String>, Vec<String>),
}

impl Split {
    pub(super) fn parse(place: Option<&Place<'_>>, folder: &Path) -> Result<Self> {
        let Some(place) = place else { return Ok(Self::None) };
        place.only(&["folds", "stratify", "leave_out", "test", "values"])?;
        let column = |key: &str| {
            let at = place.get(key)?;
            at.only(&["table", "column"])?;
            read_column(folder.join(at.get("table")?.text()?), at.get("column")?.text()?).map_err(at.wrap())
        };
        match ["folds", "leave_out", "test"].map(|key| place.find(key)) {
            [Some(folds), None, None] => {
                let stratify = place.find("stratify").map(|_| column("stratify")).transpose()?;
                Ok(Self::Folds(folds.whole(2)?, stratify))
            }
            [None, Some(_), None] => column("leave_out").map(Self::LeaveOut),
            [None, None, Some(test)] => {
                let values = place.get("values")?.items()?.iter().map(|v| v.text().map(String::from)).collect::<Result<Vec<_>>>()?;
                let found = column("test")?;
                match values.iter().find(|v| !found.contains(v)) {
                    Some(value) => Err(test.error(format!("no subject has the value `{value}`"))),
                    None => Ok(Self::Test(found, values)),
                }
            }
            _ => Err(place.error("one of folds, leave_out and test is expected")),
        }
    }

    /// The divisions of `subjects` subjects; none is empty.
    pub(super) fn folds(&self, subjects: usize, seed: u64) -> Result<Vec<Fold>> {
        let wrong = |what: String| Error::argument(format!("split: {what}"));
        if let Self::Folds(_, Some(column)) | Self::LeaveOut(column) | Self::Test(column, _) = self
            && column.len() != subjects
        {
            return Err(wrong(format!("the column has {} rows, and the data {subjects} subjects", column.len())));
        }
        let by = |inside: &dyn Fn(usize) -> bool| {
            let (test, train) = (0..subjects).partition(|&s| inside(s));
            Fold { train, test }
        };
        let folds: Vec<Fold> = match self {
            Self::None => vec![Fold { train: (0..subjects).collect(), test: (0..subjects).collect() }],
            Self::Folds(k, classes) => {
                let place = dealt(subjects, *k, classes.as_deref(), seed);
                (0..*k).map(|fold| by(&|s| place[s] == fold)).collect()
            }
            Self::LeaveOut(column) => distinct(column).iter().map(|value| by(&|s| column[s] == *value)).collect(),
            Self::Test(column, values) => vec![by(&|s| values.contains(&column[s]))],
        };
        match folds.iter().position(|f| f.train.is_empty() || f.test.is_empty()) {
            Some(i) => Err(wrong(format!(
                "fold {i} of {subjects} subjects learns from {} and judges {}",
                folds[i].train.len(),
                folds[i].test.len()
            ))),
            None => Ok(folds),
        }
    }
}

/// The fold of each subject: shuffled, and class by class dealt like cards.
fn dealt(subjects: usize, k: usize, classes: Option<&[String]>, seed: u64) -> Vec<usize> {
    let order = Philox::new(seed, STREAM, 0).shuffled(subjects);
    let values = classes.map(distinct).unwrap_or_else(|| vec![String::new()]);
    let of = |s: usize| classes.map_or("", |c| c[s].as_str());
    let by_class = values.iter().flat_map(|value| order.iter().copied().filter(|&s| of(s) == value).collect::<Vec<_>>());
    let mut place = vec![0; subjects];
    by_class.enumerate().for_each(|(card, s)| place[s] = card % k);
    place
}

/// In the order they first appear.
fn distinct(column: &[String]) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for value in column {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_part_the_subjects_and_spread_the_classes() {
        let classes: Vec<String> = (0..23).map(|s| if s % 4 == 0 { "adult" } else { "child" }.to_owned()).collect();
        let folds = Split::Folds(5, Some(classes.clone())).folds(23, 7).unwrap();
        let mut judged: Vec<usize> = folds.iter().flat_map(|f| f.test.clone()).collect();
        judged.sort_unstable();
        assert_eq!(judged, (0..23).collect::<Vec<_>>());
        for fold in &folds {
            assert!(fold.test.iter().all(|s| !fold.train.contains(s)) && fold.train.len() + fold.test.len() == 23);
            let adults = fold.test.iter().filter(|&&s| classes[s] == "adult").count();
            assert!((1..=2).contains(&adults), "{adults} of 6 adults in a fold of 5");
        }
        assert_ne!(folds, Split::Folds(5, Some(classes)).folds(23, 8).unwrap());
    }

    #[test]
    fn empty_folds_are_refused() {
        assert!(Split::Folds(3, None).folds(2, 0).is_err());
        assert!(Split::LeaveOut(vec!["a".into(), "a".into()]).folds(2, 0).is_err());
        assert!(Split::LeaveOut(vec!["a".into()]).folds(2, 0).is_err());
    }
}
