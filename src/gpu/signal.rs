//! A value that a callback of the device gives later.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The value, once it is given, and the tasks that wait for it. A clone refers to the same.
#[derive(Debug)]
pub(super) struct Signal<T>(Arc<Mutex<Awaited<T>>>);

#[derive(Debug)]
struct Awaited<T> {
    value: Option<T>,
    waiting: Vec<Waker>,
}

impl<T> Clone for Signal<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Signal<T> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Awaited { value: None, waiting: Vec::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Awaited<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the value, and wakes the tasks that wait for it.
    pub(super) fn give(&self, value: T) {
        let mut awaited = self.lock();
        awaited.value = Some(value);
        let waiting = std::mem::take(&mut awaited.waiting);
        drop(awaited);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// The value, as soon as it is given.
    pub(super) async fn given(&self) -> T {
        poll_fn(|cx| {
            let mut awaited = self.lock();
            match &awaited.value {
                Some(value) => Poll::Ready(value.clone()),
                None => {
                    awaited.waiting.push(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
