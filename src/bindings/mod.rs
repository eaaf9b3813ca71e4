//! The library from other languages, each behind a feature of its name. A layer is thin: arrays and JSON go in, arrays come out, and the
//! library computes.

#[cfg(feature = "c")]
pub mod c;
#[cfg(feature = "python")]
pub mod python;
#[cfg(all(feature = "web", target_arch = "wasm32"))]
pub mod web;

/// Adds the name of an argument to an error about its value.
#[cfg(any(feature = "c", feature = "python"))]
fn named<T>(argument: &str, result: crate::Result<T>) -> crate::Result<T> {
    result.map_err(|e| match e {
        crate::Error::Argument { what } => crate::Error::argument(what.at(argument)),
        other => other,
    })
}
