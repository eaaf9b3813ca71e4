// d[b, n, f] = sum over the blocks of a panel that hold the node n of part[block, place of n, f], for the receivers and for the senders of
// pairs: the cotangents of both ends of an edge network's first layer; added to what is there, unless the panel has the first of the node's
// blocks. Nodes without a block in the panel are left alone.
//
// receiver_parts, sender_parts   part: [blocks of the panel, nodes of a block, features], four features at a time, as d
// receivers, senders             d: [batch, nodes, features]
// workgroup 256 x 1 x 1, no memory, no barrier; a workgroup belongs to one end, an invocation makes four features of a node. Sums are
//          flushed every 64 terms
// cost     at each end blocks x nodes of a block that are nodes x features FLOPs, and 1 more for each element of d that is added to what is
//          there; part once, d once, or twice where it is added to
// uses     grid

struct Params {
    // Of receivers and of senders: the elements of d of the graphs that the panel touches, in fours; the nodes of a graph; and the number of
    // low bits of a node that are its place in a block.
    elements: vec2<u32>,
    nodes: vec2<u32>,
    bits: vec2<u32>,
    // The distance from the blocks of one group of nodes to those of the next; the number of blocks of a node; and the distance from one of
    // these to the next.
    of_nodes: vec2<u32>,
    steps: vec2<u32>,
    by_step: vec2<u32>,
    // The number of features, in fours; of blocks of a graph; and of workgroups before those of senders.
    features: u32,
    of_graph: u32,
    receiver_groups: u32,
    // The first graph that the panel touches, its first block, and the number of its blocks.
    first_graph: u32,
    from_block: u32,
    blocks: u32,
}

@group(0) @binding(0) var<storage, read> receiver_parts: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> sender_parts: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> receivers: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> senders: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

fn part(end: u32, i: u32) -> vec4<f32> {
    if (end == 0u) {
        return receiver_parts[i];
    }
    return sender_parts[i];
}

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let group = group_index(grid.group, grid.groups);
    let end = select(0u, 1u, group >= params.receiver_groups);
    let at = (group - end * params.receiver_groups) * 256u + lane;
    if (at >= params.elements[end]) {
        return;
    }
    let nodes = params.nodes[end];
    let bits = params.bits[end];
    let by_step = params.by_step[end];
    let f = at % params.features;
    let node = at / params.features % nodes;
    let graph = params.first_graph + at / params.features / nodes;
    let first = graph * params.of_graph + (node >> bits) * params.of_nodes[end];
    // The node's blocks from `step` to `stop` lie in the panel.
    let before = select(0u, params.from_block - first, params.from_block > first);
    let within = select(0u, params.from_block + params.blocks - first, params.from_block + params.blocks > first);
    let begin = (before + by_step - 1u) / by_step;
    let stop = min((within + by_step - 1u) / by_step, params.steps[end]);
    if (begin >= stop) {
        return;
    }
    let place = node & ((1u << bits) - 1u);
    let to = (graph * nodes + node) * params.features + f;
    var sum = vec4<f32>();
    if (begin > 0u) {
        if (end == 0u) {
            sum = receivers[to];
        } else {
            sum = senders[to];
        }
    }
    for (var flush = begin; flush < stop; flush += 64u) {
        var some = vec4<f32>();
        let last = min(flush + 64u, stop);
        for (var step = flush; step < last; step++) {
            let block = first + step * by_step - params.from_block;
            some += part(end, ((block << bits) + place) * params.features + f);
        }
        sum += some;
    }
    if (end == 0u) {
        receivers[to] = sum;
    } else {
        senders[to] = sum;
    }
}
