//! Moves of several parts into a whole, or out of it, in one dispatch for as many parts as it binds.

use crate::Result;
use crate::kernel::common::{FLAT, JOINED, flat_groups, flat_step};
use crate::kernel::{Binding, Buffer, Lowering, Params, Source, kernel_source};

pub(super) static PARTS: Source = kernel_source!("shape/parts").with_choices(&[FLAT, JOINED]);

/// The numbers of parts that one dispatch moves, as [`JOINED`] lists them.
const COUNTS: [usize; 3] = [2, 3, 7];

/// The direction of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Parts into the whole.
    Join,
    /// The whole into its parts.
    Part,
}

/// A part: its buffer, and the words of its rows.
pub(super) type Part = (Buffer, usize);

/// Moves the rows of `parts`, two at least, which stand one after the other in the rows of `whole`.
pub(super) fn lower(cx: &mut Lowering<'_>, way: Way, whole: Buffer, parts: &[Part], rows: usize) -> Result<()> {
    let stride: usize = parts.iter().map(|(_, extent)| extent).sum();
    let even = |unit: usize| parts.iter().all(|(_, extent)| extent.is_multiple_of(unit));
    let (flat, unit) = [(0, 4), (2, 2)].into_iter().find(|(_, unit)| even(*unit)).unwrap_or((1, 1));
    let mut from = 0;
    let mut rest = parts;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(taken(rest.len()));
        let choice = COUNTS.iter().position(|&n| n == now.len()).unwrap_or(0);
        let width: usize = now.iter().map(|(_, extent)| extent).sum();
        let mut params = Params::new();
        let mut start = 0;
        for &(_, extent) in now {
            params = params.u32(start / unit).u32(extent / unit).u32(0).u32(0);
            start += extent;
        }
        let unused = COUNTS[COUNTS.len() - 1] - now.len();
        let params = (0..4 * unused).fold(params, |p, _| p.u32(0));
        let params = [rows * width, width, stride, from].into_iter().fold(params, |p, words| p.u32(words / unit));
        let params = flat_step(width / unit).into_iter().fold(params, Params::u32);
        let kernel = cx.kernel(&PARTS, &[flat, choice + if way == Way::Join { 0 } else { COUNTS.len() }]);
        let bindings = bindings(way, whole, now, from > 0);
        cx.dispatch(kernel, bindings, params, flat_groups(rows * width), 0.0)?;
        from += width;
        rest = later;
    }
    Ok(())
}

/// The number of parts that the next dispatch takes of so many, so that none is left alone.
fn taken(parts: usize) -> usize {
    match parts {
        0..=3 => parts,
        4 => 2,
        5 | 6 => 3,
        8 => 3,
        _ => 7,
    }
}

fn bindings(way: Way, whole: Buffer, parts: &[Part], begun: bool) -> Vec<Binding> {
    let parts = parts.iter().map(|(buffer, _)| *buffer);
    match way {
        Way::Join => {
            let whole = if begun { Binding::continued(whole) } else { Binding::write(whole) };
            parts.map(Binding::read).chain([whole]).collect()
        }
        Way::Part => [Binding::read(whole)].into_iter().chain(parts.map(Binding::write)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNTS, taken};

    #[test]
    fn no_part_is_left_alone() {
        for parts in 2..100 {
            let mut left = parts;
            while left > 0 {
                let now = taken(left);
                assert!(COUNTS.contains(&now), "{now} of {left} of {parts}");
                left -= now;
            }
        }
    }
}
