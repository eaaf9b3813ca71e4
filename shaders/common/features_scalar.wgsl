// Features of a node one by one; 64 of them between flushes of a sum over features.
alias T = f32;
alias U = u32;
alias I = i32;
const FLUSH = 64u;

fn inner(a: T, b: T) -> f32 {
    return a * b;
}
