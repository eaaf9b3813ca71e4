//! Layers, losses and metrics against PyTorch and scikit-learn (`tests/goldens/make_nn.py`), and networks that train.

mod edges;
#[path = "../connectome/golden.rs"]
mod golden;
mod layers;
mod message;
