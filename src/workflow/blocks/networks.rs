//! Networks over graphs, of connectomes say, whose weights are a workflow's parameters.

use super::one;
use crate::nn::{AttentionPooling, GraphConvolution, Linear, NodeFeatures, StaticGraphAttention, TopKPooling};
use crate::ops::message::PairActivation;
use crate::workflow::block::{Argument, Block, Given, choice, maybe, number, value, whole};
use crate::{Error, Result, Tape};

const GRAPH: Argument = value("graph", "weights [subjects, n, n]; 0 is no edge");
const OF: Argument = value("of", "features of nodes [subjects, n, features]");
const RECEIVERS: Argument = value("receivers", "what each node contributes as one [subjects, n, features]");
const SENDERS: Argument = value("senders", "what each node contributes as one [subjects, n, features]");
const ACTIVATION: Argument =
    choice("activation", &["relu", "leaky_relu", "elu", "tanh"], "relu", "of the sum of both; the leaky one's slope is 0.2");
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
            one(features.forward(t, a.value("graph")?)?)
        },
    },
    Block {
        name: "graph_convolution",
        what: "[subjects, n, out]: D^-1/2 (A + I) D^-1/2 x times weights, plus bias. Take the positive part of correlations first",
        arguments: &[GRAPH, OF, value("weights", "[features, out]"), maybe("bias", "[out]")],
        build: |t, a| {
            let linear = linear(t, a)?;
            one(GraphConvolution { linear }.forward(t, a.value("graph")?, a.value("of")?)?)
        },
    },
    Block {
        name: "graph_attention",
        what: "[subjects, n, out]: x times weights, h, of a node's senders by attention: softmax of leaky ReLU (h_i receiver + h_j sender)",
        arguments: &[GRAPH, OF, value("weights", "[features, out]"), value("receiver", "[1, out]"), value("sender", "[1, out]")],
        build: |t, a| {
            let head = (linear(t, a)?, a.value("receiver")?, a.value("sender")?);
            one(StaticGraphAttention { heads: vec![head] }.forward(t, a.value("graph")?, a.value("of")?)?)
        },
    },
    Block {
        name: "pairwise_dot",
        what: "[subjects, k, n, n] scores of every pair: k weights of the activation of what receiver and sender contribute",
        arguments: &[RECEIVERS, SENDERS, value("weights", "[k, features]"), ACTIVATION],
        build: |t, a| one(t.pairwise_dot(a.value("receivers")?, a.value("senders")?, a.value("weights")?, activation(a))?),
    },
    Block {
        name: "pairwise_sum",
        what: "[subjects, n, features] messages: the activations of a receiver with its senders, summed by the weights of the graph",
        arguments: &[GRAPH, RECEIVERS, SENDERS, ACTIVATION],
        build: |t, a| one(t.pairwise_sum(a.value("graph")?, a.value("receivers")?, a.value("senders")?, activation(a))?),
    },
    Block {
        name: "attention_pooling",
        what: "[subjects, features]: the mean over nodes by softmax of x times weights; NAME.attention [subjects, n]",
        arguments: &[OF, value("weights", "[features, 1]")],
        build: |t, a| {
            let score = linear(t, a)?;
            let (pooled, attention) = AttentionPooling { gated: None, score }.forward(t, a.value("of")?)?;
            Ok(vec![("", pooled), ("attention", attention)])
        },
    },
    Block {
        name: "top_k_pooling",
        what: "[subjects, kept, features] of the nodes of greatest score, x times weights, scaled by its sigmoid; NAME.graph of those kept",
        arguments: &[GRAPH, OF, value("weights", "[features, 1]"), number("ratio", 0.5, "of the nodes, above 0, at most 1")],
        build: |t, a| {
            let pooling = TopKPooling { projection: a.value("weights")?, ratio: a.single("ratio") };
            let kept = pooling.forward(t, a.value("graph")?, a.value("of")?)?;
            Ok(vec![("", kept.x), ("graph", kept.graph)])
        },
    },
];

fn activation(given: &Given) -> PairActivation {
    match given.text("activation") {
        "leaky_relu" => PairActivation::LeakyRelu(0.2),
        "elu" => PairActivation::Elu,
        "tanh" => PairActivation::Tanh,
        _ => PairActivation::Relu,
    }
}

/// A layer of `weights` `[features, out]`, and of `bias` where there is one.
fn linear(tape: &mut Tape, given: &Given) -> Result<Linear> {
    let weights = given.value("weights")?;
    if tape.shape(weights).rank() != 2 {
        return Err(Error::argument(format!("weights [features, out] expected, found {}", tape.shape(weights))));
    }
    Ok(Linear { weight: tape.transpose(weights, &[1, 0])?, bias: given.find("bias") })
}
