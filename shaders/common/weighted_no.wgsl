// No weights: nothing more is stored.
const WEIGHTED = false;

fn store_weighted(at: u32, w_at: u32, value: T) {
}
