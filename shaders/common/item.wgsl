// The index of the k-th of the EACH items that an invocation makes, in a workgroup of 256. At every k neighbouring invocations make
// neighbouring items, so that the loads and stores of a workgroup lie together. The items of a workgroup hold 1024 words.
fn item(group: vec3<u32>, groups: vec3<u32>, lane: u32, k: u32) -> u32 {
    return (group_index(group, groups) * EACH + k) * 256u + lane;
}
