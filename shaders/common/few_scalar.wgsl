// The operand of a narrow product that has few lines, of any layout. An index beyond the end reads the last element.
@group(0) @binding(1) var<storage, read> b: array<f32>;

// One term of one of its lines.
fn b_at(base: u32, few: u32, term: u32) -> f32 {
    return b[min(base + few * params.b_line + term * params.b_term, arrayLength(&b) - 1u)];
}

// Four terms from k on.
fn b4(base: u32, few: u32, k: u32) -> vec4<f32> {
    return vec4<f32>(b_at(base, few, k), b_at(base, few, k + 1u), b_at(base, few, k + 2u), b_at(base, few, k + 3u));
}
