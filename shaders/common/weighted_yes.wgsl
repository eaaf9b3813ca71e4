// Weights: the weighted rows are stored beside the plain ones.
const WEIGHTED = true;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;

fn store_weighted(at: u32, w_at: u32, value: f32) {
    v[at] = w[w_at] * value;
}
