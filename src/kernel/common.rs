//! The parts that several kernels share: the snippets under `shaders/common/`.

use super::{Adapters, Choice, Snippet, Variant};

/// The snippets that a kernel's header may name after `uses`: see [`Source::snippets`](super::Source::snippets).
pub(super) const NAMED: &[Snippet] = &[
    GRID,
    SCALAR,
    NAN,
    MATH,
    ITEM,
    snippet!("places"),
    snippet!("in_row"),
    snippet!("ordered"),
    snippet!("lines"),
    TOP_K_GROUP,
    snippet!("running"),
    snippet!("own_line"),
    snippet!("rotation"),
    snippet!("triangle"),
    snippet!("edge_order"),
    snippet!("philox"),
    snippet!("blocks"),
    snippet!("block_a"),
    snippet!("block_b"),
    snippet!("features_vector"),
    snippet!("pair_activation"),
    snippet!("pair_blocks"),
    snippet!("pair_hidden"),
    snippet!("pair_weights"),
    snippet!("pair_layers"),
    snippet!("narrow"),
    snippet!("few_scalar"),
];

/// The place of a workgroup, and of each invocation, in a folded grid.
pub(crate) const GRID: Snippet = snippet!("grid");
/// The items of an invocation.
pub(crate) const ITEM: Snippet = snippet!("item");
/// A kernel whose numbers are single ones.
pub(crate) const SCALAR: Snippet = snippet!("scalar");
/// Functions that keep NaN by tests of bits, over numbers T and their words U.
pub(crate) const NAN: Snippet = snippet!("nan");
/// Elementary functions that hold up at the ends of their domains, over T and U; they want [`NAN`].
pub(crate) const MATH: Snippet = snippet!("math");
/// A row belongs to one invocation.
pub(crate) const ROW_SERIAL: Snippet = snippet!("row_serial");
/// A row belongs to several invocations of a workgroup.
pub(crate) const ROW_GROUP: Snippet = snippet!("row_group");
/// A line belongs to one invocation.
pub(crate) const LINE_SERIAL: Snippet = snippet!("line_serial");
/// Lines belong to the invocations of a workgroup together.
pub(crate) const LINE_GROUP: Snippet = snippet!("line_group");
/// The elements of lines one at a time, four along a line, or one of each of four lines.
pub(crate) const LINE_WIDTH: Choice = Choice::Snippet(&[
    snippet!("line_single"),
    Snippet { name: "along", ..snippet!("line_along") },
    Snippet { name: "across", ..snippet!("line_across") },
]);
/// The elements of lines one at a time.
pub(crate) const LINE_ONE: Choice = Choice::Snippet(&[snippet!("line_single")]);
/// The same for lines that are rows.
pub(crate) const ROW_WIDTH: Choice = Choice::Snippet(&[snippet!("line_single"), Snippet { name: "along", ..snippet!("line_along") }]);
/// The candidates of an argmax are elements, or what an earlier stage found.
pub(crate) const CANDIDATES: Choice =
    Choice::Snippet(&[snippet!("candidate_own"), Snippet { name: "found", ..snippet!("candidate_found") }]);
/// A line is scanned from 0, or in chunks that begin with what comes before them.
pub(crate) const START: Choice = Choice::Snippet(&[snippet!("start_zero"), Snippet { name: "given", ..snippet!("start_given") }]);
/// A cotangent is a buffer of its own, or lies where what is made of it goes.
pub(crate) const COTANGENT: Choice =
    Choice::Snippet(&[snippet!("cotangent_apart"), Snippet { name: "in_place", ..snippet!("cotangent_in_place") }]);
