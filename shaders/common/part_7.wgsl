// A whole in 7 parts: the element `at` of the whole becomes the element `i` of a part.
const COUNT = 7u;

@group(0) @binding(0) var<storage, read> whole: array<W>;
@group(0) @binding(1) var<storage, read_write> p0: array<W>;
@group(0) @binding(2) var<storage, read_write> p1: array<W>;
@group(0) @binding(3) var<storage, read_write> p2: array<W>;
@group(0) @binding(4) var<storage, read_write> p3: array<W>;
@group(0) @binding(5) var<storage, read_write> p4: array<W>;
@group(0) @binding(6) var<storage, read_write> p5: array<W>;
@group(0) @binding(7) var<storage, read_write> p6: array<W>;

fn move_(part: u32, i: u32, at: u32) {
    switch part {
        case 0u: { p0[i] = whole[at]; }
        case 1u: { p1[i] = whole[at]; }
        case 2u: { p2[i] = whole[at]; }
        case 3u: { p3[i] = whole[at]; }
        case 4u: { p4[i] = whole[at]; }
        case 5u: { p5[i] = whole[at]; }
        default: { p6[i] = whole[at]; }
    }
}
