// The cotangent of the memberships, D = (G X' - g) / m + H, from the cotangent G of the parcel series, g = sum_t G S, the masses m, and
// the cotangent H of the memberships themselves (if DIRECT). A parcel whose mass is below 1e-30 gets H alone.
//
// a, b     [parcels, time]: G, and [vertices, time]: X; bindings 0 and 1, in `operands_scalar` or `operands_vector`, rows a_stride,
//          b_stride apart
// c        [parcels, vertices]: D, binding 2, in `result_scalar` or `result_vector`
// mass, g  [parcels]
// h        [parcels, vertices]; a stand-in unless DIRECT
// workgroup GROUP x 1 x 1; unit, memory and barriers: see the tile snippet
// cost     2 parcels vertices time FLOPs; a, b, c, mass, g and h once
// uses     grid, scalar, nan, blocks, block_a, block_b
// one of   operands_vector | operands_scalar; result_vector | result_scalar; tile_direct | tile_staged | tile_cooperative; matrices_16 | matrices_8; magnitudes_given

struct Params {
    parcels: u32,
    vertices: u32,
    time: u32,
    col_units: u32,
    units: u32,
    a_stride: u32,
    b_stride: u32,
}

// The bindings of `magnitudes_given`.
const MAGNITUDES = 6u;

@group(0) @binding(3) var<storage, read> mass: array<f32>;
@group(0) @binding(4) var<storage, read> g: array<f32>;
@group(0) @binding(5) var<storage, read> h: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const TRANSPOSE_A = false;
const TRANSPOSE_B = true;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = unit_index(group_index(grid.group, grid.groups), lane);
    if (unit >= params.units) {
        return;
    }
    let row_unit = unit / params.col_units;
    let col_unit = unit % params.col_units;
    a_stride = params.a_stride;
    b_stride = params.b_stride;
    depth = params.time;
    whole_depth = depth;
    tile_product(row_unit, col_unit, lane, params.time);

    for (var i = 0u; i < EDGE; i++) {
        for (var j = 0u; j < EDGE; j++) {
            for (var r = 0u; r < 4u; r++) {
                let row = tile_row(row_unit, lane, i) + r;
                let col = tile_col(col_unit, lane, j);
                if (row < params.parcels) {
                    let m = mass[row];
                    let scale = nan_or(m, select(0.0, 1.0 / m, m >= 1e-30));
                    var value = (total[i][j][r] - g[row]) * scale;
                    if (DIRECT) {
                        for (var q = 0u; q < 4u; q++) {
                            value[q] += h[min(row * params.vertices + col + q, arrayLength(&h) - 1u)];
                        }
                    }
                    put4(row * params.vertices, col, params.vertices, value);
                }
            }
        }
    }
}
