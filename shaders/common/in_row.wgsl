// Items in rows of so many: the row and the place in it of an item, and of the item 256 further on, which is found without a division.
// `step` says what 256 items come to, in rows and in items of one more.
struct InRow {
    row: u32,
    col: u32,
}

fn in_row(at: u32, width: u32) -> InRow {
    let row = at / width;
    return InRow(row, at - row * width);
}

fn later(at: InRow, width: u32, step: vec2<u32>) -> InRow {
    let col = at.col + step.y;
    let over = col >= width;
    return InRow(at.row + step.x + select(0u, 1u, over), select(col, col - width, over));
}
