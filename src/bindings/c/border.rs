//! The status and the message of every call, and the place where errors and panics become them.

use super::handle::{Handle, hold};
use super::text::Text;
use crate::{Error, Result};
use std::any::Any;
use std::cell::RefCell;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The outcome of a call. Where it is not `TAPETUM_STATUS_OK`, `tapetum_message` says what was found and what was expected.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TapetumStatus {
    /// The call did what it is for.
    Ok = 0,
    /// An argument, an option or the contents of an array are not as expected.
    Argument = 1,
    /// A file could not be read or written, or its contents are not as expected.
    File = 2,
    /// There is no such device, or the device, its driver or a shader failed, or the device was lost.
    Device = 3,
    /// The device is out of memory, or an array is larger than it binds.
    OutOfMemory = 4,
    /// A training met a loss that is not finite, or a parameter that is NaN.
    NotFinite = 5,
    /// The caller's progress function ended the computation.
    Cancelled = 6,
    /// The library failed by a fault of its own. The handles that the call used may be freed.
    Panic = 7,
}

/// The reason why a call failed.
pub(super) enum Fault {
    Error(Error),
    Cancelled,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Fault {
    fn status(&self) -> TapetumStatus {
        let Self::Error(error) = self else { return TapetumStatus::Cancelled };
        if error.io_kind().is_some() {
            return TapetumStatus::File;
        }
        match error {
            Error::File { .. } => TapetumStatus::File,
            Error::Argument { .. } | Error::Op { .. } | Error::NotDifferentiable { .. } | Error::Tensor { .. } => TapetumStatus::Argument,
            Error::NotFinite { .. } => TapetumStatus::NotFinite,
            Error::OutOfMemory { .. } | Error::TooLarge { .. } => TapetumStatus::OutOfMemory,
            Error::NoAdapter { .. } | Error::Shader { .. } | Error::DeviceLost { .. } | Error::Device { .. } => TapetumStatus::Device,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Error(error) => error.to_string(),
            Self::Cancelled => "ended by the progress function".to_owned(),
        }
    }
}

thread_local! {
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// The message of the last call on this thread that failed; empty where none did. It is valid until the next call on this thread that
/// fails.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_message() -> Text {
    MESSAGE.try_with(|message| Text::of(&message.borrow())).unwrap_or(Text::of(c""))
}

/// Keeps the message for the caller. While the thread ends there is no place for it.
fn keep(message: &str) {
    let message = c_text(message);
    let _ = MESSAGE.try_with(|kept| *kept.borrow_mut() = message);
}

/// Text for C. A zero byte, which would end it, becomes a space.
pub(super) fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}

/// Runs the body of a call and returns its status. A panic ends here.
pub(super) fn call(body: impl FnOnce() -> Result<(), Fault>) -> TapetumStatus {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => TapetumStatus::Ok,
        Ok(Err(fault)) => {
            keep(&fault.message());
            fault.status()
        }
        Err(panic) => {
            keep(&format!("tapetum failed by a fault of its own: {}", said(&*panic)));
            TapetumStatus::Panic
        }
    }
}

/// Runs the body of a call that makes a handle, and gives the handle to the caller: NULL where it fails.
pub(super) fn make<T: Handle>(
    argument: &str,
    out: Option<&mut MaybeUninit<*mut T>>,
    body: impl FnOnce() -> Result<T, Fault>,
) -> TapetumStatus {
    call(|| {
        let out = given(argument, out)?;
        out.write(std::ptr::null_mut());
        out.write(hold(body()?)?);
        Ok(())
    })
}

/// A pointer that must not be null.
pub(super) fn given<T>(argument: &str, pointer: Option<T>) -> Result<T> {
    pointer.ok_or_else(|| null(argument))
}

pub(super) fn null(argument: &str) -> Error {
    Error::argument(format!("{argument}: a pointer is expected, found NULL"))
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no more is known")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_at_the_border() {
        let text = || tapetum_message().read("message").unwrap().to_owned();
        assert_eq!(call(|| panic!("index {} of {}", 3, 2)), TapetumStatus::Panic);
        assert_eq!(text(), "tapetum failed by a fault of its own: index 3 of 2");
        assert_eq!(call(|| Err(Fault::Cancelled)), TapetumStatus::Cancelled);
        assert_eq!(text(), "ended by the progress function");
        // A success leaves the message, so that what was freed in between does not hide it.
        assert_eq!(call(|| Ok(())), TapetumStatus::Ok);
        assert_eq!(text(), "ended by the progress function");
    }

    #[test]
    fn errors_have_the_status_of_their_kind() {
        let status = |error: Error| Fault::from(error).status();
        assert_eq!(status(Error::argument("one")), TapetumStatus::Argument);
        let gone = std::io::Error::from(std::io::ErrorKind::NotFound);
        assert_eq!(status(Error::argument(crate::error::Reason::io("cannot be read", &gone).at("data.x"))), TapetumStatus::File);
        assert_eq!(status(Error::file("a.npy", "is empty")), TapetumStatus::File);
        assert_eq!(status(Error::NoAdapter { what: "none".into() }), TapetumStatus::Device);
        assert_eq!(status(Error::TooLarge { name: "x".into(), bytes: 2, limit: 1 }), TapetumStatus::OutOfMemory);
        assert_eq!(status(Error::NotFinite { step: 1, steps: 2, what: "the loss".into() }), TapetumStatus::NotFinite);
    }
}
