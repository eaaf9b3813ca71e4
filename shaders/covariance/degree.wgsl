// The number of entries above a threshold in each row of the correlation matrix A A', the diagonal aside, and bit 31 where one is NaN. The
// matrix is symmetric: only the units on and below the diagonal are computed, and an entry below it counts for its row and for its column.
// No entry is stored.
//
// a, b     [n, depth], the same, bindings 0 and 1, in `operands_scalar` or `operands_vector`; rows `stride` apart
// counts   [n], binding 2: 0 at first. Whole numbers, so that the order of additions is of no consequence
// workgroup GROUP x 1 x 1; unit, memory and barriers: see the tile snippet
// cost     n (n + 1) depth + n n + 2 n (n - 1) FLOPs: an entry is held within [-1, 1], and but on the diagonal compared and counted; a
//          once, counts twice
// uses     grid, blocks, block_a, block_b, triangle
// one of   operands_vector | operands_scalar; tile_direct | tile_staged | tile_cooperative; matrices_16 | matrices_8; magnitudes_given

const TRANSPOSE_A = false;
const TRANSPOSE_B = true;
const MAGNITUDES = 3u;

struct Params {
    n: u32,
    depth: u32,
    // The first pair of units that this dispatch takes, and the one after its last.
    first: u32,
    end: u32,
    stride: u32,
    threshold: f32,
}

@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;
@group(1) @binding(0) var<uniform> params: Params;

// Four entries of a row: in a word each, 1 above the threshold, and 2^16 where it is NaN; those on the diagonal and beyond the end aside.
fn above(entries: vec4<f32>, row: u32, col: u32) -> vec4<u32> {
    let cols = vec4<u32>(col, col + 1u, col + 2u, col + 3u);
    let counted = (cols != vec4<u32>(row)) & (cols < vec4<u32>(params.n)) & vec4<bool>(row < params.n);
    let high = clamp(entries, vec4<f32>(-1.0), vec4<f32>(1.0)) > vec4<f32>(params.threshold);
    let one = select(select(vec4<u32>(0u), vec4<u32>(1u), high), vec4<u32>(65536u), (bitcast<vec4<u32>>(entries) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u));
    return select(vec4<u32>(0u), one, counted);
}

fn count_in(row: u32, found: u32) {
    if ((found & 65535u) > 0u) {
        atomicAdd(&counts[row], found & 65535u);
    }
    if (found > 65535u) {
        atomicOr(&counts[row], 0x80000000u);
    }
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let pair = params.first + unit_index(group_index(grid.group, grid.groups), lane);
    if (pair >= params.end) {
        return;
    }
    let units = triangle(pair);
    a_stride = params.stride;
    b_stride = params.stride;
    depth = params.depth;
    whole_depth = depth;
    within_one = true;
    tile_product(units.x, units.y, lane, params.depth);

    for (var i = 0u; i < EDGE; i++) {
        for (var q = 0u; q < 4u; q++) {
            let row = tile_row(units.x, lane, i) + q;
            var found = vec4<u32>(0u);
            for (var j = 0u; j < EDGE; j++) {
                found += above(total[i][j][q], row, tile_col(units.y, lane, j));
            }
            count_in(row, found.x + found.y + found.z + found.w);
        }
    }
    if (units.x == units.y) {
        return;
    }
    for (var j = 0u; j < EDGE; j++) {
        let col = tile_col(units.y, lane, j);
        var found = vec4<u32>(0u);
        for (var i = 0u; i < EDGE; i++) {
            for (var q = 0u; q < 4u; q++) {
                found += above(total[i][j][q], tile_row(units.x, lane, i) + q, col);
            }
        }
        for (var q = 0u; q < 4u; q++) {
            count_in(col + q, found[q]);
        }
    }
}
