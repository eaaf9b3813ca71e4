// Where a workgroup stands in a grid folded to two dimensions, as the host's `fold` makes it. Its fields are the same for all invocations
// of a workgroup, so that a barrier may depend on them: Tint takes a struct that holds an invocation's own index as well for another in
// each. They go into the functions below one by one: naga's HLSL knows the number of workgroups only where the entry point itself reads
// it, and takes another number for it, without an error, where a function does.
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
