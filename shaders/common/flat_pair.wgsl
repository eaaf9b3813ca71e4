// Numbers F and words W that lie one after the other, two to an item.
alias F = vec2<f32>;
alias W = vec2<u32>;
const WIDTH = 2u;
const EACH = 2u;
const OFFSETS = vec2<u32>(0u, 1u);

// The k-th item of four numbers.
fn part(v: vec4<f32>, k: u32) -> F {
    return select(v.xy, v.zw, k == 1u);
}
