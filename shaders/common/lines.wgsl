// Lines of a square block of `tile_staged` or `tile_cooperative`, its rows or its columns, handed over LINES at a time through memory that the
// product is done with: a line is ACROSS quads of entries. Neighbours read the same quad of neighbouring lines, which lie side by side.
const LINES = 16u;
const ACROSS = ROW_QUADS;

fn hand(line: u32, quad: u32, entries: vec4<f32>) {
    a_stage[quad * LINES + line] = entries;
}

fn handed(line: u32, quad: u32) -> vec4<f32> {
    return a_stage[quad * LINES + line];
}
