//! Settings and run lengths chosen by inner validation, on worms that are neither in the training set nor the test worm.

use rayon::prelude::*;
use tapetum::Result;

/// The setting and run length chosen for a test worm.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// The index of the setting.
    pub candidate: usize,
    /// The index of the evaluation with the best score; 0 is before the first step.
    pub look: usize,
    /// The mean score over the other worms.
    pub score: f64,
}

/// The pairs of worms that contain one of `folds`.
pub fn pairs(worms: usize, folds: &[usize]) -> Vec<[usize; 2]> {
    let all = (0..worms).flat_map(|b| (0..b).map(move |a| [a, b]));
    all.filter(|pair| pair.iter().any(|w| folds.contains(w))).collect()
}

/// For each of `folds` the setting and evaluation that are best on the other worms. `curves(candidate, pair)` trains without a pair of
/// worms, and returns the score on each of the two at every evaluation. One training run serves both worms of the pair: for each as test
/// worm, the score on the other is a validation score. The choice for worm w has the best mean validation score over all other worms v,
/// each from a model trained on neither.
///
/// # Errors
/// The same as those of `curves`.
pub fn choose(
    worms: usize,
    folds: &[usize],
    candidates: usize,
    curves: impl Fn(usize, [usize; 2]) -> Result<[Vec<f64>; 2]> + Sync,
) -> Result<Vec<Choice>> {
    let pairs = pairs(worms, folds);
    let jobs: Vec<(usize, [usize; 2])> = (0..candidates).flat_map(|c| pairs.iter().map(move |&pair| (c, pair))).collect();
    let made: Vec<[Vec<f64>; 2]> = jobs.par_iter().map(|&(c, pair)| curves(c, pair)).collect::<Result<_>>()?;
    let best = |&fold: &usize| {
        let mut best = Choice { candidate: 0, look: 0, score: f64::NEG_INFINITY };
        for candidate in 0..candidates {
            // The score on the worm of the pair that is not the test worm.
            let of = jobs.iter().zip(&made).filter(|((c, pair), _)| *c == candidate && pair.contains(&fold));
            let seen: Vec<&Vec<f64>> = of.map(|((_, pair), curves)| &curves[usize::from(pair[0] == fold)]).collect();
            for look in 0..seen.iter().map(|c| c.len()).min().unwrap_or(0) {
                let score = seen.iter().map(|c| c[look]).sum::<f64>() / seen.len() as f64;
                if score > best.score {
                    best = Choice { candidate, look, score };
                }
            }
        }
        best
    };
    Ok(folds.iter().map(best).collect())
}
