//! Extents of a tensor, and NumPy's broadcasting over them.

use std::fmt;
use std::ops::Deref;

/// The largest rank.
pub const MAX_RANK: usize = 8;

/// The extents of a tensor, outermost first; rank 0 is a scalar. `Copy`, at most [`MAX_RANK`] axes.
#[derive(Clone, Copy)]
pub struct Shape {
    extents: [usize; MAX_RANK],
    rank: u8,
}

impl Shape {
    /// A shape from its extents, or `None` where there are more than [`MAX_RANK`].
    pub fn try_new(extents: &[usize]) -> Option<Self> {
        let mut shape = Self { extents: [1; MAX_RANK], rank: u8::try_from(extents.len()).ok()? };
        shape.extents.get_mut(..extents.len())?.copy_from_slice(extents);
        Some(shape)
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// The number of elements; 1 for a scalar, and `usize::MAX` for more than can be counted, which no tape holds.
    pub fn elements(&self) -> usize {
        self.iter().fold(1, |n: usize, &extent| n.saturating_mul(extent))
    }

    /// The axis that `axis` names, counting from the end where it is negative.
    pub fn axis(&self, axis: isize) -> Option<usize> {
        let rank = self.rank() as isize;
        let resolved = if axis < 0 { axis + rank } else { axis };
        (0..rank).contains(&resolved).then_some(resolved as usize)
    }

    /// NumPy's broadcast of two shapes, or `None` where they do not fit.
    pub fn broadcast(&self, other: &Self) -> Option<Self> {
        let rank = self.rank().max(other.rank());
        let mut out = Self { extents: [1; MAX_RANK], rank: rank as u8 };
        for i in 0..rank {
            let a = self.padded(rank, i);
            let b = other.padded(rank, i);
            out.extents[i] = match (a, b) {
                (1, b) => b,
                (a, 1) => a,
                (a, b) if a == b => a,
                _ => return None,
            };
        }
        Some(out)
    }

    /// Row-major strides, in elements, of this shape read as `target` by broadcasting: 0 along repeated axes.
    pub fn broadcast_strides(&self, target: &Self) -> Vec<usize> {
        let rank = target.rank();
        let mut strides = vec![0; rank];
        let mut step = 1;
        for i in (0..rank).rev() {
            let extent = self.padded(rank, i);
            strides[i] = if extent == 1 { 0 } else { step };
            step *= extent;
        }
        strides
    }

    /// The same shape with `axis` replaced by `extent`.
    pub fn with(mut self, axis: usize, extent: usize) -> Self {
        debug_assert!(axis < self.rank());
        self.extents[axis] = extent;
        self
    }

    /// The same shape without `axis`.
    pub fn without(&self, axis: usize) -> Self {
        let mut extents = [1; MAX_RANK];
        let kept = self.iter().enumerate().filter(|(i, _)| *i != axis);
        for (slot, (_, extent)) in extents.iter_mut().zip(kept) {
            *slot = *extent;
        }
        Self { extents, rank: self.rank - 1 }
    }

    /// Products of the extents before `axis`, at it, and after it.
    pub fn around(&self, axis: usize) -> [usize; 3] {
        [self[..axis].iter().product(), self[axis], self[axis + 1..].iter().product()]
    }

    /// The extent at `i` were the shape padded on the left with ones to `rank`.
    fn padded(&self, rank: usize, i: usize) -> usize {
        let missing = rank - self.rank();
        if i < missing { 1 } else { self.extents[i - missing] }
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.extents[..self.rank()]
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Shape {}

impl std::hash::Hash for Shape {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(extents: [usize; N]) -> Self {
        const { assert!(N <= MAX_RANK, "a shape has at most 8 axes") };
        let mut shape = Self { extents: [1; MAX_RANK], rank: N as u8 };
        shape.extents[..N].copy_from_slice(&extents);
        shape
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &**self)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;

    #[test]
    fn broadcasts_as_numpy_does() {
        let a = Shape::from([4, 1, 3]);
        assert_eq!(a.broadcast(&[2, 1].into()), Some([4, 2, 3].into()));
        assert_eq!(a.broadcast(&[].into()), Some(a));
        assert_eq!(a.broadcast(&[2].into()), None);
        assert_eq!(Shape::from([0, 1]).broadcast(&[1, 5].into()), Some([0, 5].into()));
        assert_eq!(a.broadcast_strides(&[4, 2, 3].into()), [3, 0, 1]);
        assert_eq!(Shape::from([3]).broadcast_strides(&[4, 2, 3].into()), [0, 0, 1]);
    }

    #[test]
    fn axes_count_from_the_end_where_negative() {
        let s = Shape::from([4, 5]);
        assert_eq!((s.axis(-1), s.axis(0), s.axis(2), s.axis(-3)), (Some(1), Some(0), None, None));
        assert_eq!(Shape::try_new(&[1; 9]), None);
        assert_eq!(s.without(0), Shape::from([5]));
    }
}
