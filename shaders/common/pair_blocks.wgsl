// Pairs of a receiver and a sender as rows, in blocks of a few receivers by a few senders of one graph: within a block, and among the
// blocks of a graph, the sender changes first. Four rows from a multiple of four on have one receiver. The params are the numbers of
// `receivers` and `senders` of a graph; the numbers of blocks `across` its senders and `down` its receivers; `block_bits`, the low bits of
// a row that are its place in a block; `sender_bits`, the low bits of that place that are its sender; `from_block`, the block that row 0
// begins; and `last_block`, the last block of all.
var<private> graph: u32;
// The first of the block, within its graph.
var<private> first_receiver: u32;
var<private> first_sender: u32;

// Goes to the block that holds `row`; to the last, if it lies beyond. All that follows is about this block.
fn place(row: u32) {
    let block = min(params.from_block + (row >> params.block_bits), params.last_block);
    let strip = block / params.across;
    graph = strip / params.down;
    first_receiver = (strip % params.down) << (params.block_bits - params.sender_bits);
    first_sender = (block % params.across) << params.sender_bits;
}

// The ends of a pair, which may lie beyond those of the graph.
fn receiver_of(row: u32) -> u32 {
    return first_receiver + ((row & ((1u << params.block_bits) - 1u)) >> params.sender_bits);
}

fn sender_of(row: u32) -> u32 {
    return first_sender + (row & ((1u << params.sender_bits) - 1u));
}

// The rows of u and v, and the element of z, of a receiver and a sender; those beyond the end are held to the last.
fn receiver_row(receiver: u32) -> u32 {
    return graph * params.receivers + min(receiver, params.receivers - 1u);
}

fn sender_row(sender: u32) -> u32 {
    return graph * params.senders + min(sender, params.senders - 1u);
}

fn is_pair(receiver: u32, sender: u32) -> bool {
    return (receiver < params.receivers) & (sender < params.senders);
}
