//! Order: rows sorted, elements taken and put by index, running sums of counts, and rows compacted.
//!
//! Reals of any sign keep their order, −0 is 0, and of equal elements the first stays first; NaN of either sign comes last, as in NumPy and
//! PyTorch. On devices a radix sort of keys with places, eight bits a pass, all rows in one dispatch; on the host one of eleven
//! bits a pass, all cores over the rows.

mod along;
mod order;
mod radix;

pub(in crate::ops) use along::{PUT, TAKE};
pub(in crate::ops) use order::{Item, Keyed, sorted};
pub(in crate::ops) use radix::{COUNT, Digit, Keys, SCAN, SCATTER, SUMS, VALUES, passes};

use super::Family;
use super::case::{Case, Draw, f32s, i32s};
use super::shape::Strided;
use super::work::{Instance, Work};
use crate::kernel::common::flat_groups;
use crate::kernel::{Binding, Choice, Lowering, Params, Source, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType, parallel, real_inputs};
use crate::{Error, Result, Shape};

pub(super) static FAMILY: Family = Family { sources: &[&COUNT, &KEYS, &PUT, &SCAN, &SCATTER, &SUMS, &TAKE], cases, works };

pub(in crate::ops) static KEYS: Source = kernel_source!("sort/keys").with_choices(&[Choice::Constant("KIND", &["0u", "1u", "2u", "3u"])]);

/// By what rows are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The elements, ascending.
    Value,
    /// Those that are not 0 first.
    Kept,
}

/// x `[.., m]` → where the elements of each row stood, i32 `[.., m]`; of [`By::Kept`], also how many are kept, i32 `[.., 1]`.
#[derive(Debug, Clone, Copy)]
struct Order {
    by: By,
}

/// x u32 `[.., m]` → the sums of those before each.
#[derive(Debug, Clone, Copy)]
struct RunningCounts;

/// Rows, and elements of each.
fn rows_of(x: Shape) -> [usize; 2] {
    match x.rank() {
        0 => [1, 1],
        rank => [x[..rank - 1].iter().product(), x[rank - 1]],
    }
}

impl Order {
    fn name(self) -> &'static str {
        if self.by == By::Value { "order" } else { "compaction" }
    }

    /// The places of one row's elements, given their keys.
    fn places<T: Item>(keys: impl Iterator<Item = u64>) -> Vec<T> {
        sorted(keys.zip(0..).map(|(key, place)| T::new(key, place)).collect())
    }

    fn of_rows<T: Item>(index: &mut [i32], m: usize, keys: impl Fn(usize) -> u64 + Sync) {
        parallel::rows(index, m, 16 * m, |row, index| {
            let found = Self::places::<T>((0..m).map(|i| keys(row * m + i)));
            index.iter_mut().zip(found).for_each(|(index, item)| *index = item.place() as i32);
        });
    }
}

