// A chain of pointwise ops over one iteration space of `elements` elements, row-major. Every operand is read once, every
// value somebody else needs is written once. This is a template: the lines that begin with //@ are replaced by the chain's
// bindings, loads, ops and stores; T is f32 or vec4<f32>, WIDTH its width.
//
// workgroup 256 x 1 x 1, no memory, no barrier; an invocation makes four elements; cost: each op's FLOPs, each binding once
// uses     grid, item, and nan and math where an op calls one of its functions

//@ params
//@ bindings

@compute @workgroup_size(256)
fn main(grid: Grid, @builtin(local_invocation_index) lane: u32) {
    for (var k = 0u; k < EACH; k++) {
        let i = item(grid.group, grid.groups, lane, k);
        if (i * WIDTH < params.elements) {
            //@ body
        }
    }
}
