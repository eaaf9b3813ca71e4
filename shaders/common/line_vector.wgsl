// The long operand of a narrow product whose rows begin at multiples of 4. Index i counts elements and is a multiple of 4; an index beyond
// the end reads the last four.
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;

fn a4(i: u32) -> vec4<f32> {
    return a[min(i >> 2u, arrayLength(&a) - 1u)];
}
