// The sums of the parts of a product, in a fixed order, S = P_0 + P_1 + ..., or if MEANS, S / m with the mass m of each row; a row whose
// mass is below 1e-30 is 0.
//
// parts    [slices, stride], stride a multiple of 4; [rows, cols] at the beginning of each slice
// mass     [rows]; a stand-in unless MEANS
// c        [rows, cols], binding 2, in `result_scalar` or `result_vector`
// workgroup 256 x 1 x 1, 4096 bytes of memory, 1 barrier: four elements to an invocation; DOWN invocations share the slices of four
//          elements
// cost     rows cols + 2 rows FLOPs if MEANS, else none beside those of the product; parts, mass and c once
// uses     grid, scalar, nan
// one of   result_vector | result_scalar

struct Params {
    elements: u32,
    cols: u32,
    slices: u32,
    stride: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> mass: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const ACROSS = 256u / DOWN;
var<workgroup> gathered: array<vec4<f32>, 256>;

// The factor of an element.
fn scale(element: u32) -> f32 {
    if (MEANS) {
        let m = mass[min(element / params.cols, arrayLength(&mass) - 1u)];
        return nan_or(m, select(0.0, 1.0 / m, m >= 1e-30));
    }
    return 1.0;
}

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) local: u32) {
    let quad = group_index(grid.group, grid.groups) * ACROSS + local % ACROSS;
    let at = 4u * quad;
    // Invocations beyond the end read the last four elements, and store nothing.
    let from_quad = min(quad, params.stride / 4u - 1u);
    var sum = vec4<f32>();
    for (var slice = local / ACROSS; slice < params.slices; slice += DOWN) {
        sum += parts[slice * (params.stride / 4u) + from_quad];
    }
    gathered[local] = sum;
    workgroupBarrier();
    if (local >= ACROSS || at >= params.elements) {
        return;
    }
    for (var d = 1u; d < DOWN; d++) {
        sum += gathered[d * ACROSS + local];
    }
    if (MEANS) {
        sum *= vec4<f32>(scale(at), scale(at + 1u), scale(at + 2u), scale(at + 3u));
    }
    put4(0u, at, params.elements, sum);
}
