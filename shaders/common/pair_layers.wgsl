// The operands of an edge network's second layer: its rows are the hidden states of one receiver with senders one after the other, made
// from u and v as they are asked for; its columns are the layer's outputs. Features are counted in fours.
var<private> receiver: u32;
var<private> first_sender: u32;
// Senders from the first on; those beyond read the last.
var<private> senders: u32;

fn hidden(row: u32, f: u32) -> vec4<f32> {
    let sender = first_sender + min(row, senders - 1u);
    return activated(u[receiver * params.features + f] + v[sender * params.features + f], params.first, params.first_leak, false);
}

// Column r holds the features k .. k + 4 of row + r; zeros beyond the last feature.
fn a_block(row: u32, k: u32) -> mat4x4<f32> {
    let f = k / 4u;
    if (f >= params.features) {
        return mat4x4<f32>();
    }
    return mat4x4<f32>(hidden(row, f), hidden(row + 1u, f), hidden(row + 2u, f), hidden(row + 3u, f));
}

fn weights(output: u32, f: u32) -> vec4<f32> {
    return w[min(output, 4u * params.outputs - 1u) * params.features + min(f, params.features - 1u)];
}

// Column q holds the weights of feature k + q, of outputs col .. col + 4.
fn b_block(k: u32, col: u32) -> mat4x4<f32> {
    let f = k / 4u;
    return transpose(mat4x4<f32>(weights(col, f), weights(col + 1u, f), weights(col + 2u, f), weights(col + 3u, f)));
}
