// A round of Boruvka's algorithm: super-nodes that the best edges join become one. Of two that lead to each other the smaller is the
// root of their tree; all others hand in their edges. Roots are found by pointer jumping, and numbered in order.
//
// counts   [graphs], u32: super-nodes before; a graph of one is left as it is
// edge     [graphs, k], u32: each super-node's best edge
// label    [graphs, k], u32: where it leads; after that, the number of its new super-node
// other    [graphs, k], u32: of no meaning after
// next     [graphs, k], u32: the members of a new super-node as a list, in any order; 0xffffffff ends it
// head     [graphs, k / 2], u32: where it begins
// place    [graphs, n (n - 1) / 2], u32: the edges, in the order of their indices; those of the tree lose their bit 31
// left     [graphs], u32: super-nodes after
// workgroup LANES x 1 x 1, one graph; 4 LANES bytes of workgroup memory; 2 pairs + 5 barriers (see the sync snippet), 2 pairs + 1 jumps
// cost     no FLOPs; each buffer once, label and place twice
// uses     grid
// one of   sync_serial | sync_group

struct Params {
    graphs: u32,
    k: u32,
    n: u32,
    pairs: u32,
}

@group(0) @binding(0) var<storage, read> counts: array<u32>;
@group(0) @binding(1) var<storage, read> edge: array<u32>;
@group(0) @binding(2) var<storage, read_write> label: array<u32>;
@group(0) @binding(3) var<storage, read_write> other: array<u32>;
@group(0) @binding(4) var<storage, read_write> next: array<u32>;
@group(0) @binding(5) var<storage, read_write> head: array<atomic<u32>>;
@group(0) @binding(6) var<storage, read_write> place: array<u32>;
@group(0) @binding(7) var<storage, read_write> left: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

const NONE = 0xffffffffu;

// Roots in each invocation's share.
var<workgroup> sums: array<u32, GROUP>;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    let there = at < params.graphs;
    let graph = min(at, params.graphs - 1u);
    let count = counts[graph];
    // A graph beyond the end has no super-nodes, and one of a single super-node has nothing to do.
    let k = select(0u, count, there && count > 1u);
    let base = graph * params.k;
    let edges = params.n * (params.n - 1u) / 2u;
    for (var v = lane; v < k; v += LANES) {
        let to = min(label[base + v], k - 1u);
        let root = min(label[base + to], k - 1u) == v && v < to;
        other[base + v] = select(to, v, root);
        if (!root) {
            let i = edge[base + v] / params.n;
            let j = edge[base + v] % params.n;
            place[graph * edges + i * (2u * params.n - i - 1u) / 2u + j - i - 1u] = edge[base + v];
        }
    }
    sync();
    for (var v = lane; v < k; v += LANES) {
        label[base + v] = other[base + other[base + v]];
    }
    for (var pair = 0u; pair < params.pairs; pair++) {
        sync();
        for (var v = lane; v < k; v += LANES) {
            other[base + v] = label[base + label[base + v]];
        }
        sync();
        for (var v = lane; v < k; v += LANES) {
            label[base + v] = other[base + other[base + v]];
        }
    }
    sync();
    let share = (k + LANES - 1u) / LANES;
    let first = min(lane * share, k);
    let last = min(first + share, k);
    var roots = 0u;
    for (var v = first; v < last; v++) {
        roots += select(0u, 1u, label[base + v] == v);
    }
    sums[lane] = roots;
    sync();
    var number = 0u;
    var after = 0u;
    for (var l = 0u; l < LANES; l++) {
        number += select(0u, sums[l], l < lane);
        after += sums[l];
    }
    for (var v = first; v < last; v++) {
        if (label[base + v] == v) {
            other[base + v] = number;
            atomicStore(&head[graph * (params.k / 2u) + min(number, params.k / 2u - 1u)], NONE);
            number++;
        }
    }
    sync();
    // Where weights are not symmetric there may be circles without a root; nothing is made of such graphs.
    for (var v = lane; v < k; v += LANES) {
        let new_label = min(other[base + label[base + v]], max(after, 1u) - 1u);
        label[base + v] = new_label;
        if (after > 0u) {
            next[base + v] = atomicExchange(&head[graph * (params.k / 2u) + min(new_label, params.k / 2u - 1u)], v);
        }
    }
    if (there && lane == 0u) {
        left[graph] = select(min(after, params.k / 2u), count, count <= 1u);
    }
}
