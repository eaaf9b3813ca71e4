// A product with few rows or columns: each line of its long operand, called A here, is multiplied by each of the few lines of the other,
// called B here, and summed. If the product's B is the long operand, A and B here are the product's B and A.
struct Params {
    // The number of lines of A, and of the few of B; the number of terms of each sum, and their distance in A.
    lines: u32,
    few: u32,
    depth: u32,
    a_stride: u32,
    // The distances in B from one line to the next, and from one term to the next; in C from the sum of one line of A to that of the next,
    // and from the sum of one line of B to that of the next.
    b_line: u32,
    b_term: u32,
    c_line: u32,
    c_few: u32,
    // Batches are [e0, e1, e2]; strides in elements, 0 where an operand repeats.
    batches: u32,
    extent1: u32,
    extent2: u32,
    a_stride0: u32,
    a_stride1: u32,
    a_stride2: u32,
    b_stride0: u32,
    b_stride1: u32,
    b_stride2: u32,
    // Each sum is made in slices of `run` terms, which lie `slice_stride` apart.
    slices: u32,
    run: u32,
    slice_stride: u32,
}

@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// The first elements of a batch in A and in B.
fn bases(batch: u32) -> vec2<u32> {
    let i2 = batch % params.extent2;
    let i1 = batch / params.extent2 % params.extent1;
    let i0 = batch / params.extent2 / params.extent1;
    let of_a = i0 * params.a_stride0 + i1 * params.a_stride1 + i2 * params.a_stride2;
    let of_b = i0 * params.b_stride0 + i1 * params.b_stride1 + i2 * params.b_stride2;
    return vec2<u32>(of_a, of_b);
}

fn put(slice: u32, batch: u32, line: u32, few: u32, sum: f32) {
    if (few < params.few) {
        let base = slice * params.slice_stride + batch * params.lines * params.few;
        c[base + line * params.c_line + few * params.c_few] = sum;
    }
}
