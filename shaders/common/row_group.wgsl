// A row belongs to a workgroup of 64: 256 bytes of workgroup memory, 7 barriers a reduction, a fixed tree.
const LANES = 64u;
var<workgroup> lanes: array<f32, 64>;

fn row_index(group: u32, lane: u32) -> u32 {
    return group;
}

fn lane_index(lane: u32) -> u32 {
    return lane;
}

fn row_sum(x: f32, lane: u32) -> f32 {
    workgroupBarrier();
    lanes[lane] = x;
    for (var half = 32u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if (lane < half) {
            lanes[lane] += lanes[lane + half];
        }
    }
    workgroupBarrier();
    return lanes[0];
}

fn row_max(x: f32, lane: u32) -> f32 {
    workgroupBarrier();
    lanes[lane] = x;
    for (var half = 32u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if (lane < half) {
            lanes[lane] = max(lanes[lane], lanes[lane + half]);
        }
    }
    workgroupBarrier();
    return lanes[0];
}
