//! Device work as plain data: sources and their variants, dispatches, what a target can do, and how an op states its
//! dispatches. Nothing here knows wgpu.

mod dispatch;
mod lowering;
mod source;
mod target;

pub use dispatch::{Access, Binding, Buffer, Cost, Dispatch, Params, fold};
pub use lowering::{Lowered, Lowering};
pub use source::{Choice, Kernel, Snippet, Source, Suits, Variant, Ways};
pub use target::{Backend, TURNS, Target};

/// A WGSL file under `shaders/`, included when the crate is compiled.
macro_rules! wgsl {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $path, ".wgsl"))
    };
}
pub(crate) use wgsl;

/// What several kernels share.
pub mod common {
    use super::{Choice, Snippet};

    /// The index of a workgroup in a folded grid.
    pub const GRID: Snippet = Snippet { name: "grid", text: wgsl!("common/grid") };
    /// A kernel whose numbers are single ones.
    pub const SCALAR: Snippet = Snippet { name: "scalar", text: wgsl!("common/scalar") };
    /// Where NaN goes: tests of bits, over numbers T and their words U.
    pub const NAN: Snippet = Snippet { name: "nan", text: wgsl!("common/nan") };
    /// Elementary functions that hold up at the ends of their domains, over T and U; they want [`NAN`].
    pub const MATH: Snippet = Snippet { name: "math", text: wgsl!("common/math") };
    /// Numbers as whole numbers of the same order.
    pub const ORDERED: Snippet = Snippet { name: "ordered", text: wgsl!("common/ordered") };
    /// Edges of graphs in one order.
    pub const EDGE_ORDER: Snippet = Snippet { name: "edge_order", text: wgsl!("common/edge_order") };
    /// Philox4x32-10.
    pub const PHILOX: Snippet = Snippet { name: "philox", text: wgsl!("common/philox") };
    /// A row belongs to one invocation.
    pub const ROW_SERIAL: Snippet = Snippet { name: "row_serial", text: wgsl!("common/row_serial") };
    /// A row belongs to a workgroup of 64.
    pub const ROW_GROUP: Snippet = Snippet { name: "row_group", text: wgsl!("common/row_group") };
    /// A matrix belongs to one invocation.
    pub const SYNC_SERIAL: Snippet = Snippet { name: "sync_serial", text: wgsl!("common/sync_serial") };
    /// A matrix belongs to a workgroup.
    pub const SYNC_GROUP: Snippet = Snippet { name: "sync_group", text: wgsl!("common/sync_group") };
    /// The operands of a product, four at a time or element by element.
    pub const OPERANDS: Choice = Choice::Snippet(&[
        Snippet { name: "operands_vector", text: wgsl!("common/operands_vector") },
        Snippet { name: "operands_scalar", text: wgsl!("common/operands_scalar") },
    ]);
    /// The result of a product, four at a time or element by element.
    pub const RESULT: Choice = Choice::Snippet(&[
        Snippet { name: "result_vector", text: wgsl!("common/result_vector") },
        Snippet { name: "result_scalar", text: wgsl!("common/result_scalar") },
    ]);
    /// Whether a product keeps the best entries of its rows.
    pub const BEST: Choice = Choice::Snippet(&[
        Snippet { name: "best_no", text: wgsl!("common/best_no") },
        Snippet { name: "best", text: wgsl!("common/best_yes") },
    ]);
    /// Where a product's operands lie.
    pub const BLOCKS: Snippet = Snippet { name: "blocks", text: wgsl!("common/blocks") };
    /// Blocks of `a` in either orientation.
    pub const BLOCK_A: Snippet = Snippet { name: "block_a", text: wgsl!("common/block_a") };
    /// Blocks of `b` in either orientation.
    pub const BLOCK_B: Snippet = Snippet { name: "block_b", text: wgsl!("common/block_b") };
    /// A product's tile in registers alone.
    pub const TILE_DIRECT: Snippet = Snippet { name: "tile_direct", text: wgsl!("common/tile_direct") };
    /// A product's tile fed through workgroup memory.
    pub const TILE_SHARED: Snippet = Snippet { name: "tile_shared", text: wgsl!("common/tile_shared") };
}
