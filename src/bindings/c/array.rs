//! Arrays in the caller's memory, read by pointer, shape and strides, and buffers that results are copied into.

use super::border::null;
use crate::tensor::{Data, MAX_RANK};
use crate::{DType, Error, HostTensor, Result, Shape, TensorType};
use std::ffi::c_void;

/// The most axes of an array.
pub const TAPETUM_MAX_RANK: usize = 8;

/// The type of an array's elements.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TapetumDtype {
    /// `float`.
    F32 = 0,
    /// `double`.
    F64 = 1,
    /// `int32_t`.
    I32 = 2,
    /// `uint32_t`.
    U32 = 3,
}

impl TapetumDtype {
    const ALL: [Self; 4] = [Self::F32, Self::F64, Self::I32, Self::U32];

    fn of(number: u32, argument: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|dtype| *dtype as u32 == number);
        found.ok_or_else(|| Error::argument(format!("{argument}: a tapetum_dtype from 0 to 3 is expected, found {number}")))
    }

    fn bytes(self) -> usize {
        if self == Self::F64 { 8 } else { 4 }
    }

    fn name(self) -> &'static str {
        ["float", "double", "int32_t", "uint32_t"][self as usize]
    }
}

/// An array: where its elements lie, their type, and its shape, outermost axis first.
///
/// Set it to zero, then what is needed: `tapetum_array series = {.elements = x, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {time,
/// regions}};`. An array that is given to a function is read during the call and never kept. An array that a function returns points into
/// what it is of, and is valid until that is freed.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct TapetumArray {
    /// The element at the beginning of every axis. It may be NULL where an extent is 0.
    elements: *const c_void,
    /// A `tapetum_dtype`.
    dtype: u32,
    /// The number of axes, from 0 (a scalar) to `TAPETUM_MAX_RANK`.
    rank: u32,
    /// The extent of each axis.
    shape: [usize; TAPETUM_MAX_RANK],
    /// The number of elements, not of bytes, from one index of each axis to the next. They may be negative. All 0 stands for row-major
    /// order without gaps.
    strides: [isize; TAPETUM_MAX_RANK],
}

/// `const tapetum_array *`: NULL, or several arrays.
#[repr(transparent)]
pub struct Arrays(*const TapetumArray);

/// `void *`: memory of the caller's for elements.
#[repr(transparent)]
pub struct Buffer(*mut c_void);

const _: () = assert!(TAPETUM_MAX_RANK == MAX_RANK);

/// An array that was checked: elements can be read wherever shape and strides reach.
struct Checked {
    elements: *const c_void,
    shape: Vec<usize>,
    strides: Vec<isize>,
    count: usize,
}

impl TapetumArray {
    /// The type and shape of a value, and its elements where it is held in memory.
    pub(super) fn of(ty: TensorType, is_f64: bool, elements: *const c_void) -> Self {
        let dtype = match ty.dtype {
            DType::F32 | DType::F16 if is_f64 => TapetumDtype::F64,
            DType::F32 | DType::F16 => TapetumDtype::F32,
            DType::I32 => TapetumDtype::I32,
            DType::U32 => TapetumDtype::U32,
        };
        let mut made = Self { elements, dtype: dtype as u32, rank: ty.shape.rank() as u32, shape: [0; MAX_RANK], strides: [0; MAX_RANK] };
        made.shape[..ty.shape.rank()].copy_from_slice(&ty.shape);
        made
    }

    /// The elements of a value in memory, which must outlive the array.
    pub(super) fn view(value: &HostTensor) -> Self {
        let elements = match value.data() {
            Data::F32(x) => x.as_ptr().cast(),
            Data::F64(x) => x.as_ptr().cast(),
            Data::I32(x) => x.as_ptr().cast(),
            Data::U32(x) => x.as_ptr().cast(),
            Data::F16(x) => x.as_ptr().cast(),
        };
        Self::of(value.ty(), value.is_f64(), elements)
    }

    /// The element type, and the shape.
    fn described(&self, argument: &str) -> Result<(TapetumDtype, Shape)> {
        let dtype = TapetumDtype::of(self.dtype, &format!("{argument}.dtype"))?;
        let extents = self.shape.get(..self.rank as usize);
        let shape = extents.and_then(Shape::try_new);
        let shape =
            shape.ok_or_else(|| Error::argument(format!("{argument}.rank: {} axes, and at most {MAX_RANK} are possible", self.rank)))?;
        Ok((dtype, shape))
    }

