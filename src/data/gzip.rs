//! Gzip as files have it: one member or several, one after the other, as `bgzip`, parallel writers and `cat` make them.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// True where the bytes begin as gzip does; a file's name does not always say so.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// A reader of the decompressed members, one after the other. The checksum and the length of each member are checked at its end, so data
/// read to the end without an error are complete. Zeros that fill the file after the last member are no error.
pub(super) struct Members<R>(State<R>);

enum State<R> {
    Within(GzDecoder<R>),
    /// Nothing is left to read, or the last read failed.
    Ended,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(packed: R) -> Self {
        Self(State::Within(GzDecoder::new(packed)))
    }

    /// Reads to the end of the last member without keeping the data, and returns the number of bytes.
    pub(super) fn finish(&mut self) -> io::Result<u64> {
        io::copy(self, &mut io::sink())
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while let State::Within(decoder) = &mut self.0 {
            let read = decoder.read(into)?;
            if read > 0 {
                return Ok(read);
            }
            let State::Within(decoder) = std::mem::replace(&mut self.0, State::Ended) else { break };
            self.0 = next_member(decoder.into_inner())?;
        }
        Ok(0)
    }
}

/// The decoder of the member that begins here; zeros before it are left out.
fn next_member<R: BufRead>(mut packed: R) -> io::Result<State<R>> {
    loop {
        let buffered = packed.fill_buf()?;
        let zeros = buffered.iter().take_while(|b| **b == 0).count();
        match (buffered.len(), zeros) {
            (0, _) => return Ok(State::Ended),
            (held, zeros) if zeros == held => packed.consume(zeros),
            (_, zeros) => {
                packed.consume(zeros);
                return Ok(State::Within(GzDecoder::new(packed)));
            }
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
        assert_eq!(Members::new(&several[..]).finish().unwrap(), 8);
        // A reader that gives a byte at a time ends members and zeros at the same places.
        let mut all = Vec::new();
        Members::new(std::io::BufReader::with_capacity(1, &several[..])).read_to_end(&mut all).unwrap();
        assert_eq!(all, b"one, two");
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
