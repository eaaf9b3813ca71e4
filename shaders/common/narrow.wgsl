// A product with few rows or columns, seen from its long operand A: of each of its lines, the sums with each of the few lines of B. What
// is said of A and B here is said of the product's B and A where that has the few columns.
struct Params {
    // Lines of A, and the few of B; terms of each sum, and their distance in A.
    lines: u32,
    few: u32,
    depth: u32,
    a_stride: u32,
    // From one line of B to the next, and from one term to the next; from the sum of a line of A to the next, and of a line of B.
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

// Where the operands of a batch begin: A's, and B's.
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
