// The elements of lines four at a time: T is four of one line's elements, one after the other, Y is the result of a line, and Z is a place
// in it.
alias T = vec4<f32>;
alias U = vec4<u32>;
alias Y = f32;
alias Z = i32;
alias B = vec4<bool>;
const WIDE = 4u;
// True where T is several elements of one line.
const ALONG = true;

fn first_of(x: T) -> f32 {
    return x.x;
}

fn fold_sum(x: T) -> Y {
    return (x.x + x.y) + (x.z + x.w);
}

// NaN where one of them is.
fn fold_max(x: T) -> Y {
    let pairs = larger(x, x.yxwz);
    return larger(pairs, pairs.zwxy).x;
}

// The larger of what two lanes have found; NaN where either is.
fn larger_of(a: Y, b: Y) -> Y {
    return larger(T(a), T(b)).x;
}

// The place of the largest value, given the places of fours: of the first NaN where there is one, and of equals of the first.
fn fold_place(value: T, at: U) -> Z {
    var best = value.x;
    var place = 4u * at.x;
    for (var c = 1u; c < 4u; c++) {
        let other = 4u * at[c] + c;
        let better = !is_nan(best) & (is_nan(value[c]) | (value[c] > best));
        let as_good = (is_nan(best) & is_nan(value[c])) | (best == value[c]);
        let take = better | (as_good & (other < place));
        best = select(best, value[c], take);
        place = select(place, other, take);
    }
    return i32(place);
}

// The sums of one line's elements up to each, or from each on.
fn running(x: T, backward: bool) -> T {
    let pairs = select(vec4(x.x, x.x + x.y, x.z, x.z + x.w), vec4(x.x + x.y, x.y, x.z + x.w, x.w), backward);
    return select(vec4(pairs.xy, pairs.zw + pairs.y), vec4(pairs.xy + pairs.z, pairs.zw), backward);
}

// The sum of all of them.
fn last_of(sums: T, backward: bool) -> Y {
    return select(sums.w, sums.x, backward);
}
