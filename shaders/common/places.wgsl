// Elements of a space of AXES axes, and where they stand in x and in y. `params.axes` holds of each axis the extent, the strides in both,
// and how far element 256 lies along it from the first, the innermost axis first; `params.x_step` and `params.y_step` say how far apart
// these two stand.

struct Element {
    // Its index along each axis.
    index: array<u32, AXES>,
    // Its positions in x and in y.
    place: vec2<u32>,
}

fn element_of(at: u32) -> Element {
    var found = Element();
    var rest = at;
    for (var k = 0u; k < AXES - 1u; k++) {
        let axis = params.axes[k];
        let outer = rest / axis.x;
        found.index[k] = rest - outer * axis.x;
        found.place += found.index[k] * axis.yz;
        rest = outer;
    }
    found.index[AXES - 1u] = rest;
    found.place += rest * params.axes[AXES - 1u].yz;
    return found;
}

// The element 256 further on, without a division.
fn further(element: Element) -> Element {
    var next = element;
    next.place += vec2<u32>(params.x_step, params.y_step);
    var carry = 0u;
    for (var k = 0u; k < AXES; k++) {
        let axis = params.axes[k];
        let sum = next.index[k] + axis.w + carry;
        // One step along the next axis is one extent back along this one.
        let over = k + 1u < AXES && sum >= axis.x;
        let turn = params.axes[min(k + 1u, AXES - 1u)].yz - axis.x * axis.yz;
        next.index[k] = select(sum, sum - axis.x, over);
        next.place += select(vec2<u32>(), turn, over);
        carry = select(0u, 1u, over);
    }
    return next;
}
