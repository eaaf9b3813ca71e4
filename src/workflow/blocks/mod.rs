//! The table of blocks, a file a family.

mod arithmetic;
mod connectivity;
mod denoising;
mod networks;
mod parcels;
mod scores;

use super::block::{Block, Made};
use crate::{Result, Tape, Var};

/// Every block.
pub(super) fn all() -> impl Iterator<Item = &'static Block> {
    [denoising::BLOCKS, parcels::BLOCKS, connectivity::BLOCKS, networks::BLOCKS, arithmetic::BLOCKS, scores::BLOCKS].into_iter().flatten()
}

/// A block with one result.
fn one(var: Var) -> Result<Made> {
    Ok(vec![("", var)])
}

/// x with an axis of extent 1 put in before `axis`, counted from the back.
fn widened(tape: &mut Tape, x: Var, before: usize) -> Result<Var> {
    let shape = tape.shape(x);
    let at = shape.rank().saturating_sub(before);
    let extents = [&shape[..at], &[1], &shape[at..]].concat();
    let shape = crate::Shape::try_new(&extents).ok_or_else(|| crate::Error::op("reshape", "at most 8 axes are possible"))?;
    tape.reshape(x, shape)
}
