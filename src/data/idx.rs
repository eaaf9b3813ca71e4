//! The idx format, in which MNIST and similar data sets are stored.

use super::gzip::{Members, is_gzip};
use super::{extension, read_bytes};
use crate::{Error, Result, Shape};
use std::io::Read;
use std::path::Path;

/// An array of bytes: images `[images, height, width]`, or labels `[images]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes {
    /// The extents.
    pub shape: Shape,
    /// The bytes, row-major.
    pub elements: Vec<u8>,
}

/// Reads an idx file of unsigned bytes, gzipped or not (LeCun, Cortes & Burges, "The MNIST database", file format).
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, is not idx, holds another type, or is longer or shorter than it says.
pub fn read_idx(path: impl AsRef<Path>) -> Result<Bytes> {
    let path = path.as_ref();
    read_idx_bytes(path, &read_bytes(path)?)
}

/// Reads an idx file from its bytes, which may be gzipped under any name; `name` stands for the file in errors.
///
/// # Errors
/// The same as those of [`read_idx`].
pub fn read_idx_bytes(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Bytes> {
    let name = name.as_ref();
    let fail = |what: String| Error::file(name, what);
    match (is_gzip(bytes), extension(name) == "gz") {
        (true, _) => {}
        (false, true) => return Err(fail("not a gzip file, as its name says".into())),
        (false, false) => return parse(bytes).map_err(fail),
    }
    let mut plain = Vec::new();
    Members::new(bytes).read_to_end(&mut plain).map_err(|e| fail(format!("not a whole gzip file: {e}")))?;
    parse(&plain).map_err(fail)
}

fn parse(bytes: &[u8]) -> Result<Bytes, String> {
    let &[0, 0, kind, rank, ref rest @ ..] = bytes else { return Err("not an idx file: it does not start with two bytes of 0".into()) };
    if kind != 8 {
        return Err(format!("elements of type {kind:#04x}: unsigned bytes, 0x08, are read"));
    }
    let (extents, elements) = rest.split_at_checked(4 * usize::from(rank)).ok_or("cut short within its header")?;
    let extents: Vec<usize> = extents.as_chunks().0.iter().map(|&b| u32::from_be_bytes(b) as usize).collect();
    let wanted = extents.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
    if wanted != Some(elements.len()) {
        return Err(format!("{} bytes of elements where shape {extents:?} is stated", elements.len()));
    }
    let shape = Shape::try_new(&extents).ok_or_else(|| format!("an array of {rank} axes: at most 8 are possible"))?;
    Ok(Bytes { shape, elements: elements.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::read_idx_bytes;

    #[test]
    fn arrays_are_what_their_headers_say() {
        let good = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
        let read = read_idx_bytes("x.idx", &good).unwrap();
        assert_eq!((&*read.shape, read.elements.as_slice()), (&[2, 3][..], &[1, 2, 3, 4, 5, 6][..]));
        let fails = |name: &str, bytes: &[u8], part: &str| {
            let what = read_idx_bytes(name, bytes).unwrap_err().to_string();
            assert!(what.starts_with(name) && what.contains(part), "no `{part}`: {what}");
        };
        fails("x.idx", &good[..17], "5 bytes of elements where shape [2, 3]");
        fails("x.idx", &good[..9], "cut short within its header");
        fails("x.idx", &[0, 0, 13, 0], "0x0d");
        fails("x.idx", b"PNG", "not an idx file");
        fails("x.gz", &good, "not a gzip file");
    }
}
