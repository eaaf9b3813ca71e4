// The k best of the `entries` of a row by one invocation, one after the other: each is the best of those that come after the one before.
fn choose(group: u32, lane: u32) {
    let row = group * LANES + lane;
    if (row >= params.rows) {
        return;
    }
    var last = 0xffffffffu;
    var last_at = 0u;
    for (var i = 0u; i < params.k; i++) {
        var best = 0u;
        var best_at = 0u;
        for (var j = 0u; j < params.entries; j++) {
            let entry = candidate(row, j).x;
            let after = (i == 0u) | (entry < last) | ((entry == last) & (j > last_at));
            let better = after & (entry > best);
            best = select(best, entry, better);
            best_at = select(best_at, j, better);
        }
        last = best;
        last_at = best_at;
        keep(row, i, vec2<u32>(best, best_at));
    }
}
