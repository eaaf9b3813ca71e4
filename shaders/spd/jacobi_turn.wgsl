// Applies the rotations J of a round of `jacobi_blocks`, one for each of the disjoint pairs of blocks, to the rest of the matrices:
// A <- J A J', W <- J W. A tile is the block of A in the rows of a pair P and the columns of a pair Q, P < Q, T <- J_P T J_Q', or 32
// columns of W in the rows of a pair. A tile is left as it is where none of its pairs is turned.
//
// work     [matrices, n, n], symmetric, n a multiple of 32; the pairs' own blocks are turned already
// w        [matrices, n, n], rows become the eigenvectors
// turns    [matrices, n / 32, 32, 32], the transpose of J of each pair
// turned   [matrices, n / 32], 1 where a pair is turned, else 0
// workgroup 64 x 1 x 1, a tile, 4 x 4 entries an invocation; 12.5 KiB of workgroup memory; 4 barriers
// cost     2 32^3 FLOPs a product, of which a tile of work has two and one of w has one; work and w twice, turns and turned once
// uses     grid

struct Params {
    // Tiles in all, of a matrix, and of those the ones of A.
    tiles: u32,
    of_matrix: u32,
    of_work: u32,
    // Pairs of blocks a matrix.
    half: u32,
    round: u32,
}

@group(0) @binding(0) var<storage, read_write> work: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> w: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> turns: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> turned: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

// J_P', J_Q' as [terms, quads of rows], and the tile as [terms, quads], its rows 9 quads apart where it lies transposed.
var<workgroup> of_rows: array<vec4<f32>, 256>;
var<workgroup> of_cols: array<vec4<f32>, 256>;
var<workgroup> tile: array<vec4<f32>, 288>;

// The pair k of a round among 2 `half` blocks.
fn pair(k: u32) -> vec2<u32> {
    let last = 2u * params.half - 1u;
    return vec2<u32>(select((params.round + k) % last, last, k == 0u), (params.round + last - k) % last);
}

// The index of the matrix that is index i of a pair's 32.
fn of_pair(blocks: vec2<u32>, i: u32) -> u32 {
    return 16u * select(blocks.x, blocks.y, i >= 16u) + i % 16u;
}

// The transpose of a pair's rotation; the identity where it is not turned.
fn turn(which: u32, at: u32) -> vec4<f32> {
    let ones = vec4<f32>(vec4<u32>(at % 8u * 4u) + vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(at / 8u));
    return select(ones, turns[which * 256u + at], turned[which] == 1u);
}

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let index = group_index(grid.group, grid.groups);
    if (index >= params.tiles) {
        return;
    }
    let half = params.half;
    let matrix = index / params.of_matrix;
    let own = index % params.of_matrix;
    let of_w = own >= params.of_work;
    // Pairs of pairs P < Q, a triangle folded to rows of `width`; of W, a pair and 32 columns.
    let width = max(half - 1u + half % 2u, 1u);
    let a = own / width;
    let b = own % width;
    let above = a + b + 1u < half;
    let fold = half / 2u * 2u - 1u;
    let p = select(select(fold - a, a, above), (own - params.of_work) / half, of_w);
    let q = select(select(fold + 2u + b - half, a + 1u + b, above), (own - params.of_work) % half, of_w);
    let first = matrix * half + p;
    let second = matrix * half + q;
    if (turned[first] == 0u && (of_w || turned[second] == 0u)) {
        return;
    }

    let stride = 8u * half;
    let base = matrix * 32u * half * stride;
    let rows = pair(p);
    let cols = select(pair(q), vec2<u32>(2u * q, 2u * q + 1u), of_w);
    for (var at = lane; at < 256u; at += 64u) {
        let here = base + of_pair(rows, at / 8u) * stride + of_pair(cols, at % 8u * 4u) / 4u;
        of_rows[at] = turn(first, at);
        if (of_w) {
            tile[at] = w[here];
        } else {
            tile[at] = work[here];
            of_cols[at] = turn(second, at);
        }
    }
    workgroupBarrier();
    let row_quad = lane / 8u;
    let col_quad = lane % 8u;
    var made: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) {
        made[r] = vec4<f32>(0.0);
    }
    for (var x = 0u; x < 32u; x++) {
        let u = of_rows[x * 8u + row_quad];
        let v = tile[x * 8u + col_quad];
        for (var r = 0u; r < 4u; r++) {
            made[r] = fma(vec4<f32>(u[r]), v, made[r]);
        }
    }
    if (of_w) {
        for (var r = 0u; r < 4u; r++) {
            w[base + of_pair(rows, 4u * row_quad + r) * stride + of_pair(cols, 4u * col_quad) / 4u] = made[r];
        }
        return;
    }
    workgroupBarrier();
    for (var c = 0u; c < 4u; c++) {
        tile[(4u * col_quad + c) * 9u + row_quad] = vec4<f32>(made[0][c], made[1][c], made[2][c], made[3][c]);
    }
    workgroupBarrier();
    for (var r = 0u; r < 4u; r++) {
        made[r] = vec4<f32>(0.0);
    }
    for (var x = 0u; x < 32u; x++) {
        let u = tile[x * 9u + row_quad];
        let v = of_cols[x * 8u + col_quad];
        for (var r = 0u; r < 4u; r++) {
            made[r] = fma(vec4<f32>(u[r]), v, made[r]);
        }
    }
    for (var r = 0u; r < 4u; r++) {
        let mirrored = vec4<f32>(made[0][r], made[1][r], made[2][r], made[3][r]);
        work[base + of_pair(rows, 4u * row_quad + r) * stride + of_pair(cols, 4u * col_quad) / 4u] = made[r];
        work[base + of_pair(cols, 4u * col_quad + r) * stride + of_pair(rows, 4u * row_quad) / 4u] = mirrored;
    }
}
