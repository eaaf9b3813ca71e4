// A row belongs to LANES invocations side by side, and ROWS rows to a workgroup. 4 LANES ROWS bytes of workgroup memory; log2 LANES + 2
// barriers a reduction, a fixed tree. Every invocation of a workgroup takes part, those of rows beyond the end too.
const GROUP = LANES * ROWS;
var<workgroup> lanes: array<f32, GROUP>;

fn row_index(group: u32, local: u32) -> u32 {
    return group * ROWS + local / LANES;
}

fn lane_index(local: u32) -> u32 {
    return local % LANES;
}

fn row_sum(x: f32, local: u32) -> f32 {
    workgroupBarrier();
    lanes[local] = x;
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if (lane_index(local) < half) {
            lanes[local] += lanes[local + half];
        }
    }
    workgroupBarrier();
    return lanes[local - lane_index(local)];
}

// NaN where one of them is.
fn row_max(x: f32, local: u32) -> f32 {
    workgroupBarrier();
    lanes[local] = x;
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if (lane_index(local) < half) {
            lanes[local] = larger(lanes[local], lanes[local + half]);
        }
    }
    workgroupBarrier();
    return lanes[local - lane_index(local)];
}
