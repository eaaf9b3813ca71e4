//! Networks: layers that a user composes, their losses, and how well they did.
//!
//! A layer is a struct of values on a tape: `new` records its parameters as state under a name, [`Parameters`] collects them, and
//! `apply` records what the layer makes. A tape that evaluates is built the same way, with [`Parameters::evaluation`], and binds the state
//! that training left. Features are the last axis; what stands before it are rows.

mod activation;
mod adaptive;
mod attention;
mod brain;
mod cases;
mod convolution;
mod edges;
mod embedding;
mod film;
mod fixed_edges;
mod graph;
mod graph_attention;
mod linear;
mod loss;
mod norm;
mod pair;
mod parameters;
mod pooling;
mod principal;
mod recurrent;
mod relational;
mod roll_out;

pub use activation::Activation;
pub use adaptive::{AdaptiveGraph, AdaptiveMessage};
pub use attention::{MultiHeadAttention, NetFormer};
pub use brain::{BrainAttention, BrainAttentionMessage, BrainConvolution, BrainMessage, NodeFeatures};
pub use cases::cases;
pub use convolution::{Convolution, Spacing};
pub use embedding::Embedding;
pub use film::Film;
pub use graph::{GraphConvolution, GraphIsomorphism, GraphSage};
pub use graph_attention::{GraphAttention, StaticGraphAttention};
pub use linear::{Linear, Mlp, MlpSettings};
pub use norm::{BatchNorm, LayerNorm, RmsNorm};
pub use pair::EdgeMlp;
pub use parameters::Parameters;
pub use pooling::{AttentionPooling, Kept, Pooling, TopKPooling};
pub use principal::PrincipalAggregation;
pub use recurrent::{Carry, Cell, Recurrent};
pub use relational::{RelationalCnnEncoder, RelationalDecoder, RelationalEncoder, RelationalRecurrentDecoder};
pub use roll_out::{Forcing, RollOut};
