// A row belongs to one invocation: no barrier, 64 rows a workgroup.
const LANES = 1u;
const GROUP = 64u;

fn row_index(group: u32, local: u32) -> u32 {
    return group * GROUP + local;
}

fn lane_index(local: u32) -> u32 {
    return 0u;
}

fn row_sum(x: f32, local: u32) -> f32 {
    return x;
}

fn row_max(x: f32, local: u32) -> f32 {
    return x;
}
