// The 256 invocations of a workgroup share `lines` lines, a power of two: each line has 256 / lines lanes. Lanes lie side by side where
// the elements of a line do (`together`), else lines do. 256 times the bytes of T of workgroup memory; 3 + log2 of the lanes barriers a
// reduction, a fixed tree. Every invocation of a workgroup takes part, those of lines beyond the end too.
const GROUP = 256u;
const ALONE = false;
var<workgroup> shared_lanes: array<T, GROUP>;

fn line_lanes(lines: u32) -> u32 {
    return GROUP / lines;
}

// The line of an invocation among the workgroup's, and its lane.
fn line_place(local: u32, lines: u32, together: bool) -> vec2<u32> {
    let lanes = GROUP / lines;
    return select(vec2(local % lines, local / lines), vec2(local / lanes, local % lanes), together);
}

// The lanes' values go to workgroup memory lane by lane, so that halves of it are added whatever the number of lines.
fn line_sum(x: T, place: vec2<u32>, lines: u32) -> T {
    let slot = place.y * lines + place.x;
    workgroupBarrier();
    shared_lanes[slot] = x;
    for (var half = GROUP / 2u; half >= lines; half >>= 1u) {
        workgroupBarrier();
        if (slot < half) {
            shared_lanes[slot] += shared_lanes[slot + half];
        }
    }
    workgroupBarrier();
    return shared_lanes[place.x];
}

// NaN where one of them is.
fn line_max(x: T, place: vec2<u32>, lines: u32) -> T {
    let slot = place.y * lines + place.x;
    workgroupBarrier();
    shared_lanes[slot] = x;
    for (var half = GROUP / 2u; half >= lines; half >>= 1u) {
        workgroupBarrier();
        if (slot < half) {
            shared_lanes[slot] = larger(shared_lanes[slot], shared_lanes[slot + half]);
        }
    }
    workgroupBarrier();
    return shared_lanes[place.x];
}
