// For the pairs of a panel, with y = sum_f w[h, f] first(u[b, i, f] + v[b, j, f]) + bias[h]: panel[pair, h] = z[b, i, j] g[b, i, h]
// second'(y_h), the cotangent of y, and parts of two sums: sum_h g[b, i, h] second(y_h), the cotangent of z, over the outputs of a tile,
// and that of the panel over the pairs of a tile, of which the cotangent of the bias is made.
//
// z        [batch, receivers, senders]
// u        [batch, receivers, features], four at a time, as are v, w, bias, g and panel
// v        [batch, senders, features]
// w        [outputs, features]
// bias     [outputs]
// g        [batch, receivers, outputs]
// panel    [rows, outputs]: pairs in blocks, 0 where a row of a block is no pair; then [tiles of rows, outputs], the sums over each tile's
//          rows
// sums     [col_units, rows] parts of the cotangent of z, four rows at a time
// workgroup GROUP x 1 x 1; a unit is a tile of pairs of one block by outputs; memory and barriers: see the tile snippets. 4 EDGE barriers
//          more for a unit that a workgroup shares
// cost     pairs (2 features + 2 features outputs + 8 outputs) FLOPs; z, u, v, w, bias, g, panel and sums once
// uses     grid, nan, math, features_vector, pair_activation, pair_blocks, pair_hidden, pair_weights, pair_layers
// one of   tile_direct | tile_staged | tile_cooperative; tile_direct_sums | tile_staged_sums; matrices_16 | matrices_8; magnitudes_found

struct Params {
    units: u32,
    receivers: u32,
    senders: u32,
    // In fours.
    features: u32,
    outputs: u32,
    col_units: u32,
    // See `pair_blocks`; rows of the panel.
    across: u32,
    down: u32,
    block_bits: u32,
    sender_bits: u32,
    from_block: u32,
    last_block: u32,
    rows: u32,
    first: u32,
    second: u32,
    first_leak: f32,
    second_leak: f32,
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> u: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> panel: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = unit_index(group_index(grid.group, grid.groups), lane);
    if (unit >= params.units) {
        return;
    }
    let col_unit = unit % params.col_units;
    let row_unit = unit / params.col_units;
    place(ROWS * row_unit);
    tile_product(row_unit, col_unit, lane, 4u * params.features);

    var by_row: array<vec4<f32>, EDGE>;
    var by_col: array<vec4<f32>, EDGE>;
    for (var i = 0u; i < EDGE; i++) {
        by_row[i] = vec4<f32>();
        by_col[i] = vec4<f32>();
    }
    for (var i = 0u; i < EDGE; i++) {
        let row = tile_row(row_unit, lane, i);
        let receiver = receiver_of(row);
        let sender = sender_of(row);
        let own = receiver_row(receiver);
        for (var j = 0u; j < EDGE; j++) {
            let h = tile_col(col_unit, lane, j) / 4u;
            let last = min(h, params.outputs - 1u);
            let offset = bias[last];
            let back = select(vec4<f32>(), g[own * params.outputs + last], h < params.outputs);
            for (var r = 0u; r < 4u; r++) {
                let y = total[i][j][r] + offset;
                by_row[i][r] += dot(back, activated(y, params.second, params.second_leak, false));
                let weight = z[own * params.senders + min(sender + r, params.senders - 1u)];
                let slope = weight * back * activated(y, params.second, params.second_leak, true);
                let kept = select(vec4<f32>(), slope, is_pair(receiver, sender + r));
                by_col[j] += kept;
                if (h < params.outputs) {
                    panel[(row + r) * params.outputs + h] = kept;
                }
            }
        }
    }
    for (var i = 0u; i < EDGE; i++) {
        let row = tile_row(row_unit, lane, i);
        let whole = over_cols(by_row[i], lane);
        if (keeps_cols(lane)) {
            sums[(col_unit * params.rows + row) / 4u] = whole;
        }
    }
    for (var j = 0u; j < EDGE; j++) {
        let h = tile_col(col_unit, lane, j) / 4u;
        let whole = over_rows(by_col[j], lane, QUADS_DOWN);
        if (keeps_rows(lane, QUADS_DOWN) && h < params.outputs) {
            panel[(params.rows + row_unit) * params.outputs + h] = whole;
        }
    }
}
