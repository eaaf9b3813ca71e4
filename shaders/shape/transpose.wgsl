// Moves items between layouts whose innermost axes differ: y[y_base + a y_stride + b + o . y_strides] =
// x[x_base + a + b x_stride + o . x_strides] for every a < a_extent, b < b_extent, and index o of a space of AXES axes.
//
// x, y     items of one or two words W
// workgroup 256 x 1 x 1, a tile of 32 x 32 items. If TILED, it goes through 32 x 33 items of workgroup memory, with one barrier, so that
//          both loads and stores are of neighbours; else there is neither
// cost     no FLOPs; the words moved, twice
// uses     grid, places
// one of   flat_scalar | flat_pair

struct Params {
    axes: array<vec4<u32>, 8>,
    tiles: u32,
    a_tiles: u32,
    b_tiles: u32,
    a_extent: u32,
    b_extent: u32,
    x_stride: u32,
    y_stride: u32,
    x_base: u32,
    y_base: u32,
    x_step: u32,
    y_step: u32,
}

@group(0) @binding(0) var<storage, read> x: array<W>;
@group(0) @binding(1) var<storage, read_write> y: array<W>;
@group(1) @binding(0) var<uniform> params: Params;

// Rows are one item longer than the tile, so that neither its rows nor its columns lie in one bank.
var<workgroup> tile: array<W, 1056>;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let at = group_index(grid.group, grid.groups);
    if (at >= params.tiles) {
        return;
    }
    let a0 = at % params.a_tiles * 32u;
    let b0 = at / params.a_tiles % params.b_tiles * 32u;
    let place = element_of(at / params.a_tiles / params.b_tiles).place;
    let x0 = params.x_base + place.x;
    let y0 = params.y_base + place.y;
    let near = lane % 32u;
    let far = lane / 32u;
    if (TILED) {
        // An item beyond the end is the last one again, so that no load depends on a comparison and all four are under way at once.
        var loaded: array<W, 4>;
        let row = x0 + min(a0 + near, params.a_extent - 1u);
        for (var k = 0u; k < 4u; k++) {
            loaded[k] = x[row + min(b0 + far + 8u * k, params.b_extent - 1u) * params.x_stride];
        }
        for (var k = 0u; k < 4u; k++) {
            tile[(far + 8u * k) * 33u + near] = loaded[k];
        }
        workgroupBarrier();
        for (var k = 0u; k < 32u; k += 8u) {
            let a = a0 + far + k;
            let b = b0 + near;
            if (a < params.a_extent && b < params.b_extent) {
                y[y0 + a * params.y_stride + b] = tile[near * 33u + far + k];
            }
        }
    } else {
        for (var k = 0u; k < 32u; k += 8u) {
            let a = a0 + far + k;
            let b = b0 + near;
            if (a < params.a_extent && b < params.b_extent) {
                y[y0 + a * params.y_stride + b] = x[x0 + a + b * params.x_stride];
            }
        }
    }
}
