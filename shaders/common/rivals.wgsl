// Entries that vie for the first places of a row, in a workgroup's memory. Entries are in a strict order, by size and by column: an entry is
// its order by size, as `ordered` has it, and its column.
const MOST = 1024u;
var<workgroup> rivals: array<vec2<u32>, MOST>;
var<workgroup> entered: atomic<u32>;

// True if entry a comes before entry b.
fn better(a: vec2<u32>, b: vec2<u32>) -> bool {
    return (a.x > b.x) | ((a.x == b.x) & (a.y < b.y));
}

fn enter(entry: vec2<u32>) {
    let slot = atomicAdd(&entered, 1u);
    rivals[min(slot, MOST - 1u)] = entry;
}

// The number of rivals that come before an entry.
fn place_of(entry: vec2<u32>, count: u32) -> u32 {
    var place = 0u;
    for (var d = 0u; d < count; d++) {
        place += select(0u, 1u, better(rivals[d], entry));
    }
    return place;
}
