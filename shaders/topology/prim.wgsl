// Prim's algorithm on complete graphs: the maximum spanning tree grows from vertex 0 by the best edge that leaves it, edges ordered by
// weight and, of equal weights, by index (see `edge_order`), the greater first. Each vertex outside keeps its best edge into the tree;
// after steps `first` .. `end` of n - 1.
//
// w        [graphs, n, n], words of weights, symmetric; the diagonal is not read
// best     [graphs, n], u32: the key of each vertex's best edge
// parent   [graphs, n], u32: its other end; bit 31 is set once the vertex is in the tree
// workgroup LANES x 1 x 1, one graph; each vertex belongs to one invocation. If LANES is above 1, workgroup memory of 8 KiB, 12 LANES bytes
//          and 192 more holds the edges of graphs of at most 1024 vertices; two barriers a step, and none for storage (see the sync
//          snippet)
// cost     no FLOPs; w once, best and parent once or, after the first dispatch, twice
// uses     grid, ordered, edge_order
// one of   sync_serial | sync_group

struct Params {
    graphs: u32,
    n: u32,
    first: u32,
    end: u32,
}

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read_write> best: array<u32>;
@group(0) @binding(2) var<storage, read_write> parent: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

const IN_TREE = 0x80000000u;
const HELD = select(1u, 1024u, LANES > 1u);
const PARTS = min(LANES, 16u);

// An edge that leaves the tree, and the vertex it leads to. Every key of a weight is above 0.
struct Edge {
    key: u32,
    index: u32,
    vertex: u32,
}

// The keys and the other ends of vertices; the best edge of each invocation's vertices, and that of each part of the invocations.
var<workgroup> held_best: array<u32, HELD>;
var<workgroup> held_parent: array<u32, HELD>;
var<workgroup> edges: array<Edge, GROUP>;
var<workgroup> parts: array<Edge, PARTS>;

// True if the edges are held in workgroup memory. One invocation has no use for it.
fn held() -> bool {
    return (LANES > 1u) & (params.n <= HELD);
}

fn best_of(at: u32, v: u32) -> u32 {
    if (held()) {
        return held_best[v];
    }
    return best[at + v];
}

fn parent_of(at: u32, v: u32) -> u32 {
    if (held()) {
        return held_parent[v];
    }
    return parent[at + v];
}

fn join(at: u32, v: u32, key: u32, other_end: u32) {
    if (held()) {
        held_best[v] = key;
        held_parent[v] = other_end;
    } else {
        best[at + v] = key;
        parent[at + v] = other_end;
    }
}

fn better(a: Edge, b: Edge) -> Edge {
    if (above(b.key, b.index, a.key, a.index)) {
        return b;
    }
    return a;
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let graph = group_index(grid.group, grid.groups);
    // A graph beyond the end has no vertices.
    let n = select(0u, params.n, graph < params.graphs);
    let base = graph * params.n;
    for (var v = lane; v < n; v += LANES) {
        if (params.first == 0u) {
            join(base, v, weight_key(w[base * params.n + v]), select(0u, IN_TREE, v == 0u));
        } else if (held()) {
            join(base, v, best[base + v], parent[base + v]);
        }
    }
    for (var step = params.first; step < params.end; step++) {
        var mine = Edge(0u, 0u, params.n);
        for (var v = lane; v < n; v += LANES) {
            let other_end = parent_of(base, v);
            if (other_end < IN_TREE) {
                mine = better(mine, Edge(best_of(base, v), edge_index(n, other_end, v), v));
            }
        }
        edges[lane] = mine;
        meet();
        if (lane < PARTS) {
            for (var k = lane + PARTS; k < LANES; k += PARTS) {
                mine = better(mine, edges[k]);
            }
            parts[lane] = mine;
        }
        meet();
        var chosen = parts[0];
        for (var k = 1u; k < PARTS; k++) {
            chosen = better(chosen, parts[k]);
        }
        for (var v = lane; v < n; v += LANES) {
            let other_end = parent_of(base, v);
            if (v == chosen.vertex) {
                join(base, v, best_of(base, v), other_end | IN_TREE);
            } else if (other_end < IN_TREE && chosen.vertex < n) {
                let through = weight_key(w[(base + chosen.vertex) * params.n + v]);
                if (above(through, edge_index(n, chosen.vertex, v), best_of(base, v), edge_index(n, other_end, v))) {
                    join(base, v, through, chosen.vertex);
                }
            }
        }
    }
    if (held()) {
        for (var v = lane; v < n; v += LANES) {
            best[base + v] = held_best[v];
            parent[base + v] = held_parent[v];
        }
    }
}
