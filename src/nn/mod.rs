//! Neural networks: layers that a user composes, their losses, and their training.
//!
//! A layer is a struct of values on a tape. Its `new` records its parameters as states under a name, [`Parameters`] collects them, and
//! `forward` records the output for an input. Features are the last axis; the axes before it are rows.
//!
//! | PyTorch | here |
//! |---|---|
//! | `torch.manual_seed(0)` | [`Parameters::new(0)`](Parameters::new) |
//! | `layer = nn.Linear(20, 64)` | [`Linear::new(&mut tape, &mut parameters, "layer", [20, 64])?`](Linear::new) |
//! | `y = layer(x)` | [`layer.forward(&mut tape, x)?`](Linear::forward) |
//! | `F.cross_entropy(logits, labels)` | [`tape.cross_entropy(logits, labels)?`](crate::Tape::cross_entropy) |
//! | `loss.backward()`, `optimizer.step()` | [`parameters.descend(&mut tape, loss, Adam::new(1e-3), None)?`](Parameters::descend) |
//! | the loop over batches | [`Training`](crate::training::Training) |
//! | `model.eval()` | a second tape, recorded with [`Parameters::evaluation`], on the same [`State`](crate::State) |
//! | `torch.save`, `torch.load` | `State::save` and `Checkpoint` of the feature `checkpoint` |
//! | `loss.item()` | [`HostTensor::item`](crate::HostTensor::item) |
//!
//! The following network learns the exclusive or, which no linear layer can (`examples/classifier.rs` has mini-batches, validation and a
//! saved model):
//!
//! ```
//! use tapetum::nn::{Activation, Mlp, MlpSettings, Parameters};
//! use tapetum::{Device, HostTensor, Tape, TensorType, optim::Adam};
//! # fn main() -> tapetum::Result<()> {
//! let (mut tape, mut parameters) = (Tape::new(), Parameters::new(0));
//! let x = tape.input("x", TensorType::f32([4, 2]))?;
//! let labels = tape.input("labels", TensorType::i32([4]))?;
//! let mlp = Mlp::new(&mut tape, &mut parameters, "mlp", MlpSettings::new(&[2, 16, 2], Activation::Tanh))?;
//! let logits = mlp.forward(&mut tape, x)?;
//! let loss = tape.cross_entropy(logits, labels)?;
//! parameters.descend(&mut tape, loss, Adam::new(0.03), None)?;
//!
//! let mut program = Device::cpu().compile(&tape, &[loss])?;
//! program.write(x, &HostTensor::f32([4, 2], vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?)?;
//! program.write(labels, &HostTensor::i32([4], vec![0, 1, 1, 0])?)?;
//! program.steps(300)?;
//! assert!(program.read(loss)?.item()? < 0.1);
//! # Ok(())
//! # }
//! ```

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
pub use loss::CrossEntropy;
pub use norm::{BatchNorm, LayerNorm, RmsNorm};
pub use pair::EdgeMlp;
pub use parameters::Parameters;
pub use pooling::{AttentionPooling, Kept, Pooling, TopKPooling};
pub use principal::PrincipalAggregation;
pub use recurrent::{Carry, Cell, Recurrent};
pub use relational::{RelationalCnnEncoder, RelationalDecoder, RelationalEncoder, RelationalRecurrentDecoder};
pub use roll_out::{Forcing, RollOut};
