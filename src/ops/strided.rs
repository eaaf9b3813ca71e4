//! Strided moves, which change no element: how they are folded to few axes, and the kernels that make them.

mod host;

use crate::Result;
use crate::kernel::common::{FLAT, FLAT_NUMBERS, FLAT_SHORT, flat_groups, flat_width};
use crate::kernel::{Adapters, Binding, Buffer, Choice, Kernel, Lowering, Params, Source, Target, Variant, kernel_source};
use std::cmp::Reverse;

/// The numbers of axes for which the kernels are written out.
const AXES: [usize; 5] = [1, 2, 3, 4, 8];
const WRITTEN: Choice = Choice::Constant("AXES", &["1u", "2u", "3u", "4u", "8u"]);

pub(super) static COPY: Source = kernel_source!("shape/copy").with_choices(&[FLAT, WRITTEN]);
pub(super) static SET: Source = kernel_source!("shape/set").with_choices(&[FLAT_NUMBERS]);
pub(super) static TRANSPOSE: Source = kernel_source!("shape/transpose").with_choices(&[FLAT_SHORT, WRITTEN]).with_variants(&TILES);

/// Tiles go through workgroup memory but on software adapters, where a barrier costs more than it saves.
pub(super) static TILES: [Variant; 2] = [
    Variant { name: "tiles", adapters: Adapters::Hardware, classes: &[], constants: &[("TILED", "true")], snippets: &[] },
    Variant { name: "direct", adapters: Adapters::Software, classes: &[], constants: &[("TILED", "false")], snippets: &[] },
];

/// Items on a side of a tile.
pub(super) const TILE: usize = 32;
/// The least extent of the axes for which tiles are worth while.
const WORTH: usize = 8;

/// Fills a buffer with one word.
pub(crate) fn lower_set(cx: &mut Lowering<'_>, buffer: Buffer, word: u32) -> Result<()> {
    let words = cx.ty(buffer).bytes() as usize / 4;
    let (choice, width) = flat_width(&[words]);
    let kernel = cx.kernel(&SET, &[choice]);
    let params = Params::new().u32(words / width).u32(word as usize);
    cx.dispatch(kernel, vec![Binding::write(buffer)], params, flat_groups(words), 0.0)
}

/// A move of elements: y[y_base + i · y_strides] = x[x_base + i · x_strides] for i in `extents`.
#[derive(Debug, Clone)]
pub(crate) struct Strided {
    pub(crate) extents: Vec<usize>,
    pub(crate) x: (usize, Vec<usize>),
    pub(crate) y: (usize, Vec<usize>),
}

/// Copies so many words that lie one after the other.
pub(crate) fn lower_copy(cx: &mut Lowering<'_>, x: Buffer, y: Buffer, words: usize) -> Result<()> {
    let (kernel, params, workgroups) = copy(words);
    cx.dispatch(kernel, vec![Binding::read(x), Binding::write(y)], params, workgroups, 0.0)
}

/// The kernel that copies so many words that lie one after the other, its uniform words, and its workgroups.
pub(crate) fn copy(words: usize) -> (Kernel, Params, usize) {
    Folded::new(&Strided { extents: vec![words], x: (0, vec![1]), y: (0, vec![1]) }).copy()
}

/// Row-major strides.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|i| shape[i + 1..].iter().product()).collect()
}

impl Strided {
    pub(super) fn elements(&self) -> usize {
        self.extents.iter().product()
    }

    pub(crate) fn lower(&self, cx: &mut Lowering<'_>, x: Buffer, y: Binding) -> Result<()> {
        let folded = Folded::new(self);
        let (kernel, params, workgroups) = match folded.turned() {
            Some((a, b)) if self.elements() > 0 => folded.transpose(cx.target(), a, b),
            _ => folded.copy(),
        };
        cx.dispatch(kernel, vec![Binding::read(x), y], params, workgroups, 0.0)
    }
}

/// An axis of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    extent: usize,
    x: usize,
    y: usize,
}

/// The same move over as few axes as say it, in items of 4, 2 or 1 words.
#[derive(Debug, PartialEq, Eq)]
struct Folded {
    unit: usize,
    /// The outermost in y first; at least one.
    axes: Vec<Axis>,
    x: usize,
    y: usize,
}

impl Folded {
    fn new(strided: &Strided) -> Self {
        let Strided { extents, x, y } = strided;
        let mut all: Vec<Axis> =
            extents.iter().zip(x.1.iter().zip(&y.1)).map(|(&extent, (&x, &y))| Axis { extent, x, y }).filter(|a| a.extent != 1).collect();
        all.sort_by_key(|a| Reverse(a.y));
        let mut axes: Vec<Axis> = Vec::new();
        for a in all {
            match axes.last_mut().filter(|o| o.x == a.x * a.extent && o.y == a.y * a.extent) {
                Some(outer) => *outer = Axis { extent: outer.extent * a.extent, ..a },
                None => axes.push(a),
            }
        }
        let unit = [4, 2].into_iter().find(|&unit| in_units(&axes, [x.0, y.0], unit)).unwrap_or(1);
        if let Some((inner, outer)) = axes.split_last_mut().filter(|_| unit > 1) {
            inner.extent /= unit;
            outer.iter_mut().for_each(|a| *a = Axis { extent: a.extent, x: a.x / unit, y: a.y / unit });
        }
        axes.retain(|a| a.extent != 1);
        if axes.is_empty() {
            axes.push(Axis { extent: 1, x: 0, y: 0 });
        }
        Self { unit, axes, x: x.0 / unit, y: y.0 / unit }
    }

    fn words(&self) -> usize {
        self.axes.iter().map(|a| a.extent).product::<usize>() * self.unit
    }

