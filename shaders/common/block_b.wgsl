// Column j holds B[k + j, col .. col + 4]; B is [depth, cols], or stored [cols, depth] if TRANSPOSE_B.
fn b_block(k: u32, col: u32) -> mat4x4<f32> {
    var m: mat4x4<f32>;
    if (TRANSPOSE_B) {
        let at = b_base + col * b_stride + k;
        m = mat4x4<f32>(b4(at), b4(at + b_stride), b4(at + 2u * b_stride), b4(at + 3u * b_stride));
        if (k + 4u > depth) {
            m = mat4x4<f32>(within_depth(k, m[0]), within_depth(k, m[1]), within_depth(k, m[2]), within_depth(k, m[3]));
        }
        return transpose(m);
    }
    let at = b_base + k * b_stride + col;
    m = mat4x4<f32>(b4(at), b4(at + b_stride), b4(at + 2u * b_stride), b4(at + 3u * b_stride));
    if (k + 4u > depth) {
        let zero = vec4<f32>(0.0);
        m = mat4x4<f32>(
            select(zero, m[0], k < depth), select(zero, m[1], k + 1u < depth),
            select(zero, m[2], k + 2u < depth), select(zero, m[3], k + 3u < depth)
        );
    }
    return m;
}
