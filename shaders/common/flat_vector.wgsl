// Numbers F and words W that lie one after the other, four to an item.
alias F = vec4<f32>;
alias W = vec4<u32>;
const WIDTH = 4u;
const EACH = 1u;
const OFFSETS = vec4<u32>(0u, 1u, 2u, 3u);

// The k-th item of four numbers.
fn part(v: vec4<f32>, k: u32) -> F {
    return v;
}
