// A value goes to its place in a ring, for one of them.
@group(0) @binding(1) var<storage, read> value: array<f32>;
@group(0) @binding(2) var<storage, read_write> ring: array<f32>;

fn keep(step: u32) {
    ring[step % params.first] = value[0];
}
