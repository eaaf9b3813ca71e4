//! A work of a user's own WGSL: one kernel, timed with the same care as the crate's.

use crate::data::read_npy;
use crate::kernel::{Binding, Kernel, Lowering, Params};
use crate::ops::case::Draw;
use crate::ops::work::{Instance, Size, Work};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, TensorType};
use crate::{Error, Result, Shape};
use naga::{ArraySize, Module, Scalar, ScalarKind, StorageAccess, TypeInner};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The contents of a storage buffer before the launch.
#[derive(Debug, Clone, PartialEq)]
pub enum Contents {
    /// As many scalars as the shape has: drawn at random where the kernel only reads them, undefined where it writes them. Whole numbers
    /// are indices that lie within every buffer of the kernel.
    Shape(Shape),
    /// As many zeros as the shape has.
    Zeros(Shape),
    /// The elements of a `.npy` file.
    File(PathBuf),
}

/// A storage buffer that is bound to a variable of the kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The name of the variable in WGSL.
    pub name: String,
    /// The contents.
    pub contents: Contents,
}

/// The data that a launch of a user's kernel needs beside its text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Launch {
    /// The storage buffers of group 0, in any order.
    pub bindings: Vec<Bound>,
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
#[derive(Debug, Clone)]
struct Storage {
    ty: TensorType,
    written: bool,
    /// The elements that it holds before the launch, where they are given.
    given: Option<HostTensor>,
}

impl Storage {
    /// True where its contents before the launch are an operand of the op.
    fn read(&self) -> bool {
        !self.written || self.given.is_some()
    }
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
        let (mut inputs, mut outputs) = (0.., 0..);
        let bindings = self.buffers.iter().map(|b| {
            let input = b.read().then(|| cx.input(inputs.next().unwrap_or_default()));
            let output = b.written.then(|| cx.output(outputs.next().unwrap_or_default()));
            match (output, input) {
                (Some(output), Some(input)) => Ok(Binding::update(output, input)),
                (Some(output), None) => Ok(Binding::write(output)),
                (None, Some(input)) => Ok(Binding::read(input)),
                (None, None) => Err(Error::argument(format!("`{}` has a buffer that it neither reads nor writes", self.kernel.name))),
            }
        });
        let bindings = bindings.collect::<Result<_>>()?;
        cx.dispatch(self.kernel.clone(), bindings, self.params.clone(), self.workgroups, self.flops)
    }
}

/// The work of the kernel in a file. A buffer that the kernel may write is a result, and where its contents are given, each step begins
/// with them; every other buffer is an operand.
///
/// # Errors
/// Returns an error that names the file where it cannot be read or is no compute shader with buffers of 32-bit or 16-bit scalars and
/// vectors, where the launch does not fit its bindings or its uniform struct, and where the file of a binding holds another type.
pub fn work(path: &Path, launch: &Launch) -> Result<Work> {
    let wgsl = std::fs::read_to_string(path).map_err(|e| Error::io(path, "cannot be read", &e))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let kernel = match launch.unchecked {
        // SAFETY: whoever sets `unchecked` vouches for the kernel's indices, divisions and loops, as its documentation says.
        true => unsafe { Kernel::new_trusted(name.clone(), wgsl) },
        false => Kernel::new(name.clone(), wgsl),
    };
    let fault = |what: String| Error::file(path, what);
    let module = kernel.parse().map_err(|e| Error::file(path, e))?;
    let variables = variables(&module).map_err(fault)?;
    let buffers = bound(&variables, &launch.bindings, path)?;
    let params = kernel.params(&launch.params).map_err(|e| fault(e.to_string()))?;
    let least = buffers.iter().zip(&variables).map(|(b, v)| b.ty.shape.elements() / v.width).min().unwrap_or(1).max(1) as u32;
    let drawn = |b: &&Storage| !b.written && b.given.is_none();
    let operands = buffers.iter().filter(drawn).map(|b| (b.ty, Draw::Class(least))).collect();
    let own = Arc::new(Own { kernel, buffers, params, workgroups: launch.workgroups, flops: launch.flops });
    let instance = Instance::new(operands, move |tape: &mut Tape, drawn: &[Var]| {
        let mut drawn = drawn.iter().copied();
        let read = own.buffers.iter().filter(|b| b.read());
        let operands = read.map(|b| match &b.given {
            Some(value) => tape.constant(value.clone()),
            None => drawn.next().ok_or_else(|| Error::argument("an operand for each buffer is expected")),
        });
        let operands = operands.collect::<Result<Vec<_>>>()?;
        tape.record(own.clone(), &operands)
    });
    // A name lives as long as the process, as those of the crate's works do.
    Ok(Work { name: name.leak(), sizes: vec![(Size::Own, instance)], differentiable: false })
}

