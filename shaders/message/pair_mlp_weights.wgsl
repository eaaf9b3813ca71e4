// dw[run, h, f] = sum over a run of a panel's pairs of panel[pair, h] first(u[b, i, f] + v[b, j, f]), and db[run, h] = sum of panel[pair, h]: parts
// of the cotangents of an edge network's second layer, to be summed over runs.
//
// panel    [graphs, receivers, senders, outputs], those of the panel, four outputs at a time
// u        [batch, receivers, features], four at a time, as are v, dw and db
// v        [batch, senders, features]
// dw       [runs, outputs, features]; added to what is there unless `begins`
// db       [runs, outputs]; likewise
// workgroup GROUP x 1 x 1; a unit is the outputs and features of one tile in one run; memory and barriers: see the tile snippet. Sums of db
//          are flushed every 64 terms
// cost     pairs (2 features + 2 features outputs + outputs) FLOPs, and 1 more for each element of dw and db that is added to what is there;
//          panel, u, v, dw and db once, the last two twice where they are added to
// uses     grid, nan, math, features_vector, pair_activation
// one of   tile_direct | tile_shared; tile_direct_sums | tile_shared_sums

struct Params {
    units: u32,
    receivers: u32,
    senders: u32,
    // In fours.
    features: u32,
    outputs: u32,
    row_units: u32,
    col_units: u32,
    // Pairs of the panel, and of a run.
    pairs: u32,
    run: u32,
    first: u32,
    first_leak: f32,
    graph: u32,
    from_receiver: u32,
    from_sender: u32,
    panel_receivers: u32,
    panel_senders: u32,
    begins: u32,
}

@group(0) @binding(0) var<storage, read> panel: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> u: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> db: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

// Where the run begins and ends.
var<private> start: u32;
var<private> end: u32;

// Outputs of a pair of the run; none beyond its end.
fn slopes(at: u32, h: u32) -> vec4<f32> {
    let pair = min(start + at, params.pairs - 1u);
    return select(vec4<f32>(), panel[pair * params.outputs + min(h, params.outputs - 1u)], start + at < end);
}

// Column r holds output row + r of the pairs k .. k + 4.
fn a_block(row: u32, k: u32) -> mat4x4<f32> {
    let h = row / 4u;
    return transpose(mat4x4<f32>(slopes(k, h), slopes(k + 1u, h), slopes(k + 2u, h), slopes(k + 3u, h)));
}

fn hidden(at: u32, f: u32) -> vec4<f32> {
    let pair = min(start + at, params.pairs - 1u);
    let own = pair / params.panel_senders;
    let graph = params.graph + own / params.panel_receivers;
    let receiver = graph * params.receivers + params.from_receiver + own % params.panel_receivers;
    let sender = graph * params.senders + params.from_sender + pair % params.panel_senders;
    return activated(u[receiver * params.features + f] + v[sender * params.features + f], params.first, params.first_leak, false);
}

// Column q holds the features col .. col + 4 of pair k + q.
fn b_block(k: u32, col: u32) -> mat4x4<f32> {
    let f = min(col / 4u, params.features - 1u);
    return mat4x4<f32>(hidden(k, f), hidden(k + 1u, f), hidden(k + 2u, f), hidden(k + 3u, f));
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
    end = min(start + params.run, params.pairs);
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
        // Of all tiles of these outputs, the first in the row.
        if (tile_col(col_unit, lane, 0u) == 0u && first_row < 4u * params.outputs) {
            let at = run * params.outputs + first_row / 4u;
            var sum = select(vec4<f32>(), db[at], params.begins == 0u);
            for (var flush = 0u; flush < params.run; flush += 64u) {
                var part = vec4<f32>();
                let stop = min(flush + 64u, params.run);
                for (var k = flush; k < stop; k++) {
                    part += slopes(k, first_row / 4u);
                }
                sum += part;
            }
            db[at] = sum;
        }
    }
}
