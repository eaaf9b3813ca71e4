//! A tensor in parts along an axis: the reverse of a concatenation, and a concatenation in reverse, where slices would each be padded to
//! the whole.

use super::Family;
use super::case::{Case, Draw, f32s};
use super::parts::{self, Way};
use super::shape::{Strided, lower_copy, strides, words};
use crate::kernel::Lowering;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result, Shape};

pub(super) static FAMILY: Family = Family { sources: &[], cases, works: Vec::new };

/// x in so many parts of one extent.
#[derive(Debug, Clone, Copy)]
struct Split {
    axis: usize,
    parts: usize,
}

impl Split {
    fn part(&self, x: Shape) -> Shape {
        x.with(self.axis, x[self.axis] / self.parts)
    }

    /// The strided move of each part.
    fn moves(&self, x: Shape) -> impl Iterator<Item = Strided> {
        let (part, from) = (self.part(x), strides(&x));
        let apart = part[self.axis] * from[self.axis];
        let to = strides(&part);
        (0..self.parts).map(move |i| Strided { extents: part.to_vec(), x: (i * apart, from.clone()), y: (0, to.clone()) })
    }
}

impl Op for Split {
    fn key(&self) -> OpKey {
        OpKey::of("split", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let x = words("split", inputs[0])?;
        let extent = x.shape[self.axis];
        if self.parts == 0 || !extent.is_multiple_of(self.parts) {
            return Err(Error::op("split", format!("axis {} of {x} does not come out even in {} parts", self.axis, self.parts)));
        }
        Ok(vec![TensorType::new(x.dtype, self.part(x.shape)); self.parts])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let x = &inputs[0];
        let part = |m: Strided| {
            let mut y = x.blank(self.part(x.shape()));
            m.apply_to(x, &mut y).map(|()| y)
        };
        self.moves(x.shape()).map(part).collect()
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let parts = (0..self.parts).map(|i| cx.cotangent_or_zeros(i)).collect::<Result<Vec<_>>>()?;
        Ok(vec![Some(cx.tape().concatenate(&parts, self.axis as isize)?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (x, shape) = (cx.input(0), cx.input_shape(0));
        if self.parts == 1 {
            return lower_copy(cx, x, cx.output(0), shape.elements());
        }
        let words = self.part(shape)[self.axis..].iter().product();
        let parts: Vec<_> = (0..self.parts).map(|i| (cx.output(i), words)).collect();
        parts::lower(cx, Way::Part, x, &parts, shape[..self.axis].iter().product())
    }
}

/// # Splitting
impl Tape {
    /// x in `parts` parts of one extent along `axis`.
    ///
    /// # Errors
    /// Where the axis does not exist, or does not come out even.
    pub fn split(&mut self, x: Var, axis: isize, parts: usize) -> Result<Vec<Var>> {
        let axis = self.axis("split", x, axis)?;
        self.record(std::sync::Arc::new(Split { axis, parts }), &[x])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let case = |shape: [usize; 3], axis: isize, parts: usize| {
        let build = move |t: &mut Tape, x: &[Var]| t.split(x[0], axis, parts);
        Case::new("split", vec![f32s(shape, Draw::Normal)], build).within(0.0, 1e-6)
    };
    // A part that nobody reads has a cotangent of zeros.
    let half = Case::new("split, a part of it", vec![f32s([2, 6, 5], Draw::Normal)], |t, x| Ok(vec![t.split(x[0], 1, 3)?[1]]));
    vec![
        case([1, 1, 1], 0, 1),
        case([2, 6, 5], 1, 3),
        case([5, 33, 4], 1, 11),
        case([257, 1, 12], -1, 2),
        case([9, 24, 1], 1, 4),
        case([3, 2, 65], -1, 5),
        case([7, 1, 3], 0, 7),
        half.within(0.0, 1e-6),
    ]
}
