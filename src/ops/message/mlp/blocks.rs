//! The order of pairs: in blocks of a few receivers by a few senders of one graph, so that the rows of a tile meet in few nodes.

use super::MlpExtents;
use crate::kernel::Params;
use crate::ops::tile::Tiling;
use std::ops::Range;

/// The blocks of all pairs, as `shaders/common/pair_blocks.wgsl` counts them. Pairs of a block beyond the ends of the graph are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    extents: MlpExtents,
    /// The bits of a row that are its place in a block, and those that are its sender there.
    block_bits: u32,
    sender_bits: u32,
    /// Blocks along the senders of a graph, and along its receivers.
    pub(super) across: usize,
    pub(super) down: usize,
}

impl Blocks {
    /// Blocks that are the rows of a tile of `tiling`.
    pub(super) fn new(extents: MlpExtents, tiling: &Tiling) -> Self {
        let block_bits = tiling.rows().ilog2();
        let with = |sender_bits: u32| Self {
            extents,
            block_bits,
            sender_bits,
            across: extents.senders.div_ceil(1 << sender_bits),
            down: extents.receivers.div_ceil(1 << (block_bits - sender_bits)),
        };
        // An invocation's own tile is of one receiver; the lanes of a workgroup that have rows of one receiver lie side by side, 4 rows
        // each.
        let Some(side) = tiling.side() else { return with(block_bits) };
        let widest = (4 * side).ilog2().min(block_bits);
        let badness = |b: &Self| (b.across * b.down, b.sender_bits.abs_diff(b.block_bits - b.sender_bits));
        (2..=widest).map(with).min_by_key(badness).unwrap_or_else(|| with(widest))
    }

    /// The rows of a block.
    pub(super) fn rows(&self) -> usize {
        1 << self.block_bits
    }

    /// Receivers and senders of a block.
    pub(super) fn ends(&self) -> [u32; 2] {
        [self.block_bits - self.sender_bits, self.sender_bits]
    }

    pub(super) fn of_graph(&self) -> usize {
        self.across * self.down
    }

    pub(super) fn all(&self) -> usize {
        self.extents.batch * self.of_graph()
    }

    /// The params with those added that the snippet asks for, where row 0 begins the block `from`.
    pub(super) fn params(&self, params: Params, from: usize) -> Params {
        let bits = [self.block_bits, self.sender_bits].map(|b| b as usize);
        [self.across, self.down, bits[0], bits[1], from, self.all() - 1].into_iter().fold(params, Params::u32)
    }

    /// The number of pairs, those that are none left out, of a range of blocks.
    pub(super) fn pairs(&self, blocks: &Range<usize>) -> usize {
        blocks.clone().map(|b| self.within(b, 0) * self.within(b, 1)).sum()
    }

    /// The nodes of one end, 0 for receivers and 1 for senders, that a block has.
    pub(super) fn within(&self, block: usize, end: usize) -> usize {
        let at = [block / self.across % self.down, block % self.across][end];
        let (size, nodes) = (1 << self.ends()[end], [self.extents.receivers, self.extents.senders][end]);
        size.min(nodes - at * size)
    }
}
