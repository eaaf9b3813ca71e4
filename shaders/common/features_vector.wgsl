// The features of a node are taken four at a time; a sum over features is flushed every 64 of them.
alias T = vec4<f32>;
alias U = vec4<u32>;
alias I = vec4<i32>;
const FLUSH = 16u;

fn inner(a: T, b: T) -> f32 {
    return dot(a, b);
}
