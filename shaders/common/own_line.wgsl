// The elements of a line of [outer, n, inner] that an invocation takes, a lane of it: those at begin + k step for k < own. `place` is the
// line among the workgroup's, and the lane; `last` is the line's last element. A line beyond the end is not `there`: it is computed as the
// last is, and not stored. The params are the number of lines, `count`; `n`; `inner`; and the `lines` side by side in a workgroup.
struct OwnLine {
    place: vec2<u32>,
    there: bool,
    begin: u32,
    last: u32,
    step: u32,
    own: u32,
}

fn own_line(group: u32, local: u32) -> OwnLine {
    let lanes = line_lanes(params.lines);
    let place = line_place(local, params.lines, params.inner == 1u);
    let line = group * params.lines + place.x;
    let there = line < params.count;
    let near = min(line, params.count - 1u);
    let base = near / params.inner * params.n * params.inner + near % params.inner;
    let last = base + (params.n - 1u) * params.inner;
    let begin = base + place.y * params.inner;
    let step = lanes * params.inner;
    let own = (params.n + lanes - 1u - min(place.y, params.n)) / lanes;
    return OwnLine(place, there, begin, last, step, own);
}
