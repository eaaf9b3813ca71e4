//! What a denoising is judged by (Ciric et al. 2017, NeuroImage 154; Parkes et al. 2018, NeuroImage 171), on the host in f64: what
//! connectivity keeps of motion, how that falls with distance, how many degrees of freedom went, how well networks stand out, and, where the
//! truth is known, how near connectivity came to it. The differentiable ones are [`Tape::qc_fc`](crate::Tape::qc_fc) and
//! [`Tape::distance_dependence`](crate::Tape::distance_dependence).

use crate::connectome::graph::communities::louvain;
use crate::connectome::loss::critical_correlation;
use crate::statistics::metrics;
use crate::{Error, HostTensor, Result};

/// The figures of a cohort after denoising.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// QC-FC: the median |r| between connectivity and motion over subjects, of the edges that vary over them.
    pub qc_fc: f64,
    /// The share of these edges whose QC-FC chance explains with probability below 0.05, uncorrected.
    pub significant: f64,
    /// Spearman's correlation of these edges' QC-FC with their lengths; none where it is undefined, as lengths are all alike.
    pub distance_dependence: Option<f64>,
    /// Network identifiability: Newman's Q of Louvain's communities of the mean connectome, its negative edges left out.
    pub identifiability: f64,
    /// The mean over subjects of Pearson's correlation between edges and true edges, where these are known.
    pub recovery: Option<f64>,
}

/// Connectomes of subjects and what is known of them.
#[derive(Debug, Clone, Copy)]
pub struct Cohort<'a> {
    /// Regions of a connectome.
    pub regions: usize,
    /// The edges of each subject, as [`edges`] has them.
    pub connectomes: &'a [Vec<f64>],
    /// The motion of each subject: mean framewise displacement, say.
    pub motion: &'a [f64],
    /// The length of each edge, in mm.
    pub lengths: &'a [f64],
    /// The true edges of each subject.
    pub truth: Option<&'a [Vec<f64>]>,
}

impl Cohort<'_> {
    /// All figures; `seed` is Louvain's.
    ///
    /// # Errors
    /// Where there are fewer than three subjects, an extent does not fit another, or a value is no finite number; and where a figure is
    /// undefined: motion, a connectome or all edges are constant.
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

    /// Pearson's correlation of each edge with motion over subjects; NaN where it is undefined, as either is constant.
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

/// The pairs i < j of n, row by row.
pub fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
}

/// The upper triangles of matrices f32 `[subjects, n, n]`, row by row, a vector a subject.
///
/// # Errors
/// Where they are not square.
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
