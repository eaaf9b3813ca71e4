//! Births and deaths of many graphs in host memory.

use super::Dimension;
use crate::blocking::block_on;
use crate::tensor::parallel;
use crate::{Device, Error, HostTensor, Result, State, Tape, TensorType};

/// Births and deaths of graphs of one size, each list ascending.
///
/// ```
/// use tapetum::topology::{Diagrams, Dimension};
/// use tapetum::{Device, HostTensor};
///
/// // Two triangles that differ in one edge, which closes a cycle in either.
/// let graphs = [0.25, 0.125].map(|w| [0.0, 0.5, 0.75, 0.5, 0.0, w, 0.75, w, 0.0]).concat();
/// let found = Diagrams::new(&Device::cpu(), &HostTensor::f32([2, 3, 3], graphs)?)?;
/// assert_eq!(found.births(0), found.births(1));
/// assert_eq!(found.squared_distance(0, 1, Dimension::Both), 0.125f64.powi(2));
/// # Ok::<(), tapetum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Diagrams {
    nodes: usize,
    births: Vec<f32>,
    deaths: Vec<f32>,
    edges: Vec<i32>,
}

/// The size in bytes of the weights that are decomposed at once on a device.
const PANEL: usize = 64 << 20;

impl Diagrams {
    /// The births and deaths of `graphs`, weights `[graphs, n, n]` or `[n, n]`, computed on `device`.
    ///
    /// # Errors
    /// Returns an error where the weights do not have this shape, are not finite or not symmetric, or have fewer than two nodes; or where
    /// the device reports a fault.
    pub fn new(device: &Device, graphs: &HostTensor) -> Result<Self> {
        block_on(Self::new_async(device, graphs))?
    }

    /// The asynchronous form of [`Diagrams::new`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Diagrams::new`].
    pub async fn new_async(device: &Device, graphs: &HostTensor) -> Result<Self> {
        let shape = graphs.shape();
        let (count, n) = match *shape {
            [n, m] if n == m => (1, n),
            [graphs, n, m] if n == m => (graphs, n),
            _ => return Err(Error::argument(format!("weights {shape}: [n, n] or [graphs, n, n] expected"))),
        };
        if count == 0 {
            return Err(Error::argument(format!("weights {shape}: one graph at least expected")));
        }
        let weights = graphs.elements::<f32>()?;
        let mut made = Self { nodes: n, births: Vec::new(), deaths: Vec::new(), edges: Vec::new() };
        let most = (PANEL / (4 * n * n).max(1)).max(1);
        for (first, part) in weights.chunks((most * n * n).max(1)).enumerate().map(|(i, part)| (i * most, part)) {
            made.decompose(device, part, first, count).await.map_err(|e| match e {
                Error::Op { what, .. } => Error::argument(what),
                other => other,
            })?;
        }
        Ok(made)
    }

    async fn decompose(&mut self, device: &Device, weights: &[f32], first: usize, count: usize) -> Result<()> {
        let n = self.nodes;
        let part = weights.len() / (n * n).max(1);
        // The device reports which graph is invalid, but not which weight, so the host looks for it.
        for (at, w) in weights.chunks((n * n).max(1)).enumerate() {
            let named = |what| Error::argument(if count > 1 { format!("graph {} (counted from 0): {what}", first + at) } else { what });
            crate::ops::topology::check(w, n).map_err(named)?;
        }
        let mut tape = Tape::new();
        let w = tape.input("weights", TensorType::f32([part, n, n]))?;
        let made = tape.birth_death(w)?;
        let mut program = device.compile_async(&tape, &[made.births, made.deaths, made.edges], &State::new(device)).await?;
        let values = program.run_async(&[(w, &HostTensor::f32([part, n, n], weights.to_vec())?)]).await?;
        self.births.extend(values[0].elements::<f32>()?);
        self.deaths.extend(values[1].elements::<f32>()?);
        self.edges.extend(values[2].as_i32().unwrap_or_default());
        Ok(())
    }

    /// The number of graphs.
    pub fn len(&self) -> usize {
        self.births.len() / (self.nodes - 1)
    }

    /// True where there are no graphs.
    pub fn is_empty(&self) -> bool {
        self.births.is_empty()
    }

    /// The number of nodes of each graph.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The n − 1 births of a graph, ascending.
    pub fn births(&self, graph: usize) -> &[f32] {
        &self.births[graph * (self.nodes - 1)..][..self.nodes - 1]
    }

    /// The (n − 1)(n − 2)/2 deaths of a graph, ascending.
    pub fn deaths(&self, graph: usize) -> &[f32] {
        let n = (self.nodes - 1) * (self.nodes - 2) / 2;
        &self.deaths[graph * n..][..n]
    }

