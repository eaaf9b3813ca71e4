//! One dataset of an HDF5 file: what it holds, and its values.

use super::said;
use crate::data::numbers::{Kind, Stored};
use crate::{HostTensor, Shape};
use hdf5_reader::messages::datatype::ReferenceType;
use hdf5_reader::{ByteOrder, Datatype};

/// A dataset.
pub(in crate::data) struct Dataset(pub(super) hdf5_reader::Dataset);

impl Dataset {
    /// The extents as the file states them; those that no memory could hold are the largest number.
    pub(in crate::data) fn extents(&self) -> Vec<usize> {
        self.0.shape().iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect()
    }

    /// The extents, or what the dataset holds where it does not hold numbers.
    pub(in crate::data) fn about(&self) -> String {
        let what = match self.0.dtype() {
            _ if self.is_numeric() => return format!("{:?}", self.0.shape()),
            Datatype::String { .. } | Datatype::VarLen { .. } => "text",
            Datatype::Compound { .. } => "records",
            Datatype::Reference { .. } => "references",
            Datatype::Enum { .. } => "codes",
            _ => "no numbers",
        };
        format!("({what})")
    }

    /// True where the elements are numbers or truth values.
    pub(in crate::data) fn is_numeric(&self) -> bool {
        kind(self.0.dtype()).is_some()
    }

    /// The elements in the order of the file, in single precision where it holds them as they are, else in double precision.
    pub(in crate::data) fn values(&self) -> Result<HostTensor, String> {
        let extents = self.extents();
        let shape = Shape::try_new(&extents).ok_or_else(|| format!("{} axes: at most 8 are possible", extents.len()))?;
        let (kind, values) = self.numbers()?;
        let values = HostTensor::real(shape, values).map_err(|e| e.to_string())?;
        Ok(if kind.fits_single() { values.to_real::<f32>() } else { values })
    }

    /// The type of the elements, and the elements in the order of the file.
    pub(in crate::data) fn numbers(&self) -> Result<(Kind, Vec<f64>), String> {
        let (kind, big_endian) = kind(self.0.dtype()).ok_or_else(|| format!("holds {}: numbers are expected", self.about()))?;
        self.check_bits(kind)?;
        let bytes = self.0.read_raw_bytes().map_err(said)?;
        Ok((kind, Stored { kind, big_endian, bytes: &bytes }.doubles()))
    }

    /// The texts, one for each element.
    pub(in crate::data) fn texts(&self) -> Result<Vec<String>, String> {
        self.0.read_strings().map_err(said)
    }

    /// The address of the object, by which references name it.
    pub(super) fn address(&self) -> u64 {
        self.0.address()
    }

    /// The bytes of the elements.
    pub(in crate::data) fn bytes(&self) -> usize {
        self.0.raw_byte_len().unwrap_or(usize::MAX)
    }

    /// The addresses to which a dataset of references to objects leads; `None` for other datasets.
    pub(in crate::data) fn references(&self) -> Result<Option<Vec<u64>>, String> {
        let Datatype::Reference { ref_type: ReferenceType::Object, size: 8 } = self.0.dtype() else { return Ok(None) };
        let bytes = self.0.read_raw_bytes().map_err(said)?;
        Ok(Some(Stored { kind: Kind::U64, big_endian: false, bytes: &bytes }.elements()))
    }

    /// The text of an attribute; `None` where there is none of this name, or it is no text.
    pub(in crate::data) fn attribute(&self, name: &str) -> Option<String> {
        self.0.attribute(name).ok()?.read_string().ok()
    }

    /// The number of an attribute; `None` where there is none of this name, or it is no number.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.0.attribute(name).ok()?.read_as_f64().ok()
    }

    /// True for an empty MATLAB value, of which the dataset holds the extents.
    pub(in crate::data) fn is_empty_in_matlab(&self) -> bool {
        self.number("MATLAB_empty") == Some(1.0)
    }

    /// Checks that every bit of an element is of the number, and that the parts of a floating-point number lie as IEEE 754 puts them
    /// (section IV.A.2.d of the specification). The crate hands out the bytes of others, such as bfloat16, without a word.
    fn check_bits(&self, kind: Kind) -> Result<(), String> {
        let message = self.0.raw_datatype().map_err(said)?;
        // The enumeration of truth values has its base type after its own head.
        if matches!(self.0.dtype(), Datatype::Enum { .. }) {
            return Ok(());
        }
        let properties = message.get(8..).unwrap_or_default();
        let bits = (kind.bytes() * 8) as u16;
        let whole = [0, 0, bits.to_le_bytes()[0], bits.to_le_bytes()[1]];
        let parts: &[u8] = match kind {
            Kind::F16 => &[10, 5, 0, 10, 15, 0, 0, 0],
            Kind::F32 => &[23, 8, 0, 23, 127, 0, 0, 0],
            Kind::F64 => &[52, 11, 0, 52, 255, 3, 0, 0],
            _ => &[],
        };
        match properties.starts_with(&[&whole, parts].concat()) {
            true => Ok(()),
            false => {
                Err("the elements' bits are laid out in an unusual way: numbers of 8, 16, 32 or 64 bits are read, IEEE 754's floats".into())
            }
        }
    }
}

/// The type of stored numbers, and whether their bytes are big-endian; `None` for other types.
fn kind(datatype: &Datatype) -> Option<(Kind, bool)> {
    match datatype {
        Datatype::FloatingPoint { size, byte_order } => {
            let kind = match size {
                2 => Kind::F16,
                4 => Kind::F32,
                8 => Kind::F64,
                _ => return None,
            };
            Some((kind, *byte_order == ByteOrder::BigEndian))
        }
        Datatype::FixedPoint { size, signed, byte_order } => {
            let kind = match (size, signed) {
                (1, true) => Kind::I8,
                (1, false) => Kind::U8,
                (2, true) => Kind::I16,
                (2, false) => Kind::U16,
                (4, true) => Kind::I32,
                (4, false) => Kind::U32,
                (8, true) => Kind::I64,
                (8, false) => Kind::U64,
                _ => return None,
            };
            Some((kind, *byte_order == ByteOrder::BigEndian))
        }
        // h5py writes truth values as an enumeration of these two.
        Datatype::Enum { base, members } => {
            let truth = members.len() == 2
                && ["FALSE", "TRUE"]
                    .iter()
                    .enumerate()
                    .all(|(i, name)| members.iter().any(|m| m.name == *name && m.value.first() == Some(&(i as u8))));
            if truth && matches!(**base, Datatype::FixedPoint { size: 1, .. }) { kind(base) } else { None }
        }
        _ => None,
    }
}
