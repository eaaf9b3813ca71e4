//! Gzip as files have it: one member or several, one after the other, as `bgzip`, parallel writers and `cat` make them.

use flate2::bufread::GzDecoder;
use std::io::{self, Read};

/// True where the bytes begin as gzip does; a file's name does not always say so.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// A reader of the decompressed members, one after the other. The checksum and the length of each member are checked at its end, so data
/// read to the end without an error are complete. Zeros that fill the file after the last member are no error.
pub(super) struct Members<'a>(GzDecoder<&'a [u8]>);

impl<'a> Members<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(GzDecoder::new(bytes))
    }

    /// Reads to the end of the last member without keeping the data, and returns the number of bytes.
    pub(super) fn finish(&mut self) -> io::Result<u64> {
        io::copy(self, &mut io::sink())
    }
}

impl Read for Members<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(into)?;
            let rest = *self.0.get_ref();
            if read > 0 || into.is_empty() || rest.iter().all(|&b| b == 0) {
                return Ok(read);
            }
            self.0 = GzDecoder::new(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Members;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::{Read, Write};

    fn member(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut all = Vec::new();
        Members::new(bytes).read_to_end(&mut all).map(|_| all)
    }

    #[test]
    fn members_are_read_one_after_the_other() {
        let several = [member(b"one, "), member(b""), member(b"two"), vec![0; 512]].concat();
        assert_eq!(read(&several).unwrap(), b"one, two");
        assert_eq!(Members::new(&several).finish().unwrap(), 8);
    }

    #[test]
    fn what_is_cut_or_changed_is_no_file() {
        let two = [member(b"first"), member(b"second")].concat();
        // Within the first member its end is a prefix that is whole; every other cut is within a member.
        for end in (0..two.len()).filter(|&end| end != member(b"first").len()) {
            assert!(read(&two[..end]).is_err(), "cut at {end}");
        }
        for at in two.len() - 8..two.len() {
            let mut changed = two.clone();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "checksum or length changed at {at}");
        }
        assert!(read(&[&two[..], b"more"].concat()).is_err());
    }
}
