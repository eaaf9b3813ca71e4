//! The table of blocks, with one file for each family.

mod arithmetic;
mod connectivity;
mod denoising;
mod networks;
mod parcels;
mod scores;

#[cfg(feature = "c")]
pub(super) use connectivity::shrinkages;

use super::block::{Block, Made, Step};
use super::form::{Form, Placed, name};
use super::object::{object, tagged};
use crate::{Result, Tape, Var};

/// Blocks of one kind.
pub(super) struct Family {
    pub(super) title: &'static str,
    pub(super) blocks: fn() -> Vec<Block>,
}

/// Every block, by family.
pub(super) const FAMILIES: [Family; 6] = [
    Family { title: "Denoising and filters", blocks: denoising::blocks },
    Family { title: "Parcellation", blocks: parcels::blocks },
    Family { title: "Connectivity", blocks: connectivity::blocks },
    Family { title: "Networks over graphs", blocks: networks::blocks },
    Family { title: "Arithmetic and shapes", blocks: arithmetic::blocks },
    Family { title: "Scores for losses", blocks: scores::blocks },
];

/// Every block.
pub(super) fn all() -> Vec<Block> {
    FAMILIES.iter().flat_map(|family| (family.blocks)()).collect()
}

/// The form of a block: its name, the row of the table, and the arguments of that row.
pub(super) fn step() -> Form<Placed<Step>> {
    let common = object("", (name().placed().field("name", "the name of what it makes"),), Ok);
    tagged("block", None, common, all()).map(|((name,), record)| Step { name, record }).placed()
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