    /// The two nodes of the edge of each birth and then of each death, the smaller index first.
    pub fn edges(&self, graph: usize) -> impl Iterator<Item = [u32; 2]> + '_ {
        let n = self.nodes * (self.nodes - 1) / 2;
        let nodes = self.nodes as i32;
        self.edges[graph * n..][..n].iter().map(move |&e| [(e / nodes) as u32, (e % nodes) as u32])
    }

    /// The births and deaths of a graph in one list.
    pub fn features(&self, graph: usize) -> Vec<f32> {
        [self.births(graph), self.deaths(graph)].concat()
    }

    /// The barycentre of the graphs `members`: their mean births and deaths, rank by rank.
    pub fn barycentre(&self, members: &[usize]) -> (Vec<f32>, Vec<f32>) {
        (mean_list(members, |g| self.births(g)), mean_list(members, |g| self.deaths(g)))
    }

    /// The squared distances Σ (x − y)² of births, deaths or both between all pairs of graphs, row-major `[graphs, graphs]`.
    pub fn squared_distances(&self, dimension: Dimension) -> Vec<f64> {
        let graphs = self.len();
        let mut found = vec![0.0; graphs * graphs];
        parallel::rows(&mut found, graphs, graphs * self.nodes * self.nodes, |a, row| {
            row.iter_mut().enumerate().for_each(|(b, d)| *d = self.squared_distance(a, b, dimension));
        });
        found
    }

    /// The squared distance Σ (x − y)² of births, deaths or both between two graphs.
    pub fn squared_distance(&self, a: usize, b: usize, dimension: Dimension) -> f64 {
        let births = || square(self.births(a), self.births(b));
        let deaths = || square(self.deaths(a), self.deaths(b));
        match dimension {
            Dimension::Components => births(),
            Dimension::Cycles => deaths(),
            Dimension::Both => births() + deaths(),
        }
    }

    /// The distances Σ |x − y|ʳ of births, deaths or both, with r the order, or their r-th roots, of every graph to every graph of
    /// `others`, row-major `[graphs, others]`. Graphs of different size are compared by their lists filled up, see [`list_distance`].
    ///
    /// # Errors
    /// Returns an error where the order is below 1 or not finite.
    pub fn distances(&self, others: &Self, dimension: Dimension, order: f64, root: bool) -> Result<Vec<f64>> {
        if !(order >= 1.0 && order.is_finite()) {
            return Err(Error::argument(format!("order {order}: a number of 1 or more is expected")));
        }
        let apart = |i: usize, j: usize| {
            let births = || list_distance(self.births(i), others.births(j), order, Fill::Behind);
            let deaths = || list_distance(self.deaths(i), others.deaths(j), order, Fill::InFront);
            let sum = match dimension {
                Dimension::Components => births(),
                Dimension::Cycles => deaths(),
                Dimension::Both => births() + deaths(),
            };
            if root { sum.powf(order.recip()) } else { sum }
        };
        Ok((0..self.len()).flat_map(|i| (0..others.len()).map(move |j| (i, j))).map(|(i, j)| apart(i, j)).collect())
    }

    /// The topological embedding of each graph (Songdechakraiwut & Chung 2023): the mean difference of its births and that of its deaths
    /// from the barycentre of all graphs.
    pub fn embedding(&self) -> Vec<[f64; 2]> {
        let all: Vec<usize> = (0..self.len()).collect();
        let (births, deaths) = self.barycentre(&all);
        let mean = |x: &[f32], centre: &[f32]| {
            x.iter().zip(centre).map(|(&x, &c)| f64::from(x) - f64::from(c)).sum::<f64>() / x.len().max(1) as f64
        };
        all.into_iter().map(|g| [mean(self.births(g), &births), mean(self.deaths(g), &deaths)]).collect()
    }
}

/// The element with which the shorter of two ascending lists is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fill {
    /// The least element, in front; for deaths.
    InFront,
    /// The greatest element, at the end; for births.
    Behind,
}

/// The distance Σ |x₍ᵢ₎ − y₍ᵢ₎|ʳ of two ascending lists, the shorter padded as in [`Tape::wasserstein`]; 0 where either is empty.
pub fn list_distance(x: &[f32], y: &[f32], order: f64, fill: Fill) -> f64 {
    let longest = x.len().max(y.len());
    if x.is_empty() || y.is_empty() {
        return 0.0;
    }
    let at = |list: &[f32], i: usize| match fill {
        Fill::InFront => f64::from(list[i.saturating_sub(longest - list.len())]),
        Fill::Behind => f64::from(list[i.min(list.len() - 1)]),
    };
    (0..longest).map(|i| (at(x, i) - at(y, i)).abs().powf(order)).sum()
}

/// The squared distance Σ (x − y)².
pub(super) fn square(x: &[f32], y: &[f32]) -> f64 {
    // Sums over this few squares are accurate enough in single precision, and fast.
    const PART: usize = 64;
    // Within this range no square overflows or underflows f32. NaN is outside every range.
    const SAFE: std::ops::Range<f64> = 1e-24..1e36;
    let part = |(x, y): (&[f32], &[f32])| x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f32>();
    let fast = x.chunks(PART).zip(y.chunks(PART)).map(|parts| f64::from(part(parts))).sum();
    if SAFE.contains(&fast) { fast } else { x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum() }
}

/// The mean of lists, element by element.
pub(super) fn mean_list<'a>(members: &[usize], list: impl Fn(usize) -> &'a [f32]) -> Vec<f32> {
    let mut sums = vec![0.0f64; members.first().map_or(0, |&g| list(g).len())];
    for &g in members {
        sums.iter_mut().zip(list(g)).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    sums.into_iter().map(|sum| (sum / members.len() as f64) as f32).collect()
}

/// ∫₀¹ |X(t) − Y(t)|ʳ dt, X and Y the quantile functions of two ascending lists of any lengths: the r-th power of the r-Wasserstein
/// distance between their distributions, each of mass 1. Of lists of one length it is the mean of |x₍ᵢ₎ − y₍ᵢ₎|ʳ. 0 where either is empty.
pub fn quantile_distance(x: &[f32], y: &[f32], order: f64) -> f64 {
    let (n, m) = (x.len(), y.len());
    let (mut i, mut j, mut at, mut sum) = (0, 0, 0, 0.0);
    // In units of 1 / (n m), an element of x is m long, and one of y is n.
    while i < n && j < m {
        let end = ((i + 1) * m).min((j + 1) * n);
        sum += (end - at) as f64 * (f64::from(x[i]) - f64::from(y[j])).abs().powf(order);
        (i, j, at) = (i + usize::from(end == (i + 1) * m), j + usize::from(end == (j + 1) * n), end);
    }
    sum / (n * m).max(1) as f64
}
