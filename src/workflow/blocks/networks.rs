//! Blocks for networks over graphs, such as connectomes. Their weights are parameters of the workflow.

use super::one;
use crate::nn::{AttentionPooling, GraphConvolution, Linear, NodeFeatures, StaticGraphAttention, TopKPooling};
use crate::ops::message::PairActivation;
use crate::workflow::block::{Block, Input, Name, block, maybe, value};
use crate::workflow::form::{number, whole, words};
use crate::workflow::object::Field;
use crate::{Error, Result, Tape, Var};

fn graph() -> Input<Name> {
    value("graph", "weights of edges [subjects, n, n]; 0 is no edge")
}

fn of() -> Input<Name> {
    value("of", "features of nodes [subjects, n, features]")
}

fn weights() -> Input<Name> {
    value("weights", "[features, out]")
}

fn receivers() -> Input<Name> {
    value("receivers", "what each node contributes as a receiver [subjects, n, features]")
}

fn senders() -> Input<Name> {
    value("senders", "what each node contributes as a sender [subjects, n, features]")
}

fn activation() -> Field<PairActivation> {
    words([
        ("relu", PairActivation::Relu),
        ("leaky_relu", PairActivation::LeakyRelu(0.2)),
        ("elu", PairActivation::Elu),
        ("tanh", PairActivation::Tanh),
    ])
    .or("activation", "relu", "the activation of the sum of both; the slope of the leaky one is 0.2")
}

/// A word, and the features of nodes that it means, given a number of eigenvectors.
type FeatureRow = (&'static str, fn(usize) -> NodeFeatures);

/// The features of nodes by their words.
const FEATURES: [FeatureRow; 5] = [
    ("identity", |_| NodeFeatures::Identity),
    ("degree", |_| NodeFeatures::Degree),
    ("degree_profile", |_| NodeFeatures::DegreeProfile),
    ("eigenvectors", NodeFeatures::Eigenvectors),
    ("connection_profile", |_| NodeFeatures::ConnectionProfile),
];

pub(super) fn blocks() -> Vec<Block> {
    vec![
        block(
            "node_features",
            "[subjects, n, features]: features for the nodes of graphs that have none of their own",
            (
                graph(),
                words(FEATURES).or("kind", "connection_profile", "which features"),
                whole(1).or("vectors", 5, "how many eigenvectors, those of the greatest eigenvalues"),
            ),
            |t, (graph, kind, vectors)| one(kind(vectors).forward(t, graph)?),
        ),
        block(
            "graph_convolution",
            "[subjects, n, out]: D^-1/2 (A + I) D^-1/2 x times weights, plus bias. Take the positive part of correlations first",
            (graph(), of(), weights(), maybe("bias", "[out]")),
            |t, (graph, of, weights, bias)| {
                let linear = linear(t, weights, bias)?;
                one(GraphConvolution { linear }.forward(t, graph, of)?)
            },
        ),
        block(
            "graph_attention",
            "[subjects, n, out]: x times weights, h, of the senders of a node by attention: softmax of leaky ReLU (h_i receiver + h_j sender)",
            (graph(), of(), weights(), value("receiver", "[1, out]"), value("sender", "[1, out]")),
            |t, (graph, of, weights, receiver, sender)| {
                let heads = vec![(linear(t, weights, None)?, receiver, sender)];
                one(StaticGraphAttention { heads }.forward(t, graph, of)?)
            },
        ),
        block(
            "pairwise_dot",
            "[subjects, k, n, n]: scores of every pair, k weights of the activation of what receiver and sender contribute",
            (receivers(), senders(), value("weights", "[k, features]"), activation()),
            |t, (receivers, senders, weights, activation)| one(t.pairwise_dot(receivers, senders, weights, activation)?),
        ),
        block(
            "pairwise_sum",
            "[subjects, n, features]: messages, the activations of a receiver with its senders, summed by the weights of the graph",
            (graph(), receivers(), senders(), activation()),
            |t, (graph, receivers, senders, activation)| one(t.pairwise_sum(graph, receivers, senders, activation)?),
        ),
        block(
            "attention_pooling",
            "[subjects, features]: the mean over nodes by softmax of x times weights; also NAME.attention [subjects, n]",
            (of(), value("weights", "[features, 1]")),
            |t, (of, weights)| {
                let score = linear(t, weights, None)?;
                let (pooled, attention) = AttentionPooling { gated: None, score }.forward(t, of)?;
                Ok(vec![("", pooled), ("attention", attention)])
            },
        ),
        block(
            "top_k_pooling",
            "[subjects, kept, features]: the nodes of greatest score, x times weights, scaled by its sigmoid; also NAME.graph of those kept",
            (
                graph(),
                of(),
                value("weights", "[features, 1]"),
                number().or("ratio", 0.5, "the share of the nodes that is kept, above 0, at most 1"),
            ),
            |t, (graph, of, projection, ratio)| {
                let kept = TopKPooling { projection, ratio: ratio as f32 }.forward(t, graph, of)?;
                Ok(vec![("", kept.x), ("graph", kept.graph)])
            },
        ),
    ]
}

/// A layer of `weights` `[features, out]`, and of `bias` where there is one.
fn linear(tape: &mut Tape, weights: Var, bias: Option<Var>) -> Result<Linear> {
    if tape.shape(weights).rank() != 2 {
        return Err(Error::argument(format!("weights [features, out] expected, found {}", tape.shape(weights))));
    }
    Ok(Linear { weight: tape.transpose(weights, &[1, 0])?, bias })
}
