// The sums of an edge network's reverse pass over the pairs of a panel. For the second layer, dw[run, h, f] = sum over a run of a panel's
// rows of panel[row, h] first(u[b, i, f] + v[b, j, f]) of the row's pair, and db[run, h] = sum of panel[row, h], made of its parts; they
// are to be summed over runs. For the first layer, du[b, i, f] and dv[b, j, f] = sum over the panel's blocks that hold the node of
// ends[block, place of the node, f]. All are added to what is there if an earlier panel began it.
//
// panel    [rows, outputs]: pairs in blocks, four outputs at a time, 0 where a row of a block is no pair; then [tiles of rows, outputs],
//          the sums over the rows of each tile
// u        [batch, receivers, features], four at a time, as are v, ends, dw, db, du and dv
// v        [batch, senders, features]
// ends     [blocks, receivers and then senders of a block, features]
// dw       [runs, outputs, features]; added to what is there unless `begins`
// db       [runs, outputs]; likewise
// du       [batch, receivers, features]; added to what is there unless the panel has the first of the node's blocks. Nodes without a block
//          in the panel are left alone
// dv       [batch, senders, features]; likewise
// workgroup GROUP x 1 x 1; the first `groups` make dw and db, of which a unit is the outputs and features of one tile in one run; memory
//          and barriers: see the tile snippet. In the others, which have no barriers, an invocation makes four features of du or of dv, a
//          sum that is flushed every 64 terms
// cost     pairs (2 features + 2 features outputs) + tiles of rows outputs FLOPs, and 1 more for each element of dw and db that is added to
//          what is there; at each end blocks x nodes of a block that are nodes x features FLOPs, and 1 more for each element of du and dv
//          that is added to what is there; panel, u, v, ends, dw, db, du and dv once, the last four twice where they are added to
// uses     grid, nan, math, features_vector, pair_activation, pair_blocks, pair_hidden
// one of   tile_direct | tile_staged | tile_cooperative; tile_direct_sums | tile_staged_sums; matrices_16 | matrices_8; magnitudes_found

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
    first: u32,
    first_leak: f32,
    begins: u32,
    // The workgroups of dw and db; the graphs that the panel touches.
    groups: u32,
    graphs: u32,
}

@group(0) @binding(0) var<storage, read> panel: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> u: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> ends: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dw: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> db: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> du: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4<f32>>;
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

// Makes a unit of dw, and with the first tile in a row of them a piece of db.
fn add_weights(unit: u32, lane: u32) {
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
        if (tile_col(col_unit, lane, 0u) == 0u && first_row < 4u * params.outputs) {
            let h = first_row / 4u;
            let at = run * params.outputs + h;
            var sum = select(vec4<f32>(), db[at], params.begins == 0u);
            let stop = min((run + 1u) * params.run_tiles, params.tiles);
            for (var tile = run * params.run_tiles; tile < stop; tile++) {
                sum += panel[(params.rows + tile) * params.outputs + h];
            }
            db[at] = sum;
        }
    }
}

// Makes four features of a node: those at `at` of du, or after its end of dv, counted from the first graph that the panel touches.
fn add_ends(at: u32) {
    let of_receivers = params.graphs * params.receivers * params.features;
    let sends = at >= of_receivers;
    let element = select(at, at - of_receivers, sends);
    let nodes = select(params.receivers, params.senders, sends);
    let node = element / params.features % nodes;
    let of_graph = params.across * params.down;
    let graph = params.from_block / of_graph + element / params.features / nodes;
    // The node's blocks are `steps`, `by_step` apart, from `first` on; `slot` is its element among the ends of each.
    let receiver_bits = params.block_bits - params.sender_bits;
    let bits = select(receiver_bits, params.sender_bits, sends);
    let steps = select(params.across, params.down, sends);
    let by_step = select(1u, params.across, sends);
    let first = graph * of_graph + (node >> bits) * select(params.across, 1u, sends);
    let slot = (node & ((1u << bits) - 1u)) + select(0u, 1u << receiver_bits, sends);
    let of_block = (1u << receiver_bits) + (1u << params.sender_bits);
    // Those from `begin` to `stop` lie in the panel.
    let after_last = params.from_block + (params.rows >> params.block_bits);
    let before = select(0u, params.from_block - first, params.from_block > first);
    let within = select(0u, after_last - first, after_last > first);
    let begin = (before + by_step - 1u) / by_step;
    let stop = min((within + by_step - 1u) / by_step, steps);
    if (begin >= stop) {
        return;
    }
    let f = element % params.features;
    let to = (graph * nodes + node) * params.features + f;
    var sum = vec4<f32>();
    if (begin > 0u) {
        if (sends) {
            sum = dv[to];
        } else {
            sum = du[to];
        }
    }
    for (var flush = begin; flush < stop; flush += 64u) {
        var some = vec4<f32>();
        let last = min(flush + 64u, stop);
        for (var step = flush; step < last; step++) {
            let block = first + step * by_step - params.from_block;
            some += ends[(block * of_block + slot) * params.features + f];
        }
        sum += some;
    }
    if (sends) {
        dv[to] = sum;
    } else {
        du[to] = sum;
    }
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let group = group_index(grid.group, grid.groups);
    if (group >= params.groups) {
        let at = (group - params.groups) * GROUP + lane;
        if (at < params.graphs * (params.receivers + params.senders) * params.features) {
            add_ends(at);
        }
        return;
    }
    let unit = unit_index(group, lane);
    if (unit < params.units) {
        add_weights(unit, lane);
    }
}
