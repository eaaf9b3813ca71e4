//! How well clusters agree with labels.

use crate::{Error, Result};

/// How many graphs of each label are in each cluster: `[labels, clusters]`, row-major, and how many labels and clusters there are, by the
/// greatest of each.
///
/// # Errors
/// Where there is not a cluster for each label.
pub fn confusion(labels: &[usize], clusters: &[usize]) -> Result<(Vec<usize>, [usize; 2])> {
    if labels.len() != clusters.len() || labels.is_empty() {
        return Err(Error::argument(format!("{} labels and {} clusters: as many of both expected", labels.len(), clusters.len())));
    }
    let [rows, columns] = [labels, clusters].map(|list| list.iter().max().map_or(0, |most| most + 1));
    let mut table = vec![0; rows * columns];
    labels.iter().zip(clusters).for_each(|(&l, &c)| table[l * columns + c] += 1);
    Ok((table, [rows, columns]))
}

/// The share of graphs that have the commonest label of their cluster.
///
/// # Errors
/// As [`confusion`].
pub fn purity(labels: &[usize], clusters: &[usize]) -> Result<f64> {
    let (table, [rows, columns]) = confusion(labels, clusters)?;
    let most = |c: usize| (0..rows).map(|r| table[r * columns + c]).max().unwrap_or(0);
    Ok((0..columns).map(most).sum::<usize>() as f64 / labels.len() as f64)
}

/// The share of graphs that have the label of their cluster, each cluster being given one label and each label one cluster at most, so
/// that the share is the greatest.
///
/// # Errors
/// As [`confusion`].
pub fn accuracy(labels: &[usize], clusters: &[usize]) -> Result<f64> {
    let (table, [rows, columns]) = confusion(labels, clusters)?;
    let n = rows.max(columns);
    let cost = |r: usize, c: usize| if r < rows && c < columns { -(table[r * columns + c] as f64) } else { 0.0 };
    let assigned = assignment(n, cost);
    let total: f64 = assigned.iter().enumerate().map(|(r, &c)| -cost(r, c)).sum();
    Ok(total / labels.len() as f64)
}

/// The column of each of n rows, no column twice, by which the sum of costs is least: the Hungarian method by shortest paths (Kuhn 1955;
/// Jonker & Volgenant 1987), O(n³).
fn assignment(n: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    // Rows and columns are counted from 1; column 0 stands for the row that looks for one.
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
