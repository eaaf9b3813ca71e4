// d[b, n, f] = sum over the blocks of a panel that hold the node n of part[block, place of n, f]: the cotangent of one end of an edge
// network's first layer; added to what is there, unless the panel has the first of the node's blocks. Nodes without a block in the panel
// are left alone.
//
// part     [blocks of the panel, nodes of a block, features], four features at a time, as d
// d        [batch, nodes, features]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four features of a node. Sums are flushed every 64 terms
// cost     blocks x nodes of a block that are nodes x features FLOPs, and 1 more for each element of d that is added to what is there; part
//          once, d once, or twice where it is added to
// uses     grid

struct Params {
    // The elements of d of the graphs that the panel touches, in fours, and the first of these graphs.
    elements: u32,
    first_graph: u32,
    nodes: u32,
    // The number of features, in fours.
    features: u32,
    // The number of low bits of a node that are its place in a block.
    bits: u32,
    // The number of blocks of a graph; the distance from the blocks of one group of nodes to those of the next; the number of blocks of a
    // node; and the distance from one of these to the next.
    of_graph: u32,
    of_nodes: u32,
    steps: u32,
    by_step: u32,
    // The first block of the panel, and the number of its blocks.
    from_block: u32,
    blocks: u32,
}

@group(0) @binding(0) var<storage, read> part: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> d: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups) * 256u + lane;
    if (at >= params.elements) {
        return;
    }
    let f = at % params.features;
    let node = at / params.features % params.nodes;
    let graph = params.first_graph + at / params.features / params.nodes;
    let first = graph * params.of_graph + (node >> params.bits) * params.of_nodes;
    // The node's blocks from `step` to `stop` lie in the panel.
    let before = select(0u, params.from_block - first, params.from_block > first);
    let within = select(0u, params.from_block + params.blocks - first, params.from_block + params.blocks > first);
    let begin = (before + params.by_step - 1u) / params.by_step;
    let stop = min((within + params.by_step - 1u) / params.by_step, params.steps);
    if (begin >= stop) {
        return;
    }
    let place = node & ((1u << params.bits) - 1u);
    let to = (graph * params.nodes + node) * params.features + f;
    var sum = vec4<f32>();
    if (begin > 0u) {
        sum = d[to];
    }
    for (var flush = begin; flush < stop; flush += 64u) {
        var some = vec4<f32>();
        let end = min(flush + 64u, stop);
        for (var step = flush; step < end; step++) {
            let block = first + step * params.by_step - params.from_block;
            some += part[((block << params.bits) + place) * params.features + f];
        }
        sum += some;
    }
    d[to] = sum;
}
