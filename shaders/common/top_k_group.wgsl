// The k largest entries of a row by a workgroup, `batch` of them in each round. Each lane finds the best of its entries that are left; the
// one of rank `batch` among these is the bound of the round, because `batch` entries are at least as good. The entries within the bound
// belong to `batch` lanes, and the best of these few are found by counting for each how many are better.
var<workgroup> best: array<vec2<u32>, LANES>;
// The bounds of the entries of a round: the last entry of the round before, and the least good entry that this round may take.
var<workgroup> last: vec2<u32>;
var<workgroup> bound: vec2<u32>;

fn choose(row: u32, lane: u32) {
    if (row >= params.rows) {
        return;
    }
    let base = row * params.n;
    let own = params.first + row;
    if (lane == 0u) {
        last = vec2<u32>(0xffffffffu, 0u);
        atomicStore(&entered, 0u);
    }
    for (var start = 0u; start < params.k; start += params.batch) {
        let wanted = min(params.batch, params.k - start);
        workgroupBarrier();
        let after = last;
        // The first round takes any entry: no round is before it.
        let any = start == 0u;
        var mine = vec2<u32>(0u, params.n);
        for (var j = lane; j < params.n; j += LANES) {
            let entry = vec2<u32>(ordered(bitcast<u32>(r[base + j])), j);
            let counts = (j != own) & (any | better(after, entry)) & better(entry, mine);
            mine = select(mine, entry, counts);
        }
        best[lane] = mine;
        if (lane == 0u) {
            bound = vec2<u32>(0u, params.n);
        }
        workgroupBarrier();
        var rank = 0u;
        for (var k = 0u; k < LANES; k++) {
            rank += select(0u, 1u, better(best[k], mine));
        }
        if ((rank + 1u == wanted) & (mine.x > 0u)) {
            bound = mine;
        }
        workgroupBarrier();
        let least = bound;
        for (var j = lane; j < params.n; j += LANES) {
            let entry = vec2<u32>(ordered(bitcast<u32>(r[base + j])), j);
            if ((j != own) & (any | better(after, entry)) & !better(least, entry)) {
                enter(entry);
            }
        }
        workgroupBarrier();
        let count = min(atomicLoad(&entered), MOST);
        for (var c = lane; c < count; c += LANES) {
            let entry = rivals[c];
            let place = place_of(entry, count);
            if (place < wanted) {
                let at = own * params.k + start + place;
                values[at] = r[base + entry.y];
                indices[at] = i32(entry.y);
            }
            if (place + 1u == wanted) {
                last = entry;
            }
        }
        workgroupBarrier();
        if (lane == 0u) {
            atomicStore(&entered, 0u);
        }
    }
}
