//! Functional connectomes of neural networks (Songdechakraiwut & Wu, AAAI 2025): networks are trained under four strategies, the absolute
//! correlations of their hidden units over stimuli are clustered by topology, by weights and by both, and the clusters are compared with
//! the known labels: the strategy (study A), or the class of the stimuli (study B).
//!
//! `cargo run --release --example neural_network_connectomes -- [--data DIR] [--hidden 128,64] [--filters 32,64,128] [--networks 10]
//! [--steps 3000] [--class-networks 3] [--full] [--device cpu|auto|NAME] [--out DIR]`
//!
//! Without `--data` the 5,000 digits that ship are learnt; DIR holds the four idx files of MNIST, or of Fashion-MNIST (`--hidden
//! 256,128`), or images of any size: `images.npy` `[images, channels, height, width]`, with their classes in `labels.npy`. Images with
//! colours, and any with `--filters`, are given the paper's network for CIFAR-10: three blocks of two convolutions and a pooling before
//! the hidden layers, 256 and 128 units unless `--hidden` says.
//!
//! `--full` is as the authors do it: 20 networks a strategy; 20 a class and strategy; 20 epochs each on five sixths of the training
//! images and all test images, shown the last sixth. Their settings were searched by cross-validation for each network; here they are
//! fixed (20 epochs of 20, 30 or 40; slope 0.01, decay 0.001, dropout 0.3). Otherwise study B has networks of the plain strategy alone,
//! and networks are shown what they are trained on. `--out` also gets `connectomes.npy`, `labels.npy` and the like, for
//! `benches/peers/persistence_images.py` and other tools.

mod images;
mod monitor;
mod network;
mod outcome;
mod run;
mod study;

use clap::Parser;
use run::{Asked, run};

fn main() -> tapetum::Result<()> {
    run(&Asked::parse())
}
