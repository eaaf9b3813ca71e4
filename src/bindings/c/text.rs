//! Text from and to C.

use super::border::null;
use crate::{Error, Result};
use std::ffi::{CStr, c_char};

/// `const char *`: NULL, or text that ends with a zero byte and lasts as long as the call. Only C makes one of its own; the library makes
/// those of text that it holds.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Text(*const c_char);

/// `const char *const *`: NULL, or several texts.
#[repr(transparent)]
pub struct Texts(*const Text);

impl Text {
    /// Text that whoever returns it keeps for as long as its documentation says.
    pub(super) fn of(text: &CStr) -> Self {
        Self(text.as_ptr())
    }

    /// The text; null is refused.
    pub(super) fn read(&self, argument: &str) -> Result<&str> {
        self.maybe(argument)?.ok_or_else(|| null(argument))
    }

    /// The text, `None` where the pointer is null.
    pub(super) fn maybe(&self, argument: &str) -> Result<Option<&str>> {
        if self.0.is_null() {
            return Ok(None);
        }
        // SAFETY: the pointer is not null, and only such pointers are made: they lead to text that ends with a zero byte and outlives
        // `self`.
        let text = unsafe { CStr::from_ptr(self.0) };
        let wrong =
            |e: std::str::Utf8Error| Error::argument(format!("{argument}: UTF-8 is expected, found another byte at {}", e.valid_up_to()));
        text.to_str().map(Some).map_err(wrong)
    }
}

impl Texts {
    /// The `count` texts.
    pub(super) fn read(&self, count: usize, argument: &str) -> Result<Vec<&str>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        if self.0.is_null() {
            return Err(null(argument));
        }
        if count > isize::MAX as usize / size_of::<Text>() {
            return Err(Error::argument(format!("{argument}: {count} texts are more than memory holds")));
        }
        // SAFETY: the pointer is not null, and only such pointers are made: as many texts as the caller says lie there and outlive `self`.
        let texts = unsafe { std::slice::from_raw_parts(self.0, count) };
        texts.iter().enumerate().map(|(i, text)| text.read(&format!("{argument}[{i}]"))).collect()
    }
}
