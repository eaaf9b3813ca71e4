// Candidates for the k largest entries of each row of the correlation matrix A A', the diagonal aside, the largest first and of equals the
// first, NaN before all. The matrix is symmetric: each pair of units is computed once, and its rows and its columns are lines of the matrix.
// Of each line of a unit, the best `kept` entries that come before the k-th best of the units before are candidates. No other is stored.
// Units lie on a circle, and a dispatch takes `distances` of the distances between two, from `first` on, so that each unit meets as many.
//
// a, b        [n, depth], the same, bindings 0 and 1, in `operands_scalar` or `operands_vector`; rows `stride` apart
// candidates  [n, width], binding 2: an entry's order by size, as `ordered` has it, and its column; 0 where there is none. The k best of the
//             units before, in order, then `kept` for each distance where the unit is the later on the circle, and as many where it is the
//             earlier: places that are empty before this dispatch
// workgroup   GROUP x 1 x 1; unit, memory and barriers: see the tile snippet; 2 more barriers for every LINES rows, and columns
// cost        for each entry on and below the diagonal 2 depth + 2 FLOPs, those on it one less, and for each row k (n - 1) comparisons, over
//             all dispatches; a once, candidates twice
// uses        grid, ordered, lines, blocks, block_a, block_b
// one of      operands_vector | operands_scalar; tile_staged | tile_cooperative; matrices_16 | matrices_8; magnitudes_given

const TRANSPOSE_A = false;
const TRANSPOSE_B = true;
const MAGNITUDES = 3u;

// Where entries are compared with one another: what comes before all numbers, and where there is none.
const FIRST = 2.0;
const NONE = -2.0;

struct Params {
    n: u32,
    depth: u32,
    units: u32,
    first: u32,
    distances: u32,
    stride: u32,
    k: u32,
    kept: u32,
    width: u32,
}

@group(0) @binding(2) var<storage, read_write> candidates: array<vec2<u32>>;
@group(1) @binding(0) var<uniform> params: Params;

