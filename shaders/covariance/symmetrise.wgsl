// S = G + G' for every batch. P = S U then takes a symmetric product's cotangent to its rows U.
//
// g, s     [batch, n, n]
// workgroup 256 x 1 x 1, a tile of 32 x 32 elements. If TILED, a tile above the diagonal is made together with its mirror image, both of
//          them through 2 x 32 x 33 words of workgroup memory, so that loads and stores are of neighbours; one barrier. Else neither
// cost     batch n (n + 1) / 2 FLOPs, for S is symmetric; g and s once
// uses     grid

struct Params {
    tiles: u32,
    across: u32,
    n: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> s: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Rows are one element longer than the tile, so that neither its rows nor its columns lie in one bank.
var<workgroup> tile: array<f32, 1056>;
var<workgroup> mirrored: array<f32, 1056>;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    if (at >= params.tiles) {
        return;
    }
    let n = params.n;
    let col0 = at % params.across * 32u;
    let row0 = at / params.across % params.across * 32u;
    let base = at / params.across / params.across * n * n;
    let near = lane % 32u;
    let far = lane / 32u;
    if (TILED) {
        if (row0 > col0) {
            return;
        }
        // An element beyond the end is the last one again, so that no load depends on a comparison and all eight are under way at once.
        var above: array<f32, 4>;
        var below: array<f32, 4>;
        for (var k = 0u; k < 4u; k++) {
            above[k] = g[base + min(row0 + far + 8u * k, n - 1u) * n + min(col0 + near, n - 1u)];
            below[k] = g[base + min(col0 + far + 8u * k, n - 1u) * n + min(row0 + near, n - 1u)];
        }
        for (var k = 0u; k < 4u; k++) {
            let place = (far + 8u * k) * 33u + near;
            tile[place] = above[k];
            mirrored[place] = below[k];
        }
        workgroupBarrier();
        for (var k = 0u; k < 32u; k += 8u) {
            let place = (far + k) * 33u + near;
            let turned = near * 33u + far + k;
            if (row0 + far + k < n && col0 + near < n) {
                s[base + (row0 + far + k) * n + col0 + near] = tile[place] + mirrored[turned];
            }
            if (row0 < col0 && col0 + far + k < n && row0 + near < n) {
                s[base + (col0 + far + k) * n + row0 + near] = mirrored[place] + tile[turned];
            }
        }
    } else {
        for (var k = 0u; k < 32u; k += 8u) {
            let row = row0 + far + k;
            let col = col0 + near;
            if (row < n && col < n) {
                s[base + row * n + col] = g[base + row * n + col] + g[base + col * n + row];
            }
        }
    }
}
