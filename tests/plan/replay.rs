//! The replay of a plan without computing. The value in each place is tracked by name, so that a value that is overwritten too early or
//! stored in the wrong place is found. Lifetimes are counted here independently, from the accesses of the steps.

use std::collections::BTreeMap;
use tapetum::kernel::Access;
use tapetum::plan::{Plan, Step, Storage};
use tapetum::tape::Origin;
use tapetum::{Tape, Var};

/// The counts of a replay.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    /// The most bytes of slots alive at one step.
    pub alive: u64,
}

/// A slot's tenant: since when, until when, and its bytes.
#[derive(Debug, Clone, Copy)]
struct Tenant {
    first: usize,
    last: usize,
    bytes: u64,
}

struct Replay<'a> {
    tape: &'a Tape,
    plan: &'a Plan,
    holds: BTreeMap<Storage, usize>,
    tenants: BTreeMap<Storage, Vec<Tenant>>,
    /// The scratch values that are copies, with the values they copy.
    copies: BTreeMap<usize, usize>,
}

/// Replays `plan`. The error describes the first fault and its place.
pub fn replay(tape: &Tape, plan: &Plan) -> Result<Counted, String> {
    let mut r = Replay { tape, plan, holds: BTreeMap::new(), tenants: BTreeMap::new(), copies: BTreeMap::new() };
    for (i, (_, _, var)) in plan.inputs.iter().enumerate() {
        r.holds.insert(Storage::Input(i), var.index());
    }
    for (i, (name, _, _)) in plan.states.iter().enumerate() {
        r.holds.insert(Storage::State(i), tape.lookup(name).ok_or("a state without a name")?.index());
    }
    for (at, step) in plan.steps.iter().enumerate() {
        r.step(at, step).map_err(|e| format!("step {at}, {}: {e}", step.label))?;
    }
    r.end()?;
    r.count()
}

