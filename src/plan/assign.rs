//! The handling of state: an update takes over the buffer it updates where nobody reads that any more; otherwise a copy is made.

use super::{Externals, Storage};
use crate::Result;
use crate::kernel::{Access, Binding, Buffer, Dispatch, Lowered, fold};
use crate::ops::shape::copy as copy_words;
use crate::tape::{Tape, Var};
use std::collections::BTreeMap;

/// Settles every update and assignment: afterwards no `Access::Update` is left, and each assigned state holds its new value at the
/// end. Returns where each output lies.
pub(super) fn resolve(tape: &Tape, outputs: &[Var], lowered: &mut Lowered, externals: &mut Externals) -> Result<Vec<Buffer>> {
    externals.storage.resize(lowered.buffers.len(), None);
    let aliases = Aliases::new(lowered);
    let assigned: BTreeMap<Buffer, Buffer> = tape.assignments().iter().map(|(s, v)| (of(*s), aliases.of(of(*v)))).collect();
    let outputs = keep_outputs(outputs, lowered, externals, &assigned)?;
    // Assignments that no update makes: copies at the end, of values that are state themselves through scratch.
    let updates = updates(lowered);
    let mut copies = Vec::new();
    for (&state, &value) in &assigned {
        if value == state || updates.iter().any(|u| u.to == value && aliases.of(u.from) == state) {
            continue;
        }
        let source = if assigned.contains_key(&value) { copy(lowered, value)? } else { value };
        copies.push((source, state));
    }
    for (from, to) in copies {
        push_copy(lowered, from, Binding::write(to), None)?;
    }
    for update in updates {
        settle(lowered, externals, update, &assigned, &outputs)?;
    }
    // Copies are transient.
    externals.storage.resize(lowered.buffers.len(), None);
    Ok(outputs)
}

fn of(var: Var) -> Buffer {
    Buffer(var.index() as u32)
}

/// An update: at which dispatch and binding, of what, into what.
#[derive(Debug, Clone, Copy)]
struct Update {
    from: Buffer,
    to: Buffer,
}

fn updates(lowered: &Lowered) -> Vec<Update> {
    let bindings = lowered.dispatches.iter().flat_map(|d| &d.bindings);
    bindings.filter_map(|b| if let Access::Update { from } = b.access { Some(Update { from, to: b.buffer }) } else { None }).collect()
}

/// The buffer of each output. An output that is an assigned state's value before the step is copied before the state changes.
fn keep_outputs(outputs: &[Var], lowered: &mut Lowered, externals: &Externals, assigned: &BTreeMap<Buffer, Buffer>) -> Result<Vec<Buffer>> {
    let mut places = Vec::with_capacity(outputs.len());
    let mut kept: BTreeMap<Buffer, Buffer> = BTreeMap::new();
    for &var in outputs {
        let root = Aliases::new(lowered).of(of(var));
        let changes = matches!(externals.storage.get(root.index()), Some(Some(Storage::State(_)))) && assigned.contains_key(&root);
        let place = match kept.get(&root) {
            _ if !changes => of(var),
            Some(&copy) => copy,
            None => {
                let (ty, name) = lowered.buffers[root.index()].clone();
                let copy = lowered.buffer(ty, format!("{name} before the step"));
                push_copy(lowered, root, Binding::write(copy), Some(0))?;
                kept.insert(root, copy);
                copy
            }
        };
        places.push(place);
    }
    Ok(places)
}

/// Decides one update: in place, or a copy first (and a copy into the state at the end).
fn settle(
    lowered: &mut Lowered,
    externals: &mut Externals,
    update: Update,
    assigned: &BTreeMap<Buffer, Buffer>,
    outputs: &[Buffer],
) -> Result<()> {
    let aliases = Aliases::new(lowered);
    let (from, to) = (aliases.of(update.from), update.to);
    let is_update = |b: &Binding| b.buffer == to && matches!(b.access, Access::Update { .. });
    let Some(at) = lowered.dispatches.iter().position(|d| d.bindings.iter().any(is_update)) else { return Ok(()) };
    let reads_it = |b: &Binding| match b.access {
        Access::Update { from: other } => aliases.of(other) == from,
        _ => aliases.of(b.buffer) == from,
    };
    let reads = |d: &Dispatch| d.bindings.iter().any(|b| !is_update(b) && reads_it(b));
    let read_later = lowered.dispatches[at..].iter().any(reads) || outputs.iter().any(|b| aliases.of(*b) == from);
    let free = match externals.storage[from.index()] {
        None => true,
        Some(Storage::State(_)) => assigned.get(&from) == Some(&to),
        Some(_) => false,
    };
    if free && !read_later {
        lowered.aliases.push((to, from));
    } else {
        push_copy(lowered, from, Binding::write(to), Some(at))?;
        for (state, _) in assigned.iter().filter(|(s, v)| **v == to && **s == from) {
            push_copy(lowered, to, Binding::write(*state), None)?;
        }
    }
    for d in &mut lowered.dispatches {
        d.bindings.iter_mut().filter(|b| is_update(b)).for_each(|b| b.access = Access::Continue);
    }
    Ok(())
}

fn copy(lowered: &mut Lowered, from: Buffer) -> Result<Buffer> {
    let (ty, name) = lowered.buffers[from.index()].clone();
    let to = lowered.buffer(ty, format!("copy of {name}"));
    push_copy(lowered, from, Binding::write(to), None)?;
    Ok(to)
}

/// A dispatch that copies `from`, before the dispatch `at` or at the end.
fn push_copy(lowered: &mut Lowered, from: Buffer, to: Binding, at: Option<usize>) -> Result<()> {
    let words = lowered.buffers[from.index()].0.bytes() as usize / 4;
    if lowered.buffers[from.index()].0.shape.elements() == 0 {
        return Ok(());
    }
    let (kernel, params, workgroups) = copy_words(words);
    let bindings = vec![Binding::read(from), to];
    let dispatch = Dispatch { kernel, bindings, params, grid: fold(workgroups), flops: 0.0, label: "copy".into() };
    lowered.dispatches.insert(at.unwrap_or(lowered.dispatches.len()), dispatch);
    Ok(())
}

/// Buffers that are the same memory, by their first.
#[derive(Debug)]
pub(super) struct Aliases(Vec<u32>);

impl Aliases {
    pub(super) fn new(lowered: &Lowered) -> Self {
        let mut aliases = Self((0..lowered.buffers.len() as u32).collect());
        for (to, from) in &lowered.aliases {
            aliases.0[to.index()] = from.0;
        }
        aliases
    }

    pub(super) fn of(&self, mut buffer: Buffer) -> Buffer {
        while self.0[buffer.index()] != buffer.0 {
            buffer = Buffer(self.0[buffer.index()]);
        }
        buffer
    }
}
