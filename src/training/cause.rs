//! The search for the first value of a step that became NaN or infinite.

use super::{Batch, LOSS};
use crate::tape::{Origin, Tape, Var};
use crate::{Device, HostTensor, Result, State};

/// True where an element is NaN.
pub(super) fn has_nan(value: &HostTensor) -> bool {
    value.any(f64::is_nan)
}

/// Repeats a step on the host from the state before it, and describes the first value that became NaN (or infinite, where the loss is
/// infinite). Returns `None` where the step leaves no such value.
///
/// The cause is a value that is NaN although none of its operands is. The search goes backwards from the loss or, where the loss is finite,
/// from the states after the step.
pub(super) async fn find(
    tape: &Tape,
    before: &[(String, HostTensor)],
    batch: &Batch,
    names: &[(String, Var)],
    loss: f32,
) -> Result<Option<String>> {
    let host = Device::cpu();
    let state = State::new(&host);
    for (name, value) in before {
        state.write_async(name, value).await?;
    }
    let mut program = host.compile_async(tape, &[], &state).await?;
    for (input, value) in batch {
        program.write(*input, value)?;
    }
    let infinite = loss.is_infinite();
    let test = |x: f64| x.is_nan() || infinite && x.is_infinite();
    let flawed = program.flawed(test)?;
    let states = tape.assignments().iter().map(|(state, value)| (tape.describe(*state), *value));
    let mut left: Vec<(String, Var)> = states.filter(|(_, value)| flawed[value.index()]).collect();
    // The loss comes first, then its terms, then parameters.
    left.sort_by_key(|(name, value)| (name != LOSS, !is_ring(name), *value));
    let Some((name, value)) = left.first() else { return Ok(None) };
    let origin = origin(tape, &flawed, *value);
    let kind = if infinite { "infinite" } else { "NaN" };
    let result = if name == LOSS { format!("the loss is {loss}") } else { format!("`{name}` is {kind} after it") };
    let term = left.iter().filter_map(|(name, _)| name.strip_prefix("loss.")).next();
    let term = term.filter(|_| name == LOSS).map(|term| format!(", by its term `{term}`")).unwrap_or_default();
    Ok(Some(format!("{result}{term}: {}", described(tape, &flawed, origin, kind, names))))
}

fn is_ring(name: &str) -> bool {
    name.strip_prefix(LOSS).is_some_and(|rest| rest.starts_with('.'))
}

/// A flawed value among the operands of `from`, direct or indirect, that has no flawed operand itself.
fn origin(tape: &Tape, flawed: &[bool], from: Var) -> Var {
    let mut at = from;
    while let Some(&before) = tape.node_of(at).inputs.iter().filter(|v| flawed[v.index()]).min() {
        at = before;
    }
    at
}

/// A description of the flawed value: its expression, its type, and the named value that is computed from it.
fn described(tape: &Tape, flawed: &[bool], origin: Var, kind: &str, names: &[(String, Var)]) -> String {
    let node = tape.node_of(origin);
    let of = match &node.origin {
        Origin::Input(name) => return format!("the input `{name}` is {kind}"),
        Origin::State(name, _) => return format!("the state `{name}` is {kind} before the step"),
        Origin::Constant(value) => format!("a constant {}", value.ty()),
        Origin::Op(op) => {
            let operands: Vec<String> = node.inputs.iter().map(|v| tape.describe(*v)).collect();
            format!("{}({}) {}", op.key().name, operands.join(", "), tape.ty(origin))
        }
    };
    let named = names.iter().filter(|(_, var)| *var >= origin && flawed[var.index()]).min_by_key(|(_, var)| *var);
    let place = match named {
        Some((name, var)) if *var == origin => format!(", which is `{name}`"),
        Some((name, _)) => format!(", on the way to `{name}`"),
        None if in_gradient(tape, origin) => ", in the gradient".to_owned(),
        None => String::new(),
    };
    format!("the first value that is {kind} is %{} = {of}{place}", origin.index())
}

/// True where a value was recorded after the loss.
fn in_gradient(tape: &Tape, var: Var) -> bool {
    let kept = tape.assignments().iter().find(|(state, _)| tape.describe(*state) == LOSS);
    // The operands of the ring are the ring itself, the loss and the step counter.
    kept.and_then(|(_, ring)| tape.node_of(*ring).inputs.get(1)).is_some_and(|loss| var > *loss)
}
