// Where element `at` of a space of AXES axes stands in x and in y. An axis, the innermost first, is its extent and its strides in both.
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
