// The k-th of the EACH items that an invocation makes, where a workgroup is 256: at every k neighbours make neighbours, so that what a
// workgroup loads and stores at once lies together. Its items hold 1024 words.
fn item(group: vec3<u32>, groups: vec3<u32>, lane: u32, k: u32) -> u32 {
    return (group_index(group, groups) * EACH + k) * 256u + lane;
}
