//! Node features computed from the connectome itself.

use crate::nn::fixed_edges::{fixed_edges, weights};
use crate::nn::graph::{edges, identity};
use crate::nn::principal::aggregates;
use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The features of the nodes of a graph without features of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeFeatures {
    /// The identity of the node as a one-hot row, `[batch, n, n]`.
    Identity,
    /// The degree Σ_j a_ij, `[batch, n, 1]`.
    Degree,
    /// The local degree profile (Cai & Wang 2018): the number of edges of a node, and the minimum, maximum, mean and standard deviation of
    /// its neighbours' numbers of edges, `[batch, n, 5]`. It has no gradient. (BrainGB's code uses the sum over neighbours in place of the
    /// node's own number.)
    DegreeProfile,
    /// The node's entries in this number of leading eigenvectors of the symmetric part, in descending order of eigenvalue, with the signs
    /// of [`Tape::eigh`]: `[batch, n, vectors]`.
    Eigenvectors(usize),
    /// The node's row of the graph, `[batch, n, n]`, the best of these features in BrainGB.
    ConnectionProfile,
}

impl NodeFeatures {
    /// The features of the nodes of graphs `[batch, n, n]`. Every weight except 0 is an edge, on the diagonal too.
    ///
    /// # Errors
    /// Returns an error where the graph does not have this shape, or there are fewer nodes than requested vectors.
    pub fn forward(self, tape: &mut Tape, graph: Var) -> Result<Var> {
        tape.check(graph)?;
        let [batch, n] = match *tape.shape(graph) {
            [batch, n, m] if n == m => [batch, n],
            _ => return Err(Error::op("node_features", format!("a graph [batch, n, n] expected, found {}", tape.shape(graph)))),
        };
        match self {
            Self::Identity => {
                let own = tape.constant(identity(n)?)?;
                tape.broadcast_to(own, [batch, n, n])
            }
            Self::Degree => tape.sum(graph, &[-1], true),
            Self::DegreeProfile => {
                let edge = edges(tape, graph)?;
                let degree = tape.sum(edge, &[-1], true)?;
                let [mean, most, least, spread] = aggregates(tape, edge, degree)?;
                tape.concatenate(&[degree, least, most, mean, spread], -1)
            }
            Self::Eigenvectors(count) if count == 0 || count > n => {
                Err(Error::op("node_features", format!("1 to {n} eigenvectors expected, found {count}")))
            }
            Self::Eigenvectors(count) => {
                let (_, vectors) = tape.eigh(graph)?;
                let last = (n - count..n).rev().map(|k| tape.slice(vectors, 2, k, k + 1, 1)).collect::<Result<Vec<_>>>()?;
                tape.concatenate(&last, -1)
            }
            Self::ConnectionProfile => Ok(graph),
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (batch, n) in [(1, 1), (2, 7)] {
        for features in [NodeFeatures::Identity, NodeFeatures::Degree, NodeFeatures::DegreeProfile, NodeFeatures::ConnectionProfile] {
            cases.push(one(&format!("node_features {features:?}"), vec![weights(batch, n)], move |t, x| {
                let graph = fixed_edges(t, x[0])?;
                features.forward(t, graph)
            }));
        }
    }
    cases.push(one("node_features Eigenvectors", vec![normal([2, 7, 7])], |t, x| NodeFeatures::Eigenvectors(3).forward(t, x[0])));
    cases
}
