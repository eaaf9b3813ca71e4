// The position of a workgroup in a grid folded to two dimensions, as the host's `fold` makes it. Its fields are the same for all
// invocations of a workgroup, so that a barrier may depend on them. An invocation's own index is no field of it: Tint would take all fields
// to differ between invocations. The functions below take the fields one by one: naga's HLSL knows the number of workgroups only where the
// entry point itself reads it, and uses another number, without an error, where a function reads it.
struct Grid {
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
}

// The index of a workgroup.
fn group_index(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.x + group.y * groups.x;
}

// The index of an invocation among all, where a workgroup is 64 of them and each makes one element.
fn element(group: vec3<u32>, groups: vec3<u32>, lane: u32) -> u32 {
    return group_index(group, groups) * 64u + lane;
}
