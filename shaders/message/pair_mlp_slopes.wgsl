// For the pairs of a panel, some receivers by some senders of some graphs, with y = sum_f w[h, f] first(u[b, i, f] + v[b, j, f]) + bias[h]:
// dz[b, i, j] = sum_h g[b, i, h] second(y_h), and panel[pair, h] = z[b, i, j] g[b, i, h] second'(y_h), the cotangent of y.
//
// z, dz    [batch, receivers, senders]; dz of the panel's pairs alone is written
// u        [batch, receivers, features], four at a time, as are v, w, bias, g and panel
// v        [batch, senders, features]
// w        [outputs, features]
// bias     [outputs]
// g        [batch, receivers, outputs]
// panel    [graphs, receivers, senders, outputs], those of the panel
// workgroup GROUP x 1 x 1; a unit is one receiver and the senders of one tile, which goes over the outputs; memory and barriers: see the
//          tile snippets. 2 barriers more for a unit that a workgroup shares
// cost     pairs (2 features + 2 features outputs + 7 outputs) FLOPs; z, u, v, w, bias, g, panel and dz once
// uses     grid, nan, math, features_vector, pair_activation, pair_layers
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
    first: u32,
    second: u32,
    first_leak: f32,
    second_leak: f32,
    // Where the panel begins, and its extents.
    graph: u32,
    from_receiver: u32,
    from_sender: u32,
    panel_receivers: u32,
    panel_senders: u32,
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> u: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> panel: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> dz: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = unit_index(group_index(grid.group, grid.groups), lane);
    if (unit >= params.units) {
        return;
    }
    let row_unit = unit % params.row_units;
    let own = unit / params.row_units;
    let graph = params.graph + own / params.panel_receivers;
    receiver = graph * params.receivers + params.from_receiver + own % params.panel_receivers;
    first_sender = graph * params.senders + params.from_sender;
    senders = params.panel_senders;
    let first_pair = receiver * params.senders + params.from_sender;

    var sum: array<vec4<f32>, EDGE>;
    for (var i = 0u; i < EDGE; i++) {
        sum[i] = vec4<f32>();
    }
    for (var col_unit = 0u; col_unit < params.col_units; col_unit++) {
        tile_product(row_unit, col_unit, lane, 4u * params.features);
        for (var j = 0u; j < EDGE; j++) {
            let h = tile_col(col_unit, lane, j) / 4u;
            let last = min(h, params.outputs - 1u);
            let offset = bias[last];
            let slope = select(vec4<f32>(), g[receiver * params.outputs + last], h < params.outputs);
            for (var i = 0u; i < EDGE; i++) {
                for (var r = 0u; r < 4u; r++) {
                    let row = tile_row(row_unit, lane, i) + r;
                    let y = total[i][j][r] + offset;
                    sum[i][r] += dot(slope, activated(y, params.second, params.second_leak, false));
                    if (row < senders && h < params.outputs) {
                        panel[(own * senders + row) * params.outputs + h] =
                            z[first_pair + row] * slope * activated(y, params.second, params.second_leak, true);
                    }
                }
            }
        }
    }
    for (var i = 0u; i < EDGE; i++) {
        let whole = over_cols(sum[i], lane);
        for (var r = 0u; r < 4u; r++) {
            let row = tile_row(row_unit, lane, i) + r;
            if (keeps_cols(lane) && row < senders) {
                dz[first_pair + row] = whole[r];
            }
        }
    }
}
