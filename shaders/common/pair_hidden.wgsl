// The hidden states of pairs, made from u and v as they are asked for. Features are counted in fours.
fn hidden(receiver: vec4<f32>, sender: u32, f: u32) -> vec4<f32> {
    return activated(receiver + v[sender_row(sender) * params.features + f], params.first, params.first_leak, false);
}

// Column r holds the features f of the pair of row + r, of four that have one receiver. They are of the block last gone to.
fn hidden_rows(row: u32, f: u32) -> mat4x4<f32> {
    let receiver = u[receiver_row(receiver_of(row)) * params.features + f];
    let sender = sender_of(row);
    return mat4x4<f32>(
        hidden(receiver, sender, f),
        hidden(receiver, sender + 1u, f),
        hidden(receiver, sender + 2u, f),
        hidden(receiver, sender + 3u, f),
    );
}
