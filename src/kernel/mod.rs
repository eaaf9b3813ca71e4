//! Device work as plain data: sources and their variants, dispatches, what a target can do, and how an op states its
//! dispatches. Nothing here knows wgpu.

/// A WGSL file under `shaders/`, included when the crate is compiled.
macro_rules! wgsl {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $path, ".wgsl"))
    };
}

/// The kernel of a file under `shaders/`.
macro_rules! kernel_source {
    ($path:literal) => {
        $crate::kernel::Source::new($path, $crate::kernel::wgsl!($path))
    };
}

/// A file under `shaders/common/`.
macro_rules! snippet {
    ($name:literal) => {
        $crate::kernel::Snippet {
            name: $name,
            file: $name,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/common/", $name, ".wgsl")),
        }
    };
}
pub(crate) use {kernel_source, snippet, wgsl};

pub(crate) mod common;
mod dispatch;
mod lowering;
mod replace;
mod source;
mod target;
mod uniform;

pub use dispatch::{Access, Binding, Buffer, Cost, Dispatch, fold};
pub use lowering::{Lowered, Lowering};
pub(crate) use replace::current;
#[cfg(feature = "cli")]
pub(crate) use replace::replace;
#[cfg(feature = "checkpoint")]
pub(crate) use source::pinned_variant;
pub use source::{Adapters, Algorithms, Choice, Kernel, Snippet, Source, Variant};
pub use target::{Backend, LOOP_LIMIT, Target};
pub use uniform::Params;
