// Parcel series: S = A X / m, m the mass of each parcel (its memberships' sum); a parcel whose mass is below 1e-30 has a series of 0.
//
// a, b     [parcels, vertices]: memberships, and [vertices, time]: X; bindings 0 and 1, in `operands_scalar` or `operands_vector`, rows
//          a_stride, b_stride apart
// c        [parcels, time]: S, binding 2, in `result_scalar` or `result_vector`
// mass     [parcels]
// workgroup GROUP x 1 x 1; unit, memory and barriers: see the tile snippet
// cost     2 parcels vertices time FLOPs; a, b, mass and c once
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
const MAGNITUDES = 4u;

@group(0) @binding(3) var<storage, read> mass: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const TRANSPOSE_A = false;
const TRANSPOSE_B = false;

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
    depth = params.vertices;
    whole_depth = depth;
    tile_product(row_unit, col_unit, lane, params.vertices);

    for (var i = 0u; i < EDGE; i++) {
        for (var j = 0u; j < EDGE; j++) {
            for (var r = 0u; r < 4u; r++) {
                let row = tile_row(row_unit, lane, i) + r;
                if (row < params.parcels) {
                    let m = mass[row];
                    let scale = nan_or(m, select(0.0, 1.0 / m, m >= 1e-30));
                    put4(row * params.time, tile_col(col_unit, lane, j), params.time, total[i][j][r] * scale);
                }
            }
        }
    }
}
