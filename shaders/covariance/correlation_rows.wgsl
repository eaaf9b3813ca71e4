// Rows of a correlation matrix: C = A A' from row `first` of A on, entries held within [-1, 1], the diagonal 1, or 0 for a row of zeros.
//
// a, b     [n, depth], the same, bindings 0 and 1, in `operands_scalar` or `operands_vector`; rows `stride` apart
// c        [rows, n], binding 2, in `result_scalar` or `result_vector`
// workgroup GROUP x 1 x 1; unit, memory and barriers: see the tile snippet
// cost     2 rows n depth + 2 rows n - rows FLOPs; a and c once
// uses     grid, nan, math, blocks, block_a, block_b
// one of   operands_vector | operands_scalar; result_vector | result_scalar; tile_direct | tile_staged | tile_cooperative; matrices_16 | matrices_8; magnitudes_given

const TRANSPOSE_A = false;
const TRANSPOSE_B = true;

struct Params {
    first: u32,
    rows: u32,
    n: u32,
    depth: u32,
    col_units: u32,
    units: u32,
    stride: u32,
}

// The bindings of `magnitudes_given`.
const MAGNITUDES = 3u;

@group(1) @binding(0) var<uniform> params: Params;

alias T = vec4<f32>;
alias U = vec4<u32>;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = unit_index(group_index(grid.group, grid.groups), lane);
    if (unit >= params.units) {
        return;
    }
    let row_unit = unit / params.col_units;
    let col_unit = unit % params.col_units;
    a_base = params.first * params.stride;
    a_stride = params.stride;
    b_stride = params.stride;
    depth = params.depth;
    whole_depth = depth;
    within_one = true;
    tile_product(row_unit, col_unit, lane, params.depth);

    for (var i = 0u; i < EDGE; i++) {
        for (var j = 0u; j < EDGE; j++) {
            for (var r = 0u; r < 4u; r++) {
                let row = tile_row(row_unit, lane, i) + r;
                let col = tile_col(col_unit, lane, j);
                let value = total[i][j][r];
                let diagonal = vec4<u32>(col, col + 1u, col + 2u, col + 3u) == vec4<u32>(params.first + row);
                let exact = select(vec4<f32>(0.0), vec4<f32>(1.0), value > vec4<f32>(0.5));
                let entries = nan_or(value, select(clamp(value, vec4<f32>(-1.0), vec4<f32>(1.0)), exact, diagonal));
                if (row < params.rows) {
                    put4(row * params.n, col, params.n, entries);
                }
            }
        }
    }
}