    /// The type of a tape's value of this array; `double` stands for values in single precision.
    pub(super) fn ty(&self, argument: &str) -> Result<TensorType> {
        let (dtype, shape) = self.described(argument)?;
        let dtype = match dtype {
            TapetumDtype::F32 | TapetumDtype::F64 => DType::F32,
            TapetumDtype::I32 => DType::I32,
            TapetumDtype::U32 => DType::U32,
        };
        Ok(TensorType::new(dtype, shape))
    }

    /// Checks that all of it can be addressed.
    fn checked(&self, argument: &str) -> Result<(TapetumDtype, Checked)> {
        let (dtype, shape) = self.described(argument)?;
        let most = isize::MAX as usize / dtype.bytes();
        if shape.contains(&0) {
            let checked = Checked { elements: self.elements, shape: shape.to_vec(), strides: vec![0; shape.rank()], count: 0 };
            return Ok((dtype, checked));
        }
        let count = shape.iter().try_fold(1usize, |count, extent| count.checked_mul(*extent)).filter(|count| *count <= most);
        let count = count.ok_or_else(|| Error::argument(format!("{argument}.shape: {shape} is of more elements than memory holds")))?;
        let mut strides = self.strides[..shape.rank()].to_vec();
        if strides.iter().all(|stride| *stride == 0) {
            let mut step = 1;
            for (stride, extent) in strides.iter_mut().zip(shape.iter()).rev() {
                *stride = step;
                step *= *extent as isize;
            }
        }
        // Either way along every axis, so that no partial sum of offsets leaves what is addressed.
        let along = |(stride, extent): (&isize, &usize)| stride.unsigned_abs().checked_mul(extent - 1);
        let reach = strides.iter().zip(shape.iter()).try_fold(0usize, |sum, axis| sum.checked_add(along(axis)?));
        if reach.is_none_or(|reach| reach > most) {
            return Err(Error::argument(format!("{argument}.strides: {strides:?} of shape {shape} reach farther than memory")));
        }
        check_pointer(self.elements, dtype, &format!("{argument}.elements"))?;
        Ok((dtype, Checked { elements: self.elements, shape: shape.to_vec(), strides, count }))
    }

    fn copied(dtype: TapetumDtype, of: &Checked, argument: &str) -> Result<HostTensor> {
        let shape =
            Shape::try_new(&of.shape).ok_or_else(|| Error::argument(format!("{argument}: at most {MAX_RANK} axes are possible")))?;
        match dtype {
            TapetumDtype::F32 => HostTensor::f32(shape, of.gather()),
            TapetumDtype::F64 => HostTensor::real::<f64>(shape, of.gather()),
            TapetumDtype::I32 => HostTensor::i32(shape, of.gather()),
            TapetumDtype::U32 => HostTensor::u32(shape, of.gather()),
        }
    }

    /// A copy of the array.
    pub(super) fn tensor(&self, argument: &str) -> Result<HostTensor> {
        let (dtype, checked) = self.checked(argument)?;
        Self::copied(dtype, &checked, argument)
    }

    /// A copy of real numbers.
    pub(super) fn real(&self, argument: &str) -> Result<HostTensor> {
        let copy = self.tensor(argument)?;
        match copy.dtype() {
            DType::F32 => Ok(copy),
            _ => Err(Error::argument(format!("{argument}.dtype: float or double is expected, found {}", copy.dtype()))),
        }
    }

    /// A copy of series `[time, regions]` as a tape has them, `[regions, time]`.
    pub(super) fn series(&self, argument: &str) -> Result<HostTensor> {
        let (dtype, mut checked) = self.checked(argument)?;
        if checked.shape.len() != 2 {
            return Err(Error::argument(format!("{argument}: [time, regions] is expected, found an array of shape {:?}", checked.shape)));
        }
        if !matches!(dtype, TapetumDtype::F32 | TapetumDtype::F64) {
            return Err(Error::argument(format!("{argument}.dtype: float or double is expected, found {}", dtype.name())));
        }
        checked.shape.swap(0, 1);
        checked.strides.swap(0, 1);
        Self::copied(dtype, &checked, argument)
    }
}

