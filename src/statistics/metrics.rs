//! Figures of predictions.

use crate::{Error, Result};

/// 0 of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0usize), |(sum, n), x| (sum + x, n + 1));
    sum / n.max(1) as f64
}

fn one_length(a: usize, b: usize, what: &str) -> Result<()> {
    if a != b || a == 0 {
        return Err(Error::argument(format!("{what}: two of one length expected, found {a} and {b}")));
    }
    Ok(())
}

/// A figure of NaN is none: an order of numbers would put it somewhere.
fn finite(x: &[f64], what: &str) -> Result<()> {
    match x.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Error::argument(format!("{what}: number {at} (counted from 0) is {}: finite numbers are expected", x[at]))),
        None => Ok(()),
    }
}

/// R² = 1 − Σ (t − p)² / Σ (t − mean t)².
///
/// # Errors
/// Where lengths differ, a number is not finite, or the truth is constant.
pub fn r_squared(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    let centre = mean(truth.iter().copied());
    score_against(truth, predicted, &vec![centre; truth.len()])
}

/// 1 − Σ (t − p)² / Σ (t − r)²: 0 where p is no better than the reference r, 1 where it is perfect.
///
/// # Errors
/// Where lengths differ, a number is not finite, or the reference is the truth.
pub fn score_against(truth: &[f64], predicted: &[f64], reference: &[f64]) -> Result<f64> {
    one_length(truth.len(), predicted.len(), "a score")?;
    one_length(truth.len(), reference.len(), "a score")?;
    [truth, predicted, reference].iter().try_for_each(|x| finite(x, "a score"))?;
    let misfit = |p: &[f64]| truth.iter().zip(p).map(|(t, p)| (t - p) * (t - p)).sum::<f64>();
    let at_most = misfit(reference);
    if at_most == 0.0 {
        return Err(Error::argument("a score: the reference is the truth"));
    }
    Ok(1.0 - misfit(predicted) / at_most)
}

/// Ranks from 1, the mean rank among ties.
fn ranks(x: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
    let mut ranks = vec![0.0; x.len()];
    let mut first = 0;
    for tie in order.chunk_by(|&i, &j| x[i] == x[j]) {
        let rank = first as f64 + (tie.len() + 1) as f64 / 2.0;
        tie.iter().for_each(|&i| ranks[i] = rank);
        first += tie.len();
    }
    ranks
}

/// Pearson's correlation.
///
/// # Errors
/// Where lengths differ, a number is not finite, or one of the two is constant.
pub fn pearson(a: &[f64], b: &[f64]) -> Result<f64> {
    one_length(a.len(), b.len(), "a correlation")?;
    [a, b].iter().try_for_each(|x| finite(x, "a correlation"))?;
    let centre = [a, b].map(|x| mean(x.iter().copied()));
    let product = |a: (&[f64], f64), b: (&[f64], f64)| a.0.iter().zip(b.0).map(|(x, y)| (x - a.1) * (y - b.1)).sum::<f64>();
    let (a, b) = ((a, centre[0]), (b, centre[1]));
    let scale = (product(a, a) * product(b, b)).sqrt();
    if scale == 0.0 {
        return Err(Error::argument("a correlation: one of the two is constant"));
    }
    Ok(product(a, b) / scale)
}

/// Spearman's rank correlation.
///
/// # Errors
/// As [`pearson`].
pub fn spearman(a: &[f64], b: &[f64]) -> Result<f64> {
    one_length(a.len(), b.len(), "a rank correlation")?;
    [a, b].iter().try_for_each(|x| finite(x, "a rank correlation"))?;
    pearson(&ranks(a), &ranks(b))
}

/// The probability that a positive scores higher than a negative, ties counted half: the area under the ROC curve.
///
/// # Errors
/// Where lengths differ, a score is not finite, or all are positive or none.
pub fn auroc(scores: &[f64], positive: &[bool]) -> Result<f64> {
    one_length(scores.len(), positive.len(), "an AUROC")?;
    finite(scores, "an AUROC")?;
    let n = positive.iter().filter(|p| **p).count();
    let rest = positive.len() - n;
    if n == 0 || rest == 0 {
        return Err(Error::argument(format!("an AUROC of {n} positives and {rest} negatives: one of each expected at least")));
    }
    let sum: f64 = ranks(scores).iter().zip(positive).filter(|(_, p)| **p).map(|(rank, _)| rank).sum();
    Ok((sum - (n * (n + 1)) as f64 / 2.0) / (n * rest) as f64)
}

/// Σ (Rₖ − Rₖ₋₁) Pₖ over thresholds, from the highest score down, with recall R and precision P: scikit-learn's average precision.
///
/// # Errors
/// Where lengths differ, a score is not finite, or none is positive.
pub fn average_precision(scores: &[f64], positive: &[bool]) -> Result<f64> {
    one_length(scores.len(), positive.len(), "an average precision")?;
    finite(scores, "an average precision")?;
    let all = positive.iter().filter(|p| **p).count();
    if all == 0 {
        return Err(Error::argument("an average precision of no positives"));
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
    let (mut sum, mut seen, mut found) = (0.0, 0, 0);
    for tie in order.chunk_by(|&i, &j| scores[i] == scores[j]) {
        let hits = tie.iter().filter(|&&i| positive[i]).count();
        (seen, found) = (seen + tie.len(), found + hits);
        sum += hits as f64 / all as f64 * found as f64 / seen as f64;
    }
    Ok(sum)
}
