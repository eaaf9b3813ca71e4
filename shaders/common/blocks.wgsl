// The first elements of a product's operands, the distances between their rows, and the number of terms. Terms beyond the depth are 0; rows
// and columns beyond the end hold whatever lies there, and are never stored.
var<private> a_base: u32;
var<private> b_base: u32;
var<private> a_stride: u32;
var<private> b_stride: u32;
var<private> depth: u32;
// The number of terms of a whole sum, of which the `depth` terms may be a slice.
var<private> whole_depth: u32;
// True where no element of either is larger than 1.
var<private> within_one: bool;

fn within_depth(k: u32, x: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), x, vec4<u32>(k, k + 1u, k + 2u, k + 3u) < vec4<u32>(depth));
}
