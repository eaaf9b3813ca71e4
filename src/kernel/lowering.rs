//! The interface through which an op states its dispatches.

use super::{Access, Binding, Buffer, Dispatch, Kernel, LOOP_LIMIT, Params, Source, Target, fold};
use crate::tensor::TensorType;
use crate::{Error, Result};

/// The dispatches, and the buffers they use, that the ops of a plan have stated so far.
#[derive(Debug, Default)]
pub struct Lowered {
    /// Type and name of each buffer.
    pub buffers: Vec<(TensorType, String)>,
    /// In order.
    pub dispatches: Vec<Dispatch>,
    /// The first is the same memory as the second.
    pub aliases: Vec<(Buffer, Buffer)>,
}

impl Lowered {
    /// A new buffer.
    pub fn buffer(&mut self, ty: TensorType, name: impl Into<String>) -> Buffer {
        self.buffers.push((ty, name.into()));
        Buffer(self.buffers.len() as u32 - 1)
    }
}

/// One op being lowered: its operands as buffers, the target, and where its dispatches go.
#[derive(Debug)]
pub struct Lowering<'a> {
    pub(crate) op: &'static str,
    pub(crate) target: &'a Target,
    pub(crate) inputs: &'a [Buffer],
    pub(crate) outputs: &'a [Buffer],
    pub(crate) lowered: &'a mut Lowered,
}

impl Lowering<'_> {
    /// The device lowered for.
    pub fn target(&self) -> &Target {
        self.target
    }

    /// An operand.
    pub fn input(&self, i: usize) -> Buffer {
        self.inputs[i]
    }

    /// The number of operands.
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// A result.
    pub fn output(&self, i: usize) -> Buffer {
        self.outputs[i]
    }

    /// A buffer's type.
    pub fn ty(&self, buffer: Buffer) -> TensorType {
        self.lowered.buffers[buffer.index()].0
    }

    /// The shape of an operand.
    pub fn input_shape(&self, i: usize) -> crate::Shape {
        self.ty(self.inputs[i]).shape
    }

    /// The shape of a result.
    pub fn output_shape(&self, i: usize) -> crate::Shape {
        self.ty(self.outputs[i]).shape
    }

    /// A buffer for values between this op's dispatches.
    pub fn scratch(&mut self, ty: TensorType) -> Buffer {
        let name = format!("{} scratch", self.op);
        self.lowered.buffer(ty, name)
    }

    /// Makes `output` the same memory as `input`: nothing is dispatched.
    pub fn alias(&mut self, output: usize, input: usize) {
        self.lowered.aliases.push((self.outputs[output], self.inputs[input]));
    }

    /// Says how many iterations the loops of one invocation take, all together.
    ///
    /// # Errors
    /// Where that is more than a software adapter runs.
    pub fn check_iterations(&self, iterations: usize) -> Result<()> {
        if self.target.software && iterations > LOOP_LIMIT {
            let what = format!(
                "{iterations} iterations of a loop are more than a software adapter runs ({LOOP_LIMIT}): take the host (`--device cpu`) \
                 or a hardware GPU"
            );
            return Err(Error::op(self.op, what));
        }
        Ok(())
    }

    /// Launches `kernel` on `workgroups` workgroups, which come folded in two dimensions: the index of one is
    /// `workgroup_id.x + workgroup_id.y * num_workgroups.x`, and those beyond the last must do nothing.
    ///
    /// `flops` are the floating-point operations of the definition, counted as [`Cost`](super::Cost) says: what `tapetum bench` and a
    /// profile hold the time against. They change nothing that is computed; a kernel that only moves elements has 0.
    ///
    /// # Errors
    /// Where one buffer is both read and written, there are more than 8 bindings, or `params` are not the members of the kernel's uniform
    /// struct.
    pub fn dispatch(&mut self, kernel: Kernel, bindings: Vec<Binding>, params: Params, workgroups: usize, flops: f64) -> Result<()> {
        let writes = |b: &Binding| b.access != Access::Read;
        for (i, a) in bindings.iter().enumerate() {
            if writes(a) && bindings.iter().enumerate().any(|(j, b)| i != j && a.buffer == b.buffer) {
                return Err(Error::op(self.op, format!("binding {i} of `{}` is written and bound twice", kernel.name)));
            }
        }
        if bindings.len() > 8 {
            return Err(Error::op(self.op, format!("`{}` has {} bindings: at most 8 are portable", kernel.name, bindings.len())));
        }
        // The crate's own kernels are held to their structs by the tests.
        if !kernel.trusted {
            kernel.check_params(&params)?;
        }
        if workgroups > 0 {
            self.lowered.dispatches.push(Dispatch { kernel, bindings, params, grid: fold(workgroups), flops, label: self.op.to_owned() });
        }
        Ok(())
    }

    /// The kernel of `source`, which has no classes of work, in this target's variant, under `chosen`.
    pub fn kernel(&self, source: &Source, chosen: &[usize]) -> Kernel {
        source.kernel(source.variant(self.target, ""), chosen)
    }
}
