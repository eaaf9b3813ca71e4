// A whole in 2 parts: the element `at` of the whole becomes the element `i` of a part.
const COUNT = 2u;

@group(0) @binding(0) var<storage, read> whole: array<W>;
@group(0) @binding(1) var<storage, read_write> p0: array<W>;
@group(0) @binding(2) var<storage, read_write> p1: array<W>;

fn move_(part: u32, i: u32, at: u32) {
    switch part {
        case 0u: { p0[i] = whole[at]; }
        default: { p1[i] = whole[at]; }
    }
}
