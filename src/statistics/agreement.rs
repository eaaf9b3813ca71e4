//! Agreement of predictions and clusters with labels.

use crate::{Error, Result};

/// A table of counts: of true and predicted classes, or of labels and clusters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    /// The counts, `[truth][predicted]` or `[label][cluster]`.
    pub counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// Counts true and predicted labels in `0..classes`.
    ///
    /// # Errors
    /// Returns an error where the two differ in length or are empty, or a label is not a class.
    pub fn new(classes: usize, truth: &[i32], predicted: &[i32]) -> Result<Self> {
        if truth.len() != predicted.len() || truth.is_empty() {
            let (labels, predictions) = (truth.len(), predicted.len());
            return Err(Error::argument(format!("{predictions} predictions of {labels} labels: as many of both expected, at least one")));
        }
        let mut cells = Vec::with_capacity(truth.len());
        for (&t, &p) in truth.iter().zip(predicted) {
            let cell = usize::try_from(t).ok().zip(usize::try_from(p).ok()).filter(|&(t, p)| t < classes && p < classes);
            cells.push(cell.ok_or_else(|| Error::argument(format!("label {t} taken for {p}: {classes} classes expected")))?);
        }
        Ok(Self::counted([classes; 2], cells.into_iter()))
    }

    /// Counts labels and clusters. The number of each is one more than the greatest that occurs.
    ///
    /// # Errors
    /// Returns an error where there is not one cluster for each label.
    pub fn between(labels: &[usize], clusters: &[usize]) -> Result<Self> {
        if labels.len() != clusters.len() || labels.is_empty() {
            return Err(Error::argument(format!("{} labels and {} clusters: as many of both expected", labels.len(), clusters.len())));
        }
        let extents = [labels, clusters].map(|list| list.iter().max().map_or(0, |most| most + 1));
        Ok(Self::counted(extents, labels.iter().copied().zip(clusters.iter().copied())))
    }

    fn counted([rows, columns]: [usize; 2], cells: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![vec![0; columns]; rows];
        cells.for_each(|(row, column)| counts[row][column] += 1);
        Self { counts }
    }

    fn truths(&self, class: usize) -> usize {
        self.counts[class].iter().sum()
    }

    fn predictions(&self, class: usize) -> usize {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// The accuracy: the share of correct predictions.
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.counts.len()).map(|c| self.counts[c][c]).sum();
        let all: usize = self.counts.iter().flatten().sum();
        right as f64 / all.max(1) as f64
    }

    /// The balanced accuracy: the mean recall over the classes that occur.
    pub fn balanced_accuracy(&self) -> f64 {
        super::metrics::mean(
            (0..self.counts.len()).filter(|&c| self.truths(c) > 0).map(|c| self.counts[c][c] as f64 / self.truths(c) as f64),
        )
    }

    /// The macro F1: the mean of F1 = 2 correct / (true + predicted) over the classes that occur or are predicted.
    pub fn macro_f1(&self) -> f64 {
        let of = |c: usize| (self.counts[c][c], self.truths(c) + self.predictions(c));
        super::metrics::mean((0..self.counts.len()).map(of).filter(|&(_, all)| all > 0).map(|(right, all)| 2.0 * right as f64 / all as f64))
    }
}

/// Purity: the share of items that have the commonest label of their cluster.
///
/// # Errors
/// The same as those of [`Confusion::between`].
pub fn purity(labels: &[usize], clusters: &[usize]) -> Result<f64> {
    let table = Confusion::between(labels, clusters)?.counts;
    let most = |c: usize| table.iter().map(|row| row[c]).max().unwrap_or(0);
    Ok((0..table[0].len()).map(most).sum::<usize>() as f64 / labels.len() as f64)
}

/// Clustering accuracy: the share of items that have the label of their cluster, under the one-to-one assignment of labels to clusters that
/// makes this share greatest.
///
/// # Errors
/// The same as those of [`Confusion::between`].
pub fn accuracy(labels: &[usize], clusters: &[usize]) -> Result<f64> {
    let table = Confusion::between(labels, clusters)?.counts;
    let n = table.len().max(table[0].len());
    let cost = |r: usize, c: usize| table.get(r).and_then(|row| row.get(c)).map_or(0.0, |&count| -(count as f64));
    let assigned = assignment(n, cost);
    let total: f64 = assigned.iter().enumerate().map(|(r, &c)| -cost(r, c)).sum();
    Ok(total / labels.len() as f64)
}

/// The assignment of a distinct column to each of n rows with the least total cost: the Hungarian method by shortest paths (Kuhn 1955;
/// Jonker & Volgenant 1987), O(n³).
fn assignment(n: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    // Rows and columns are numbered from 1; column 0 stands for the row that is being assigned.
    let (mut of_row, mut of_column) = (vec![0.0; n + 1], vec![0.0; n + 1]);
    let mut row_of = vec![0; n + 1];
    for row in 1..=n {
        row_of[0] = row;
        let (mut least, mut before, mut seen) = (vec![f64::INFINITY; n + 1], vec![0; n + 1], vec![false; n + 1]);
        let mut column = 0;
        while row_of[column] != 0 {
            seen[column] = true;
            let (r, mut step, mut next) = (row_of[column], f64::INFINITY, 0);
            for c in (1..=n).filter(|&c| !seen[c]) {
                let slack = cost(r - 1, c - 1) - of_row[r] - of_column[c];
                if slack < least[c] {
                    (least[c], before[c]) = (slack, column);
                }
                if least[c] < step {
                    (step, next) = (least[c], c);
                }
            }
            for c in 0..=n {
                if seen[c] {
                    of_row[row_of[c]] += step;
                    of_column[c] -= step;
                } else {
                    least[c] -= step;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[before[column]];
            column = before[column];
        }
    }
    let mut found = vec![0; n];
    (1..=n).for_each(|c| found[row_of[c] - 1] = c - 1);
    found
}
