//! Memory used again: what the values of a step leave behind serves the values to come, so that a steady step neither asks the system
//! for fresh pages nor clears them.

use super::host::Data;
use super::{HostTensor, Real};
use std::cell::RefCell;

thread_local! {
    static LENT: RefCell<Option<Pool>> = const { RefCell::new(None) };
}

/// Shorter buffers are not worth keeping.
const SHORTEST: usize = 1 << 10;

/// Buffers nobody reads any more.
#[derive(Debug, Default)]
pub struct Pool {
    single: Shelf<f32>,
    double: Shelf<f64>,
}

/// Buffers of one precision, those that have lain longest first.
#[derive(Debug, Default)]
pub struct Shelf<R> {
    free: Vec<Vec<R>>,
    /// The number of these buffers that have lain there since the pool was lent.
    untouched: usize,
}

impl<R> Shelf<R> {
    fn take(&mut self, n: usize) -> Option<Vec<R>> {
        let at = self.free.iter().rposition(|b| b.len() == n)?;
        self.untouched = self.untouched.min(at);
        Some(self.free.remove(at))
    }

    fn give(&mut self, buffer: Vec<R>) {
        if buffer.len() >= SHORTEST {
            self.free.push(buffer);
        }
    }

    /// Lets go of what a whole loan had no use for.
    fn trim(&mut self) {
        self.free.drain(..self.untouched);
        self.untouched = self.free.len();
    }
}

impl Pool {
    /// Buffers of single precision.
    pub fn single(&mut self) -> &mut Shelf<f32> {
        &mut self.single
    }

    /// Buffers of double precision.
    pub fn double(&mut self) -> &mut Shelf<f64> {
        &mut self.double
    }

    /// Calls `f` while [`buffer`] and [`give`] on this thread take from this pool and add to it.
    pub fn lend<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let before = LENT.replace(Some(std::mem::take(self)));
        let made = f();
        *self = LENT.replace(before).unwrap_or_default();
        self.single.trim();
        self.double.trim();
        made
    }
}

/// `n` elements of no particular value: who asks writes each before reading it.
pub(crate) fn buffer<R: Real>(n: usize) -> Vec<R> {
    LENT.with_borrow_mut(|pool| R::shelf(pool.as_mut()?).take(n)).unwrap_or_else(|| vec![R::zero(); n])
}

/// `n` elements of `value`.
pub(crate) fn filled<R: Real>(n: usize, value: R) -> Vec<R> {
    let Some(mut used) = LENT.with_borrow_mut(|pool| R::shelf(pool.as_mut()?).take(n)) else { return vec![value; n] };
    used.fill(value);
    used
}

/// Keeps the memory of a value that nobody else holds.
pub(crate) fn give(value: HostTensor) {
    LENT.with_borrow_mut(|pool| {
        let Some(pool) = pool else { return };
        match value.into_data() {
            Data::F32(v) => drop(std::sync::Arc::try_unwrap(v).map(|v| pool.single.give(v))),
            Data::F64(v) => drop(std::sync::Arc::try_unwrap(v).map(|v| pool.double.give(v))),
            _ => {}
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_serves_again_and_goes_when_it_is_not_wanted() {
        let n = 2 * SHORTEST;
        let mut pool = Pool::default();
        pool.lend(|| give(HostTensor::full([n], 3.0)));
        pool.lend(|| {
            let first: Vec<f32> = buffer(n);
            assert_eq!(first[0], 3.0, "the memory that was given");
            assert_eq!(buffer::<f32>(n)[0], 0.0, "fresh memory");
            give(HostTensor::full([n], 4.0));
            let again: Vec<f32> = filled(n, 5.0);
            assert!(again.iter().all(|&x| x == 5.0));
            give(HostTensor::full([n], 4.0));
        });
        assert_eq!(pool.single.free.len(), 1);
        pool.lend(|| ());
        assert_eq!(pool.single.free.len(), 0);
    }

    #[test]
    fn what_another_holds_is_not_taken() {
        let mut pool = Pool::default();
        let value = HostTensor::full([SHORTEST], 1.0);
        pool.lend(|| give(value.clone()));
        assert_eq!(pool.single.free.len(), 0);
        assert_eq!(value.as_f32().unwrap()[0], 1.0);
    }
}
