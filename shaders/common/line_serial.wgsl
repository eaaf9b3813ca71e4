// A line belongs to one invocation: no barrier, 64 lines a workgroup.
const GROUP = 64u;
const ALONE = true;

fn line_lanes(lines: u32) -> u32 {
    return 1u;
}

fn line_place(local: u32, lines: u32, together: bool) -> vec2<u32> {
    return vec2(local, 0u);
}

fn line_sum(x: Y, place: vec2<u32>, lines: u32) -> Y {
    return x;
}

fn line_max(x: Y, place: vec2<u32>, lines: u32) -> Y {
    return x;
}

fn line_fours(x: vec4<f32>, largest: bool, place: vec2<u32>, lines: u32) -> vec4<f32> {
    return x;
}
