//! A work of a user's own WGSL: one kernel, timed with the same care as the crate's.

use crate::kernel::{Binding, Kernel, Lowering, Params};
use crate::ops::case::Draw;
use crate::ops::work::{Instance, Size, Work};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType};
use crate::{Error, Result};
use naga::{ArraySize, Module, Scalar, ScalarKind, StorageAccess, TypeInner};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The data that a launch of a user's kernel needs beside its text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Launch {
    /// The number of scalars in each storage buffer of group 0, in the order of the bindings.
    pub elements: Vec<usize>,
    /// The workgroups. They come folded in two dimensions: the index of one is `workgroup_id.x + workgroup_id.y * num_workgroups.x`.
    pub workgroups: usize,
    /// The members of the uniform struct at `@group(1) @binding(0)`, in order.
    pub params: Vec<f64>,
    /// The floating-point operations of the launch, against which its time is held.
    pub flops: f64,
    /// True to compile the kernel without runtime checks, as the crate's own are: the caller vouches for its indices and loops.
    pub unchecked: bool,
}

/// A storage buffer of the kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Storage {
    ty: TensorType,
    written: bool,
}

/// The op whose only dispatch is a user's kernel.
#[derive(Debug, Clone)]
struct Own {
    kernel: Kernel,
    buffers: Vec<Storage>,
    params: Params,
    workgroups: usize,
    flops: f64,
}

impl Op for Own {
    fn key(&self) -> OpKey {
        OpKey::of("own", &(&self.kernel.wgsl, self.workgroups, &self.params))
    }

    fn infer(&self, _: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok(self.buffers.iter().filter(|b| b.written).map(|b| b.ty).collect())
    }

    fn evaluate(&self, _: &[HostTensor]) -> Result<Vec<HostTensor>> {
        Err(Error::argument(format!("the host executor does not run `{}`: an adapter is expected", self.kernel.name)))
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Err(Error::NotDifferentiable { op: "own".into(), why: "it is a kernel without a reverse rule".into() })
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (mut read, mut written) = (0.., 0..);
        let bindings = self.buffers.iter().map(|b| match b.written {
            true => Binding::write(cx.output(written.next().unwrap_or_default())),
            false => Binding::read(cx.input(read.next().unwrap_or_default())),
        });
        let bindings = bindings.collect();
        cx.dispatch(self.kernel.clone(), bindings, self.params.clone(), self.workgroups, self.flops)
    }
}

/// The work of the kernel in a file: buffers that it may write are results, all others are operands, drawn at random.
///
/// # Errors
/// Returns an error that names the file where it cannot be read or is no compute shader with buffers of 32-bit or 16-bit scalars and
/// vectors, and where the launch does not fit its bindings or its uniform struct.
pub fn work(path: &Path, launch: &Launch) -> Result<Work> {
    let wgsl = std::fs::read_to_string(path).map_err(|e| Error::io(path, "cannot be read", &e))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let kernel = match launch.unchecked {
        // SAFETY: whoever sets `unchecked` vouches for the kernel's indices, divisions and loops, as its documentation says.
        true => unsafe { Kernel::new_trusted(name.clone(), wgsl) },
        false => Kernel::new(name.clone(), wgsl),
    };
    let module = kernel.parse().map_err(|e| Error::file(path, e))?;
    let fault = |what: String| Error::file(path, what);
    let buffers = storage(&module, &launch.elements).map_err(fault)?;
    let params = kernel.params(&launch.params).map_err(|e| fault(e.to_string()))?;
    let least = launch.elements.iter().copied().min().unwrap_or(1).max(1) as u32;
    let draw = |ty: TensorType| if matches!(ty.dtype, DType::F32 | DType::F16) { Draw::Normal } else { Draw::Class(least) };
    let operands = buffers.iter().filter(|b| !b.written).map(|b| (b.ty, draw(b.ty))).collect();
    let own = Arc::new(Own { kernel, buffers, params, workgroups: launch.workgroups, flops: launch.flops });
    let instance = Instance::new(operands, move |tape: &mut Tape, x: &[Var]| tape.record(own.clone(), x));
    // A name lives as long as the process, as those of the crate's works do.
    Ok(Work { name: name.leak(), sizes: vec![(Size::Own, instance)], differentiable: false })
}

/// The storage buffers of group 0 in the order of their bindings.
fn storage(module: &Module, elements: &[usize]) -> Result<Vec<Storage>, String> {
    let mut found = BTreeMap::new();
    for (_, variable) in module.global_variables.iter() {
        if let (naga::AddressSpace::Storage { access }, Some(at)) = (variable.space, variable.binding.as_ref()) {
            let scalar = scalar(module, variable.ty).ok_or_else(|| {
                let name = variable.name.clone().unwrap_or_default();
                format!("`{name}` is no array of f32, f16, i32, u32, or vectors of them")
            })?;
            found.insert((at.group, at.binding), (scalar, access.contains(StorageAccess::STORE)));
        }
    }
    if !found.keys().copied().eq((0..found.len() as u32).map(|i| (0, i))) {
        return Err("its storage buffers are expected at @group(0), bindings 0, 1, 2, ... without gaps".into());
    }
    if found.len() != elements.len() {
        return Err(format!("it has {} storage buffers, and the elements of {} are given", found.len(), elements.len()));
    }
    let storage = |(&(dtype, written), &n): (&(DType, bool), &usize)| Storage { ty: TensorType::new(dtype, [n]), written };
    Ok(found.values().zip(elements).map(storage).collect())
}

/// The scalar of which a buffer is an array.
fn scalar(module: &Module, ty: naga::Handle<naga::Type>) -> Option<DType> {
    match module.types[ty].inner {
        TypeInner::Array { base, size: ArraySize::Dynamic | ArraySize::Constant(_), .. } => scalar(module, base),
        TypeInner::Vector { scalar: of, .. } | TypeInner::Scalar(of) => match of {
            Scalar::F32 => Some(DType::F32),
            Scalar::U32 => Some(DType::U32),
            Scalar::I32 => Some(DType::I32),
            Scalar { kind: ScalarKind::Float, width: 2 } => Some(DType::F16),
            _ => None,
        },
        _ => None,
    }
}