/// A pass of a Fourier transform by one invocation an element.
pub(crate) const FOURIER_SERIAL: Snippet = snippet!("fourier_serial");
/// A pass of a Fourier transform by a workgroup.
pub(crate) const FOURIER_GROUP: Snippet = snippet!("fourier_group");
/// The largest entries of a row by one invocation.
pub(crate) const TOP_K_SERIAL: Snippet = snippet!("top_k_serial");
/// The largest entries of a row by a workgroup.
pub(crate) const TOP_K_GROUP: Snippet = snippet!("top_k_group");
/// A matrix belongs to one invocation.
pub(crate) const SYNC_SERIAL: Snippet = snippet!("sync_serial");
/// A matrix belongs to a workgroup.
pub(crate) const SYNC_GROUP: Snippet = snippet!("sync_group");
/// The operands of a product, four at a time or element by element.
pub(crate) const OPERANDS: Choice = Choice::Snippet(&[snippet!("operands_vector"), snippet!("operands_scalar")]);
/// The result of a product, four at a time or element by element.
pub(crate) const RESULT: Choice = Choice::Snippet(&[snippet!("result_vector"), snippet!("result_scalar")]);
/// The choice between a product that keeps the best entries of its rows and one that does not.
pub(crate) const BEST: Choice = Choice::Snippet(&[snippet!("best_no"), Snippet { name: "best", ..snippet!("best_yes") }]);
/// A product's tile in registers alone.
pub(crate) const TILE_DIRECT: Snippet = snippet!("tile_direct");
/// A product's block fed through workgroup memory, with its next operands loaded ahead.
pub(crate) const TILE_STAGED: Snippet = snippet!("tile_staged");
/// A product's tile on cooperative matrices.
pub(crate) const TILE_COOPERATIVE: Snippet = snippet!("tile_cooperative");
/// The sizes of its matrices.
pub(crate) const MATRICES_16: Snippet = snippet!("matrices_16");
pub(crate) const MATRICES_8: Snippet = snippet!("matrices_8");
/// The largest magnitudes in the operands' lines are read from buffers.
pub(crate) const MAGNITUDES_GIVEN: Snippet = snippet!("magnitudes_given");
/// They are found by the tile itself, whose operands are made where they are used.
pub(crate) const MAGNITUDES_FOUND: Snippet = snippet!("magnitudes_found");
/// Elements that lie one after the other: items of 4 words, of one, or of 2.
pub(crate) const FLAT: Choice = Choice::Snippet(&[FLAT_VECTOR, FLAT_SCALAR, FLAT_PAIR]);
/// Items of 4 words or of one.
pub(crate) const FLAT_NUMBERS: Choice = Choice::Snippet(&[FLAT_VECTOR, FLAT_SCALAR]);
/// Items of one word or of 2.
pub(crate) const FLAT_SHORT: Choice = Choice::Snippet(&[FLAT_SCALAR, FLAT_PAIR]);
pub(crate) const FLAT_VECTOR: Snippet = Snippet { name: "vector", ..snippet!("flat_vector") };
pub(crate) const FLAT_SCALAR: Snippet = Snippet { name: "scalar", ..snippet!("flat_scalar") };
const FLAT_PAIR: Snippet = Snippet { name: "pair", ..snippet!("flat_pair") };

/// A product of two words for `philox`, where a device has integers of 64 bits and where it has not.
pub(crate) static PHILOX: [Variant; 2] = [
    Variant { name: "wide", adapters: Adapters::Int64, classes: &[], constants: &[], snippets: &[snippet!("product_wide")] },
    Variant { name: "plain", adapters: Adapters::Any, classes: &[], constants: &[], snippets: &[snippet!("product_halves")] },
];

/// Two, three or seven parts moved into a whole, or out of it.
pub(crate) const JOINED: Choice = Choice::Snippet(&[
    snippet!("join_2"),
    snippet!("join_3"),
    snippet!("join_7"),
    snippet!("part_2"),
    snippet!("part_3"),
    snippet!("part_7"),
]);

/// One ring, two or three.
pub(crate) const RINGS: Choice = Choice::Snippet(&[snippet!("rings_1"), snippet!("rings_2"), snippet!("rings_3")]);

/// The words of a workgroup of a kernel that uses `item`.
pub(crate) const FLAT_WORDS: usize = 1024;

/// The workgroups that make so many words, where a kernel uses `item`.
pub(crate) fn flat_groups(words: usize) -> usize {
    words.div_ceil(FLAT_WORDS)
}

/// The rows of so many items that 256 items fill, and the items left over: the words `step` of a kernel that uses `in_row`.
pub(crate) fn flat_step(width: usize) -> [usize; 2] {
    [256 / width.max(1), 256 % width.max(1)]
}

/// The place of a width in [`FLAT_NUMBERS`] and in [`FLAT`], and that width: 4 where all of `lengths` are multiples of it, else 1.
pub(crate) fn flat_width(lengths: &[usize]) -> (usize, usize) {
    if lengths.iter().all(|n| n.is_multiple_of(4)) { (0, 4) } else { (1, 1) }
}
