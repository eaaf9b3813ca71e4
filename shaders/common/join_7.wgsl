// 7 operands one after the other: the element `i` of an operand becomes the element `at` of the whole.
const COUNT = 7u;

@group(0) @binding(0) var<storage, read> p0: array<W>;
@group(0) @binding(1) var<storage, read> p1: array<W>;
@group(0) @binding(2) var<storage, read> p2: array<W>;
@group(0) @binding(3) var<storage, read> p3: array<W>;
@group(0) @binding(4) var<storage, read> p4: array<W>;
@group(0) @binding(5) var<storage, read> p5: array<W>;
@group(0) @binding(6) var<storage, read> p6: array<W>;
@group(0) @binding(7) var<storage, read_write> whole: array<W>;

fn move_(part: u32, i: u32, at: u32) {
    switch part {
        case 0u: { whole[at] = p0[i]; }
        case 1u: { whole[at] = p1[i]; }
        case 2u: { whole[at] = p2[i]; }
        case 3u: { whole[at] = p3[i]; }
        case 4u: { whole[at] = p4[i]; }
        case 5u: { whole[at] = p5[i]; }
        default: { whole[at] = p6[i]; }
    }
}
