// Column r holds A[row + r, k .. k + 4]; A is [rows, depth], or stored [depth, rows] if TRANSPOSE_A.
fn a_block(row: u32, k: u32) -> mat4x4<f32> {
    var m: mat4x4<f32>;
    if (TRANSPOSE_A) {
        let at = a_base + k * a_stride + row;
        m = transpose(mat4x4<f32>(a4(at), a4(at + a_stride), a4(at + 2u * a_stride), a4(at + 3u * a_stride)));
    } else {
        let at = a_base + row * a_stride + k;
        m = mat4x4<f32>(a4(at), a4(at + a_stride), a4(at + 2u * a_stride), a4(at + 3u * a_stride));
    }
    if (k + 4u > depth) {
        m = mat4x4<f32>(within_depth(k, m[0]), within_depth(k, m[1]), within_depth(k, m[2]), within_depth(k, m[3]));
    }
    return m;
}