/// A storage buffer as the shader declares it.
#[derive(Debug, Clone)]
struct Variable {
    name: String,
    dtype: DType,
    /// The scalars in an element of its array: 4 for `vec4<f32>`.
    width: usize,
    written: bool,
}

/// The storage buffers of group 0 in the order of their bindings.
fn variables(module: &Module) -> Result<Vec<Variable>, String> {
    let mut found = BTreeMap::new();
    for (_, variable) in module.global_variables.iter() {
        if let (naga::AddressSpace::Storage { access }, Some(at)) = (variable.space, variable.binding.as_ref()) {
            let name = variable.name.clone().unwrap_or_default();
            let (dtype, width) =
                scalar(module, variable.ty).ok_or_else(|| format!("`{name}` is no array of f32, f16, i32, u32, or vectors of them"))?;
            found.insert((at.group, at.binding), Variable { name, dtype, width, written: access.contains(StorageAccess::STORE) });
        }
    }
    if !found.keys().copied().eq((0..found.len() as u32).map(|i| (0, i))) {
        return Err("its storage buffers are expected at @group(0), bindings 0, 1, 2, ... without gaps".into());
    }
    Ok(found.into_values().collect())
}

/// The buffers of `variables` with the contents that `bindings` give them. Errors in the bindings name the kernel's file.
fn bound(variables: &[Variable], bindings: &[Bound], kernel: &Path) -> Result<Vec<Storage>> {
    let names = || variables.iter().map(|v| format!("`{}`", v.name)).collect::<Vec<_>>().join(", ");
    for (i, binding) in bindings.iter().enumerate() {
        if bindings[..i].iter().any(|earlier| earlier.name == binding.name) {
            return Err(Error::file(kernel, format!("`{}` is bound twice", binding.name)));
        }
        if !variables.iter().any(|v| v.name == binding.name) {
            return Err(Error::file(kernel, format!("has no storage buffer `{}`: it has {}", binding.name, names())));
        }
    }
    let storage = |v: &Variable| {
        let binding = bindings.iter().find(|b| b.name == v.name);
        let binding = binding.ok_or_else(|| Error::file(kernel, format!("its storage buffer `{}` is not bound", v.name)))?;
        let (ty, given) = match &binding.contents {
            Contents::Shape(shape) => (TensorType::new(v.dtype, *shape), None),
            Contents::Zeros(shape) => {
                let ty = TensorType::new(v.dtype, *shape);
                (ty, Some(HostTensor::from_bytes(ty, &vec![0; ty.bytes() as usize])?))
            }
            Contents::File(path) => {
                let value = of_type(read_npy(path)?, v.dtype).map_err(|what| Error::file(path, format!("{what}, as `{}` is", v.name)))?;
                (value.ty(), Some(value))
            }
        };
        if !ty.shape.elements().is_multiple_of(v.width) || ty.shape.elements() == 0 {
            let what = format!("`{}` is bound to {} scalars, and an element of it has {}", v.name, ty.shape.elements(), v.width);
            return Err(Error::file(kernel, what));
        }
        Ok(Storage { ty, written: v.written, given })
    };
    variables.iter().map(storage).collect()
}

/// The elements of a file, if they are of the scalar that a buffer holds. Whole numbers that are not negative serve as u32 too, for `.npy`
/// files of NumPy's own integers are read as i32.
fn of_type(value: HostTensor, dtype: DType) -> Result<HostTensor, String> {
    let refused = format!("holds {}, and {dtype} is expected", value.dtype());
    match value.as_i32().filter(|_| dtype == DType::U32) {
        Some(whole) if whole.iter().all(|x| *x >= 0) => {
            HostTensor::u32(value.shape(), whole.iter().map(|x| *x as u32).collect()).map_err(|e| e.to_string())
        }
        Some(_) => Err("holds negative numbers, and u32 is expected".into()),
        None if value.dtype() == dtype => Ok(value),
        None => Err(refused),
    }
}

/// The scalar of which a buffer is an array, and the scalars in an element.
fn scalar(module: &Module, ty: naga::Handle<naga::Type>) -> Option<(DType, usize)> {
    let (scalar, width) = match module.types[ty].inner {
        TypeInner::Array { base, size: ArraySize::Dynamic | ArraySize::Constant(_), .. } => return self::scalar(module, base),
        // A vector of three takes the room of four.
        TypeInner::Vector { size: naga::VectorSize::Tri, scalar } => (scalar, 4),
        TypeInner::Vector { size, scalar } => (scalar, size as usize),
        TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => (scalar, 1),
        _ => return None,
    };
    let dtype = match scalar {
        Scalar::F32 => DType::F32,
        Scalar::U32 => DType::U32,
        Scalar::I32 => DType::I32,
        Scalar { kind: ScalarKind::Float, width: 2 } => DType::F16,
        _ => return None,
    };
    Some((dtype, width))
}
