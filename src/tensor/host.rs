//! Values in the host's memory.

use super::{DType, Real, Shape, TensorType, buffer, filled};
use crate::{Error, Result};
use half::f16;
use ndarray::{ArrayD, ArrayViewD, IxDyn};
use std::ops::Range;
use std::sync::Arc;

/// Elements, row-major. `F64` is an f32 tensor held in double precision, as the f64 executor does.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    F32(Arc<Vec<f32>>),
    F64(Arc<Vec<f64>>),
    I32(Arc<Vec<i32>>),
    U32(Arc<Vec<u32>>),
    F16(Arc<Vec<f16>>),
}

/// A value in the host's memory: contiguous, row-major, cheap to clone.
///
/// ```
/// use tapetum::{HostTensor, TensorType};
///
/// let x = HostTensor::f32([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(x.ty(), TensorType::f32([2, 3]));
/// assert_eq!(x.reshaped([6])?.to_f64_vec()[4], 5.0);
/// // As many elements as the shape has.
/// assert!(HostTensor::f32([2, 3], vec![1.0]).is_err());
/// # Ok::<(), tapetum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HostTensor {
    shape: Shape,
    data: Data,
}

/// Runs a body written once for the precision of `inputs`, with that precision named by the identifier given.
macro_rules! real_inputs {
    ($inputs:expr, $R:ident => $body:expr) => {
        if $inputs.iter().any($crate::HostTensor::is_f64) {
            #[allow(dead_code, reason = "a body may leave the name of its precision to inference")]
            type $R = f64;
            $body
        } else {
            #[allow(dead_code, reason = "a body may leave the name of its precision to inference")]
            type $R = f32;
            $body
        }
    };
}
pub(crate) use real_inputs;

impl HostTensor {
    /// An f32 tensor of `shape` from its elements, row-major.
    ///
    /// # Errors
    /// Where the number of elements is not the shape's.
    pub fn f32(shape: impl Into<Shape>, elements: Vec<f32>) -> Result<Self> {
        Self::checked(shape.into(), elements.len(), Data::F32(Arc::new(elements)))
    }

    /// An i32 tensor. Errors as [`HostTensor::f32`].
    pub fn i32(shape: impl Into<Shape>, elements: Vec<i32>) -> Result<Self> {
        Self::checked(shape.into(), elements.len(), Data::I32(Arc::new(elements)))
    }

    /// A u32 tensor. Errors as [`HostTensor::f32`].
    pub fn u32(shape: impl Into<Shape>, elements: Vec<u32>) -> Result<Self> {
        Self::checked(shape.into(), elements.len(), Data::U32(Arc::new(elements)))
    }

    /// An f16 tensor. Errors as [`HostTensor::f32`].
    pub fn f16(shape: impl Into<Shape>, elements: Vec<f16>) -> Result<Self> {
        Self::checked(shape.into(), elements.len(), Data::F16(Arc::new(elements)))
    }

    /// A tensor of either precision. Errors as [`HostTensor::f32`].
    pub fn real<R: Real>(shape: impl Into<Shape>, elements: Vec<R>) -> Result<Self> {
        Self::checked(shape.into(), elements.len(), R::data(elements))
    }

    /// An f32 scalar.
    pub fn scalar(value: f32) -> Self {
        Self { shape: [].into(), data: Data::F32(Arc::new(vec![value])) }
    }

    /// An f32 tensor filled with `value`.
    pub fn full(shape: impl Into<Shape>, value: f32) -> Self {
        let shape = shape.into();
        Self { shape, data: Data::F32(Arc::new(vec![value; shape.elements()])) }
    }

    /// All zero bits.
    pub fn zeros(ty: TensorType) -> Self {
        let n = ty.shape.elements();
        let data = match ty.dtype {
            DType::F32 => Data::F32(Arc::new(vec![0.0; n])),
            DType::I32 => Data::I32(Arc::new(vec![0; n])),
            DType::U32 => Data::U32(Arc::new(vec![0; n])),
            DType::F16 => Data::F16(Arc::new(vec![f16::ZERO; n])),
        };
        Self { shape: ty.shape, data }
    }

    /// A tensor of `shape`, of the element type and the precision of this one, whose elements have no particular value: who asks writes each.
    pub(crate) fn blank(&self, shape: Shape) -> Self {
        let n = shape.elements();
        let data = match self.data {
            Data::F32(_) => f32::data(buffer(n)),
            Data::F64(_) => f64::data(buffer(n)),
            _ => return Self::zeros(TensorType::new(self.dtype(), shape)),
        };
        Self { shape, data }
    }

    /// The same filled with `value`, or with zeros where the elements are not real.
    pub(crate) fn filled(&self, shape: Shape, value: f32) -> Self {
        let n = shape.elements();
        let data = match self.data {
            Data::F32(_) => f32::data(filled(n, value)),
            Data::F64(_) => f64::data(filled(n, f64::from(value))),
            _ => return Self::zeros(TensorType::new(self.dtype(), shape)),
        };
        Self { shape, data }
    }

