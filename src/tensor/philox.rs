//! Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).

/// Draws keyed by (seed, stream, step) and counted by element: the same bits on every device, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
    stream: u32,
    step: u32,
}

impl Philox {
    /// The draws of one seed, stream and step.
    pub fn new(seed: u64, stream: u32, step: u32) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], stream, step }
    }

    /// Four random words for the block `index`: ten rounds over the counter (index, 0, stream, step).
    pub fn block(&self, index: u32) -> [u32; 4] {
        philox4x32([index, 0, self.stream, self.step], self.key)
    }

    /// The word of one element.
    pub fn word(&self, element: usize) -> u32 {
        self.block((element / 4) as u32)[element % 4]
    }

    /// Uniform on [0, 1): the top 24 bits of the element's word.
    pub fn uniform(&self, element: usize) -> f32 {
        (self.word(element) >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Standard normal, by Box and Muller from the element's pair of words.
    pub fn normal(&self, element: usize) -> f64 {
        let block = self.block((element / 4) as u32);
        let pair = element % 4 / 2 * 2;
        // (0, 1], so that the logarithm is finite.
        let radius = (-2.0 * ((f64::from(block[pair] >> 8) + 1.0) / 16_777_216.0).ln()).sqrt();
        let angle = std::f64::consts::TAU * f64::from(block[pair + 1] >> 8) / 16_777_216.0;
        radius * if element.is_multiple_of(2) { angle.cos() } else { angle.sin() }
    }

    /// 0 to `n` in an order drawn by Fisher and Yates, from the back, a word each.
    pub fn shuffled(&self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        (1..n).rev().for_each(|i| order.swap(i, self.word(i) as usize % (i + 1)));
        order
    }

    /// `k` distinct numbers below `n` (all where there are fewer), drawn by Fisher and Yates from the front, a word each.
    pub fn distinct(&self, n: usize, k: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        (0..k.min(n)).for_each(|i| order.swap(i, i + self.word(i) as usize % (n - i)));
        order.truncate(k);
        order
    }
}

fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let p0 = u64::from(counter[0]) * 0xD251_1F53;
        let p1 = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [(p1 >> 32) as u32 ^ counter[1] ^ key[0], p1 as u32, (p0 >> 32) as u32 ^ counter[3] ^ key[1], p0 as u32];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::philox4x32;

    /// Known answers published with Random123 (`kat_vectors`, philox4x32 10).
    #[test]
    fn known_answers() {
        assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox4x32([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox4x32([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }
}
