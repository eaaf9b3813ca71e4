//! Lifetimes and slots: values that are not alive at once share memory, the largest placed first (Pisarchyk & Lee 2020,
//! "greedy by size").

use super::assign::Aliases;
use super::{Externals, Memory, Plan, Step, Storage};
use crate::kernel::{Access, Binding, Buffer, Cost, Dispatch, Lowered, Target};
use crate::tape::{Origin, Tape, Var};
use crate::{Error, Result};

/// A buffer's first and last dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lifetime {
    first: usize,
    last: usize,
}

impl Lifetime {
    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

pub(super) fn place(
    tape: &Tape,
    outputs: &[Var],
    places: &[Buffer],
    needed: &[bool],
    lowered: Lowered,
    externals: Externals,
    target: &Target,
) -> Result<Plan> {
    let aliases = Aliases::new(&lowered);
    let lifetimes = lifetimes(&lowered, &aliases, places);
    let mut storage = externals.storage.clone();
    let slots = assign_slots(&lowered, &lifetimes, &mut storage);
    let place = |b: Buffer| storage[aliases.of(b).index()];

    let mut steps = Vec::with_capacity(lowered.dispatches.len());
    for d in &lowered.dispatches {
        let mut bindings = Vec::with_capacity(d.bindings.len());
        for b in &d.bindings {
            let (ty, name) = &lowered.buffers[b.buffer.index()];
            if ty.bytes() > target.max_binding || ty.shape.elements() > u32::MAX as usize {
                return Err(Error::TooLarge { name: name.clone(), bytes: ty.bytes(), limit: target.max_binding });
            }
            let at = place(b.buffer).ok_or_else(|| Error::tensor(name, "is read, and no dispatch makes it"))?;
            bindings.push((at, b.access != Access::Read));
        }
        steps.push(Step {
            kernel: d.kernel.clone(),
            bindings,
            values: d.bindings.clone(),
            params: d.params.clone(),
            grid: d.grid,
            cost: Cost { flops: d.flops, bytes: traffic(d, &lowered, &aliases) },
            label: d.label.clone(),
        });
    }
    let outputs = outputs
        .iter()
        .zip(places)
        .map(|(&v, &buffer)| {
            let at = place(buffer).ok_or_else(|| Error::tensor(tape.describe(v), "no dispatch makes it"))?;
            Ok((v, tape.ty(v), at))
        })
        .collect::<Result<_>>()?;
    let memory = Memory {
        planned: slots.iter().sum(),
        unplanned: unplanned(tape, needed),
        lower_bound: lower_bound(&lowered, &lifetimes, &externals),
    };
    let Externals { inputs, states, constants, .. } = externals;
    Ok(Plan { steps, slots, inputs, states, constants, outputs, buffers: lowered.buffers, memory })
}

/// The bytes of each buffer that a dispatch binds: once, and twice where it is both read and written.
fn traffic(dispatch: &Dispatch, lowered: &Lowered, aliases: &Aliases) -> f64 {
    let bound = |(i, b): (usize, &Binding)| {
        let again = dispatch.bindings[..i].iter().any(|earlier| aliases.of(earlier.buffer) == aliases.of(b.buffer));
        let times = if b.access == Access::Continue { 2 } else { u64::from(!again) };
        (times * lowered.buffers[b.buffer.index()].0.bytes()) as f64
    };
    dispatch.bindings.iter().enumerate().map(bound).sum()
}

/// The lifetime of each root buffer that a dispatch touches or the caller reads.
fn lifetimes(lowered: &Lowered, aliases: &Aliases, outputs: &[Buffer]) -> Vec<Option<Lifetime>> {
    let mut lifetimes: Vec<Option<Lifetime>> = vec![None; lowered.buffers.len()];
    let mut touch = |b: Buffer, at: usize| {
        let lifetime = lifetimes[aliases.of(b).index()].get_or_insert(Lifetime { first: at, last: at });
        lifetime.first = lifetime.first.min(at);
        lifetime.last = lifetime.last.max(at);
    };
    for (at, d) in lowered.dispatches.iter().enumerate() {
        d.bindings.iter().for_each(|b| touch(b.buffer, at));
    }
    // An output has its memory to itself, so that it can be the caller's buffer.
    for &buffer in outputs {
        touch(buffer, 0);
        touch(buffer, lowered.dispatches.len());
    }
    lifetimes
}

/// Gives every transient root a slot; returns the slots' sizes.
fn assign_slots(lowered: &Lowered, lifetimes: &[Option<Lifetime>], storage: &mut [Option<Storage>]) -> Vec<u64> {
    let mut order: Vec<(usize, Lifetime)> = lifetimes.iter().enumerate().filter_map(|(i, l)| l.map(|l| (i, l))).collect();
    order.retain(|(i, _)| storage[*i].is_none());
    order.sort_by_key(|(i, lifetime)| (std::cmp::Reverse(lowered.buffers[*i].0.bytes()), lifetime.first, *i));
    let mut slots: Vec<(u64, Vec<Lifetime>)> = Vec::new();
    for (buffer, lifetime) in order {
        let bytes = lowered.buffers[buffer].0.bytes();
        // Sizes fall, so any slot is large enough; the tightest fit wastes least.
        let free = |(_, (_, lifetimes)): &(usize, &(u64, Vec<Lifetime>))| !lifetimes.iter().any(|l| l.meets(&lifetime));
        let fit = slots.iter().enumerate().filter(free).min_by_key(|(_, (size, _))| *size).map(|(i, _)| i);
        let slot = fit.unwrap_or_else(|| {
            slots.push((bytes, Vec::new()));
            slots.len() - 1
        });
        slots[slot].1.push(lifetime);
        storage[buffer] = Some(Storage::Slot(slot));
    }
    slots.into_iter().map(|(size, _)| size).collect()
}

/// The bytes that the intermediate values take one by one: all ops' results but those that are other memory's (views), cost none
/// (constants) or become state.
fn unplanned(tape: &Tape, needed: &[bool]) -> u64 {
    let becomes_state = |i: usize| tape.assignments().iter().any(|(_, v)| v.index() == i);
    let mut bytes = 0;
    for (node, _) in tape.nodes().iter().zip(needed).filter(|(_, n)| **n) {
        let Origin::Op(op) = &node.origin else { continue };
        let constant = node.inputs.is_empty() && op.pointwise().is_some();
        if op.view() || constant {
            continue;
        }
        bytes += node.outputs.clone().filter(|&i| !becomes_state(i)).map(|i| tape.ty(tape.var(i)).bytes()).sum::<u64>();
    }
    bytes
}

/// The most bytes of transient buffers alive at one dispatch.
fn lower_bound(lowered: &Lowered, lifetimes: &[Option<Lifetime>], externals: &Externals) -> u64 {
    let transient: Vec<(u64, Lifetime)> = lifetimes
        .iter()
        .enumerate()
        .filter(|(i, _)| externals.storage[*i].is_none())
        .filter_map(|(i, l)| l.map(|l| (lowered.buffers[i].0.bytes(), l)))
        .collect();
    let at = |t: usize| transient.iter().filter(|(_, l)| l.first <= t && t <= l.last).map(|(b, _)| b).sum();
    (0..=lowered.dispatches.len()).map(at).max().unwrap_or(0)
}
