// A round of Jacobi's method by blocks of 16 indices, over symmetric matrices: the blocks meet in disjoint pairs (the circle method of
// tournaments), and of each pair's 32 x 32 matrix D this makes a rotation J that brings D nearer to a diagonal, J <- J_r J, D <- J_r D
// J_r', by sweeps over all its pairs of indices (p, q), each turned so that D[p, q] becomes 0, 16 pairs at a time: see the rotation
// snippet.
// Nothing more is turned once all |D[i, j]| <= 2^-25 sqrt(|D[i, i] D[j, j]|), because entries so small move a function of the matrix by
// less than rounding does; `turned` says whether anything was turned.
//
// work     [matrices, n, n], n a multiple of 32; of it the blocks of pairs
// turns    [matrices, n / 32, 32, 32], the transpose of J of each pair; nothing where it is not turned
// turned   [matrices, n / 32], 1 where a pair is turned, else 0
// workgroup 256 x 1 x 1, one pair; 8.6 KiB of workgroup memory; 66 barriers a sweep
// cost     of a sweep, of a pair of blocks: 31 rounds of 16 (25 + 8 32) + 120 32 FLOPs; work twice, turns and turned once
// uses     grid, scalar, nan, rotation

struct Params {
    // Pairs of blocks, in all and of a matrix.
    pairs: u32,
    half: u32,
    round: u32,
    // The most sweeps over a pair of blocks.
    sweeps: u32,
}

@group(0) @binding(0) var<storage, read_write> work: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> turns: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> turned: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

// Rows of 32 and one element of padding.
var<workgroup> d: array<f32, 1056>;
var<workgroup> j: array<f32, 1056>;
// The s and tau of each pair of indices.
var<workgroup> rotations: array<vec2<f32>, 16>;
// Bit 0: something is to be turned; bit 1: something is not finite.
var<workgroup> seen: atomic<u32>;
var<workgroup> verdict: u32;

// The pair k of a round among 2 `half` players.
fn pair(k: u32, round: u32, last: u32) -> vec2<u32> {
    return vec2<u32>(select((round + k) % last, last, k == 0u), (round + last - k) % last);
}

// The rotation of a pair; its own four entries of D.
fn rotation(p: u32, q: u32) -> vec2<f32> {
    let app = d[p * 33u + p];
    let aqq = d[q * 33u + q];
    let apq = d[p * 33u + q];
    if (abs(apq) <= 1e-37) {
        return vec2<f32>(0.0);
    }
    let r = rotation_of(app, aqq, apq);
    d[p * 33u + p] = app - r.x * apq;
    d[q * 33u + q] = aqq + r.x * apq;
    d[p * 33u + q] = 0.0;
    d[q * 33u + p] = 0.0;
    return r.yz;
}

// The rows and columns of two pairs of indices, and their mirror images.
fn turn_entries(row: vec2<u32>, col: vec2<u32>, of_rows: vec2<f32>, of_cols: vec2<f32>) {
    let first = row.x * 33u;
    let second = row.y * 33u;
    let left = rotated(vec2<f32>(d[first + col.x], d[second + col.x]), of_rows);
    let right = rotated(vec2<f32>(d[first + col.y], d[second + col.y]), of_rows);
    let upper = rotated(vec2<f32>(left.x, right.x), of_cols);
    let lower = rotated(vec2<f32>(left.y, right.y), of_cols);
    d[first + col.x] = upper.x;
    d[first + col.y] = upper.y;
    d[second + col.x] = lower.x;
    d[second + col.y] = lower.y;
    d[col.x * 33u + row.x] = upper.x;
    d[col.y * 33u + row.x] = upper.y;
    d[col.x * 33u + row.y] = lower.x;
    d[col.y * 33u + row.y] = lower.y;
}

// The bits of `seen` that an invocation's four entries of D call for.
fn looked(row: u32, col: u32) -> u32 {
    let of_row = sqrt(abs(d[row * 33u + row])) * 2.9802322e-8;
    var found = 0u;
    for (var c = 0u; c < 4u; c++) {
        let x = d[row * 33u + col + c];
        let other = sqrt(abs(d[(col + c) * 34u]));
        found |= select(0u, 1u, (row != col + c) & (abs(x) > of_row * other));
        found |= select(3u, 0u, is_finite(x));
    }
    return found;
}

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let index = group_index(grid.group, grid.groups);
    if (index >= params.pairs) {
        return;
    }
    let stride = params.half * 8u;
    let blocks = pair(index % params.half, params.round, 2u * params.half - 1u);
    let base = index / params.half * params.half * 32u * stride;
    // The four entries of D that an invocation loads and stores.
    let row = lane / 8u;
    let col = lane % 8u * 4u;
    let at = base + (16u * select(blocks.x, blocks.y, row >= 16u) + row % 16u) * stride
        + 4u * select(blocks.x, blocks.y, col >= 16u) + col % 16u / 4u;
    let found = work[at];
    for (var c = 0u; c < 4u; c++) {
        d[row * 33u + col + c] = found[c];
        j[row * 33u + col + c] = select(0.0, 1.0, row == col + c);
    }

    // Pairs of pairs k < l of indices, a triangle folded to 8 rows of 15: row a of it is followed by the row that fills it up.
    let a = lane % 128u / 15u;
    let b = lane % 128u % 15u;
    let above = a + b < 15u;
    let k = select(15u - a, a, above);
    let l = select(b + 1u, a + b + 1u, above);
    var done = 0u;
    for (; done < params.sweeps; done++) {
        if (lane == 0u) {
            atomicStore(&seen, 0u);
        }
        workgroupBarrier();
        let look = looked(row, col);
        if (look > 0u) {
            atomicOr(&seen, look);
        }
        workgroupBarrier();
        if (lane == 0u) {
            verdict = atomicLoad(&seen);
        }
        let state = workgroupUniformLoad(&verdict);
        if (state == 0u) {
            break;
        }
        if (state > 1u) {
            // A value that is not finite makes all that these rows meet NaN, and in a sweep every row is met.
            work[at] = vec4<f32>(nan_of(1.0));
            turns[index * 256u + lane] = vec4<f32>(nan_of(1.0));
            if (lane == 0u) {
                turned[index] = 1u;
            }
            return;
        }
        for (var inner = 0u; inner < 31u; inner++) {
            if (lane < 16u) {
                let own = pair(lane, inner, 31u);
                rotations[lane] = rotation(own.x, own.y);
            }
            workgroupBarrier();
            if (lane < 120u) {
                turn_entries(pair(k, inner, 31u), pair(l, inner, 31u), rotations[k], rotations[l]);
            } else if (lane >= 128u) {
                for (var i = 0u; i < 4u; i++) {
                    let which = 4u * i + (lane - 128u) / 32u;
                    let rows = pair(which, inner, 31u) * 33u + lane % 32u;
                    let both = rotated(vec2<f32>(j[rows.x], j[rows.y]), rotations[which]);
                    j[rows.x] = both.x;
                    j[rows.y] = both.y;
                }
            }
            workgroupBarrier();
        }
    }
    if (lane == 0u) {
        turned[index] = min(done, 1u);
    }
    if (done == 0u) {
        return;
    }
    let own = row * 33u + col;
    work[at] = vec4<f32>(d[own], d[own + 1u], d[own + 2u], d[own + 3u]);
    let across = col * 33u + row;
    turns[index * 256u + lane] = vec4<f32>(j[across], j[across + 33u], j[across + 66u], j[across + 99u]);
}
