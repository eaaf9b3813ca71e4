// The cotangent that reaches the ends of the pairs of a panel is q[pair, f] = first'(u[b, i, f] + v[b, j, f]) sum_h panel[pair, h] w[h, f].
// This makes parts of the sums of q over senders and over receivers, one for each block of pairs, and dz[b, i, j], the sum of its parts
// over tiles of outputs.
//
// panel      [rows, outputs]: pairs in blocks, four outputs at a time, 0 where a row of a block is no pair; more rows follow
// w          [outputs, features], four features at a time, as u, v and ends
// u          [batch, receivers, features]
// v          [batch, senders, features]
// sums       [parts, rows], four rows at a time
// ends       [blocks, receivers and then senders of a block, features]
// dz         [batch, receivers, senders]; only the entries of the panel's pairs are written
// workgroup GROUP x 1 x 1; a unit is a block of pairs, which is the rows of a tile, by the features of a tile; memory and barriers: see the
//            tile snippets. 2 EDGE (EDGE + 4) barriers more for a unit that a workgroup shares
// cost       pairs (2 features outputs + 5 features) FLOPs; each buffer once
// uses       grid, nan, math, features_vector, pair_activation, pair_blocks, pair_weights
// one of     tile_direct | tile_staged | tile_cooperative; tile_direct_sums | tile_staged_sums; matrices_16 | matrices_8; magnitudes_found

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
    // The number of parts in `sums`.
    parts: u32,
    first: u32,
    first_leak: f32,
}

@group(0) @binding(0) var<storage, read> panel: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> u: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> sums: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> ends: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> dz: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn slopes(row: u32, h: u32) -> vec4<f32> {
    return select(vec4<f32>(), panel[row * params.outputs + min(h, params.outputs - 1u)], h < params.outputs);
}

// Column r holds the outputs k .. k + 4 of row + r; zeros beyond the last output.
fn a_block(row: u32, k: u32) -> mat4x4<f32> {
    return mat4x4<f32>(slopes(row, k / 4u), slopes(row + 1u, k / 4u), slopes(row + 2u, k / 4u), slopes(row + 3u, k / 4u));
}

// Column q holds the weights of output k + q, of features col .. col + 4.
fn b_block(k: u32, col: u32) -> mat4x4<f32> {
    let f = col / 4u;
    return mat4x4<f32>(weights(k, f), weights(k + 1u, f), weights(k + 2u, f), weights(k + 3u, f));
}

fn add_weights_of_pairs(row_unit: u32, lane: u32) {
    for (var quad = divided(lane); quad < ROWS / 4u; quad += DIVIDED) {
        let row = ROWS * row_unit + 4u * quad;
        var whole = vec4<f32>();
        for (var part = 0u; part < params.parts; part++) {
            whole += sums[(part * params.rows + row) / 4u];
        }
        let receiver = receiver_of(row);
        let sender = sender_of(row);
        for (var r = 0u; r < 4u; r++) {
            if (is_pair(receiver, sender + r)) {
                dz[receiver_row(receiver) * params.senders + sender + r] = whole[r];
            }
        }
    }
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = unit_index(group_index(grid.group, grid.groups), lane);
    if (unit >= params.units) {
        return;
    }
    let col_unit = unit % params.col_units;
    let row_unit = unit / params.col_units;
    place(ROWS * row_unit);
    if (col_unit == 0u) {
        add_weights_of_pairs(row_unit, lane);
    }
    tile_product(row_unit, col_unit, lane, 4u * params.outputs);

    let quads = 1u << (params.sender_bits - 2u);
    // A block's receivers are the first of its ends.
    let block_receivers = 1u << (params.block_bits - params.sender_bits);
    let first_end = row_unit * (block_receivers + (1u << params.sender_bits));
    var own: array<vec4<f32>, RECEIVERS>;
    var sum: array<vec4<f32>, RECEIVERS>;
    for (var j = 0u; j < EDGE; j++) {
        let col = tile_col(col_unit, lane, j) / 4u;
        let f = min(col, params.features - 1u);
        for (var i = 0u; i < RECEIVERS; i++) {
            own[i] = u[receiver_row(receiver_of(tile_row(row_unit, lane, i))) * params.features + f];
            sum[i] = vec4<f32>();
        }
        for (var k = 0u; k < SENDERS; k++) {
            let sender = sender_of(tile_row(row_unit, lane, k));
            for (var r = 0u; r < 4u; r++) {
                let other = v[sender_row(sender + r) * params.features + f];
                var back = vec4<f32>();
                for (var i = 0u; i < RECEIVERS; i++) {
                    let slope = activated(own[i] + other, params.first, params.first_leak, true);
                    let receiver = receiver_of(tile_row(row_unit, lane, i));
                    let q = select(vec4<f32>(), slope * total[i + k][j][r], is_pair(receiver, sender + r));
                    sum[i] += q;
                    back += q;
                }
                let whole = over_receivers(back, lane, quads);
                if (keeps_receivers(lane, quads) && col < params.features) {
                    ends[(first_end + block_receivers + sender - first_sender + r) * params.features + col] = whole;
                }
            }
        }
        for (var i = 0u; i < RECEIVERS; i++) {
            let whole = over_rows(sum[i], lane, quads);
            if (keeps_rows(lane, quads) && col < params.features) {
                let receiver = receiver_of(tile_row(row_unit, lane, i)) - first_receiver;
                ends[(first_end + receiver) * params.features + col] = whole;
            }
        }
    }
}
