//! Quality measures of a denoising (Ciric et al. 2017, NeuroImage 154; Parkes et al. 2018, NeuroImage 171), on the host in f64: the
//! dependence of connectivity on motion, its dependence on distance, network identifiability, and, where the true connectivity is known,
//! the correlation with it. The differentiable measures are [`Tape::qc_fc`](crate::Tape::qc_fc) and
//! [`Tape::distance_dependence`](crate::Tape::distance_dependence).

use crate::connectome::graph::communities::louvain;
use crate::connectome::loss::critical_correlation;
use crate::statistics::metrics;
use crate::{Error, HostTensor, Result};

/// The quality measures of a cohort after denoising.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// QC-FC: the median |r| between connectivity and motion over subjects, taken over the edges that vary between subjects.
    pub qc_fc: f64,
    /// The share of these edges whose QC-FC is significant at p < 0.05, uncorrected.
    pub significant: f64,
    /// Spearman's correlation of the QC-FC of these edges with their lengths; `None` where it is undefined, for example where all lengths
    /// are equal.
    pub distance_dependence: Option<f64>,
    /// Network identifiability: Newman's modularity Q of the Louvain communities of the mean connectome, without its negative edges.
    pub identifiability: f64,
    /// The mean over subjects of Pearson's correlation between the edges and the true edges; `None` where these are not known.
    pub recovery: Option<f64>,
}

/// The connectomes of subjects, with their motion and edge lengths.
#[derive(Debug, Clone, Copy)]
pub struct Cohort<'a> {
    /// The number of regions of a connectome.
    pub regions: usize,
    /// The edges of each subject, in the order of [`edges`].
    pub connectomes: &'a [Vec<f64>],
    /// The motion of each subject; for example mean framewise displacement.
    pub motion: &'a [f64],
    /// The length of each edge, in mm.
    pub lengths: &'a [f64],
    /// The true edges of each subject.
    pub truth: Option<&'a [Vec<f64>]>,
}

impl Cohort<'_> {
    /// Computes all quality measures. `seed` is the seed of the Louvain algorithm.
    ///
    /// # Errors
    /// Returns an error where there are fewer than three subjects, extents differ, or a value is not finite; and where a measure is
    /// undefined because motion, a connectome or all edges are constant.
    pub fn judge(&self, seed: u64) -> Result<Quality> {
        self.check()?;
        let limit = critical_correlation(self.connectomes.len(), 0.05)?;
        let (related, lengths): (Vec<f64>, Vec<f64>) = self.qc_fc().iter().zip(self.lengths).filter(|(r, _)| !r.is_nan()).unzip();
        if related.is_empty() {
            return Err(Error::argument("QC-FC is undefined: motion, or each edge, is the same for all subjects"));
        }
        let sizes: Vec<f64> = related.iter().map(|r| r.abs()).collect();
        let significant = sizes.iter().filter(|&&r| r > limit).count() as f64 / sizes.len() as f64;
        let recovered = |truth: &[Vec<f64>]| {
            let of = |(found, truth): (&Vec<f64>, &Vec<f64>)| metrics::pearson(found, truth);
            self.connectomes.iter().zip(truth).map(of).collect::<Result<Vec<f64>>>().map(|r| mean(r.into_iter()))
        };
        let recovery = self.truth.map(recovered).transpose()?;
        Ok(Quality {
            qc_fc: median(sizes),
            significant,
            distance_dependence: metrics::spearman(&related, &lengths).ok(),
            identifiability: louvain(&self.mean_network(), self.regions, 1.0, seed)?.modularity,
            recovery,
        })
    }

    /// Pearson's correlation of each edge with motion over subjects; NaN where it is undefined because one of the two is constant.
    pub fn qc_fc(&self) -> Vec<f64> {
        let of = |e: usize| self.connectomes.iter().map(|c| c[e]).collect::<Vec<_>>();
        let of_edge = |e: usize| metrics::pearson(&of(e), self.motion).unwrap_or(f64::NAN);
        (0..self.lengths.len()).map(of_edge).collect()
    }

    /// The positive part of the mean connectome, `[regions, regions]`, zeros on its diagonal.
    fn mean_network(&self) -> Vec<f64> {
        let n = self.regions;
        let mut network = vec![0.0; n * n];
        for (e, (i, j)) in pairs(n).enumerate() {
            let weight = mean(self.connectomes.iter().map(|c| c[e])).max(0.0);
            (network[i * n + j], network[j * n + i]) = (weight, weight);
        }
        network
    }

    fn check(&self) -> Result<()> {
        let (subjects, edges) = (self.connectomes.len(), self.regions * self.regions.saturating_sub(1) / 2);
        let truth = self.truth.unwrap_or(self.connectomes);
        if self.motion.len() != subjects || truth.len() != subjects {
            let found = format!("{subjects} connectomes, motion of {} and truth of {}", self.motion.len(), truth.len());
            return Err(Error::argument(format!("as many of each expected, found {found} subjects")));
        }
        let extents = [self.lengths.len()].into_iter().chain(self.connectomes.iter().chain(truth).map(Vec::len));
        if let Some(found) = extents.into_iter().find(|&n| n != edges) {
            return Err(Error::argument(format!("{edges} edges between {} regions expected, found {found}", self.regions)));
        }
        let rows = self.connectomes.iter().chain(truth).map(|c| ("a connectome", &c[..]));
        let wrong = |(what, values): (&'static str, &[f64])| {
            let at = values.iter().position(|x| !x.is_finite())?;
            Some(format!("{what} holds {} at place {at}, counted from 0: a finite number is expected", values[at]))
        };
        match rows.chain([("motion", self.motion), ("lengths", self.lengths)]).find_map(wrong) {
            Some(what) => Err(Error::argument(what)),
            None => Ok(()),
        }
    }
}

/// The pairs i < j of n regions, row by row.
pub fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
}

/// The upper triangles of matrices f32 `[subjects, n, n]`, row by row: one vector for each subject.
///
/// # Errors
/// Returns an error where the matrices are not square.
pub fn edges(connectomes: &HostTensor) -> Result<Vec<Vec<f64>>> {
    let [_, n, columns] = *connectomes.shape() else {
        return Err(Error::argument(format!("connectomes [subjects, n, n] expected, found {}", connectomes.ty())));
    };
    if n != columns {
        return Err(Error::argument(format!("connectomes [subjects, n, n] expected, found {}", connectomes.ty())));
    }
    let of = |matrix: &[f32]| pairs(n).map(|(i, j)| f64::from(matrix[i * n + j])).collect();
    Ok(connectomes.elements::<f32>()?.chunks_exact((n * n).max(1)).map(of).collect())
}

fn mean(x: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = x.fold((0.0, 0usize), |(sum, n), x| (sum + x, n + 1));
    sum / n.max(1) as f64
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    let n = x.len();
    if n == 0 { 0.0 } else { (x[(n - 1) / 2] + x[n / 2]) / 2.0 }
}
