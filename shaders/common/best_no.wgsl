// No best entries are kept.
const BEST = false;
// The first binding of `magnitudes_given`.
const MAGNITUDES = 3u;

fn put_best(row: u32, slot: u32, slots: u32, key: u32, col: u32) {}
