//! Metrics of predictions.

use crate::{Error, Result};

/// The mean; 0 where there are no values.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0usize), |(sum, n), x| (sum + x, n + 1));
    sum / n.max(1) as f64
}

fn one_length(a: usize, b: usize, what: &str) -> Result<()> {
    if a != b || a == 0 {
        return Err(Error::argument(format!("{what}: two of one length expected, at least one value each, found {a} and {b}")));
    }
    Ok(())
}

/// Checks that all values are finite. Metrics of other values are undefined, and a comparison with NaN is always false.
fn all_finite(values: &[f64], what: &str) -> Result<()> {
    match values.iter().position(|x| !x.is_finite()) {
        Some(i) => Err(Error::argument(format!("{what}: value {i}, counted from 0, is {}: a finite number is expected", values[i]))),
        None => Ok(()),
    }
}

/// Checks that no value is NaN, which cannot be ordered.
fn ordered(values: &[f64], what: &str) -> Result<()> {
    match values.iter().position(|x| x.is_nan()) {
        Some(i) => Err(Error::argument(format!("{what}: value {i}, counted from 0, is NaN"))),
        None => Ok(()),
    }
}

/// Values minus their first value and then minus their mean. A constant becomes exactly 0, although its mean may not be exact.
fn centred(x: &[f64]) -> Vec<f64> {
    let first = x.first().copied().unwrap_or(0.0);
    let centre = mean(x.iter().map(|x| x - first));
    x.iter().map(|x| x - first - centre).collect()
}

/// The coefficient of determination R² = 1 − Σ (t − p)² / Σ (t − mean t)².
///
/// # Errors
/// Returns an error where lengths differ or are 0, a value is not finite, or the truth is constant.
pub fn r_squared(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    let reference: Vec<f64> = truth.iter().zip(centred(truth)).map(|(t, apart)| t - apart).collect();
    score_against(truth, predicted, &reference)
}

/// The skill score 1 − Σ (t − p)² / Σ (t − r)²: 0 where the prediction p is no better than the reference r, and 1 where it is perfect.
///
/// # Errors
/// Returns an error where lengths differ or are 0, a value is not finite, or the reference equals the truth.
pub fn score_against(truth: &[f64], predicted: &[f64], reference: &[f64]) -> Result<f64> {
    for values in [predicted, reference] {
        one_length(truth.len(), values.len(), "a score")?;
        all_finite(values, "a score")?;
    }
    all_finite(truth, "a score")?;
    let misfit = |p: &[f64]| truth.iter().zip(p).map(|(t, p)| (t - p) * (t - p)).sum::<f64>();
    let at_most = misfit(reference);
    if at_most == 0.0 {
        return Err(Error::argument("a score: the reference is the truth, such as the mean of a constant"));
    }
    Ok(1.0 - misfit(predicted) / at_most)
}

/// Ranks from 1, with the mean rank for ties.
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
/// Returns an error where lengths differ or are 0, a value is not finite, or one of the two is constant.
pub fn pearson(a: &[f64], b: &[f64]) -> Result<f64> {
    one_length(a.len(), b.len(), "a correlation")?;
    let [a, b] = [a, b].map(|x| all_finite(x, "a correlation").map(|()| centred(x)));
    let (a, b) = (a?, b?);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let scale = product(&a, &a).sqrt() * product(&b, &b).sqrt();
    if scale == 0.0 {
        return Err(Error::argument("a correlation: one of the two is constant"));
    }
    Ok(product(&a, &b) / scale)
}

/// Spearman's rank correlation.
///
/// # Errors
/// The same as those of [`pearson`].
pub fn spearman(a: &[f64], b: &[f64]) -> Result<f64> {
    one_length(a.len(), b.len(), "a rank correlation")?;
    all_finite(a, "a rank correlation")?;
    all_finite(b, "a rank correlation")?;
    pearson(&ranks(a), &ranks(b))
}

/// The area under the ROC curve: the probability that a positive scores higher than a negative, with ties counted half.
///
/// # Errors
/// Returns an error where lengths differ or are 0, a score is NaN, or all or none are positive.
pub fn auroc(scores: &[f64], positive: &[bool]) -> Result<f64> {
    one_length(scores.len(), positive.len(), "an AUROC")?;
    ordered(scores, "an AUROC")?;
    let n = positive.iter().filter(|p| **p).count();
    let rest = positive.len() - n;
    if n == 0 || rest == 0 {
        return Err(Error::argument(format!("an AUROC of {n} positives and {rest} negatives: one of each expected at least")));
    }
    let sum: f64 = ranks(scores).iter().zip(positive).filter(|(_, p)| **p).map(|(rank, _)| rank).sum();
    Ok((sum - (n * (n + 1)) as f64 / 2.0) / (n * rest) as f64)
}

/// Average precision Σ (Rₖ − Rₖ₋₁) Pₖ over thresholds from the highest score down, with recall R and precision P, as in scikit-learn.
///
/// # Errors
/// Returns an error where lengths differ or are 0, a score is NaN, or none is positive.
pub fn average_precision(scores: &[f64], positive: &[bool]) -> Result<f64> {
    one_length(scores.len(), positive.len(), "an average precision")?;
    ordered(scores, "an average precision")?;
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
