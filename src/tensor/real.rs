//! The two precisions a definition is written for.

use super::HostTensor;
use super::host::Data;
use super::pool::{Pool, Shelf};
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::sync::Arc;

/// f32 or f64: what an op's definition ([`Op::evaluate`](crate::tape::Op::evaluate)) is generic over.
pub trait Real:
    num_traits::Float
    + num_traits::NumAssign
    + num_traits::FloatConst
    + ndarray::ScalarOperand
    + Sum
    + Default
    + Debug
    + Display
    + Send
    + Sync
    + 'static
{
    /// The nearest value of this precision.
    fn of(value: f64) -> Self;
    /// The value in double precision.
    fn double(self) -> f64;
    /// The error function.
    fn erf(self) -> Self;
    /// The elements of `tensor`, row-major, where it is of this precision.
    fn slice(tensor: &HostTensor) -> Option<&[Self]>;
    /// Elements as the data of a tensor.
    #[doc(hidden)]
    fn data(elements: Vec<Self>) -> Data;
    /// Where `pool` keeps buffers of this precision.
    #[doc(hidden)]
    fn shelf(pool: &mut Pool) -> &mut Shelf<Self>;
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }
    fn double(self) -> f64 {
        f64::from(self)
    }
    fn erf(self) -> Self {
        libm::erff(self)
    }
    fn slice(tensor: &HostTensor) -> Option<&[Self]> {
        match tensor.data() {
            Data::F32(v) => Some(v),
            _ => None,
        }
    }
    fn data(elements: Vec<Self>) -> Data {
        Data::F32(Arc::new(elements))
    }
    fn shelf(pool: &mut Pool) -> &mut Shelf<Self> {
        pool.single()
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn double(self) -> f64 {
        self
    }
    fn erf(self) -> Self {
        libm::erf(self)
    }
    fn slice(tensor: &HostTensor) -> Option<&[Self]> {
        match tensor.data() {
            Data::F64(v) => Some(v),
            _ => None,
        }
    }
    fn data(elements: Vec<Self>) -> Data {
        Data::F64(Arc::new(elements))
    }
    fn shelf(pool: &mut Pool) -> &mut Shelf<Self> {
        pool.double()
    }
}
