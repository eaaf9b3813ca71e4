//! The NIfTI header of a matrix, as CIFTI-2 has it: the fifth and the sixth axis hold the matrix, and an extension says what its rows and
//! columns are (<https://www.nitrc.org/projects/cifti>, CIFTI-2, "NIfTI header").

use super::super::numbers::{Element, Kind};
use super::header::Fields;

/// The intents of CIFTI files.
const INTENTS: std::ops::RangeInclusive<i64> = 3000..=3099;

/// The code of the extension that holds the XML of a CIFTI file.
const EXTENSION: i32 = 32;

/// The fields of the header of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct MatrixHeader {
    pub(in super::super) intent: i64,
    /// The sixth axis and those after it, and the fifth: the rows, and the columns, which run fastest.
    pub(in super::super) extents: Vec<usize>,
    pub(in super::super) kind: Kind,
    pub(in super::super) big_endian: bool,
    /// The offset of the first value in the file, in bytes.
    pub(in super::super) start: usize,
    pub(in super::super) scale: Option<[f64; 2]>,
    /// The bytes of the header itself, after which extensions follow.
    length: usize,
}

/// The intent of a CIFTI file whose first bytes these are; `None` where they belong to another file.
pub(in super::super) fn matrix_intent(bytes: &[u8]) -> Option<i64> {
    let intent = Fields::of(bytes).ok()?.whole([68, 504], false);
    INTENTS.contains(&intent).then_some(intent)
}

impl MatrixHeader {
    /// The header from the first bytes of a file.
    pub(in super::super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let fields = Fields::of(bytes)?;
        let intent = fields.whole([68, 504], false);
        if !INTENTS.contains(&intent) {
            return Err(format!("a CIFTI file expected, found a NIfTI image of intent {intent}"));
        }
        let stated: Vec<i64> = (0..8).map(|i| fields.whole([40 + 2 * i, 16 + 8 * i], true)).collect();
        let shape = match stated[..] {
            [rank @ 6..=7, 1, 1, 1, 1, ..] => &stated[5..=rank as usize],
            _ => {
                return Err(format!(
                    "a CIFTI file expected: its header states axes {stated:?}, where [6, 1, 1, 1, 1, columns, rows] belong"
                ));
            }
        };
        let extents: Option<Vec<usize>> = shape.iter().rev().map(|&n| usize::try_from(n).ok().filter(|n| *n > 0)).collect();
        let extents = extents.ok_or_else(|| format!("a matrix of {shape:?} values: no axis may be empty"))?;
        let count = extents.iter().try_fold(16usize, |product, &n| product.checked_mul(n));
        count.ok_or_else(|| format!("a matrix of {extents:?} values does not fit in memory"))?;
        let length = fields.bytes.len();
        let (kind, start, scale) = (fields.kind()?, fields.start()?, fields.scale());
        Ok(Self { intent, extents, kind, big_endian: fields.big_endian, start, scale, length })
    }

    /// Bytes of the values.
    pub(in super::super) fn bytes(&self) -> usize {
        self.extents.iter().product::<usize>() * self.kind.bytes()
    }

    /// The XML in the extension of a file with these bytes.
    pub(in super::super) fn xml<'a>(&self, bytes: &'a [u8]) -> Result<&'a str, String> {
        let before = bytes.get(..self.start).ok_or("a CIFTI file expected: cut short before its values")?;
        let follows = before.get(self.length).is_some_and(|b| *b != 0);
        let mut rest = before.get(self.length + 4..).filter(|_| follows).unwrap_or_default();
        while let Some([size, code]) = rest.first_chunk::<8>().map(|b| [0, 4].map(|at| i32::decode(&b[at..at + 4], self.big_endian))) {
            let extension = usize::try_from(size).ok().and_then(|size| rest.get(8..size));
            let extension =
                extension.ok_or_else(|| format!("a CIFTI file expected: an extension of {size} bytes, with {} left", rest.len()))?;
            if code == EXTENSION {
                let end = extension.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
                return std::str::from_utf8(&extension[..end]).map_err(|_| "its XML is not text in UTF-8".into());
            }
            rest = &rest[extension.len() + 8..];
        }
        Err("a CIFTI-2 file expected: no extension with its XML (code 32)".into())
    }
}
