// The largest magnitudes in the rows of A and the columns of B, for `tile_cooperative`, of operands that are made where they are used: all
// terms are gone through once before the product. Of several products that a workgroup makes one after another, those that have the same
// `col_unit` have the same B, which is gone through in the first. 3 barriers.
var<private> known_col_unit: u32 = 0xffffffffu;

fn largest_of(x: vec4<f32>) -> u32 {
    let word = bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu);
    return max(max(word.x, word.y), max(word.z, word.w));
}

fn find_magnitudes(row_unit: u32, col_unit: u32, lane: u32, terms: u32) {
    let known = (lane >= BLOCK) & (col_unit == known_col_unit);
    known_col_unit = col_unit;
    workgroupBarrier();
    if (!known) {
        atomicStore(&largest[lane], 0u);
    }
    workgroupBarrier();
    if (!known) {
        var most = vec4<u32>();
        for (var start = 0u; start < terms; start += 16u) {
            let x = fetch(row_unit, col_unit, lane, start);
            most = max(most, vec4<u32>(largest_of(x[0]), largest_of(x[1]), largest_of(x[2]), largest_of(x[3])));
        }
        let line = 4u * (lane / 4u);
        atomicMax(&largest[line], most.x);
        atomicMax(&largest[line + 1u], most.y);
        atomicMax(&largest[line + 2u], most.z);
        atomicMax(&largest[line + 3u], most.w);
    }
    workgroupBarrier();
}
