// The elements of lines four at a time: T is an element of each of four lines side by side, Y is the results of the four lines, and Z is a
// place in each.
alias T = vec4<f32>;
alias U = vec4<u32>;
alias Y = vec4<f32>;
alias Z = vec4<i32>;
alias B = vec4<bool>;
const WIDE = 4u;
// True where T is several elements of one line.
const ALONG = false;

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
    return vec4<i32>(at);
}

// The sums of one line's elements up to each, or from each on.
fn running(x: T, backward: bool) -> T {
    return x;
}

// The sum of all of them.
fn last_of(sums: T, backward: bool) -> Y {
    return sums;
}
