//! The header of a `.npy` file: a Python dictionary as text (NumPy Enhancement Proposal 1).

use super::super::numbers::Kind;
use crate::Shape;
use crate::tensor::MAX_RANK;

pub(super) const READ: &str = "f16, f32, f64, bool and integers of 8 to 64 bits are read";

/// The shape and the type of a file's elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) shape: Shape,
    pub(super) kind: Kind,
    /// True where bytes stand for truth values: 0 is false, all others are true.
    pub(super) truth: bool,
    pub(super) big_endian: bool,
    /// True for Fortran order, in which the first axis runs fastest.
    pub(super) fortran: bool,
}

/// The number of bytes before the elements, read from the first 12 bytes of a file of `held` bytes. A length that a file states is checked
/// against the file's size before memory of that length is allocated.
pub(super) fn length(first: &[u8], held: u64) -> Result<usize, String> {
    if !first.starts_with(b"\x93NUMPY") {
        return Err("not a .npy array: it does not start with the bytes \\x93NUMPY".into());
    }
    let stated = match first.get(6..12) {
        Some(&[1, _, low, high, ..]) => 10 + usize::from(u16::from_le_bytes([low, high])),
        Some(&[2 | 3, _, a, b, c, d]) => 12 + u32::from_le_bytes([a, b, c, d]) as usize,
        Some(&[version, ..]) => return Err(format!("not a .npy array: version 1, 2 or 3 of the format is expected, found {version}")),
        _ => 12,
    };
    if held < stated as u64 {
        return Err(format!("cut short: {held} bytes where its header alone takes {stated}"));
    }
    Ok(stated)
}

impl Header {
    /// The header of a file from all its bytes before the elements.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let Described { shape, fortran, descr } = Described::parse(bytes)?;
        let shown: String = descr.chars().take(80).collect();
        if descr.starts_with('[') {
            return Err(format!("an array of records, {shown}: {READ}"));
        }
        let unread = || format!("elements of type {shown}: {READ}");
        let (big_endian, kind, truth) = kind(quoted(descr).ok_or_else(malformed)?).ok_or_else(unread)?;
        Ok(Self { shape, kind, truth, big_endian, fortran })
    }
}

/// The three entries of a header.
pub(super) struct Described<'a> {
    pub(super) shape: Shape,
    pub(super) fortran: bool,
    /// The type of the elements as Python writes it, with its quotes.
    pub(super) descr: &'a str,
}

fn malformed() -> String {
    "not a .npy array: its header is not as NumPy writes it".to_owned()
}

impl<'a> Described<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let begins = if bytes.get(6) == Some(&1) { 10 } else { 12 };
        let text = bytes.get(begins..).and_then(|b| std::str::from_utf8(b).ok()).ok_or_else(malformed)?;
        let entries = entries(text).ok_or_else(malformed)?;
        let value = |key: &str| entries.iter().find(|(k, _)| *k == key).map(|(_, v)| *v).ok_or_else(malformed);
        let fortran = match value("fortran_order")? {
            "True" => true,
            "False" => false,
            _ => return Err(malformed()),
        };
        let shape = shape(&extents(value("shape")?).ok_or_else(malformed)?)?;
        Ok(Self { shape, fortran, descr: value("descr")? })
    }

    /// For an array of texts (`<U12`), the characters of each, and whether they are big-endian.
    pub(super) fn characters(&self) -> Option<(usize, bool)> {
        let (order, count) = quoted(self.descr)?.split_once('U')?;
        let big_endian = match order {
            "<" => false,
            ">" => true,
            "=" => cfg!(target_endian = "big"),
            _ => return None,
        };
        Some((count.parse().ok()?, big_endian))
    }
}

/// The keys and values of a dictionary, each as its text.
fn entries(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':')?;
        let end = value_ends(after);
        found.push((quoted(key.trim())?, after[..end].trim()));
        rest = after[end..].strip_prefix(',').unwrap_or_default().trim();
    }
    Some(found)
}

/// The position of the first comma outside brackets and quotes; the end of the text where there is none.
fn value_ends(text: &str) -> usize {
    let (mut depth, mut quote) = (0i64, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth <= 0 => return at,
            _ => {}
        }
    }
    text.len()
}

fn quoted(text: &str) -> Option<&str> {
    let inner = |mark: char| text.strip_prefix(mark)?.strip_suffix(mark);
    inner('\'').or_else(|| inner('"'))
}

/// The numbers of a tuple; Python 2 wrote an `L` behind some.
fn extents(text: &str) -> Option<Vec<u64>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?.trim();
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    if inner.is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').map(|n| n.trim().trim_end_matches('L').parse().ok()).collect()
}

/// The byte order (true for big-endian), the type, and true where the type stands for truth values.
fn kind(descr: &str) -> Option<(bool, Kind, bool)> {
    let big_endian = match descr.get(..1)? {
        "<" | "|" => false,
        ">" => true,
        "=" => cfg!(target_endian = "big"),
        _ => return None,
    };
    let kind = match &descr[1..] {
        "b1" | "u1" => Kind::U8,
        "i1" => Kind::I8,
        "u2" => Kind::U16,
        "i2" => Kind::I16,
        "u4" => Kind::U32,
        "i4" => Kind::I32,
        "u8" => Kind::U64,
        "i8" => Kind::I64,
        "f2" => Kind::F16,
        "f4" => Kind::F32,
        "f8" => Kind::F64,
        _ => return None,
    };
    Some((big_endian, kind, descr.ends_with("b1")))
}

fn shape(stated: &[u64]) -> Result<Shape, String> {
    let extents: Option<Vec<usize>> = stated.iter().map(|&n| n.try_into().ok()).collect();
    let extents = extents.ok_or_else(|| format!("an array of shape {stated:?} does not fit in memory"))?;
    // Extents of zero are left out, so that the product of the others is checked too.
    let fits = extents.iter().filter(|&&n| n > 0).try_fold(16_usize, |product, &n| product.checked_mul(n));
    fits.ok_or_else(|| format!("an array of shape {stated:?} does not fit in memory"))?;
    Shape::try_new(&extents).ok_or_else(|| format!("an array of {} axes: at most {MAX_RANK} are possible", extents.len()))
}

/// The bytes before the elements of an array of this type and shape.
pub(in super::super) fn bytes(descr: &str, shape: &[usize]) -> Vec<u8> {
    let extents: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({extents}), }}");
    // The elements begin at a multiple of 64 bytes, and the header ends with a new line.
    header += &" ".repeat(63 - (10 + header.len()) % 64);
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes
}
