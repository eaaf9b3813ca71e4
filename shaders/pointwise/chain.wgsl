// A chain of pointwise ops over one iteration space of `elements` elements, row-major. Every operand is read once, every
// value somebody else needs is written once. This is a template: the lines that begin with //@ are replaced by the chain's
// bindings, loads, ops and stores; T is f32 or vec4<f32>, WIDTH its width.
//
// workgroup 64 x 1 x 1, no memory, no barrier; cost: each op's FLOPs, each binding once
// uses     grid, and nan and math where an op calls one of its functions

//@ params
//@ bindings

@compute @workgroup_size(64)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    let i = element(grid.group, grid.groups, lane);
    if (i * WIDTH >= params.elements) {
        return;
    }
    //@ body
}