    /// A tensor from an array of either precision, in whatever memory order.
    pub fn from_array<R: Real>(array: ArrayD<R>) -> Result<Self> {
        let shape = Shape::try_new(array.shape())
            .ok_or_else(|| Error::argument(format!("an array of {} axes: at most 8 are possible", array.ndim())))?;
        let elements = if array.is_standard_layout() { array.into_raw_vec_and_offset().0 } else { array.iter().copied().collect() };
        Self::real(shape, elements)
    }

    /// A tensor on a device's bytes.
    pub fn from_bytes(ty: TensorType, bytes: &[u8]) -> Result<Self> {
        let n = ty.shape.elements();
        let expected = n.saturating_mul(ty.dtype.bytes());
        let short = || Error::argument(format!("{} bytes for a tensor {ty}: {expected} expected", bytes.len()));
        let bytes = bytes.get(..expected).ok_or_else(short)?;
        let data = match ty.dtype {
            DType::F32 => Data::F32(Arc::new(bytemuck::pod_collect_to_vec(bytes))),
            DType::I32 => Data::I32(Arc::new(bytemuck::pod_collect_to_vec(bytes))),
            DType::U32 => Data::U32(Arc::new(bytemuck::pod_collect_to_vec(bytes))),
            DType::F16 => Data::F16(Arc::new(bytemuck::pod_collect_to_vec(bytes))),
        };
        Ok(Self { shape: ty.shape, data })
    }

    /// The bytes a device stores; `None` for a tensor held in double precision.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.data {
            Data::F32(v) => Some(bytemuck::cast_slice(v)),
            Data::I32(v) => Some(bytemuck::cast_slice(v)),
            Data::U32(v) => Some(bytemuck::cast_slice(v)),
            Data::F16(v) => Some(bytemuck::cast_slice(v)),
            Data::F64(_) => None,
        }
    }

    fn checked(shape: Shape, n: usize, data: Data) -> Result<Self> {
        if shape.elements() != n {
            return Err(Error::argument(format!("{n} elements for a tensor of shape {shape}: {} expected", shape.elements())));
        }
        Ok(Self { shape, data })
    }

    pub(crate) fn into_data(self) -> Data {
        self.data
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    /// The extents.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The element type; f32 for a tensor held in double precision.
    pub fn dtype(&self) -> DType {
        match self.data {
            Data::F32(_) | Data::F64(_) => DType::F32,
            Data::I32(_) => DType::I32,
            Data::U32(_) => DType::U32,
            Data::F16(_) => DType::F16,
        }
    }

    /// Element type and shape.
    pub fn ty(&self) -> TensorType {
        TensorType { dtype: self.dtype(), shape: self.shape }
    }

    /// True where the elements are held in double precision.
    pub fn is_f64(&self) -> bool {
        matches!(self.data, Data::F64(_))
    }

    /// The elements, where they are of precision `R`.
    ///
    /// # Errors
    /// Where they are not.
    pub fn elements<R: Real>(&self) -> Result<&[R]> {
        R::slice(self).ok_or_else(|| Error::argument(format!("a tensor {} where another element type is expected", self.ty())))
    }

    /// The same elements as an array view.
    pub fn view<R: Real>(&self) -> Result<ArrayViewD<'_, R>> {
        let elements = self.elements()?;
        // The shape was checked against the number of elements when the tensor was made.
        ArrayViewD::from_shape(IxDyn(&self.shape), elements).map_err(|e| Error::argument(e.to_string()))
    }

    /// The elements of an i32 tensor.
    pub fn as_i32(&self) -> Option<&[i32]> {
        if let Data::I32(v) = &self.data { Some(v) } else { None }
    }

    /// The elements of a u32 tensor.
    pub fn as_u32(&self) -> Option<&[u32]> {
        if let Data::U32(v) = &self.data { Some(v) } else { None }
    }

    /// The elements of an f32 tensor.
    pub fn as_f32(&self) -> Option<&[f32]> {
        if let Data::F32(v) = &self.data { Some(v) } else { None }
    }

    /// Every element in double precision, whatever the type.
    pub fn to_f64_vec(&self) -> Vec<f64> {
        self.doubles(0..self.shape.elements())
    }

    /// The elements in `range`, row-major, in double precision.
    pub(crate) fn doubles(&self, range: Range<usize>) -> Vec<f64> {
        match &self.data {
            Data::F32(v) => v[range].iter().map(|&x| f64::from(x)).collect(),
            Data::F64(v) => v[range].to_vec(),
            Data::I32(v) => v[range].iter().map(|&x| f64::from(x)).collect(),
            Data::U32(v) => v[range].iter().map(|&x| f64::from(x)).collect(),
            Data::F16(v) => v[range].iter().map(|x| x.to_f64()).collect(),
        }
    }

    /// The one element of a tensor that has no more, in double precision.
    ///
    /// # Errors
    /// Where it has more than one element, or none.
    pub fn item(&self) -> Result<f64> {
        match self.to_f64_vec()[..] {
            [item] => Ok(item),
            _ => Err(Error::argument(format!("a tensor of one element expected, found {}", self.ty()))),
        }
    }

    /// True where a real element meets `test`; integers do not.
    pub(crate) fn any(&self, test: impl Fn(f64) -> bool) -> bool {
        match &self.data {
            Data::F32(v) => v.iter().any(|&x| test(f64::from(x))),
            Data::F64(v) => v.iter().any(|&x| test(x)),
            Data::F16(v) => v.iter().any(|x| test(x.to_f64())),
            Data::I32(_) | Data::U32(_) => false,
        }
    }

    /// A copy whose real elements are of precision `R`; integers as they are. f16 widens too.
    pub fn to_real<R: Real>(&self) -> Self {
        let data = match &self.data {
            Data::I32(_) | Data::U32(_) => self.data.clone(),
            _ if R::slice(self).is_some() => self.data.clone(),
            Data::F32(v) => R::data(v.iter().map(|&x| R::of(f64::from(x))).collect()),
            Data::F64(v) => R::data(v.iter().map(|&x| R::of(x)).collect()),
            Data::F16(v) => R::data(v.iter().map(|x| R::of(x.to_f64())).collect()),
        };
        Self { shape: self.shape, data }
    }

    /// Changes the elements given those of another tensor of the same element type; a closure for each of f32, f64, i32, u32.
    pub(crate) fn zip_mut(
        &mut self,
        other: &Self,
        f32: impl FnOnce(&mut [f32], &[f32]),
        f64: impl FnOnce(&mut [f64], &[f64]),
        i32: impl FnOnce(&mut [i32], &[i32]),
        u32: impl FnOnce(&mut [u32], &[u32]),
    ) -> Result<()> {
        match (&mut self.data, &other.data) {
            (Data::F32(y), Data::F32(x)) => f32(Arc::make_mut(y).as_mut_slice(), x),
            (Data::F64(y), Data::F64(x)) => f64(Arc::make_mut(y).as_mut_slice(), x),
            (Data::I32(y), Data::I32(x)) => i32(Arc::make_mut(y).as_mut_slice(), x),
            (Data::U32(y), Data::U32(x)) => u32(Arc::make_mut(y).as_mut_slice(), x),
            _ => return Err(Error::argument(format!("tensors {} and {} are not of one element type", self.ty(), other.ty()))),
        }
        Ok(())
    }

    /// The same elements under another shape of equal size.
    pub fn reshaped(&self, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        Self::checked(shape, self.shape.elements(), self.data.clone())
    }
}