impl Replay<'_> {
    /// `value`, or what it has its contents from: by the tape's own ops, or as a copy.
    fn root(&self, mut value: usize) -> usize {
        value = self.copies.get(&value).copied().unwrap_or(value);
        while value < self.tape.len() {
            let node = self.tape.node_of(self.tape.var(value));
            match &node.origin {
                Origin::Op(op) if op.view() => value = node.inputs[0].index(),
                _ => break,
            }
        }
        value
    }

    fn is_constant(&self, value: usize) -> bool {
        let constant = |origin: &Origin| match origin {
            Origin::Constant(_) => true,
            Origin::Op(op) => op.key().name == "fill",
            _ => false,
        };
        value < self.tape.len() && constant(&self.tape.node_of(self.tape.var(value)).origin)
    }

    fn held(&self, at: Storage) -> Option<usize> {
        self.holds.get(&at).map(|&v| self.root(v))
    }

    fn step(&mut self, at: usize, step: &Step) -> Result<(), String> {
        for (i, (place, written)) in step.bindings.iter().enumerate() {
            let twice = step.bindings.iter().enumerate().any(|(j, (other, w))| i != j && other == place && (*written || *w));
            if twice {
                return Err(format!("{place:?} is written and bound twice"));
            }
            if *written && matches!(place, Storage::Input(_) | Storage::Constant(_)) {
                return Err(format!("{place:?} is written"));
            }
        }
        let copy = step.label == "copy";
        for (binding, &(place, _)) in step.values.iter().zip(&step.bindings) {
            let value = binding.buffer.index();
            let begun_from = |held: usize| value < self.tape.len() && self.reads(value, held);
            let right = match (binding.access, self.held(place)) {
                (Access::Write, _) => true,
                (Access::Read, None) => self.is_constant(self.root(value)),
                (Access::Read, Some(held)) => held == self.root(value),
                (Access::Continue, Some(held)) => held == self.root(value) || begun_from(held),
                _ => false,
            };
            if !right {
                let held = self.holds.get(&place).map(|&v| &self.plan.buffers[v].1);
                return Err(format!("{:?} of `{}` finds {held:?} in {place:?}", binding.access, self.plan.buffers[value].1));
            }
            self.touch(place, binding.access, value, at);
        }
        let source = step.values[0].buffer.index();
        for (binding, &(place, written)) in step.values.iter().zip(&step.bindings) {
            if written && copy && binding.buffer.index() >= self.tape.len() {
                self.copies.insert(binding.buffer.index(), self.root(source));
            }
            if written {
                self.holds.insert(place, if copy { source } else { binding.buffer.index() });
            }
        }
        Ok(())
    }

    /// True where the op that makes `value` reads `held`.
    fn reads(&self, value: usize, held: usize) -> bool {
        self.tape.node_of(self.tape.var(value)).inputs.iter().any(|v| self.root(v.index()) == held)
    }

    fn touch(&mut self, place: Storage, access: Access, value: usize, at: usize) {
        let Storage::Slot(_) = place else { return };
        let bytes = self.plan.buffers[value].0.bytes();
        let tenants = self.tenants.entry(place).or_default();
        match tenants.last_mut() {
            Some(t) if access != Access::Write => {
                t.last = at;
                t.bytes = t.bytes.max(bytes);
            }
            _ => tenants.push(Tenant { first: at, last: at, bytes }),
        }
    }

    /// Checks that outputs and states are in their places at the end, as the tape says.
    fn end(&mut self) -> Result<(), String> {
        let last = self.plan.steps.len();
        for (var, ty, place) in self.plan.outputs.clone() {
            let right = self.held(place).map_or(self.is_constant(self.root(var.index())), |held| held == self.root(var.index()));
            if !right {
                return Err(format!("output %{} is not in {place:?}, which holds {:?}", var.index(), self.holds.get(&place)));
            }
            let Storage::Slot(_) = place else { continue };
            // An output has its slot to itself for the whole step.
            let tenants = self.tenants.entry(place).or_default();
            if tenants.len() != 1 {
                return Err(format!("output %{} shares {place:?}", var.index()));
            }
            tenants[0] = Tenant { first: 0, last, bytes: tenants[0].bytes.max(ty.bytes()) };
        }
        for (i, (name, _, _)) in self.plan.states.iter().enumerate() {
            let state = self.tape.lookup(name).ok_or("a state without a name")?;
            let new = self.tape.assignments().iter().find(|(s, _)| *s == state).map_or(state, |(_, v)| *v);
            let held = self.held(Storage::State(i));
            if held != Some(self.root(new.index())) && !(held.is_none() && self.is_constant(self.root(new.index()))) {
                return Err(format!("state `{name}` ends as {held:?}, not as %{}", new.index()));
            }
        }
        Ok(())
    }

    fn count(&self) -> Result<Counted, String> {
        for (place, tenants) in &self.tenants {
            let Storage::Slot(i) = place else { continue };
            if tenants.iter().any(|t| t.bytes > self.plan.slots[*i]) {
                return Err(format!("slot {i} is smaller than a value in it"));
            }
            if tenants.windows(2).any(|pair| pair[0].last >= pair[1].first) {
                return Err(format!("two values of slot {i} are alive at once"));
            }
        }
        let all: Vec<Tenant> = self.tenants.values().flatten().copied().collect();
        let at = |t: usize| all.iter().filter(|x| x.first <= t && t <= x.last).map(|x| x.bytes).sum();
        Ok(Counted { alive: (0..=self.plan.steps.len()).map(at).max().unwrap_or(0) })
    }
}

/// The bytes that the tape's intermediates would take if each had its own memory, counted from the tape alone.
pub fn one_by_one(tape: &Tape, outputs: &[Var]) -> u64 {
    let needed = tape.needed(outputs);
    let becomes_state = |v: Var| tape.assignments().iter().any(|(_, value)| *value == v);
    let mut bytes = 0;
    for (node, _) in tape.nodes().iter().zip(needed).filter(|(_, n)| *n) {
        let Origin::Op(op) = &node.origin else { continue };
        if op.view() || (node.inputs.is_empty() && op.pointwise().is_some()) {
            continue;
        }
        bytes += node.outputs.clone().map(|i| tape.var(i)).filter(|v| !becomes_state(*v)).map(|v| tape.ty(v).bytes()).sum::<u64>();
    }
    bytes
}
