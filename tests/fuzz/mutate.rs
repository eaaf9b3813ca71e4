//! Nearly valid files: real files with a few faults, drawn from a seed.

/// SplitMix64 (Steele, Lea & Flood 2014): the same faults for the same seed everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A random number from 0 to below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Numbers at which arithmetic overflows or changes sign.
const NUMBERS: [i64; 14] = [0, 1, -1, 2, 7, 127, 255, 256, 32_767, 65_535, i32::MAX as i64, i32::MIN as i64, i64::MAX, i64::MIN];

/// Texts that are difficult for readers.
const TEXTS: [&str; 24] = [
    "",
    "0",
    "-1",
    "NaN",
    "nan",
    "inf",
    "1e999",
    "-1e-999",
    "18446744073709551616",
    "9223372036854775807",
    "4294967296",
    "n/a",
    "null",
    "\"",
    "'",
    "\u{feff}",
    "\0",
    "\r\n",
    ",",
    "\t",
    ";",
    "é",
    "((((((((((((((((",
    "[[[[[[[[[[[[[[[[",
];

/// One of the files with one to eight faults.
pub fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = random.of(seeds).clone();
    for _ in 0..=random.below(8) {
        fault(&mut bytes, seeds, random);
    }
    bytes
}

fn fault(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    // Headers are at the beginning: half of all faults are there.
    let reach = if random.below(2) == 0 { bytes.len().min(512) } else { bytes.len() };
    let at = random.below(reach);
    let end = at + random.below((bytes.len() - at).min(64));
    match random.below(10) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        1 if !bytes.is_empty() => bytes[at] = random.next() as u8,
        2 | 3 => {
            let (n, width) = (*random.of(&NUMBERS), *random.of(&[1, 2, 4, 8]));
            let number = if random.below(2) == 0 { n.to_le_bytes()[..width].to_vec() } else { n.to_be_bytes()[8 - width..].to_vec() };
            let end = (at + width).min(bytes.len());
            bytes[at..end].copy_from_slice(&number[..end - at]);
        }
        4 => bytes.truncate(at),
        5 => drop(bytes.drain(at..end)),
        6 => {
            let part = bytes[at..end].to_vec();
            let times = 1 + random.below(16);
            bytes.splice(at..at, part.repeat(times));
        }
        7 => {
            let other = random.of(seeds).clone();
            let from = random.below(other.len());
            let to = from + random.below((other.len() - from).min(256));
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        8 => word(bytes, at, random),
        _ => {
            let text = random.of(&TEXTS).as_bytes().to_vec();
            bytes.splice(at..at, text);
        }
    }
}

/// Puts another text in the place of a run of digits or letters.
fn word(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let from = bytes[at..].iter().position(is_word).map_or(at, |found| at + found);
    let to = bytes[from..].iter().position(|b| !is_word(b)).map_or(bytes.len(), |found| from + found);
    let text = random.of(&TEXTS).as_bytes().to_vec();
    bytes.splice(from..to, text);
}
