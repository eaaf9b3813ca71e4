// The operand of a narrow product that has few lines, whose terms lie side by side in lines that begin at multiples of 4. An index beyond
// the end reads the last four.
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;

// Four terms from k on, a multiple of 4.
fn b4(base: u32, few: u32, k: u32) -> vec4<f32> {
    return b[min((base + few * params.b_line + k) >> 2u, arrayLength(&b) - 1u)];
}
