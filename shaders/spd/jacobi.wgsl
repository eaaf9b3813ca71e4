// Rounds of Jacobi's method over symmetric matrices in the parallel order: in each of the n - 1 (odd n: n) rounds of a sweep the indices
// meet in disjoint pairs (the circle method of tournaments), and A <- J' A J, W <- J' W, where J rotates each pair (p, q) so that
// A[p, q] becomes 0: see the rotation snippet.
//
// work     [matrices, n, n], symmetric; becomes diagonal
// w        [matrices, n, n], rows become the eigenvectors
// workgroup LANES x 1 x 1, one matrix; 8 KiB of workgroup memory, hence n <= 2048; two barriers a round (see the sync snippet)
// cost     of a round, with floor(n / 2) pairs: 25 a pair, 32 for two pairs, 8 n a pair for w, and for odd n 8 a pair; work and w twice
// uses     grid, scalar, nan, rotation
// one of   sync_serial | sync_group

struct Params {
    matrices: u32,
    n: u32,
    first: u32,
    end: u32,
}

@group(0) @binding(0) var<storage, read_write> work: array<f32>;
@group(0) @binding(1) var<storage, read_write> w: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Of each pair, s and tau.
var<workgroup> rotations: array<vec2<f32>, 1024>;

// The pair k of a round, p below q; for odd n, index n stands for nobody.
fn pair(k: u32, round: u32, last: u32) -> vec2<u32> {
    let a = select((round + k) % last, last, k == 0u);
    let b = (round + last - k) % last;
    return vec2<u32>(min(a, b), max(a, b));
}

// True where nothing is rotated; the bits are tested because a rotation may be NaN.
fn still(r: vec2<f32>) -> bool {
    return (bitcast<u32>(r.x) & 0x7fffffffu) == 0u;
}

// The rotation of a pair that is there; its own four entries of A.
fn rotation(base: u32, n: u32, p: u32, q: u32) -> vec2<f32> {
    let app = work[base + p * n + p];
    let aqq = work[base + q * n + q];
    let apq = work[base + p * n + q];
    // An entry that is not finite makes both rows NaN, and in two sweeps every row, since every pair meets.
    if (!is_finite(app) || !is_finite(aqq) || !is_finite(apq)) {
        let nan = nan_of(apq);
        work[base + p * n + p] = nan;
        work[base + q * n + q] = nan;
        work[base + p * n + q] = nan;
        work[base + q * n + p] = nan;
        return vec2<f32>(nan);
    }
    if (abs(apq) <= 1e-37) {
        return vec2<f32>(0.0);
    }
    let r = rotation_of(app, aqq, apq);
    work[base + p * n + p] = app - r.x * apq;
    work[base + q * n + q] = aqq + r.x * apq;
    work[base + p * n + q] = 0.0;
    work[base + q * n + p] = 0.0;
    return r.yz;
}

@compute @workgroup_size(GROUP)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let matrix = group_index(grid.group, grid.groups);
    if (matrix >= params.matrices) {
        return;
    }
    let n = params.n;
    let base = matrix * n * n;
    let half = (n + 1u) / 2u;
    let last = 2u * half - 1u;
    // Pairs of pairs k < l, folded to a rectangle: row a of the triangle is followed by the row that fills it up.
    let fold = half / 2u * 2u - 1u;
    let width = half - 1u + half % 2u;
    let blocks = half * (half - 1u) / 2u;
    for (var round = params.first; round < params.end; round++) {
        for (var k = lane; k < half; k += LANES) {
            let at = pair(k, round % last, last);
            var r = vec2<f32>(0.0);
            if (at.y < n) {
                r = rotation(base, n, at.x, at.y);
            }
            rotations[k] = r;
        }
        sync();
        for (var i = lane; i < blocks; i += LANES) {
            let a = i / width;
            let j = i % width;
            let above = j + a + 1u < half;
            let k = select(fold - a, a, above);
            let l = select(fold + 2u + j - half, a + 1u + j, above);
            let rk = rotations[k];
            let rl = rotations[l];
            if (still(rk) && still(rl)) {
                continue;
            }
            let row = pair(k, round % last, last);
            let col = pair(l, round % last, last);
            // Nobody's row is read and written as its partner's, unchanged.
            let other = select(row.y, row.x, row.y >= n);
            let first = base + row.x * n;
            let second = base + other * n;
            let left = rotated(vec2<f32>(work[first + col.x], work[second + col.x]), rk);
            let right = rotated(vec2<f32>(work[first + col.y], work[second + col.y]), rk);
            let upper = rotated(vec2<f32>(left.x, right.x), rl);
            let lower = rotated(vec2<f32>(left.y, right.y), rl);
            work[first + col.x] = upper.x;
            work[first + col.y] = upper.y;
            work[base + col.x * n + row.x] = upper.x;
            work[base + col.y * n + row.x] = upper.y;
            if (row.y < n) {
                work[second + col.x] = lower.x;
                work[second + col.y] = lower.y;
                work[base + col.x * n + row.y] = lower.x;
                work[base + col.y * n + row.y] = lower.y;
            }
        }
        for (var i = lane; i < half * n; i += LANES) {
            let r = rotations[i / n];
            if (still(r)) {
                continue;
            }
            let at = pair(i / n, round % last, last) * n + base + i % n;
            let turned = rotated(vec2<f32>(w[at.x], w[at.y]), r);
            w[at.x] = turned.x;
            w[at.y] = turned.y;
        }
        sync();
    }
}
