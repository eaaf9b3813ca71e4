//! Layers, losses and metrics against PyTorch and scikit-learn (`tests/goldens/make_nn.py`, `make_networks.py`), and networks that train.

mod edges;
mod layers;
mod message;
mod networks;
mod refusals;

use tapetum::{HostTensor, Result, Tape, Var};

/// A value, or the gradient that `with_gradient` of the scripts takes.
fn value_or_gradient(t: &mut Tape, op: &str, p: &[f32], x: &[Var], value: crate::common::golden::Build) -> Result<Var> {
    let Some(op) = op.strip_suffix(" gradient") else { return value(t, op, p, x) };
    let y = value(t, op, p, x)?;
    let shape = t.shape(y);
    let weights = HostTensor::f32(shape, (0..shape.elements()).map(|i| (i as f64).cos() as f32).collect())?;
    let weights = t.constant(weights)?;
    Ok(t.vjp(&[(y, weights)], &[x[0]])?[0])
}
