//! Networks over graphs, of connectomes say, whose weights are a workflow's parameters.

use super::one;
use crate::nn::{AttentionPooling, GraphConvolution, Linear, NodeFeatures, StaticGraphAttention, TopKPooling};
use crate::workflow::block::{Argument, Block, Given, choice, maybe, number, value, whole};
use crate::{Error, Result, Tape};

const GRAPH: Argument = value("graph", "weights [subjects, n, n]; 0 is no edge");
const OF: Argument = value("of", "features of nodes [subjects, n, features]");
const FEATURES: &[&str] = &["identity", "degree", "degree_profile", "eigenvectors", "connection_profile"];

pub(super) const BLOCKS: &[Block] = &[
    Block {
        name: "node_features",
        what: "[subjects, n, features] of the nodes of graphs that have none of their own",
        arguments: &[
            GRAPH,
            choice("kind", FEATURES, "connection_profile", "which"),
            whole("vectors", 5, "how many eigenvectors, those of the greatest eigenvalues"),
        ],
        build: |t, a| {
            let features = match a.text("kind") {
                "identity" => NodeFeatures::Identity,
                "degree" => NodeFeatures::Degree,
                "degree_profile" => NodeFeatures::DegreeProfile,
                "eigenvectors" => NodeFeatures::Eigenvectors(a.whole("vectors")),
                _ => NodeFeatures::ConnectionProfile,
            };
            one(features.apply(t, a.value("graph")?)?)
        },
    },
    Block {
        name: "graph_convolution",
        what: "[subjects, n, out]: D^-1/2 (A + I) D^-1/2 x times weights, plus bias. Take the positive part of correlations first",
        arguments: &[GRAPH, OF, value("weights", "[features, out]"), maybe("bias", "[out]")],
        build: |t, a| {
            let linear = linear(t, a)?;
            one(GraphConvolution { linear }.apply(t, a.value("graph")?, a.value("of")?)?)
        },
    },
    Block {
        name: "graph_attention",
        what: "[subjects, n, out]: x times weights, h, of a node's senders by attention: softmax of leaky ReLU (h_i receiver + h_j sender)",
        arguments: &[GRAPH, OF, value("weights", "[features, out]"), value("receiver", "[1, out]"), value("sender", "[1, out]")],
        build: |t, a| {
            let head = (linear(t, a)?, a.value("receiver")?, a.value("sender")?);
            one(StaticGraphAttention { heads: vec![head] }.apply(t, a.value("graph")?, a.value("of")?)?)
        },
    },
    Block {
        name: "attention_pooling",
        what: "[subjects, features]: the mean over nodes by softmax of x times weights; NAME.attention [subjects, n]",
        arguments: &[OF, value("weights", "[features, 1]")],
        build: |t, a| {
            let score = linear(t, a)?;
            let (pooled, attention) = AttentionPooling { gated: None, score }.apply(t, a.value("of")?)?;
            Ok(vec![("", pooled), ("attention", attention)])
        },
    },
    Block {
        name: "top_k_pooling",
        what: "[subjects, kept, features] of the nodes of greatest score, x times weights, scaled by its sigmoid; NAME.graph of those kept",
        arguments: &[GRAPH, OF, value("weights", "[features, 1]"), number("ratio", 0.5, "of the nodes, above 0, at most 1")],
        build: |t, a| {
            let pooling = TopKPooling { projection: a.value("weights")?, ratio: a.single("ratio") };
            let kept = pooling.apply(t, a.value("graph")?, a.value("of")?)?;
            Ok(vec![("", kept.x), ("graph", kept.graph)])
        },
    },
];

/// A layer of `weights` `[features, out]`, and of `bias` where there is one.
fn linear(tape: &mut Tape, given: &Given) -> Result<Linear> {
    let weights = given.value("weights")?;
    if tape.shape(weights).rank() != 2 {
        return Err(Error::argument(format!("weights [features, out] expected, found {}", tape.shape(weights))));
    }
    Ok(Linear { weight: tape.transpose(weights, &[1, 0])?, bias: given.find("bias") })
}
