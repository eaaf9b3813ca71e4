// dw[run, h, f] = sum over a run of a panel's rows of panel[row, h] first(u[b, i, f] + v[b, j, f]) of the row's pair, and db[run, h] = sum
// of panel[row, h], made of its parts: parts of the cotangents of an edge network's second layer, to be summed over runs.
//
// panel    [rows, outputs]: pairs in blocks, four outputs at a time, 0 where a row of a block is no pair
// u        [batch, receivers, features], four at a time, as are v, dw and db
// v        [batch, senders, features]
// sums     from `from_sums` on: [tiles of rows, outputs], the sums of the panel over the rows of each tile, four outputs at a time
// dw       [runs, outputs, features]; added to what is there unless `begins`
// db       [runs, outputs]; likewise
// workgroup GROUP x 1 x 1; a unit is the outputs and features of one tile in one run; memory and barriers: see the tile snippet
// cost     pairs (2 features + 2 features outputs) + tiles of rows outputs FLOPs, and 1 more for each element of dw and db that is added to
//          what is there; panel, u, v, sums, dw and db once, the last two twice where they are added to
// uses     grid, nan, math, features_vector, pair_activation, pair_blocks, pair_hidden
// one of   tile_direct | tile_staged; tile_direct_sums | tile_staged_sums

struct Params {
    units: u32,
    receivers: u32,
    senders: u32,
    // In fours.
    features: u32,
    outputs: u32,
    row_units: u32,
    col_units: u32,
    // See `pair_blocks`; rows of the panel.
    across: u32,
    down: u32,
    block_bits: u32,
    sender_bits: u32,
    from_block: u32,
    last_block: u32,
    rows: u32,
    // Rows of a run, and tiles of rows of a run and of the panel.
    run: u32,
    run_tiles: u32,
    tiles: u32,
    from_sums: u32,
    first: u32,
    first_leak: f32,
    begins: u32,
}

@group(0) @binding(0) var<storage, read> panel: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> u: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> sums: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dw: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> db: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

// The first row of the run, and the row after its last.
var<private> start: u32;
var<private> end: u32;

// Outputs of a row of the run; none beyond its end.
fn slopes(at: u32, h: u32) -> vec4<f32> {
    let row = min(start + at, params.rows - 1u);
    return select(vec4<f32>(), panel[row * params.outputs + h], start + at < end);
}

// Column r holds output row + r of the rows k .. k + 4.
fn a_block(row: u32, k: u32) -> mat4x4<f32> {
    let h = min(row / 4u, params.outputs - 1u);
    return transpose(mat4x4<f32>(slopes(k, h), slopes(k + 1u, h), slopes(k + 2u, h), slopes(k + 3u, h)));
}

// Column q holds the features col .. col + 4 of row k + q.
fn b_block(k: u32, col: u32) -> mat4x4<f32> {
    place(start + k);
    return hidden_rows(start + k, min(col / 4u, params.features - 1u));
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = unit_index(group_index(grid.group, grid.groups), lane);
    if (unit >= params.units) {
        return;
    }
    let col_unit = unit % params.col_units;
    let row_unit = unit / params.col_units % params.row_units;
    let run = unit / params.col_units / params.row_units;
    start = run * params.run;
    end = min(start + params.run, params.rows);
    tile_product(row_unit, col_unit, lane, params.run);

    for (var i = 0u; i < EDGE; i++) {
        let first_row = tile_row(row_unit, lane, i);
        for (var j = 0u; j < EDGE; j++) {
            let f = tile_col(col_unit, lane, j) / 4u;
            for (var r = 0u; r < 4u; r++) {
                let at = (4u * run * params.outputs + first_row + r) * params.features + f;
                if (first_row < 4u * params.outputs && f < params.features) {
                    dw[at] = total[i][j][r] + select(vec4<f32>(), dw[at], params.begins == 0u);
                }
            }
        }
        // The first tile in the row of those of these outputs makes db.
        if (tile_col(col_unit, lane, 0u) == 0u && first_row < 4u * params.outputs) {
            let h = first_row / 4u;
            let at = run * params.outputs + h;
            var sum = select(vec4<f32>(), db[at], params.begins == 0u);
            let stop = min((run + 1u) * params.run_tiles, params.tiles);
            for (var tile = run * params.run_tiles; tile < stop; tile++) {
                sum += sums[params.from_sums + tile * params.outputs + h];
            }
            db[at] = sum;
        }
    }
}
