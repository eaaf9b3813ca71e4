// Sums over a block of `tile_shared` of what each invocation made of its own rows, or columns, in a fixed order: 16 SIDE SIDE bytes of
// workgroup memory and 2 barriers each.
var<workgroup> gathered: array<vec4<f32>, GROUP>;

fn over_rows(x: vec4<f32>, lane: u32) -> vec4<f32> {
    workgroupBarrier();
    gathered[lane] = x;
    workgroupBarrier();
    var sum = vec4<f32>();
    for (var r = 0u; r < SIDE; r++) {
        sum += gathered[r * SIDE + lane % SIDE];
    }
    return sum;
}

fn over_cols(x: vec4<f32>, lane: u32) -> vec4<f32> {
    workgroupBarrier();
    gathered[lane] = x;
    workgroupBarrier();
    var sum = vec4<f32>();
    for (var c = 0u; c < SIDE; c++) {
        sum += gathered[lane / SIDE * SIDE + c];
    }
    return sum;
}

// True where this invocation stores the sums over rows; `keeps_cols` says the same of the sums over columns.
fn keeps_rows(lane: u32) -> bool {
    return lane / SIDE == 0u;
}

fn keeps_cols(lane: u32) -> bool {
    return lane % SIDE == 0u;
}