/// Checks a pointer to elements.
fn check_pointer(elements: *const c_void, dtype: TapetumDtype, argument: &str) -> Result<()> {
    if elements.is_null() {
        return Err(null(argument));
    }
    if !elements.addr().is_multiple_of(dtype.bytes()) {
        return Err(Error::argument(format!("{argument}: an address that {} can have is expected, found {elements:?}", dtype.name())));
    }
    Ok(())
}

impl Checked {
    /// The elements in row-major order.
    fn gather<T: Copy>(&self) -> Vec<T> {
        let mut made = Vec::with_capacity(self.count);
        let Some((&last, front)) = self.shape.split_last() else {
            // SAFETY: a scalar is one element, and `elements` was checked to be neither null nor misaligned.
            made.push(unsafe { *self.elements.cast::<T>() });
            return made;
        };
        if self.count == 0 {
            return made;
        }
        let stride = self.strides[front.len()];
        let mut index = vec![0; front.len()];
        loop {
            let offset: isize = index.iter().zip(&self.strides).map(|(i, stride)| *i as isize * stride).sum();
            // SAFETY: the caller of C promises that every element of shape and strides can be read, and the offsets were checked not to
            // leave what is addressed; the pointer is neither null nor misaligned.
            let row = unsafe { self.elements.cast::<T>().offset(offset) };
            if stride == 1 {
                // SAFETY: as above, for `last` elements that follow one another.
                made.extend_from_slice(unsafe { std::slice::from_raw_parts(row, last) });
            } else {
                // SAFETY: as above.
                made.extend((0..last as isize).map(|i| unsafe { *row.offset(i * stride) }));
            }
            let Some(axis) = (0..front.len()).rev().find(|&axis| index[axis] + 1 < front[axis]) else { return made };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }
}

impl Arrays {
    /// The `count` arrays.
    pub(super) fn read(&self, count: usize, argument: &str) -> Result<&[TapetumArray]> {
        if count == 0 {
            return Ok(&[]);
        }
        if self.0.is_null() {
            return Err(null(argument));
        }
        if count > isize::MAX as usize / size_of::<TapetumArray>() || !self.0.is_aligned() {
            return Err(Error::argument(format!("{argument}: {count} arrays cannot lie at {:?}", self.0)));
        }
        // SAFETY: the pointer is neither null nor misaligned, and only C makes one: as many arrays as it says lie there and outlive `self`.
        Ok(unsafe { std::slice::from_raw_parts(self.0, count) })
    }
}

impl Buffer {
    /// Copies a value into the buffer, which has room for `capacity` elements of type `dtype`: those of the value, or `double` for `float`.
    pub(super) fn fill(&self, dtype: u32, capacity: usize, value: &HostTensor) -> Result<()> {
        let dtype = TapetumDtype::of(dtype, "dtype")?;
        let count = value.shape().elements();
        if capacity < count {
            let what = format!("capacity: room for {count} elements is expected (shape {}), found room for {capacity}", value.shape());
            return Err(Error::argument(what));
        }
        if count == 0 {
            return Ok(());
        }
        check_pointer(self.0, dtype, "elements")?;
        match (dtype, value.data()) {
            (TapetumDtype::F32, Data::F32(x)) => self.copy(x),
            (TapetumDtype::F64, Data::F64(x)) => self.copy(x),
            (TapetumDtype::I32, Data::I32(x)) => self.copy(x),
            (TapetumDtype::U32, Data::U32(x)) => self.copy(x),
            (TapetumDtype::F32, Data::F16(_)) => self.copy(value.to_real::<f32>().elements::<f32>()?),
            (TapetumDtype::F64, Data::F32(_) | Data::F16(_)) => self.copy(&value.to_f64_vec()),
            _ => {
                let wanted = if value.is_f64() { "double".to_owned() } else { value.dtype().to_string() };
                return Err(Error::argument(format!("dtype: {wanted} is expected, found {}", dtype.name())));
            }
        }
        Ok(())
    }

    fn copy<T: Copy>(&self, elements: &[T]) {
        // SAFETY: the buffer was checked to be neither null nor misaligned for `T` and, as its caller in C promises, holds as many
        // elements; the library's own memory is apart from it.
        unsafe { std::ptr::copy_nonoverlapping(elements.as_ptr(), self.0.cast::<T>(), elements.len()) }
    }
}