impl From<f32> for HostTensor {
    fn from(value: f32) -> Self {
        Self::scalar(value)
    }
}

/// Elements that are printed in full; of larger tensors the first and last of each axis are.
const PRINTED: usize = 1000;
const EDGE: usize = 3;

/// As NumPy prints: nested brackets, a row a line, `...` where a large tensor is cut. A precision (`{:.3}`) holds for each element.
impl std::fmt::Display for HostTensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.print(f, 0, 0)
    }
}

impl HostTensor {
    /// Prints what lies behind `at` leading indices, the first element of which is `first`.
    fn print(&self, f: &mut std::fmt::Formatter<'_>, at: usize, first: usize) -> std::fmt::Result {
        let Some(&extent) = self.shape.get(at) else { return self.print_element(f, first) };
        let each: usize = self.shape[at + 1..].iter().product();
        let cut = self.shape.elements() > PRINTED && extent > 2 * EDGE;
        let last_axis = at + 1 == self.shape.rank();
        f.write_str("[")?;
        for i in (0..extent).filter(|&i| !cut || i <= EDGE || i >= extent - EDGE) {
            match (i, last_axis) {
                (0, _) => {}
                (_, true) => f.write_str(", ")?,
                (_, false) => write!(f, ",\n{:at$} ", "")?,
            }
            if cut && i == EDGE {
                f.write_str("...")?;
            } else {
                self.print(f, at + 1, first + i * each)?;
            }
        }
        f.write_str("]")
    }

    fn print_element(&self, f: &mut std::fmt::Formatter<'_>, at: usize) -> std::fmt::Result {
        use std::fmt::Display;
        match &self.data {
            Data::F32(v) => v[at].fmt(f),
            Data::F64(v) => v[at].fmt(f),
            Data::I32(v) => v[at].fmt(f),
            Data::U32(v) => v[at].fmt(f),
            Data::F16(v) => v[at].to_f32().fmt(f),
        }
    }
}
