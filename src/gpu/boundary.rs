//! The boundary between this crate and wgpu, marked so that a counting allocator can tell whose allocation it sees.

use std::cell::Cell;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// True while this thread is within a call into wgpu made by this crate's steady step.
pub fn in_wgpu() -> bool {
    DEPTH.with(|d| d.get() > 0)
}

/// Marks a call into wgpu.
pub(super) fn wgpu<T>(call: impl FnOnce() -> T) -> T {
    DEPTH.with(|d| d.set(d.get() + 1));
    let made = call();
    DEPTH.with(|d| d.set(d.get() - 1));
    made
}
