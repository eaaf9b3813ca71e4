// The 256 invocations of a workgroup share `lines` lines, a power of two: each line has 256 / lines lanes. Lanes lie side by side where
// the elements of a line do (`together`), else lines do. 256 times the bytes of Y of workgroup memory; 3 + log2 of the lanes barriers a
// reduction, a fixed tree. Every invocation of a workgroup takes part, those of lines beyond the end too.
const GROUP = 256u;
const ALONE = false;
var<workgroup> shared_lanes: array<Y, GROUP>;
var<workgroup> shared_fours: array<vec4<f32>, GROUP>;

fn line_lanes(lines: u32) -> u32 {
    return GROUP / lines;
}

// The line of an invocation among the workgroup's, and its lane.
fn line_place(local: u32, lines: u32, together: bool) -> vec2<u32> {
    let lanes = GROUP / lines;
    return select(vec2(local % lines, local / lines), vec2(local / lanes, local % lanes), together);
}

// The lanes' values go to workgroup memory lane by lane, so that halves of it are added whatever the number of lines.
fn line_sum(x: Y, place: vec2<u32>, lines: u32) -> Y {
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
fn line_max(x: Y, place: vec2<u32>, lines: u32) -> Y {
    let slot = place.y * lines + place.x;
    workgroupBarrier();
    shared_lanes[slot] = x;
    for (var half = GROUP / 2u; half >= lines; half >>= 1u) {
        workgroupBarrier();
        if (slot < half) {
            shared_lanes[slot] = larger_of(shared_lanes[slot], shared_lanes[slot + half]);
        }
    }
    workgroupBarrier();
    return shared_lanes[place.x];
}

// Four sums of one line at once, in 4,096 bytes of workgroup memory; if `largest`, the last of them is the largest magnitude instead.
fn line_fours(x: vec4<f32>, largest: bool, place: vec2<u32>, lines: u32) -> vec4<f32> {
    let slot = place.y * lines + place.x;
    workgroupBarrier();
    shared_fours[slot] = x;
    for (var half = GROUP / 2u; half >= lines; half >>= 1u) {
        workgroupBarrier();
        if (slot < half) {
            shared_fours[slot] = four_of(shared_fours[slot], shared_fours[slot + half], largest);
        }
    }
    workgroupBarrier();
    return shared_fours[place.x];
}

fn four_of(a: vec4<f32>, b: vec4<f32>, largest: bool) -> vec4<f32> {
    var sum = a + b;
    // A sum of magnitudes is NaN where one of them is.
    if (largest && !is_nan(sum.w)) {
        sum.w = max(a.w, b.w);
    }
    return sum;
}