// Four entries of a line, from column `col` on, as they are compared: NaN is a number.
fn comparable(entries: vec4<f32>, line: u32, col: u32) -> vec4<f32> {
    let cols = vec4<u32>(col, col + 1u, col + 2u, col + 3u);
    let there = (cols != vec4<u32>(line)) & (cols < vec4<u32>(params.n));
    let nan = (bitcast<vec4<u32>>(entries) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
    let held = clamp(entries, vec4<f32>(-1.0), vec4<f32>(1.0));
    return select(vec4<f32>(NONE), select(held, vec4<f32>(FIRST), nan), there);
}

// Hands over the rows of a unit from its row `first` on.
fn hand_rows(row_unit: u32, col_unit: u32, lane: u32, first: u32) {
    for (var i = 0u; i < EDGE; i++) {
        for (var r = 0u; r < 4u; r++) {
            let line = tile_row(0u, lane, i) + r - first;
            if (line < LINES) {
                for (var j = 0u; j < EDGE; j++) {
                    let entries = comparable(total[i][j][r], tile_row(row_unit, lane, i) + r, tile_col(col_unit, lane, j));
                    hand(line, tile_col(0u, lane, j) / 4u, entries);
                }
            }
        }
    }
}

// Hands over its columns from column `first` on.
fn hand_cols(row_unit: u32, col_unit: u32, lane: u32, first: u32) {
    for (var i = 0u; i < EDGE; i++) {
        for (var j = 0u; j < EDGE; j++) {
            let turned = transpose(total[i][j]);
            for (var q = 0u; q < 4u; q++) {
                let line = tile_col(0u, lane, j) + q - first;
                if (line < LINES) {
                    let entries = comparable(turned[q], tile_col(col_unit, lane, j) + q, tile_row(row_unit, lane, i));
                    hand(line, tile_row(0u, lane, i) / 4u, entries);
                }
            }
        }
    }
}

// The number of entries of a line that come before each of quad `own` of it.
fn places(line: u32, own: u32, mine: vec4<f32>) -> vec4<u32> {
    let y = vec4<u32>(mine.xxxx == mine) & vec4<u32>(0u, 1u, 1u, 1u);
    let z = vec4<u32>(mine.yyyy == mine) & vec4<u32>(0u, 0u, 1u, 1u);
    let w = vec4<u32>(mine.zzzz == mine) & vec4<u32>(0u, 0u, 0u, 1u);
    var place = y + z + w;
    for (var quad = 0u; quad < own; quad++) {
        let entries = handed(line, quad);
        for (var q = 0u; q < 4u; q++) {
            place += vec4<u32>(vec4<f32>(entries[q]) >= mine);
        }
    }
    for (var quad = own; quad < ACROSS; quad++) {
        let entries = handed(line, quad);
        for (var q = 0u; q < 4u; q++) {
            place += vec4<u32>(vec4<f32>(entries[q]) > mine);
        }
    }
    return place;
}

// The k-th best of the units before of a row; order 0 where there is none.
fn bound_of(row: u32) -> vec2<u32> {
    return candidates[min(row, params.n - 1u) * params.width + params.k - 1u];
}

// Stores the candidates of a line that was handed over, row `row` of the matrix, whose entries begin at column `col`: those that come before
// `bound`, into `slot`. Lanes share a line.
fn choose(row: u32, bound: vec2<u32>, col: u32, slot: u32, lane: u32) {
    if (row >= params.n) {
        return;
    }
    let line = lane % LINES;
    let least = select(select(bitcast<f32>(disordered(bound.x)), FIRST, bound.x == 0xffffffffu), NONE, bound.x == 0u);
    let into = row * params.width + params.k + slot * params.kept;
    for (var quad = lane / LINES; quad < ACROSS; quad += GROUP / LINES) {
        let mine = handed(line, quad);
        let at = col + 4u * quad;
        let cols = vec4<u32>(at, at + 1u, at + 2u, at + 3u);
        let within = (mine > vec4<f32>(least)) | ((mine == vec4<f32>(least)) & (cols < vec4<u32>(bound.y)));
        if (any(within)) {
            let place = places(line, quad, mine);
            for (var q = 0u; q < 4u; q++) {
                if (within[q] & (place[q] < params.kept)) {
                    let order = select(ordered(bitcast<u32>(mine[q])), 0xffffffffu, mine[q] == FIRST);
                    candidates[into + place[q]] = vec2<u32>(order, cols[q]);
                }
            }
        }
    }
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let pair = unit_index(group_index(grid.group, grid.groups), lane);
    let later = pair / params.distances;
    let away = pair % params.distances;
    let distance = params.first + away;
    // Units that face each other would meet twice.
    if ((later >= params.units) | ((2u * distance == params.units) & (later >= distance))) {
        return;
    }
    let earlier = (later + params.units - distance) % params.units;
    let row_unit = max(later, earlier);
    let col_unit = min(later, earlier);
    let slot_of_rows = select(params.distances + away, away, row_unit == later);
    let slot_of_cols = 2u * away + params.distances - slot_of_rows;
    a_stride = params.stride;
    b_stride = params.stride;
    depth = params.depth;
    whole_depth = depth;
    within_one = true;
    tile_product(row_unit, col_unit, lane, params.depth);

    const BLOCK_EDGE = 4u * ACROSS;
    for (var first = 0u; first < BLOCK_EDGE; first += LINES) {
        let row = BLOCK_EDGE * row_unit + first + lane % LINES;
        // Loaded while the lines are handed over.
        let bound = bound_of(row);
        workgroupBarrier();
        hand_rows(row_unit, col_unit, lane, first);
        workgroupBarrier();
        choose(row, bound, BLOCK_EDGE * col_unit, slot_of_rows, lane);
    }
    if (row_unit == col_unit) {
        return;
    }
    for (var first = 0u; first < BLOCK_EDGE; first += LINES) {
        let col = BLOCK_EDGE * col_unit + first + lane % LINES;
        let bound = bound_of(col);
        workgroupBarrier();
        hand_cols(row_unit, col_unit, lane, first);
        workgroupBarrier();
        choose(col, bound, BLOCK_EDGE * row_unit, slot_of_cols, lane);
    }
}
