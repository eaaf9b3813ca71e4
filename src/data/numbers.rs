//! Numbers as files store them, one after the other, in either order of bytes.

use bytemuck::Pod;
use half::f16;

/// The type of a stored number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

impl Kind {
    /// Bytes of one number.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// True where single precision holds every number of this type as it is.
    pub(super) fn fits_single(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::I8 | Self::I16 | Self::U8 | Self::U16)
    }

    /// A number that was written as text, as this type holds it.
    pub(super) fn rounded(self, x: f64) -> f64 {
        if self == Self::F32 { f64::from(x as f32) } else { x }
    }
}

/// Stored numbers: their type, the order of their bytes, and the bytes, a whole number of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stored<'a> {
    pub(super) kind: Kind,
    pub(super) big_endian: bool,
    pub(super) bytes: &'a [u8],
}

impl Stored<'_> {
    /// The numbers, of the type that [`Stored::kind`] names.
    pub(super) fn elements<T: Element>(&self) -> Vec<T> {
        self.bytes.chunks_exact(size_of::<T>()).map(|bytes| T::decode(bytes, self.big_endian)).collect()
    }

    /// The numbers in double precision, which is exact except for whole numbers beyond 2^53.
    pub(super) fn doubles(&self) -> Vec<f64> {
        fn of<T: Element>(stored: &Stored<'_>, double: impl Fn(T) -> f64) -> Vec<f64> {
            stored.bytes.chunks_exact(size_of::<T>()).map(|bytes| double(T::decode(bytes, stored.big_endian))).collect()
        }
        match self.kind {
            Kind::U8 => of::<u8>(self, f64::from),
            Kind::I8 => of::<i8>(self, f64::from),
            Kind::U16 => of::<u16>(self, f64::from),
            Kind::I16 => of::<i16>(self, f64::from),
            Kind::U32 => of::<u32>(self, f64::from),
            Kind::I32 => of::<i32>(self, f64::from),
            Kind::U64 => of::<u64>(self, |x| x as f64),
            Kind::I64 => of::<i64>(self, |x| x as f64),
            Kind::F16 => of::<f16>(self, f64::from),
            Kind::F32 => of::<f32>(self, f64::from),
            Kind::F64 => of::<f64>(self, |x| x),
        }
    }
}

/// A type that files store.
pub(super) trait Element: Pod {
    /// The number that these bytes store; their count is the size of the type.
    fn decode(bytes: &[u8], big_endian: bool) -> Self {
        let mut value = Self::zeroed();
        let of = bytemuck::bytes_of_mut(&mut value);
        of.copy_from_slice(bytes);
        if big_endian != cfg!(target_endian = "big") {
            of.reverse();
        }
        value
    }
}

macro_rules! elements {
    ($($ty:ty),*) => { $(impl Element for $ty {})* };
}
elements!(u8, i8, u16, i16, u32, i32, u64, i64, f16, f32, f64);
