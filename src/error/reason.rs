//! Descriptions of faults.

use super::Error;
use std::fmt;
use std::io::{self, ErrorKind};

/// A description of a fault in words, with the kind of the system's error where one lies behind it. Texts and other errors become one by
/// `into`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    text: String,
    kind: Option<ErrorKind>,
}

impl Reason {
    /// The description of an error that the system returned; `doing` says what was tried: "cannot be read". An error by which a reader says
    /// that the contents are damaged is none of the system's, so it has no kind.
    pub fn io(doing: &str, error: &io::Error) -> Self {
        let of_contents =
            matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other | ErrorKind::UnexpectedEof);
        let kind = Some(error.kind()).filter(|_| error.raw_os_error().is_some() || !of_contents);
        Self { text: format!("{doing}: {error}"), kind }
    }

    /// A description of what the system would answer with an error of this kind: of a file that is not there, for example.
    pub fn of_kind(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: Some(kind) }
    }

    /// The description.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The kind of the system's error.
    pub fn io_kind(&self) -> Option<ErrorKind> {
        self.kind
    }

    /// The same fault at a place that is named before the description.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self { text: format!("{place}: {}", self.text), ..self }
    }

    pub(super) fn on_one_line(self) -> Self {
        Self { text: self.text.replace(['\n', '\r'], " "), ..self }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self { text, kind: None }
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Error> for Reason {
    fn from(error: Error) -> Self {
        Self { text: error.to_string(), kind: error.io_kind() }
    }
}
