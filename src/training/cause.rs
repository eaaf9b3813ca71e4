//! The search for the first value of a step that became NaN or infinite.

use super::{Batch, LOSS};
use crate::tape::{Origin, Tape, Var};
use crate::{Device, HostTensor, Result, State};

/// True where an element is NaN.
pub(super) fn has_nan(value: &HostTensor) -> bool {
    value.any(f64::is_nan)
}

/// A step in which a value became NaN (or infinite, where the loss is infinite).
///
/// The cause is a value that is NaN although none of its operands is. The search goes backwards from the loss or, where the loss is finite,
/// from the other results of the step.
pub(super) struct Search<'a> {
    pub(super) tape: &'a Tape,
    /// Names of values.
    pub(super) names: &'a [(String, Var)],
    pub(super) loss: f32,
}

impl Search<'_> {
    /// Repeats the step on the host from the state before it, and describes the first such value among what the states become. Returns
    /// `None` where the step leaves none.
    pub(super) async fn in_states(&self, before: &[(String, HostTensor)], batch: &Batch) -> Result<Option<String>> {
        let states = self.tape.assignments().iter().map(|(state, value)| (self.tape.describe(*state), *value));
        self.among(&states.collect::<Vec<_>>(), before, batch).await
    }

    /// The same, among the named results of the step.
    pub(super) async fn among(&self, results: &[(String, Var)], before: &[(String, HostTensor)], batch: &Batch) -> Result<Option<String>> {
        let host = Device::cpu();
        let state = State::new(&host);
        for (name, value) in before {
            state.write_async(name, value).await?;
        }
        let outputs: Vec<Var> = results.iter().map(|(_, var)| *var).collect();
        let mut program = host.compile_async(self.tape, &outputs, &state).await?;
        for (input, value) in batch {
            program.write(*input, value)?;
        }
        let infinite = self.loss.is_infinite();
        let flawed = program.flawed(|x: f64| x.is_nan() || infinite && x.is_infinite())?;
        let mut left: Vec<&(String, Var)> = results.iter().filter(|(_, value)| flawed[value.index()]).collect();
        // The loss comes first, then its terms, then parameters.
        left.sort_by_key(|(name, value)| (name != LOSS, !is_ring(name), *value));
        let Some((name, value)) = left.first() else { return Ok(None) };
        let kind = if infinite { "infinite" } else { "NaN" };
        let result = if name == LOSS { format!("the loss is {}", self.loss) } else { format!("`{name}` is {kind} after it") };
        let term = left.iter().filter_map(|(name, _)| name.strip_prefix("loss.")).next();
        let term = term.filter(|_| name == LOSS).map(|term| format!(", by its term `{term}`")).unwrap_or_default();
        let found = Found { tape: self.tape, flawed: &flawed, results, kind, names: self.names };
        Ok(Some(format!("{result}{term}: {}", found.described(found.origin(*value)))))
    }
}

fn is_ring(name: &str) -> bool {
    name.strip_prefix(LOSS).is_some_and(|rest| rest.starts_with('.'))
}

/// The values of a step, and which of them are flawed.
struct Found<'a> {
    tape: &'a Tape,
    flawed: &'a [bool],
    results: &'a [(String, Var)],
    kind: &'a str,
    names: &'a [(String, Var)],
}

impl Found<'_> {
    /// A flawed value among the operands of `from`, direct or indirect, that has no flawed operand itself.
    fn origin(&self, from: Var) -> Var {
        let mut at = from;
        while let Some(&before) = self.tape.node_of(at).inputs.iter().filter(|v| self.flawed[v.index()]).min() {
            at = before;
        }
        at
    }

    /// A description of the flawed value: its expression, its type, and the named value that is computed from it.
    fn described(&self, origin: Var) -> String {
        let (tape, kind) = (self.tape, self.kind);
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
        let named = self.names.iter().filter(|(_, var)| *var >= origin && self.flawed[var.index()]).min_by_key(|(_, var)| *var);
        let place = match named {
            Some((name, var)) if *var == origin => format!(", which is `{name}`"),
            Some((name, _)) => format!(", on the way to `{name}`"),
            None if self.in_gradient(origin) => ", in the gradient".to_owned(),
            None => String::new(),
        };
        format!("the first value that is {kind} is %{} = {of}{place}", origin.index())
    }

    /// True where a value was recorded after the loss.
    fn in_gradient(&self, var: Var) -> bool {
        let Some((_, kept)) = self.results.iter().find(|(name, _)| name == LOSS) else { return false };
        let node = self.tape.node_of(*kept);
        // The operands of the ring are the ring itself, the loss and the step counter.
        let ring = matches!(&node.origin, Origin::Op(op) if op.key().name == "ring");
        let loss = if ring { node.inputs.get(1) } else { Some(kept) };
        loss.is_some_and(|loss| var > *loss)
    }
}
