//! Handles: the things of the library that C holds, and the table in which they are.

use crate::{Error, Result};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The things that C can hold a handle of.
pub(super) trait Handle: Any + Send + Sync {
    /// Its name in messages, with its article.
    const NAME: &'static str;
}

struct Held {
    name: &'static str,
    content: Arc<dyn Any + Send + Sync>,
}

struct Table {
    next: usize,
    held: BTreeMap<usize, Held>,
}

/// The difference of two handles, by which they look like pointers to things of some size.
const STEP: usize = 16;

static TABLE: RwLock<Table> = RwLock::new(Table { next: STEP, held: BTreeMap::new() });

/// Gives a thing a handle. A handle is never used twice.
pub(super) fn hold<T: Handle>(content: T) -> Result<*mut T> {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    let id = table.next;
    table.next = id.checked_add(STEP).ok_or_else(|| Error::argument("no handle is left"))?;
    table.held.insert(id, Held { name: T::NAME, content: Arc::new(content) });
    Ok(std::ptr::without_provenance_mut(id))
}

/// The thing of a handle. It lasts as long as the call, even if another thread frees it.
pub(super) fn held<T: Handle>(handle: *mut T, argument: &str) -> Result<Arc<T>> {
    maybe(handle, argument)?.ok_or_else(|| Error::argument(format!("{argument}: {} is expected, found NULL", T::NAME)))
}

/// The thing of a handle, `None` for NULL.
pub(super) fn maybe<T: Handle>(handle: *mut T, argument: &str) -> Result<Option<Arc<T>>> {
    if handle.is_null() {
        return Ok(None);
    }
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    let Some(found) = table.held.get(&handle.addr()) else {
        return Err(Error::argument(format!("{argument}: {} is expected, found a handle that was freed or never made", T::NAME)));
    };
    match found.content.clone().downcast::<T>() {
        Ok(content) => Ok(Some(content)),
        Err(_) => Err(Error::argument(format!("{argument}: {} is expected, found {}", T::NAME, found.name))),
    }
}

/// Frees a handle and sets it to NULL; NULL is left as it is.
pub(super) fn free<T: Handle>(handle: Option<&mut *mut T>, argument: &str) -> Result<()> {
    let handle = super::border::given(argument, handle)?;
    // The content is dropped after the table is unlocked.
    let content = maybe(*handle, argument)?;
    if content.is_some() {
        let gone = TABLE.write().unwrap_or_else(PoisonError::into_inner).held.remove(&handle.addr());
        drop(gone);
    }
    *handle = std::ptr::null_mut();
    Ok(())
}

/// The number of handles that were made and not freed, of all threads: a program that frees what it makes ends with 0.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_handles() -> usize {
    TABLE.read().unwrap_or_else(PoisonError::into_inner).held.len()
}
