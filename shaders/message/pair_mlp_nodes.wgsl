// d[b, n, f] = sum_m first'(own[b, n, f] + other[b, m, f]) sum_h panel[pair, h] w[h, f] over the pairs of a panel: what reaches one end of an
// edge network's first layer. The nodes n kept are the receivers and the m summed are the senders, or the other way.
//
// panel    [graphs, receivers, senders, outputs], those of the panel, four outputs at a time; by_kept and by_summed apart
// w        [outputs, features], four features at a time, as own, other and d
// own      [batch, nodes, features], of the nodes kept
// other    [batch, nodes, features], of the nodes summed
// d        [batch, nodes, features], of the nodes kept: of the panel's alone; added to what is there unless `begins`
// workgroup GROUP x 1 x 1; a unit is one node kept and the features of one tile, which goes over the nodes summed; memory and barriers: see
//          the tile snippets. 2 barriers more for a unit that a workgroup shares
// cost     pairs (2 features outputs + 4 features) FLOPs, and 1 more for each element of d of the panel that is added to what is there; panel,
//          w, own, other and d once, d twice where it is added to
// uses     grid, nan, math, features_vector, pair_activation
// one of   tile_direct | tile_shared; tile_direct_sums | tile_shared_sums

struct Params {
    units: u32,
    // Of the panel.
    kept: u32,
    summed: u32,
    // In fours.
    features: u32,
    outputs: u32,
    row_units: u32,
    col_units: u32,
    by_kept: u32,
    by_summed: u32,
    graph: u32,
    // Nodes of a graph, and where the panel's begin.
    own_nodes: u32,
    own_first: u32,
    other_nodes: u32,
    other_first: u32,
    first: u32,
    first_leak: f32,
    begins: u32,
}

@group(0) @binding(0) var<storage, read> panel: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> own: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> other: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> d: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

// Where the pairs of the node kept begin in the panel.
var<private> pairs: u32;

fn pair(row: u32, h: u32) -> vec4<f32> {
    return panel[pairs + min(row, params.summed - 1u) * params.by_summed + h];
}

// Column r holds the outputs k .. k + 4 of the pair with row + r; zeros beyond the last output.
fn a_block(row: u32, k: u32) -> mat4x4<f32> {
    let h = k / 4u;
    if (h >= params.outputs) {
        return mat4x4<f32>();
    }
    return mat4x4<f32>(pair(row, h), pair(row + 1u, h), pair(row + 2u, h), pair(row + 3u, h));
}

fn weights(output: u32, f: u32) -> vec4<f32> {
    return w[min(output, 4u * params.outputs - 1u) * params.features + min(f, params.features - 1u)];
}

// Column q holds the weights of output k + q, of features col .. col + 4.
fn b_block(k: u32, col: u32) -> mat4x4<f32> {
    let f = col / 4u;
    return mat4x4<f32>(weights(k, f), weights(k + 1u, f), weights(k + 2u, f), weights(k + 3u, f));
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let unit = unit_index(group_index(grid.group, grid.groups), lane);
    if (unit >= params.units) {
        return;
    }
    let col_unit = unit % params.col_units;
    let node = unit / params.col_units % params.kept;
    let in_panel = unit / params.col_units / params.kept;
    pairs = in_panel * params.kept * params.summed * params.outputs + node * params.by_kept;
    let origin = ((params.graph + in_panel) * params.own_nodes + params.own_first + node) * params.features;
    let others = ((params.graph + in_panel) * params.other_nodes + params.other_first) * params.features;

    var sum: array<vec4<f32>, EDGE>;
    for (var j = 0u; j < EDGE; j++) {
        sum[j] = vec4<f32>();
    }
    for (var row_unit = 0u; row_unit < params.row_units; row_unit++) {
        tile_product(row_unit, col_unit, lane, 4u * params.outputs);
        for (var j = 0u; j < EDGE; j++) {
            let f = min(tile_col(col_unit, lane, j) / 4u, params.features - 1u);
            let end = own[origin + f];
            for (var i = 0u; i < EDGE; i++) {
                for (var r = 0u; r < 4u; r++) {
                    let row = tile_row(row_unit, lane, i) + r;
                    let x = end + other[others + min(row, params.summed - 1u) * params.features + f];
                    let back = activated(x, params.first, params.first_leak, true) * total[i][j][r];
                    sum[j] += select(vec4<f32>(), back, row < params.summed);
                }
            }
        }
    }
    for (var j = 0u; j < EDGE; j++) {
        var whole = over_rows(sum[j], lane);
        let f = tile_col(col_unit, lane, j) / 4u;
        if (keeps_rows(lane) && f < params.features) {
            if (params.begins == 0u) {
                whole += d[origin + f];
            }
            d[origin + f] = whole;
        }
    }
}
