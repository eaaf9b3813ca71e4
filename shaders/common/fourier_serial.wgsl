// A pass of a Fourier transform in which each invocation makes one element of y, as the sum of its terms; no barrier.
fn transform(group: u32, lane: u32) {
    let kept = select(select(params.length, params.n, WRITE == 2u), params.n / 2u + 1u, WRITE == 1u);
    let at = group * LANES + lane;
    if (at >= params.transforms * params.points / params.length * kept) {
        return;
    }
    let row = at / kept;
    let o = at % kept;
    let around = params.span * params.points;
    let j = o / around * params.span + o % params.span;
    let apart = params.length / params.points;
    let turn = o % around * (roots() / around);
    var power = 0u;
    var sum = vec2<f32>(0.0);
    for (var r = 0u; r < params.points; r++) {
        sum += times(load(row, j + r * apart), tables[power]);
        power += turn;
        power -= select(0u, roots(), power >= roots());
    }
    store(row, o, sum);
}
