// Prim's algorithm on complete graphs: the maximum spanning tree grows from vertex 0 by the best edge that leaves it, edges ordered by
// weight and, of equal weights, by index (see `edge_order`), the greater first. Each vertex outside keeps its best edge into the tree;
// after steps `first` .. `end` of n - 1.
//
// w        [graphs, n, n], words of weights, symmetric; the diagonal is not read
// best     [graphs, n], u32: the key of each vertex's best edge
// parent   [graphs, n], u32: its other end; bit 31 is set once the vertex is in the tree
// workgroup LANES x 1 x 1, one graph, each vertex the affair of one invocation; 12 LANES bytes of workgroup memory; log2 LANES + 2
//          barriers a step (see the sync snippet)
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

// The best edge of each invocation's vertices: key, index, and the vertex; n where it has none.
var<workgroup> keys: array<u32, GROUP>;
var<workgroup> edges: array<u32, GROUP>;
var<workgroup> vertices: array<u32, GROUP>;

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let graph = group_index(grid.group, grid.groups);
    // A graph beyond the end has no vertices.
    let n = select(0u, params.n, graph < params.graphs);
    let base = graph * params.n;
    if (params.first == 0u) {
        for (var v = lane; v < n; v += LANES) {
            best[base + v] = weight_key(w[base * params.n + v]);
            parent[base + v] = select(0u, IN_TREE, v == 0u);
        }
    }
    for (var step = params.first; step < params.end; step++) {
        var key = 0u;
        var index = 0u;
        var vertex = params.n;
        for (var v = lane; v < n; v += LANES) {
            let other_end = parent[base + v];
            if (other_end < IN_TREE) {
                let own = best[base + v];
                let own_index = edge_index(n, other_end, v);
                if (vertex == params.n || above(own, own_index, key, index)) {
                    key = own;
                    index = own_index;
                    vertex = v;
                }
            }
        }
        keys[lane] = key;
        edges[lane] = index;
        vertices[lane] = vertex;
        for (var half = LANES / 2u; half > 0u; half >>= 1u) {
            sync();
            if (lane < half) {
                let other = lane + half;
                let there = vertices[other] < params.n;
                if (there && (vertices[lane] == params.n || above(keys[other], edges[other], keys[lane], edges[lane]))) {
                    keys[lane] = keys[other];
                    edges[lane] = edges[other];
                    vertices[lane] = vertices[other];
                }
            }
        }
        sync();
        let chosen = vertices[0];
        sync();
        for (var v = lane; v < n; v += LANES) {
            let other_end = parent[base + v];
            if (v == chosen) {
                parent[base + v] = other_end | IN_TREE;
            } else if (other_end < IN_TREE && chosen < n) {
                let through = weight_key(w[(base + chosen) * params.n + v]);
                if (above(through, edge_index(n, chosen, v), best[base + v], edge_index(n, other_end, v))) {
                    best[base + v] = through;
                    parent[base + v] = chosen;
                }
            }
        }
    }
}
