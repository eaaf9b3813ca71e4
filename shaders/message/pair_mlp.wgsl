// s[b, i, h] = sum_j z[b, i, j] second(sum_f w[h, f] first(u[b, i, f] + v[b, j, f]) + bias[h]): messages of an edge network of two layers,
// of which neither the hidden states nor the outputs of pairs are stored.
//
// z        [batch, receivers, senders]
// u        [batch, receivers, features], four at a time, as are v, w, bias and s
// v        [batch, senders, features]
// w        [outputs, features]
// bias     [outputs]
// s        [batch, receivers, outputs]
// workgroup GROUP x 1 x 1; a unit is a few receivers, as many as a block of ROWS pairs has, and the outputs of one tile, which goes over
//          the senders; memory and barriers: see the tile snippets. 2 EDGE EDGE barriers more for a unit that a workgroup shares
// cost     batch receivers senders (2 features + 2 features outputs + 4 outputs) FLOPs; z, u, v, w, bias and s once
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
    // See `pair_blocks`: a block is the rows of one tile.
    across: u32,
    down: u32,
    block_bits: u32,
    sender_bits: u32,
    from_block: u32,
    last_block: u32,
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
@group(0) @binding(5) var<storage, read_write> s: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = unit_index(group_index(grid.group, grid.groups), lane);
    if (unit >= params.units) {
        return;
    }
    let col_unit = unit % params.col_units;
    let strip = unit / params.col_units;

    var sum: array<array<vec4<f32>, EDGE>, RECEIVERS>;
    for (var i = 0u; i < RECEIVERS; i++) {
        for (var j = 0u; j < EDGE; j++) {
            sum[i][j] = vec4<f32>();
        }
    }
    for (var step = 0u; step < params.across; step++) {
        let block = strip * params.across + step;
        place(block * ROWS);
        tile_product(block, col_unit, lane, 4u * params.features);
        for (var j = 0u; j < EDGE; j++) {
            let offset = bias[min(tile_col(col_unit, lane, j) / 4u, params.outputs - 1u)];
            for (var i = 0u; i < EDGE; i++) {
                let row = tile_row(block, lane, i);
                let receiver = receiver_of(row);
                let sender = sender_of(row);
                let at = receiver_row(receiver) * params.senders;
                for (var r = 0u; r < 4u; r++) {
                    let weight = z[at + min(sender + r, params.senders - 1u)];
                    let made = activated(total[i][j][r] + offset, params.second, params.second_leak, false);
                    sum[i % RECEIVERS][j] += select(0.0, weight, sender + r < params.senders) * made;
                }
            }
        }
    }
    let quads = 1u << (params.sender_bits - 2u);
    for (var i = 0u; i < RECEIVERS; i++) {
        let receiver = receiver_of(tile_row(strip * params.across, lane, i));
        for (var j = 0u; j < EDGE; j++) {
            let whole = over_rows(sum[i][j], lane, quads);
            let col = tile_col(col_unit, lane, j) / 4u;
            if (keeps_rows(lane, quads) && col < params.outputs && receiver < params.receivers) {
                s[receiver_row(receiver) * params.outputs + col] = whole;
            }
        }
    }
}
