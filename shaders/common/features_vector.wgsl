// Features of a node four at a time; 64 of them between flushes of a sum over features.
alias T = vec4<f32>;
alias U = vec4<u32>;
alias I = vec4<i32>;
const FLUSH = 16u;

fn inner(a: T, b: T) -> f32 {
    return dot(a, b);
}
