// Numbers F and words W that lie one after the other, one to an item.
alias F = f32;
alias W = u32;
const WIDTH = 1u;
const EACH = 4u;
const OFFSETS = 0u;

// The k-th item of four numbers.
fn part(v: vec4<f32>, k: u32) -> F {
    return v[k];
}
