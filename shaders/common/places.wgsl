// The positions in x and in y of element `at` of a space of AXES axes. `params.axes` holds the extent of each axis and its strides in both,
// the innermost axis first.
fn places(at: u32) -> vec2<u32> {
    var rest = at;
    var place = vec2<u32>();
    for (var k = 0u; k < AXES - 1u; k++) {
        let axis = params.axes[k];
        place += rest % axis.x * axis.yz;
        rest /= axis.x;
    }
    return place + rest * params.axes[AXES - 1u].yz;
}
