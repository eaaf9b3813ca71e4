//! The library from other languages, each behind a feature of its name. A layer is thin: arrays and JSON go in, arrays come out, and the
//! library computes.

#[cfg(feature = "c")]
pub mod c;
#[cfg(feature = "python")]
pub mod python;
#[cfg(all(feature = "web", target_arch = "wasm32"))]
pub mod web;
