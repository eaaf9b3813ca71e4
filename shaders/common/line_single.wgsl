// The elements of lines one at a time: T is one of a line's elements, Y is the result of a line, and Z is a place in it.
alias T = f32;
alias U = u32;
alias Y = f32;
alias Z = i32;
alias B = bool;
const WIDE = 1u;
// True where T is several elements of one line.
const ALONG = false;

fn first_of(x: T) -> f32 {
    return x;
}

fn fold_sum(x: T) -> Y {
    return x;
}

fn fold_max(x: T) -> Y {
    return x;
}

// The larger of what two lanes have found; NaN where either is.
fn larger_of(a: Y, b: Y) -> Y {
    return larger(a, b);
}

fn fold_place(value: T, at: U) -> Z {
    return i32(at);
}

// The sums of one line's elements up to each, or from each on.
fn running(x: T, backward: bool) -> T {
    return x;
}

// The sum of all of them.
fn last_of(sums: T, backward: bool) -> Y {
    return sums;
}
