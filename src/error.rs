//! The error type of the crate. Every message names the thing at fault and what was expected.

mod reason;

pub use reason::Reason;

use std::io;
use std::path::PathBuf;

/// The errors of this crate.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An op was given operands for which it is not defined.
    #[error("{op}: {what}")]
    Op {
        /// The op's name.
        op: String,
        /// The operand and what was expected of it.
        what: String,
    },
    /// An op whose reverse rule does not consist of differentiable ops was differentiated a second time.
    #[error("{op}: not differentiable here: {why}")]
    NotDifferentiable {
        /// The op's name.
        op: String,
        /// The reason, and what to use instead.
        why: String,
    },
    /// A named tensor (input, state, output) is missing or does not have the type it must have.
    #[error("tensor `{name}`: {what}")]
    Tensor {
        /// The name on the tape.
        name: String,
        /// A description of the fault, and of what was expected.
        what: String,
    },
    /// A tensor is larger than one binding of the device holds.
    #[error("tensor `{name}` takes {bytes} bytes, and this device binds at most {limit} at once")]
    TooLarge {
        /// The name of the tensor, or of the op that makes it.
        name: String,
        /// Its size in bytes.
        bytes: u64,
        /// The device's limit in bytes.
        limit: u64,
    },
    /// A setting has a value that is not allowed.
    #[error("{what}")]
    Argument {
        /// The name of the setting, its value, and what was expected.
        what: Reason,
    },
    /// A training met a loss that is not finite, or a parameter that is NaN.
    #[error(
        "step {step} of {steps}: {what}; the state is as it was before that step (a lower rate, clipping or a bounded domain may help)"
    )]
    NotFinite {
        /// The step, counted from 1.
        step: u32,
        /// The steps of the training.
        steps: u32,
        /// The first value that became NaN or infinite.
        what: String,
    },
    /// A file could not be read or written, or its contents are not as expected.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// A description of the fault, and of what was expected.
        what: Reason,
    },
    /// No suitable adapter was found.
    #[error("no adapter: {what}")]
    NoAdapter {
        /// The adapter that was asked for, and the adapters that were found.
        what: String,
    },
    /// A WGSL source does not parse, validate or compile.
    #[error("shader `{kernel}`: {what}")]
    Shader {
        /// The kernel's name.
        kernel: String,
        /// The compiler's message.
        what: String,
    },
    /// The device ran out of memory.
    #[error("the device is out of memory: {what}")]
    OutOfMemory {
        /// The resource that was being created.
        what: String,
    },
    /// The device was lost. Programs on it cannot run any more; host copies of state remain valid.
    #[error("the device was lost: {what}")]
    DeviceLost {
        /// The driver's message.
        what: String,
    },
    /// The graphics stack rejected a call.
    #[error("the device reported an error: {what}")]
    Device {
        /// The message of the graphics stack.
        what: String,
    },
}

/// Prints the message, so that a `main` that returns a `Result` ends with a readable line.
impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The result type of the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An [`Error::Op`].
    pub fn op(op: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Op { op: op.into(), what: what.into() }
    }

    /// An [`Error::Tensor`].
    pub fn tensor(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Tensor { name: name.into(), what: what.into() }
    }

    /// An [`Error::Argument`].
    pub fn argument(what: impl Into<Reason>) -> Self {
        Self::Argument { what: what.into() }
    }

    /// An [`Error::File`]. The message may quote the file's text; its line breaks become spaces.
    pub fn file(path: impl Into<PathBuf>, what: impl Into<Reason>) -> Self {
        Self::File { path: path.into(), what: what.into().on_one_line() }
    }

    /// An [`Error::File`] of an error that the system returned for a file; `doing` says what was tried: "cannot be read".
    pub fn io(path: impl Into<PathBuf>, doing: &str, error: &io::Error) -> Self {
        Self::file(path, Reason::io(doing, error))
    }

    /// The kind of error that the system returned for a file, also where an error about a setting tells of that file; `None` where something
    /// else is wrong, for example what the file holds.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::File { what, .. } | Self::Argument { what } => what.io_kind(),
            _ => None,
        }
    }
}