impl Op for Order {
    fn key(&self) -> OpKey {
        OpKey::new(self.name())
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let x = inputs[0];
        let fail = |what: &str| Err(Error::op(self.name(), format!("{what} expected, found {x}")));
        if x.shape.rank() == 0 {
            return fail("rows");
        }
        let index = TensorType::i32(x.shape);
        match (self.by, x.dtype) {
            (By::Value, DType::F16) => fail("f32, i32 or u32"),
            (By::Value, _) => Ok(vec![index]),
            (By::Kept, DType::I32 | DType::U32) => Ok(vec![index, TensorType::i32(x.shape.with(x.shape.rank() - 1, 1))]),
            (By::Kept, _) => fail("i32 or u32, 0 for what is not kept,"),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let x = &inputs[0];
        let [rows, m] = rows_of(x.shape());
        let mut index = vec![0; rows * m];
        let words: &[u32] = x.bytes().map(bytemuck::cast_slice).unwrap_or_default();
        match (self.by, x.dtype()) {
            (By::Kept, _) => Self::of_rows::<u64>(&mut index, m, |i| u64::from(words[i] == 0)),
            (_, DType::I32) => Self::of_rows::<u64>(&mut index, m, |i| u64::from(words[i] ^ (1 << 31))),
            (_, DType::U32) => Self::of_rows::<u64>(&mut index, m, |i| u64::from(words[i])),
            _ => real_inputs!(inputs, R => {
                let x = x.elements::<R>()?;
                Self::of_rows::<<R as Keyed>::Item>(&mut index, m, |i| x[i].key());
            }),
        }
        let mut made = vec![HostTensor::i32(x.shape(), index)?];
        if self.by == By::Kept {
            let kept = |row: usize| words[row * m..][..m].iter().filter(|w| **w != 0).count() as i32;
            made.push(HostTensor::i32(x.shape().with(x.shape().rank() - 1, 1), (0..rows).map(kept).collect())?);
        }
        Ok(made)
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Ok(vec![None; cx.inputs().len()])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let x = cx.input(0);
        let [rows, m] = rows_of(cx.input_shape(0));
        let keys = Keys::scratch(cx, [rows, m]);
        let (kind, digits) = match (self.by, cx.ty(x).dtype) {
            (By::Kept, _) => (3, passes(1)),
            (_, DType::I32) => (1, passes(32)),
            (_, DType::U32) => (2, passes(32)),
            _ => (0, passes(32)),
        };
        let kernel = cx.kernel(&KEYS, &[kind]);
        let bindings = vec![Binding::read(x), Binding::write(keys.key), Binding::write(keys.place)];
        cx.dispatch(kernel, bindings, Params::new().u32(rows * m).u32(m), flat_groups(rows * m), 0.0)?;
        let index = cx.output(0);
        let (_, offsets) = keys.lower(cx, &digits, Some(index))?;
        if let (By::Kept, Some(offsets)) = (self.by, offsets) {
            // The elements not kept come after all that are kept, so the first of their offsets is the number kept.
            let blocks = cx.ty(offsets).shape[2];
            let first = Strided { extents: vec![rows], x: (blocks, vec![VALUES * blocks]), y: (0, vec![1]) };
            let kept = cx.output(1);
            first.lower(cx, offsets, Binding::write(kept))?;
        }
        Ok(())
    }
}

impl Op for RunningCounts {
    fn key(&self) -> OpKey {
        OpKey::new("running_counts")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let x = inputs[0];
        if x.dtype != DType::U32 || x.shape.rank() == 0 {
            return Err(Error::op("running_counts", format!("u32 rows expected, found {x}")));
        }
        Ok(vec![x])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = inputs[0].shape();
        let mut y = inputs[0].as_u32().unwrap_or_default().to_vec();
        for row in y.chunks_mut(rows_of(shape)[1].max(1)) {
            row.iter_mut().fold(0u32, |sum, x| sum.wrapping_add(std::mem::replace(x, sum)));
        }
        Ok(vec![HostTensor::u32(shape, y)?])
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Ok(vec![None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (x, y, extents) = (cx.input(0), cx.output(0), rows_of(cx.input_shape(0)));
        radix::lower_scan(cx, x, y, extents)
    }
}

/// # Sorting
impl Tape {
    /// The indices of the elements of each row of x `[.., m]` (f32, i32 or u32) in ascending order, by a stable sort: i32 `[.., m]`.
    /// −0 equals 0; NaN comes last.
    ///
    /// # Errors
    /// Where x is f16, or has no axes.
    pub fn order(&mut self, x: Var) -> Result<Var> {
        self.record_one(Order { by: By::Value }, &[x])
    }

    /// The rows of x `[.., m]` ascending, and where each element stood, i32 `[.., m]`. Of equal elements the first comes first, and a
    /// cotangent goes where its element stood.
    ///
    /// # Errors
    /// As [`Tape::order`].
    pub fn sort(&mut self, x: Var) -> Result<(Var, Var)> {
        let index = self.order(x)?;
        Ok((self.take_permuted(x, index)?, index))
    }

    /// The rows of x `[.., m]` with those elements first whose `keep` `[.., m]` (i32 or u32) is not 0, in their order, then the others;
    /// and how many are kept, i32 `[.., 1]`.
    ///
    /// # Errors
    /// Where x is f16, or `keep` is not whole numbers, one an element.
    pub fn compact(&mut self, x: Var, keep: Var) -> Result<(Var, Var)> {
        let made = self.record(std::sync::Arc::new(Order { by: By::Kept }), &[keep])?;
        Ok((self.take_permuted(x, made[0])?, made[1]))
    }

    /// Running sums of counts x u32 `[.., m]`, each of those before it: y[.., j] = Σ x[.., k], k < j, modulo 2³².
    ///
    /// # Errors
    /// Where x is not u32.
    pub fn running_counts(&mut self, x: Var) -> Result<Var> {
        self.record_one(RunningCounts, &[x])
    }
}

/// Moved, not computed: exact.
fn exact(case: Case) -> Case {
    case.within(0.0, 0.0)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 1], [3, 7], [2, 65], [1, 257], [2, 513], [2, 2100]] {
        let x = |draw| vec![f32s(shape, draw)];
        // Elements that lie closer than a step of finite differences is long would have an order without a derivative.
        cases.push(exact(Case::new("sort", x(Draw::Apart), |t, x| Ok(vec![t.sort(x[0])?.0]))));
        // Ties, of 0 and −0 too: the index tells which came first.
        let ties = |t: &mut Tape, x: &[Var]| {
            let negative = t.neg(x[0])?;
            let both = t.concatenate(&[x[0], negative], -1)?;
            let (values, index) = t.sort(both)?;
            Ok(vec![values, index])
        };
        cases.push(exact(Case::new("sort ties", x(Draw::Whole(2)), ties).forward_only()));
        let whole = vec![i32s(shape, Draw::Whole(9))];
        cases.push(exact(Case::new("sort i32", whole, |t, x| Ok(vec![t.sort(x[0])?.0])).forward_only()));
        let counts = vec![(TensorType::u32(shape), Draw::Normal)];
        let counted = |t: &mut Tape, x: &[Var]| Ok(vec![t.running_counts(x[0])?, t.sort(x[0])?.1]);
        cases.push(exact(Case::new("running_counts", counts, counted).forward_only()));
        let kept = vec![f32s(shape, Draw::Normal), i32s(shape, Draw::Whole(1))];
        let compacted = |t: &mut Tape, x: &[Var]| t.compact(x[0], x[1]).map(|(y, count)| vec![y, count]);
        cases.push(exact(Case::new("compact", kept, compacted).forward_only()));
    }
    let x = vec![f32s([5, 7], Draw::Normal), i32s([5, 3], Draw::Index(7))];
    cases.push(exact(Case::new("take_along", x, |t, x| Ok(vec![t.take_along(x[0], x[1])?])).forward_only()));
    cases.push(exact(Case::new("sort", vec![f32s([0, 3], Draw::Normal)], |t, x| Ok(vec![t.sort(x[0])?.0]))));
    cases
}

pub(super) fn works() -> Vec<Work> {
    let sizes = [[16, 64], [64, 16_384], [200, 73_536]];
    let sort = |s: [usize; 2]| Instance::new(vec![f32s(s, Draw::Normal)], |t, x| Ok(vec![t.sort(x[0])?.0]));
    let counts = |s: [usize; 2]| Instance::new(vec![(TensorType::u32(s), Draw::Normal)], |t, x| Ok(vec![t.running_counts(x[0])?]));
    let compact = |s: [usize; 2]| {
        let operands = vec![f32s(s, Draw::Normal), i32s(s, Draw::Whole(1))];
        Instance::new(operands, |t, x| Ok(vec![t.compact(x[0], x[1])?.0]))
    };
    vec![
        Work::new("sort", sizes.map(sort)),
        Work::new("running_counts", sizes.map(counts)).forward_only(),
        Work::new("compact", sizes.map(compact)).forward_only(),
    ]
}
