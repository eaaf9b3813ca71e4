//! Results on their way from one rank to another: pieces of bytes, each after its length.

use crate::{Error, Result};
use serde_json::Value;

/// Pieces of bytes, read in the order in which they were added.
#[derive(Debug, Default)]
pub(in super::super) struct Frames {
    bytes: Vec<u8>,
    read: usize,
}

/// The first byte of a message that holds results, and of one that holds an error.
const RESULTS: u8 = 0;
const FAILURE: u8 = 1;

impl Frames {
    /// Adds a piece.
    pub(in super::super) fn add(&mut self, piece: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.push(RESULTS);
        }
        self.bytes.extend((piece.len() as u64).to_le_bytes());
        self.bytes.extend(piece);
    }

    /// Adds a record. Numbers keep their bits, because JSON is written with the shortest digits that give them back, and read exactly.
    pub(in super::super) fn add_json(&mut self, record: &Value) {
        self.add(record.to_string().as_bytes());
    }

    /// Adds numbers, little-endian.
    pub(in super::super) fn add_f32(&mut self, numbers: &[f32]) {
        self.add(&numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
    }

    /// True where no piece is left.
    pub(in super::super) fn is_over(&self) -> bool {
        self.read >= self.bytes.len()
    }

    /// The next piece.
    pub(in super::super) fn next(&mut self) -> Result<&[u8]> {
        let left = self.bytes.get(self.read..).unwrap_or_default();
        let (length, rest) = left.split_first_chunk::<8>().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
        let piece = rest.get(..length).ok_or_else(cut)?;
        self.read += 8 + length;
        Ok(piece)
    }

    /// The next piece, a record.
    pub(in super::super) fn next_json(&mut self) -> Result<Value> {
        crate::json::parse(self.next()?).map_err(|what| Error::argument(format!("a record of results cannot be read: {what}")))
    }

    /// The next piece, a text.
    pub(in super::super) fn next_text(&mut self) -> Result<String> {
        let piece = self.next()?.to_vec();
        String::from_utf8(piece).map_err(|_| Error::argument("a text among results is not UTF-8"))
    }

    /// The next piece, `count` numbers.
    pub(in super::super) fn next_f32(&mut self, count: usize) -> Result<Vec<f32>> {
        let piece = self.next()?;
        let numbers = piece.as_chunks::<4>();
        match numbers {
            (numbers, []) if numbers.len() == count => Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
            _ => Err(Error::argument(format!("{} bytes of numbers came with results, 4 times {count} expected", piece.len()))),
        }
    }

    /// The message that carries these pieces.
    pub(super) fn into_message(self) -> Vec<u8> {
        if self.bytes.is_empty() { vec![RESULTS] } else { self.bytes }
    }

    /// The message of a rank that has failed.
    pub(super) fn failure(error: &Error) -> Vec<u8> {
        [&[FAILURE], error.to_string().as_bytes()].concat()
    }

    /// The pieces of a message.
    ///
    /// # Errors
    /// Returns the error of the rank that failed, or an error where the message is none.
    pub(super) fn of_message(bytes: Vec<u8>) -> Result<Self> {
        match bytes.split_first() {
            Some((&RESULTS, _)) => Ok(Self { bytes, read: 1 }),
            Some((&FAILURE, said)) => Err(Error::argument(String::from_utf8_lossy(said).into_owned())),
            _ => Err(Error::argument("a message without results came")),
        }
    }
}

fn cut() -> Error {
    Error::argument("results came cut off")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pieces_come_back_in_order_and_to_the_bit() {
        let numbers = [f32::NAN, -0.0, f32::MIN_POSITIVE / 8.0, 1e38];
        let record = json!({ "third": 1.0 / 3.0, "long": 5.551_115_123_125_783e-17, "whole": u64::MAX, "none": null });
        let mut frames = Frames::default();
        frames.add(&[]);
        frames.add_json(&record);
        frames.add_f32(&numbers);
        frames.add("région".as_bytes());
        let mut read = Frames::of_message(frames.into_message()).unwrap();
        assert!(read.next().unwrap().is_empty());
        assert_eq!(read.next_json().unwrap(), record);
        assert_eq!(read.next_f32(4).unwrap().map_bits(), numbers.to_vec().map_bits());
        assert!(!read.is_over());
        assert_eq!(read.next_text().unwrap(), "région");
        assert!(read.is_over() && read.next().unwrap_err().to_string().contains("cut off"));
    }

    trait Bits {
        fn map_bits(self) -> Vec<u32>;
    }

    impl Bits for Vec<f32> {
        fn map_bits(self) -> Vec<u32> {
            self.into_iter().map(f32::to_bits).collect()
        }
    }

    #[test]
    fn every_f64_comes_back() {
        let mut bits = 0x3ff0_0000_0000_0001u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(bits);
            if number.is_finite() {
                let mut frames = Frames::default();
                frames.add_json(&json!(number));
                let read = Frames::of_message(frames.into_message()).unwrap().next_json().unwrap();
                assert_eq!(read.as_f64().map(f64::to_bits), Some(bits));
            }
        }
    }

    #[test]
    fn a_message_that_is_cut_or_wrong_is_refused() {
        let mut frames = Frames::default();
        frames.add_f32(&[1.0, 2.0]);
        let whole = frames.into_message();
        for length in 1..whole.len() {
            let mut cut = Frames::of_message(whole[..length].to_vec()).unwrap();
            assert!(cut.next().is_err(), "{length}");
        }
        assert!(Frames::of_message(whole.clone()).unwrap().next_f32(3).unwrap_err().to_string().contains("4 times 3 expected"));
        let mut long = whole;
        long[1..9].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Frames::of_message(long).unwrap().next().is_err());
        assert!(Frames::of_message(Vec::new()).is_err() && Frames::of_message(vec![7]).is_err());
        let failed = Frames::of_message(Frames::failure(&Error::argument("no room"))).unwrap_err();
        assert_eq!(failed.to_string(), "no room");
    }
}
