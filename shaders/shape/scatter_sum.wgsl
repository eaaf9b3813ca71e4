// y[r, :] = the sum of x[j, :] over the j = place[k], starts[r] <= k < starts[r + 1], in this order: the reverse of gather_rows, its
// indices in order.
//
// x        [n, width], items F of 4 numbers or one
// place    [n], u32
// starts   [rows + 1], u32
// y        [rows, width]
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation sums four columns, four rows at once, and flushes every 64 terms
// cost     n width FLOPs; x, place, starts and y once
// uses     grid, item
// one of   flat_vector | flat_scalar

struct Params {
    items: u32,
    width: u32,
}

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read> place: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<F>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    for (var e = 0u; e < EACH; e++) {
        let at = item(grid.group, grid.groups, lane, e);
        if (at < params.items) {
            let row = at / params.width;
            let col = at - row * params.width;
            let stop = starts[row + 1u];
            var total = F(0.0);
            for (var block = starts[row]; block < stop; block += 64u) {
                var part = F(0.0);
                let end = min(block + 64u, stop);
                var k = block;
                for (; k + 3u < end; k += 4u) {
                    let a = x[place[k] * params.width + col];
                    let b = x[place[k + 1u] * params.width + col];
                    let c = x[place[k + 2u] * params.width + col];
                    let d = x[place[k + 3u] * params.width + col];
                    part += (a + b) + (c + d);
                }
                for (; k < end; k++) {
                    part += x[place[k] * params.width + col];
                }
                total += part;
            }
            y[at] = total;
        }
    }
}
