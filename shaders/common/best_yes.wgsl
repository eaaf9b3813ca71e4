// The entry of the greatest magnitude in each row among the columns that an invocation holds: its key, 0 where there is none, and its
// column, in rows of `slots`.
const BEST = true;
// The first binding of `magnitudes_given`.
const MAGNITUDES = 5u;
@group(0) @binding(3) var<storage, read_write> best_key: array<u32>;
@group(0) @binding(4) var<storage, read_write> best_col: array<u32>;

fn put_best(row: u32, slot: u32, slots: u32, key: u32, col: u32) {
    best_key[row * slots + slot] = key;
    best_col[row * slots + slot] = col;
}
