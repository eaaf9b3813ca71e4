//! One launch of a kernel, as data.

use super::{Kernel, Params};

/// A buffer of a plan under construction: a tape's value, or scratch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Buffer(pub(crate) u32);

impl Buffer {
    /// Its place in the plan's list of buffers.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The way a dispatch uses a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`: all of it is written, and nothing is read that this dispatch did not write.
    Write,
    /// `var<storage, read_write>`: it begins as a copy of the given buffer, which it takes over where that is possible.
    Update {
        /// The buffer updated.
        from: Buffer,
    },
    /// `var<storage, read_write>`: a later dispatch of the same op goes on with what an earlier one wrote.
    Continue,
}

/// A buffer at `@group(0) @binding(i)`, i its place in [`Dispatch::bindings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binding {
    /// The buffer that is bound.
    pub buffer: Buffer,
    /// The way the dispatch uses it.
    pub access: Access,
}

impl Binding {
    /// Read only.
    pub fn read(buffer: Buffer) -> Self {
        Self { buffer, access: Access::Read }
    }

    /// Written whole.
    pub fn write(buffer: Buffer) -> Self {
        Self { buffer, access: Access::Write }
    }

    /// `buffer` begins as a copy of `from`.
    pub fn update(buffer: Buffer, from: Buffer) -> Self {
        Self { buffer, access: Access::Update { from } }
    }

    /// Read and written, begun by an earlier dispatch of this op.
    pub fn continued(buffer: Buffer) -> Self {
        Self { buffer, access: Access::Continue }
    }
}

/// The cost of a dispatch by its definition, whatever its kernel does: a variant's repeated computing and reading is not counted.
///
/// FLOPs count one for each +, −, ×, ÷, comparison, minimum, maximum, absolute value and change of sign, and one for each elementary
/// function (√, eˣ, ln, sin, atanh, …), however many instructions that takes. A sum of n terms is n additions, for it begins at 0; so for
/// extremes. A pointwise op, a row of the table, is one an element, whatever its expression. Choosing, moving, converting and work on
/// integers (indices, the bits of random draws, the step counter) count nothing, and neither do the constants of an op.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Floating-point operations of the definition.
    pub flops: f64,
    /// Compulsory traffic: the bytes of each buffer bound, once; twice where it is updated or gone on with. A buffer that is bound twice,
    /// or stands in for an operand that is not there, counts once.
    pub bytes: f64,
}

/// One launch of a kernel.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Dispatch {
    /// The kernel that runs.
    pub kernel: Kernel,
    /// On which buffers.
    pub bindings: Vec<Binding>,
    /// The contents of the kernel's uniform struct.
    pub params: Params,
    /// On how many workgroups.
    pub grid: [u32; 3],
    /// FLOPs of the definition, counted as [`Cost`] says.
    pub flops: f64,
    /// The op it belongs to.
    pub label: String,
}

/// `workgroups` folded into a grid no dimension of which passes 65,535: the shader's `group_index` unfolds it, and
/// must skip what lies beyond.
pub fn fold(workgroups: usize) -> [u32; 3] {
    const WIDEST: usize = 65_535;
    if workgroups <= WIDEST {
        return [workgroups as u32, 1, 1];
    }
    let rows = workgroups.div_ceil(WIDEST);
    [workgroups.div_ceil(rows) as u32, rows as u32, 1]
}
