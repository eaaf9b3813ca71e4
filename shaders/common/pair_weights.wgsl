// Four weights of an output in an edge network's second layer, w [outputs, features]. Features are counted in fours; what lies beyond the
// ends is held to the last.
fn weights(output: u32, f: u32) -> vec4<f32> {
    return w[min(output, 4u * params.outputs - 1u) * params.features + min(f, params.features - 1u)];
}
