// The 256 invocations of a workgroup share `lines` lines, a power of two: each line has 256 / lines lanes. Lanes lie side by side where
// the elements of a line do (`together`), else lines do. 256 times the bytes of Y of workgroup memory; 2 barriers a reduction of up to 4
// lanes, 3 of up to 16, 4 of up to 64, else 5; a fixed tree. Every invocation of a workgroup takes part, those of lines beyond the end too.
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

// The lanes' values go to workgroup memory lane by lane, and quarters of it are added, whatever the number of lines, until each line has
// four values at most. These every lane of the line adds: four of them where the number of lines is a power of four.
const QUARTERS = 3u;

fn has_two(lines: u32) -> bool {
    return lines < GROUP;
}

fn has_four(lines: u32) -> bool {
    return (lines & 0x55u) != 0u;
}

fn line_sum(x: Y, place: vec2<u32>, lines: u32) -> Y {
    let slot = place.y * lines + place.x;
    workgroupBarrier();
    shared_lanes[slot] = x;
    for (var k = 0u; k < QUARTERS; k++) {
        let left = 64u >> (2u * k);
        if (left > lines) {
            workgroupBarrier();
            if (slot < left) {
                let pair = shared_lanes[slot] + shared_lanes[slot + left];
                shared_lanes[slot] = pair + (shared_lanes[slot + 2u * left] + shared_lanes[slot + 3u * left]);
            }
        }
    }
    workgroupBarrier();
    var sum = shared_lanes[place.x];
    if (has_two(lines)) {
        sum += shared_lanes[place.x + lines];
    }
    if (has_four(lines)) {
        sum += shared_lanes[place.x + 2u * lines] + shared_lanes[place.x + 3u * lines];
    }
    return sum;
}

// NaN where one of them is.
fn line_max(x: Y, place: vec2<u32>, lines: u32) -> Y {
    let slot = place.y * lines + place.x;
    workgroupBarrier();
    shared_lanes[slot] = x;
    for (var k = 0u; k < QUARTERS; k++) {
        let left = 64u >> (2u * k);
        if (left > lines) {
            workgroupBarrier();
            if (slot < left) {
                let pair = larger_of(shared_lanes[slot], shared_lanes[slot + left]);
                shared_lanes[slot] = larger_of(pair, larger_of(shared_lanes[slot + 2u * left], shared_lanes[slot + 3u * left]));
            }
        }
    }
    workgroupBarrier();
    var most = shared_lanes[place.x];
    if (has_two(lines)) {
        most = larger_of(most, shared_lanes[place.x + lines]);
    }
    if (has_four(lines)) {
        most = larger_of(most, larger_of(shared_lanes[place.x + 2u * lines], shared_lanes[place.x + 3u * lines]));
    }
    return most;
}

// Four sums of one line at once, in 4,096 bytes of workgroup memory; if `largest`, the last of them is the largest magnitude instead.
fn line_fours(x: vec4<f32>, largest: bool, place: vec2<u32>, lines: u32) -> vec4<f32> {
    let slot = place.y * lines + place.x;
    workgroupBarrier();
    shared_fours[slot] = x;
    for (var k = 0u; k < QUARTERS; k++) {
        let left = 64u >> (2u * k);
        if (left > lines) {
            workgroupBarrier();
            if (slot < left) {
                let pair = four_of(shared_fours[slot], shared_fours[slot + left], largest);
                let other = four_of(shared_fours[slot + 2u * left], shared_fours[slot + 3u * left], largest);
                shared_fours[slot] = four_of(pair, other, largest);
            }
        }
    }
    workgroupBarrier();
    var sums = shared_fours[place.x];
    if (has_two(lines)) {
        sums = four_of(sums, shared_fours[place.x + lines], largest);
    }
    if (has_four(lines)) {
        sums = four_of(sums, four_of(shared_fours[place.x + 2u * lines], shared_fours[place.x + 3u * lines], largest), largest);
    }
    return sums;
}

fn four_of(a: vec4<f32>, b: vec4<f32>, largest: bool) -> vec4<f32> {
    var sum = a + b;
    // A sum of magnitudes is NaN where one of them is.
    if (largest && !is_nan(sum.w)) {
        sum.w = max(a.w, b.w);
    }
    return sum;
}
