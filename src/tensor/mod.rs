//! Types and values: [`DType`], [`Shape`], [`TensorType`], and [`HostTensor`], a value in the host's memory.

mod host;
pub(crate) mod parallel;
mod philox;
pub(crate) mod pool;
mod product;
mod real;
mod shape;
mod vector;

#[cfg(any(feature = "c", feature = "python"))]
pub(crate) use host::Data;
pub use host::HostTensor;
pub(crate) use host::real_inputs;
pub use philox::Philox;
pub(crate) use pool::{buffer, filled};
pub(crate) use product::{MatrixLayout, product, product_alone, symmetric_product};
pub use real::Real;
pub use shape::{MAX_RANK, Shape};
pub(crate) use vector::{Wide, widest};

use std::fmt;

/// The element type of a tensor as a device stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// IEEE single precision; what every op computes in.
    F32,
    /// Signed 32-bit integers: labels, indices.
    I32,
    /// Unsigned 32-bit integers: counters, indices.
    U32,
    /// IEEE half precision, for storage only: pointwise ops and [`cast`](crate::Tape::cast) read it.
    F16,
}

impl DType {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 => 2,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::F16 => "f16",
        })
    }
}

/// Element type and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// The element type.
    pub dtype: DType,
    /// The extents, outermost first.
    pub shape: Shape,
}

impl TensorType {
    /// A type of the given parts.
    pub fn new(dtype: DType, shape: impl Into<Shape>) -> Self {
        Self { dtype, shape: shape.into() }
    }

    /// An f32 tensor.
    pub fn f32(shape: impl Into<Shape>) -> Self {
        Self::new(DType::F32, shape)
    }

    /// An i32 tensor.
    pub fn i32(shape: impl Into<Shape>) -> Self {
        Self::new(DType::I32, shape)
    }

    /// A u32 tensor.
    pub fn u32(shape: impl Into<Shape>) -> Self {
        Self::new(DType::U32, shape)
    }

    /// Bytes on a device: the elements, rounded up to whole words, and never none. A number beyond 64 bits is given as the largest
    /// multiple of 4 within them.
    pub fn bytes(&self) -> u64 {
        let elements = self.shape.iter().fold(1, |n: u64, &extent| n.saturating_mul(extent as u64));
        let bytes = elements.saturating_mul(self.dtype.bytes() as u64).min(u64::MAX - 3);
        bytes.next_multiple_of(4).max(4)
    }

    /// True where the host can address the elements in double precision. In a browser, addresses have 32 bits.
    pub(crate) fn addressable(&self) -> bool {
        let bytes = self.shape.iter().try_fold(size_of::<f64>(), |n, &extent| n.checked_mul(extent));
        self.shape.contains(&0) || bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok())
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::{DType, TensorType};
    use crate::Tape;

    #[test]
    fn bytes_are_counted_in_64_bits_and_never_wrap() {
        // Of 2³² bytes a count in 32 bits would leave 0.
        assert_eq!(TensorType::f32([32_768, 32_768]).bytes(), 1 << 32);
        assert_eq!(TensorType::new(DType::F16, [3]).bytes(), 8);
        assert_eq!(TensorType::f32([0, 5]).bytes(), 4);
        assert_eq!(TensorType::f32([usize::MAX, usize::MAX]).bytes(), u64::MAX - 3);
        assert_eq!(TensorType::f32([usize::MAX, 2]).shape.elements(), usize::MAX);
    }

    #[test]
    fn a_tape_refuses_what_no_memory_holds() {
        let mut tape = Tape::new();
        let refused = tape.input("x", TensorType::f32([usize::MAX, 2])).unwrap_err().to_string();
        assert!(refused.contains("`x`") && refused.contains("more elements than this system addresses"), "{refused}");
        assert!(tape.input("none", TensorType::f32([usize::MAX, 0, 2])).is_ok());
        let side = 1 << (usize::BITS / 2);
        let (column, row) = (tape.input("a", TensorType::f32([side, 1])).unwrap(), tape.input("b", TensorType::f32([1, side])).unwrap());
        let refused = tape.matmul(column, row).unwrap_err().to_string();
        assert!(refused.contains("matmul") && refused.contains("more elements"), "{refused}");
    }
}
