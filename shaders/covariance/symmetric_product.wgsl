// R = A B', known to be symmetric: only the units on and below the diagonal are computed, and those below it are stored twice.
// If CORRELATION, entries are held within [-1, 1] and the diagonal is 1, or 0 for a row of zeros. If FISHER, the result is
// z = atanh(r), |r| held to 1 - 1e-6, and the diagonal is 0.
//
// a, b     [batch, n, depth], bindings 0 and 1, in `operands_scalar` or `operands_vector`; rows `stride` apart
// c        [batch, n, n]: R, binding 2, in `result_scalar` or `result_vector`
// best_key, best_col  [batch, n, slots], bindings 3 and 4, in `best_yes`: the entry of the greatest magnitude beside the diagonal, and of
//          equals the last, among those of a row that an invocation holds
// workgroup GROUP x 1 x 1; unit, memory and barriers: see the tile snippet
// cost     batch n (n + 1) depth FLOPs; a, b and c once
// uses     grid, nan, math, blocks, block_a, block_b, triangle
// one of   operands_vector | operands_scalar; result_vector | result_scalar; best_no | best_yes; tile_direct | tile_staged | tile_cooperative; matrices_16 | matrices_8; magnitudes_given

const TRANSPOSE_A = false;
const TRANSPOSE_B = true;

struct Params {
    n: u32,
    depth: u32,
    units: u32,
    batches: u32,
    stride: u32,
    slots: u32,
    // 1 where no element of a or b is larger than 1.
    within_one: u32,
}

@group(1) @binding(0) var<uniform> params: Params;

alias T = f32;
alias U = u32;

fn finish(value: f32, diagonal: bool) -> f32 {
    if (FISHER) {
        return nan_or(value, select(atanh_(clamp(value, -0.999999, 0.999999)), 0.0, diagonal));
    } else if (CORRELATION) {
        return nan_or(value, select(clamp(value, -1.0, 1.0), select(0.0, 1.0, value > 0.5), diagonal));
    }
    return value;
}

// The order of an entry by its magnitude; 0 beyond the end, and on the diagonal.
fn magnitude(value: f32, row: u32, col: u32) -> u32 {
    let key = bitcast<u32>(finish(value, false)) | 0x80000000u;
    return select(0u, key, row != col && row < params.n && col < params.n);
}

// The best of each row that an invocation holds; and of each column, which is a row above the diagonal.
fn keep_best(batch: u32, row_unit: u32, col_unit: u32, lane: u32) {
    let base = batch * params.n;
    for (var i = 0u; i < EDGE; i++) {
        for (var r = 0u; r < 4u; r++) {
            let row = tile_row(row_unit, lane, i) + r;
            var best = 0u;
            var best_at = 0u;
            for (var j = 0u; j < EDGE; j++) {
                let col0 = tile_col(col_unit, lane, j);
                let entries = total[i][j][r];
                for (var q = 0u; q < 4u; q++) {
                    let key = magnitude(entries[q], row, col0 + q);
                    best_at = select(best_at, col0 + q, key >= best);
                    best = max(best, key);
                }
            }
            if (row < params.n) {
                put_best(base + row, col_slot(col_unit, lane), params.slots, best, best_at);
            }
        }
    }
    if (row_unit == col_unit) {
        return;
    }
    for (var j = 0u; j < EDGE; j++) {
        for (var q = 0u; q < 4u; q++) {
            let col = tile_col(col_unit, lane, j) + q;
            var best = 0u;
            var best_at = 0u;
            for (var i = 0u; i < EDGE; i++) {
                let row0 = tile_row(row_unit, lane, i);
                for (var r = 0u; r < 4u; r++) {
                    let key = magnitude(total[i][j][r][q], row0 + r, col);
                    best_at = select(best_at, row0 + r, key >= best);
                    best = max(best, key);
                }
            }
            if (col < params.n) {
                put_best(base + col, row_slot(row_unit, lane), params.slots, best, best_at);
            }
        }
    }
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let index = unit_index(group_index(grid.group, grid.groups), lane);
    let pairs = params.units * (params.units + 1u) / 2u;
    let batch = index / pairs;
    if (batch >= params.batches) {
        return;
    }
    let unit = triangle(index % pairs);
    let row_unit = unit.x;
    let col_unit = unit.y;

    a_base = batch * params.n * params.stride;
    b_base = a_base;
    a_stride = params.stride;
    b_stride = params.stride;
    depth = params.depth;
    whole_depth = depth;
    within_one = params.within_one == 1u;
    tile_product(row_unit, col_unit, lane, params.depth);

    let base = batch * params.n * params.n;
    for (var i = 0u; i < EDGE; i++) {
        for (var j = 0u; j < EDGE; j++) {
            let row0 = tile_row(row_unit, lane, i);
            let col0 = tile_col(col_unit, lane, j);
            var block = total[i][j];
            for (var r = 0u; r < 4u; r++) {
                for (var q = 0u; q < 4u; q++) {
                    block[r][q] = finish(block[r][q], row0 + r == col0 + q);
                }
                if (row0 + r < params.n) {
                    put4(base + (row0 + r) * params.n, col0, params.n, block[r]);
                }
            }
            if (row_unit != col_unit) {
                let mirrored = transpose(block);
                for (var q = 0u; q < 4u; q++) {
                    if (col0 + q < params.n) {
                        put4(base + (col0 + q) * params.n, row0, params.n, mirrored[q]);
                    }
                }
            }
        }
    }
    if (BEST) {
        keep_best(batch, row_unit, col_unit, lane);
    }
}
