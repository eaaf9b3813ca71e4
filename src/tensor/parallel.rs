//! All cores over disjoint parts of one slice, where the feature `host` is on; one core otherwise.

/// Fewer elements than this are not worth a second thread.
#[cfg(feature = "host")]
const GRAIN: usize = 1 << 14;

/// Calls `f(start, part)` for consecutive parts of `out`, each a multiple of `unit` elements long but for the last.
/// What `f` writes must not depend on where the parts end: results are the same on any number of cores.
pub fn parts<T: Send>(out: &mut [T], unit: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    #[cfg(feature = "host")]
    if out.len() > GRAIN && !cfg!(target_arch = "wasm32") {
        use rayon::prelude::*;
        let share = out.len().div_ceil(4 * rayon::current_num_threads()).max(GRAIN / 4).next_multiple_of(unit.max(1));
        out.par_chunks_mut(share).enumerate().for_each(|(i, part)| f(i * share, part));
        return;
    }
    let _ = unit;
    f(0, out);
}

/// Calls `f(row, values)` for each row of `width` elements of `out`. `work` says about how many operations a row costs.
pub fn rows<T: Send>(out: &mut [T], width: usize, work: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if width == 0 {
        return;
    }
    #[cfg(feature = "host")]
    if out.len() / width * work > GRAIN && !cfg!(target_arch = "wasm32") {
        use rayon::prelude::*;
        out.par_chunks_mut(width).enumerate().for_each(|(i, row)| f(i, row));
        return;
    }
    let _ = work;
    out.chunks_mut(width).enumerate().for_each(|(i, row)| f(i, row));
}
