// Weights: the weighted rows are stored beside the plain ones.
const WEIGHTED = true;
@group(0) @binding(4) var<storage, read_write> v: array<T>;

fn store_weighted(at: u32, w_at: u32, value: T) {
    v[at] = w[w_at] * value;
}
