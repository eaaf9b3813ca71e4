//! All cores over disjoint parts of one slice, where the feature `host` is on; one core otherwise.

/// Fewer elements than this are not worth a second thread.
pub(crate) const GRAIN: usize = 1 << 14;

/// Calls `f` on a thread of the pool, where calls of the functions below cost 0.1 µs: from elsewhere each waits for a thread to wake, 5 µs,
/// as long as some ten thousand elements take.
pub(crate) fn within<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "host")]
    if !cfg!(target_arch = "wasm32") {
        return rayon::scope(|_| f());
    }
    f()
}

/// Calls `f(start, part)` for consecutive parts of `out`, each a multiple of `unit` elements long but for the last.
/// The values that `f` writes must not depend on where the parts end: results are the same on any number of cores.
pub(crate) fn parts<T: Send>(out: &mut [T], unit: usize, f: impl Fn(usize, &mut [T]) + Sync) {
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
pub(crate) fn rows<T: Send>(out: &mut [T], width: usize, work: usize, f: impl Fn(usize, &mut [T]) + Sync) {
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

/// Calls `f(i, a, b)` for the rows i of `a`, `width` long, with the element of `b` for each. `work` as for [`rows`].
pub(crate) fn rows_with<T: Send, U: Send>(a: &mut [T], width: usize, b: &mut [U], work: usize, f: impl Fn(usize, &mut [T], &mut U) + Sync) {
    let mut pairs: Vec<_> = a.chunks_mut(width.max(1)).zip(b).collect();
    rows(&mut pairs, 1, work, |i, pair| f(i, pair[0].0, pair[0].1));
}

/// Calls `f(first, block)` for blocks of `width` columns of the matrix `out`, whose rows are `row` long: the block that begins at the
/// column `first` is a slice of each row. `work` says about how many operations a column costs.
pub(crate) fn columns<T: Send>(out: &mut [T], row: usize, width: usize, work: usize, f: impl Fn(usize, &mut [&mut [T]]) + Sync) {
    let height = out.len() / row.max(1);
    let mut blocks: Vec<Vec<&mut [T]>> = (0..row.div_ceil(width)).map(|_| Vec::with_capacity(height)).collect();
    for row in out.chunks_exact_mut(row.max(1)) {
        blocks.iter_mut().zip(row.chunks_mut(width)).for_each(|(block, part)| block.push(part));
    }
    rows(&mut blocks, 1, work * width, |i, block| f(i * width, &mut block[0]));
}
