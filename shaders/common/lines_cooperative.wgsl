// Lines of a block of `tile_cooperative`, its rows or its columns, handed over LINES at a time through the memory in which the product hands
// over its sums: a line is ACROSS quads of entries. Neighbours read the same quad of neighbouring lines, which lie side by side.
const LINES = 32u;
const ACROSS = QUADS;

fn hand(line: u32, quad: u32, entries: vec4<f32>) {
    sums[quad * LINES + line] = entries;
}

fn handed(line: u32, quad: u32) -> vec4<f32> {
    return sums[quad * LINES + line];
}
