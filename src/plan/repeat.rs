//! Dispatches that make again what an earlier one has made: an operand padded for each of several products that read it, say.

use super::assign::Aliases;
use crate::kernel::{Access, Binding, Buffer, Dispatch, Lowered};
use std::collections::{BTreeMap, HashMap};

/// The bytes of the largest scratch that is kept instead of being made again: beyond, memory is worth more than a dispatch.
const LARGEST_KEPT: u64 = 1 << 20;

/// Leaves out dispatches that make small scratch alone, by the same kernel from the same values as an earlier one; who reads theirs reads
/// that one's.
pub(super) fn drop_repeated(lowered: &mut Lowered, values: usize) {
    let aliases = Aliases::new(lowered);
    let mut writes = vec![0; lowered.buffers.len()];
    let written = lowered.dispatches.iter().flat_map(|d| &d.bindings).filter(|b| b.access != Access::Read);
    written.for_each(|b| writes[aliases.of(b.buffer).index()] += 1);
    // A buffer that is written once has one value all along.
    let settled = |b: &Binding| match b.access {
        Access::Read => writes[aliases.of(b.buffer).index()] <= 1,
        Access::Write => {
            let index = b.buffer.index();
            index >= values && writes[index] == 1 && lowered.buffers[index].0.bytes() <= LARGEST_KEPT
        }
        _ => false,
    };
    let read =
        |d: &Dispatch| -> Vec<Buffer> { d.bindings.iter().filter(|b| b.access == Access::Read).map(|b| aliases.of(b.buffer)).collect() };
    let made = |d: &Dispatch| -> Vec<Buffer> { d.bindings.iter().filter(|b| b.access == Access::Write).map(|b| b.buffer).collect() };
    let mut first: HashMap<_, Vec<Buffer>> = HashMap::new();
    let mut instead: BTreeMap<Buffer, Buffer> = BTreeMap::new();
    let mut dispatches = Vec::with_capacity(lowered.dispatches.len());
    for mut d in std::mem::take(&mut lowered.dispatches) {
        d.bindings.iter_mut().for_each(|b| b.buffer = *instead.get(&b.buffer).unwrap_or(&b.buffer));
        if d.bindings.iter().all(settled) {
            let key = (d.kernel.wgsl.clone(), d.params.clone(), d.grid, read(&d));
            if let Some(earlier) = first.get(&key) {
                instead.extend(made(&d).into_iter().zip(earlier.iter().copied()));
                continue;
            }
            first.insert(key, made(&d));
        }
        dispatches.push(d);
    }
    lowered.dispatches = dispatches;
}
