// A row belongs to LANES invocations, and ROWS rows to a workgroup: lanes side by side where a row's elements are, rows side by side
// if ACROSS. 4 LANES ROWS bytes of workgroup memory; log2 LANES + 2 barriers a reduction, a fixed tree. Every invocation of a
// workgroup takes part, those of rows beyond the end too.
const GROUP = LANES * ROWS;
var<workgroup> lanes: array<f32, GROUP>;

fn row_index(group: u32, local: u32) -> u32 {
    return group * ROWS + select(local / LANES, local % ROWS, ACROSS);
}

fn lane_index(local: u32) -> u32 {
    return select(local % LANES, local / ROWS, ACROSS);
}

// From one lane of a row to its next in workgroup memory, and to its first.
const NEXT = select(1u, ROWS, ACROSS);

fn row_sum(x: f32, local: u32) -> f32 {
    workgroupBarrier();
    lanes[local] = x;
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if (lane_index(local) < half) {
            lanes[local] += lanes[local + half * NEXT];
        }
    }
    workgroupBarrier();
    return lanes[local - lane_index(local) * NEXT];
}

// NaN where one of them is.
fn row_max(x: f32, local: u32) -> f32 {
    workgroupBarrier();
    lanes[local] = x;
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if (lane_index(local) < half) {
            lanes[local] = larger(lanes[local], lanes[local + half * NEXT]);
        }
    }
    workgroupBarrier();
    return lanes[local - lane_index(local) * NEXT];
}