    /// The axes whose items lie side by side in x and in y, where they are two that fill tiles.
    fn turned(&self) -> Option<(Axis, Axis)> {
        let a = self.axes.iter().find(|a| a.x == 1)?;
        let b = self.axes.last().filter(|b| b.y == 1 && b.x != 1)?;
        (self.unit < 4 && a.extent >= WORTH && b.extent >= WORTH).then_some((*a, *b))
    }

    fn copy(&self) -> (Kernel, Params, usize) {
        let (axes, params, step) = written(&self.axes);
        let unit = match self.unit {
            4 => 0,
            2 => 2,
            _ => 1,
        };
        let kernel = COPY.kernel(&COPY.variants[0], &[unit, axes]);
        let words = [self.words() / self.unit, self.x, self.y, step.x, step.y];
        (kernel, words.into_iter().fold(params, Params::u32), flat_groups(self.words()))
    }

    fn transpose(&self, target: &Target, a: Axis, b: Axis) -> (Kernel, Params, usize) {
        let outer: Vec<Axis> = self.axes.iter().copied().filter(|o| *o != a && *o != b).collect();
        let (axes, params, step) = written(&outer);
        let [a_tiles, b_tiles] = [a, b].map(|axis| axis.extent.div_ceil(TILE));
        let tiles = a_tiles * b_tiles * outer.iter().map(|o| o.extent).product::<usize>();
        let kernel = TRANSPOSE.kernel(TRANSPOSE.variant(target, ""), &[self.unit - 1, axes]);
        let words = [tiles, a_tiles, b_tiles, a.extent, b.extent, b.x, a.y, self.x, self.y, step.x, step.y];
        (kernel, words.into_iter().fold(params, Params::u32), tiles)
    }
}

/// True where a move is one of whole items of `unit` words.
fn in_units(axes: &[Axis], bases: [usize; 2], unit: usize) -> bool {
    let Some((inner, outer)) = axes.split_last() else { return false };
    let lengths = outer.iter().flat_map(|a| [a.x, a.y]).chain(bases).chain([inner.extent]);
    inner.x == 1 && inner.y == 1 && lengths.into_iter().all(|n| n.is_multiple_of(unit))
}

/// The place in [`AXES`] of the number of axes for which a kernel is written out, and their words, the innermost first; and how far apart
/// elements 0 and 256 of their space stand. The words of an axis are its extent, its strides, and the digit of 256 in the number system
/// whose bases are the extents: a lane's next element is 256 further on, and is found by adding digits, where dividing costs a GPU more.
fn written(axes: &[Axis]) -> (usize, Params, Step) {
    let choice = AXES.iter().position(|&n| axes.len() <= n).unwrap_or(AXES.len() - 1);
    let one = Axis { extent: 1, x: 0, y: 0 };
    let (mut params, mut step, mut rest) = (Params::new(), Step { x: 0, y: 0 }, 256);
    for (k, a) in axes.iter().rev().copied().chain(std::iter::repeat(one)).take(8).enumerate() {
        // The rest goes along the outermost axis.
        let digit = if k + 1 == AXES[choice] { rest } else { rest % a.extent.max(1) };
        rest = if k + 1 == AXES[choice] { 0 } else { rest / a.extent.max(1) };
        params = params.u32(a.extent).u32(a.x).u32(a.y).u32(digit);
        step = Step { x: step.x + digit * a.x, y: step.y + digit * a.y };
    }
    (choice, params, step)
}

/// The distances between two elements in x and in y.
#[derive(Debug, Clone, Copy)]
struct Step {
    x: usize,
    y: usize,
}

#[cfg(test)]
mod tests {
    use super::{Axis, Folded, Strided, strides, written};

    fn folded(extents: &[usize], x: (usize, Vec<usize>), y: (usize, Vec<usize>)) -> Folded {
        Folded::new(&Strided { extents: extents.to_vec(), x, y })
    }

    #[test]
    fn moves_are_folded() {
        let all = folded(&[3, 4, 5], (0, strides(&[3, 4, 5])), (0, strides(&[3, 4, 5])));
        assert_eq!(all, Folded { unit: 4, axes: vec![Axis { extent: 15, x: 1, y: 1 }], x: 0, y: 0 });
        // Complex values, turned: pairs stay together.
        let pairs = folded(&[9, 10, 2], (0, vec![2, 18, 1]), (0, vec![20, 2, 1]));
        assert_eq!((pairs.unit, pairs.turned().map(|(a, b)| (a.extent, b.extent))), (2, Some((9, 10))));
        // A row that does not begin at a multiple of 4.
        let late = folded(&[7, 8], (2, vec![16, 1]), (0, vec![8, 1]));
        assert_eq!((late.unit, late.axes.len(), late.x, late.turned()), (2, 2, 1, None));
        assert_eq!(folded(&[1, 1], (0, vec![1, 1]), (0, vec![1, 1])).words(), 1);
    }

    #[test]
    fn a_lane_goes_on_by_the_digits_of_256() {
        let axis = |extent, x, y| Axis { extent, x, y };
        // 256 is 51 rows of 5 and 1 more; 51 are 7 sevens and 2 more.
        let (choice, params, step) = written(&[axis(40, 1, 35), axis(7, 200, 5), axis(5, 40, 1)]);
        assert_eq!((choice, params.words()[3], params.words()[7], params.words()[11]), (2, 1, 2, 7));
        assert_eq!((step.x, step.y), (7 + 2 * 200 + 40, 7 * 35 + 2 * 5 + 1));
        let (choice, params, step) = written(&[axis(9, 3, 1)]);
        assert_eq!((choice, params.words()[3], step.x, step.y), (0, 256, 768, 256));
    }
}
