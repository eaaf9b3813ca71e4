//! Settings and run lengths chosen by inner validation: on worms that were neither trained on nor are the one left out.

use rayon::prelude::*;
use tapetum::Result;

/// What was chosen for a worm left out.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// Which setting.
    pub candidate: usize,
    /// How often training had been looked at when it was best; 0 is before its first step.
    pub look: usize,
    /// The mean score over the other worms.
    pub score: f64,
}

/// The pairs of worms that one of `folds` is of.
pub fn pairs(worms: usize, folds: &[usize]) -> Vec<[usize; 2]> {
    let all = (0..worms).flat_map(|b| (0..b).map(move |a| [a, b]));
    all.filter(|pair| pair.iter().any(|w| folds.contains(w))).collect()
}

/// For each of `folds`, of all settings and looks the best on the other worms. `curves(candidate, pair)` trains without a pair of worms, and gives
/// at each look the score on either: a training serves each worm of the pair, left out, with its score on the other. So worm w's choice is the best
/// mean, over the others v, of the score on v of what was trained on neither.
///
/// # Errors
/// As `curves`.
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
            // On the other of the pair than the worm left out.
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
