//! The library from other languages. Each layer is thin: arrays and JSON go in, arrays come out, and the library computes.

#[cfg(all(feature = "web", target_arch = "wasm32"))]
pub mod web;
