// The features of a node are taken one by one; a sum over features is flushed every 64 of them.
alias T = f32;
alias U = u32;
alias I = i32;
const FLUSH = 64u;

fn inner(a: T, b: T) -> f32 {
    return a * b;
}
