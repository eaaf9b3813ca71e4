//! Divisions of the subjects into those that a model is trained on and those that it is tested on.

use super::form::{Form, Placed, file, text, whole};
use super::object::object;
use crate::data::read_column;
use crate::tensor::Philox;
use crate::{Error, Result};

/// The random stream from which folds are drawn.
const STREAM: u32 = 0x5917;

/// One division of the subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Subjects that the model is trained on, by number.
    pub train: Vec<usize>,
    /// Subjects that it is tested on.
    pub test: Vec<usize>,
}

/// A rule by which subjects are divided.
#[derive(Debug, Clone)]
pub(super) enum Split {
    /// All subjects are in the training set and in the test set.
    None,
    /// k folds. Where a column of classes is given, each class is spread evenly over the folds.
    Folds(usize, Option<Vec<String>>),
    /// A fold for each value of a column.
    LeaveOut(Vec<String>),
    /// Subjects whose value in a column is one of these form the test set.
    Test(Vec<String>, Vec<String>),
}

/// The form of `split`.
pub(super) fn split() -> Form<Split> {
    Form::either(vec![
        object(
            "folds: in each, the model is trained on all others",
            (whole(2).field("folds", "how many"), column().maybe("stratify", "whose values every fold has in the same shares")),
            |(folds, classes)| Ok(Split::Folds(folds, classes)),
        )
        .form(),
        object(
            "a fold for each value of a column: one site, one worm, one family left out",
            (column().field("leave_out", "the column"),),
            |(column,)| Ok(Split::LeaveOut(column)),
        )
        .form(),
        object(
            "one division: subjects with these values are tested on, all others trained on",
            (column().field("test", "the column"), text().placed().list(1).field("values", "its values")),
            |(column, values): (Vec<String>, Vec<Placed<String>>)| match values.iter().find(|v| !column.contains(&v.value)) {
                Some(value) => Err(value.error(format!("no subject has the value `{}`", value.value))),
                None => Ok(Split::Test(column, values.into_iter().map(|v| v.value).collect())),
            },
        )
        .form(),
    ])
}

/// The cells of a column of a table.
fn column() -> Form<Vec<String>> {
    let parts = (file().field("table", "a .csv or .tsv with a header, a row a subject"), text().field("column", "its name"));
    object("", parts, |(table, column)| read_column(table, &column)).form()
}

impl Split {
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
                "fold {i} of {subjects} subjects has {} to train on and {} to test on",
                folds[i].train.len(),
                folds[i].test.len()
            ))),
            None => Ok(folds),
        }
    }
}

/// The fold of each subject. Subjects are shuffled and then, class by class, assigned to the folds in turn.
fn dealt(subjects: usize, k: usize, classes: Option<&[String]>, seed: u64) -> Vec<usize> {
    let order = Philox::new(seed, STREAM, 0).shuffled(subjects);
    let values = classes.map(distinct).unwrap_or_else(|| vec![String::new()]);
    let of = |s: usize| classes.map_or("", |c| c[s].as_str());
    let by_class = values.iter().flat_map(|value| order.iter().copied().filter(|&s| of(s) == value).collect::<Vec<_>>());
    let mut place = vec![0; subjects];
    by_class.enumerate().for_each(|(card, s)| place[s] = card % k);
    place
}

/// The distinct cells of a column, in the order in which they first appear.
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
