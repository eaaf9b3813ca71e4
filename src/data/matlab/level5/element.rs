//! Elements of a MATLAB file: a type, a length, and bytes.

use flate2::bufread::ZlibDecoder;
use std::io::Read;

/// The types of elements that are no single numbers: an array, and a deflated element.
pub(super) const MATRIX: u32 = 14;
pub(super) const COMPRESSED: u32 = 15;

/// An element: its type, its bytes, and the bytes that its head, and it as a whole, take.
pub(super) struct Element<'a> {
    pub(super) ty: u32,
    pub(super) bytes: &'a [u8],
    pub(super) head: usize,
    pub(super) taken: usize,
}

/// The elements one after the other.
pub(super) struct Elements<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) big_endian: bool,
}

impl<'a> Elements<'a> {
    /// The whole number of four bytes at this place.
    pub(super) fn word(&self, at: usize) -> Result<u32, String> {
        let bytes: [u8; 4] = self.bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).ok_or_else(|| self.short())?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn short(&self) -> String {
        format!("cut short: an element expected at byte {} of {}", self.at, self.bytes.len())
    }

    /// The next element.
    pub(super) fn next(&mut self) -> Result<Element<'a>, String> {
        let first = self.word(self.at)?;
        // Up to four bytes of data lie in the head itself, whose first half is then their number.
        let (ty, length, head) = match first >> 16 {
            0 => (first, self.word(self.at + 4)? as usize, 8),
            small => (first & 0xffff, small as usize, 4),
        };
        let from = self.at + head;
        let bytes = from.checked_add(length).and_then(|to| self.bytes.get(from..to));
        let Some(bytes) = bytes.filter(|_| head == 8 || length <= 4) else {
            return Err(format!("cut short: an element of {length} bytes at byte {} of {}", self.at, self.bytes.len()));
        };
        let padded = match (head, ty) {
            (4, _) => 8,
            (_, COMPRESSED) => head + length,
            _ => head + length.next_multiple_of(8),
        };
        // The last element of a file may lack its padding.
        let taken = padded.min(self.bytes.len() - self.at);
        self.at += taken;
        Ok(Element { ty, bytes, head, taken })
    }
}

/// Inflates up to so many bytes of an element.
pub(super) fn inflated(bytes: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let mut inflated = Vec::new();
    match ZlibDecoder::new(bytes).take(most).read_to_end(&mut inflated) {
        Ok(_) => Ok(inflated),
        Err(e) => Err(format!("a deflated variable is damaged: {e}")),
    }
}
