// The largest magnitude in each row of a product's operand, or if ACROSS in each column of each slab of a matrix's rows, as bits: those
// of a NaN or an infinity are more than those of any number. `tile_cooperative` scales by them.
//
// x        [matrices, rows, stride]: the operand's words. A line is a row, or a column of one matrix; a term is one of its elements.
// most     [matrices rows], or if ACROSS [matrices, slabs, stride]
// workgroup 256 x 1 x 1: LANES to a line, and LINES lines side by side; 1,024 bytes of workgroup memory, a barrier, and one more for each
//          halving of LANES. The result does not depend on the order of the comparisons.
// cost     no FLOPs; x and most once
// uses     grid

// A row's elements follow one another: 64 invocations read them together. A column's lie apart: 64 columns are read together.
const LANES = select(64u, 4u, ACROSS);
const LINES = 256u / LANES;

struct Params {
    lines: u32,
    terms: u32,
    stride: u32,
    // Workgroups for the lines of one slab; slabs of a matrix, 1 unless ACROSS; the terms of a slab.
    groups: u32,
    slabs: u32,
    slab: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> most: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> parts: array<u32, 256>;

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let group = group_index(grid.group, grid.groups);
    let slice = group / params.groups;
    // Neighbouring invocations read neighbouring words.
    let beside = select(lane / LANES, lane % LINES, ACROSS);
    let part = select(lane % LANES, lane / LINES, ACROSS);
    let line = group % params.groups * LINES + beside;
    let held = min(line, params.lines - 1u);
    let base = select(held * params.stride, slice / params.slabs * params.terms * params.stride + held, ACROSS);
    let apart = select(1u, params.stride, ACROSS);
    let first = slice % params.slabs * params.slab;
    var best = 0u;
    for (var t = first; t < first + params.slab; t += 4u * LANES) {
        // Terms are taken four at a time; a term beyond the end is the last term again.
        for (var q = 0u; q < 4u; q++) {
            let term = min(t + q * LANES + part, params.terms - 1u);
            best = max(best, x[min(base + term * apart, arrayLength(&x) - 1u)] & 0x7fffffffu);
        }
    }
    parts[part * LINES + beside] = best;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (part < half) {
            let at = part * LINES + beside;
            parts[at] = max(parts[at], parts[at + half * LINES]);
        }
        workgroupBarrier();
    }
    if (part == 0u && line < params.lines) {
        most[select(line, slice * params.stride + line, ACROSS)] = parts[beside];
    }
}
