//! The registry of every kernel that the crate makes from its own sources, for listing, writing out and validating them.

#[cfg(feature = "cli")]
mod entry;
#[cfg(feature = "cli")]
mod translate;

#[cfg(feature = "cli")]
pub use entry::{Entry, Wanted, emit, file_name, list, matching, replace};
#[cfg(feature = "cli")]
pub use translate::{Format, capabilities, translate, validate};

use crate::kernel::{Kernel, Source, Target};
use crate::ops::pointwise::table::ROWS;
use crate::optim::Adam;
use crate::plan::Plan;
use crate::tape::{Init, Tape, Var};
use crate::tensor::{DType, Shape, TensorType};
use crate::{Error, Result, ops};

/// Two iteration spaces: a chain processes four elements at a time in the first, and single elements in the second.
const SPACES: [[usize; 2]; 2] = [[8, 12], [5, 7]];

/// Every hand-written kernel in all its variants and choices. From the template of pointwise chains, every function of the table on its own
/// and every way of reading an operand are included; longer chains consist of these. So are sums that hold chains, and a step of Adam for
/// several tensors.
///
/// # Errors
/// Returns an error where a chain cannot be planned, which is a fault of the crate.
pub fn kernels() -> Result<Vec<Kernel>> {
    let mut found: Vec<Kernel> = ops::sources().into_iter().flat_map(Source::kernels).collect();
    for space in SPACES {
        found.push(fill(space)?);
        for &(name, arity, _) in ROWS {
            found.push(chain(name, name, &vec![TensorType::f32(space); arity])?);
        }
        for (reading, operand) in readings(space) {
            found.push(chain(&format!("add+{reading}"), "add", &[TensorType::f32(space), operand])?);
        }
    }
    found.extend(joined()?);
    Ok(found)
}

/// The kernels that a plan makes of several dispatches, one of each variant: sums with a chain before and after, which call functions and
/// store what is read elsewhere, and steps of Adam for two tensors and for three.
fn joined() -> Result<Vec<Kernel>> {
    let mut found: Vec<Kernel> = Vec::new();
    let mut take = |plan: Plan| {
        for step in plan.steps.into_iter().filter(|s| ["+operand", "+result", "+tensors"].iter().any(|w| s.kernel.variant.contains(w))) {
            if found.iter().all(|k| (&k.name, &k.variant) != (&step.kernel.name, &step.kernel.variant)) {
                found.push(step.kernel);
            }
        }
    };
    for (space, software, axis) in SPACES.into_iter().flat_map(|s| [(s, false, 0), (s, false, 1), (s, true, 1)]) {
        let mut t = Tape::new();
        let (x, row) = (t.input("x", TensorType::f32(space))?, t.input("row", TensorType::f32([space[1]]))?);
        let bounded = t.tanh(x)?;
        let scaled = t.mul(bounded, row)?;
        let sum = t.sum(scaled, &[axis], false)?;
        let result = t.tanh(sum)?;
        take(Plan::new(&t, &[scaled, sum, result], &Target { software, ..Target::portable() })?);
    }
    for (tensors, n) in [(2, 8), (3, 7)] {
        let mut t = Tape::new();
        let mut pairs = Vec::new();
        for i in 0..tensors {
            let parameter = t.parameter(&format!("p{i}"), [n], Init::Zeros)?;
            pairs.push((parameter, t.input(&format!("g{i}"), TensorType::f32([n]))?));
        }
        Adam::new(0.1).apply(&mut t, &pairs)?;
        take(Plan::new(&t, &[], &Target { bindings: 32, ..Target::portable() })?);
    }
    Ok(found)
}

/// The ways in which a chain over `space` reads an operand, apart from the direct one: broadcast, and converted from another type.
pub fn readings([rows, cols]: [usize; 2]) -> Vec<(String, TensorType)> {
    let shapes: [(&str, Shape); 4] = [("", [rows, cols].into()), ("row", [cols].into()), ("column", [rows, 1].into()), ("one", [].into())];
    let dtypes = [DType::F32, DType::I32, DType::U32, DType::F16];
    let all = shapes.iter().flat_map(|&(how, shape)| dtypes.map(|dtype| (how, TensorType::new(dtype, shape))));
    let name = |how: &str, ty: TensorType| match ty.dtype {
        DType::F32 => how.to_owned(),
        dtype if how.is_empty() => dtype.to_string(),
        dtype => format!("{how}_{dtype}"),
    };
    all.map(|(how, ty)| (name(how, ty), ty)).filter(|(name, _)| !name.is_empty()).collect()
}

/// The kernel of the pointwise function `op` alone on `operands`; its variant is `name` and the width.
///
/// # Errors
/// Returns an error where there is no such function, or it does not take the operands.
pub fn chain(name: &str, op: &str, operands: &[TensorType]) -> Result<Kernel> {
    let mut tape = Tape::new();
    let read = |(i, &ty): (usize, &TensorType)| tape.input(&format!("x{i}"), ty);
    let operands = operands.iter().enumerate().map(read).collect::<Result<Vec<_>>>()?;
    let result = tape.pointwise(op, &operands, [0.5, 2.0])?;
    only(&tape, result, name)
}

fn fill(space: [usize; 2]) -> Result<Kernel> {
    let mut tape = Tape::new();
    let result = tape.full(space, 0.5)?;
    only(&tape, result, "fill")
}

/// The single kernel that computes `result`.
fn only(tape: &Tape, result: Var, name: &str) -> Result<Kernel> {
    let plan = Plan::new(tape, &[result], &Target::portable())?;
    match &plan.steps[..] {
        [step] => Ok(Kernel { variant: format!("{name}+{}", step.kernel.variant).into(), ..step.kernel.clone() }),
        steps => Err(Error::op(name, format!("one dispatch expected, {} planned", steps.len()))),
    }
}
