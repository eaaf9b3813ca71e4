//! Networks: layers that a user composes, their losses, and how well they did.
//!
//! A layer is a struct of values on a tape: `new` records its parameters as state under a name, [`Parameters`] collects them, and
//! `apply` records what the layer makes. A tape that evaluates is built the same way, with [`Parameters::evaluation`], and binds the state
//! that training left. Features are the last axis; what stands before it are rows.

mod activation;
mod cases;
mod edges;
mod graph;
mod image;
mod linear;
mod loss;
pub mod metrics;
mod norm;
mod pair;
mod parameters;
mod recurrent;
mod relational;
mod roll_out;

pub use activation::Activation;
pub use cases::cases;
pub use graph::{GraphAttention, GraphConvolution, GraphIsomorphism, GraphSage, Pooling};
pub use linear::{Linear, Mlp, MlpSettings};
pub use norm::{BatchNorm, LayerNorm, RmsNorm};
pub use pair::EdgeMlp;
pub use parameters::Parameters;
pub use recurrent::{Carry, Cell, Recurrent};
pub use relational::{RelationalDecoder, RelationalEncoder};
pub use roll_out::{Forcing, RollOut};
