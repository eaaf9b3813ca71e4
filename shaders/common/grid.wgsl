// The index of a workgroup in a grid folded to two dimensions, as the host's `fold` makes it.
fn group_index(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.x + group.y * groups.x;
}
