// Which invocation this is. The fields go into the functions below one by one: naga's HLSL knows the number of workgroups only where the
// entry point itself reads it, and takes another number for it, without an error, where a function does.
struct Invocation {
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
}

// The index of a workgroup in a grid folded to two dimensions, as the host's `fold` makes it.
fn group_index(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.x + group.y * groups.x;
}

// The index of an invocation among all, where a workgroup is 64 of them and each makes one element.
fn element(group: vec3<u32>, groups: vec3<u32>, lane: u32) -> u32 {
    return group_index(group, groups) * 64u + lane;
}
