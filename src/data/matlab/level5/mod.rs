//! MATLAB files of version 5 to 7.2, from *MAT-File Format* of The MathWorks (level 5): elements, each with its type and its length, some
//! deflated, and arrays that are elements made of elements.

mod array;
mod element;

use super::{Value, Variable};
use array::{array, label};
use element::{COMPRESSED, Elements, MATRIX, inflated};

/// The bytes of a file's head.
pub(super) const HEAD: usize = 128;
/// The bytes of an inflated array that are enough for its class, its extents and its name.
const LABEL: u64 = 4096;

/// The kind of a file, as its head states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Level5,
    /// Version 7.3: an HDF5 file after 512 bytes.
    Hdf5,
}

/// The version that the head of a file states.
///
/// # Errors
/// Returns a message where the bytes are not the head of a MATLAB file of version 5 to 7.3.
pub(super) fn version(head: &[u8]) -> Result<Version, String> {
    if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Ok(Version::Hdf5);
    }
    let Some(head) = head.get(..HEAD) else {
        return Err(format!("a MATLAB file expected: its head takes {HEAD} bytes, and there are {}", head.len()));
    };
    match (&head[124..126], &head[126..128]) {
        (_, b"IM" | b"MI") if head[124..126].contains(&2) => Ok(Version::Hdf5),
        (_, b"IM" | b"MI") => Ok(Version::Level5),
        _ if head[..4].contains(&0) => Err("a MATLAB file of version 4, or none: save it in MATLAB by `save -v7`".into()),
        _ => Err("a MATLAB file of version 5 to 7.3 expected: its head is another".into()),
    }
}

/// The variables of a file, and where they stand in its bytes.
pub(in crate::data) struct File {
    bytes: Vec<u8>,
    big_endian: bool,
    variables: Vec<Variable>,
    /// The first byte and the number of bytes of each variable's element, with its type.
    places: Vec<(u32, usize, usize)>,
}

impl File {
    /// Lists the variables.
    ///
    /// # Errors
    /// Returns a message where the file is cut short or damaged.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, String> {
        let big_endian = bytes.get(126..128) == Some(b"MI");
        let mut file = Self { bytes: bytes.to_vec(), big_endian, variables: Vec::new(), places: Vec::new() };
        let mut elements = Elements { bytes, at: HEAD, big_endian };
        while elements.at < bytes.len() {
            let element = elements.next()?;
            let place = (element.ty, elements.at - element.taken, element.bytes.len());
            if !matches!(element.ty, MATRIX | COMPRESSED) {
                continue;
            }
            let label = match element.ty {
                // The head of the array stands before its label.
                COMPRESSED => label(inflated(element.bytes, LABEL)?.get(8..).unwrap_or_default(), big_endian)?,
                _ => label(element.bytes, big_endian)?,
            };
            // MATLAB keeps what belongs to objects in a variable without a name.
            if !label.name.is_empty() {
                file.variables.push(label.variable());
                file.places.push((place.0, place.1 + element.head, place.2));
            }
        }
        Ok(file)
    }

    pub(super) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The value of the variable at this place of the list.
    pub(super) fn read(&self, at: usize) -> Result<Value, String> {
        let (ty, from, length) = self.places[at];
        let bytes = self.bytes.get(from..from + length).ok_or("cut short")?;
        if ty == MATRIX {
            return array(bytes, self.big_endian, 0);
        }
        let whole = inflated(bytes, u64::MAX)?;
        let element = Elements { bytes: &whole, at: 0, big_endian: self.big_endian }.next()?;
        if element.ty != MATRIX {
            Err(format!("an array expected, found an element of type {}", element.ty))
        } else {
            array(element.bytes, self.big_endian, 0)
        }
    }
}
