// The k best of the `entries` of a row by a workgroup, `batch` of them in each round. Entries are in a strict order, by size and by column.
// Each lane finds the best of its entries that are left; the one of rank `batch` among these is the bound of the round, because `batch`
// entries are at least as good. The entries within the bound belong to `batch` lanes, and the best of these few are found by counting for
// each how many are better. The kernel has `candidate`, whose order is 0 where a row has no entry, and `keep`.
const MOST = 1024u;
// Every entry comes before it.
const NOTHING = vec2<u32>(0u, 0u);

// An entry's order by size, as `ordered` has it, and its column.
var<workgroup> best: array<vec2<u32>, LANES>;
var<workgroup> within: array<vec2<u32>, MOST>;
var<workgroup> found: atomic<u32>;
// The bounds of the entries of a round: the last entry of the round before, and the least good entry that this round may take.
var<workgroup> last: vec2<u32>;
var<workgroup> bound: vec2<u32>;

// True if entry a comes before entry b.
fn better(a: vec2<u32>, b: vec2<u32>) -> bool {
    return (a.x > b.x) | ((a.x == b.x) & (a.y < b.y));
}

fn choose(row: u32, lane: u32) {
    if (row >= params.rows) {
        return;
    }
    if (lane == 0u) {
        last = vec2<u32>(0xffffffffu, 0u);
        atomicStore(&found, 0u);
    }
    for (var start = 0u; start < params.k; start += params.batch) {
        let wanted = min(params.batch, params.k - start);
        workgroupBarrier();
        let after = last;
        // The first round takes any entry: no round is before it.
        let any = start == 0u;
        var mine = NOTHING;
        for (var j = lane; j < params.entries; j += LANES) {
            let entry = candidate(row, j);
            let counts = (any | better(after, entry)) & better(entry, mine);
            mine = select(mine, entry, counts);
        }
        best[lane] = mine;
        if (lane == 0u) {
            bound = NOTHING;
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
        for (var j = lane; j < params.entries; j += LANES) {
            let entry = candidate(row, j);
            if ((entry.x > 0u) & (any | better(after, entry)) & !better(least, entry)) {
                let slot = atomicAdd(&found, 1u);
                within[min(slot, MOST - 1u)] = entry;
            }
        }
        workgroupBarrier();
        let count = min(atomicLoad(&found), MOST);
        for (var c = lane; c < count; c += LANES) {
            let entry = within[c];
            var place = 0u;
            for (var d = 0u; d < count; d++) {
                place += select(0u, 1u, better(within[d], entry));
            }
            if (place < wanted) {
                keep(row, start + place, entry);
            }
            if (place + 1u == wanted) {
                last = entry;
            }
        }
        workgroupBarrier();
        if (lane == 0u) {
            atomicStore(&found, 0u);
        }
    }
}
