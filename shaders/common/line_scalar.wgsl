// The long operand of a narrow product, of any alignment. Index i counts elements; an index beyond the end reads the last element.
@group(0) @binding(0) var<storage, read> a: array<f32>;

fn a4(i: u32) -> vec4<f32> {
    let last = arrayLength(&a) - 1u;
    return vec4<f32>(a[min(i, last)], a[min(i + 1u, last)], a[min(i + 2u, last)], a[min(i + 3u, last)]);
}
