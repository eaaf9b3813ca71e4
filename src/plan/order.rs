//! The order of groups: every group after those it reads, otherwise as recorded.

use super::fuse::{Groups, root};
use crate::tape::Tape;
use crate::{Error, Result};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Groups in the order they run.
///
/// # Errors
/// Where groups wait for one another in a circle: fusion must not make one.
pub(super) fn order(tape: &Tape, groups: &Groups) -> Result<Vec<usize>> {
    let n = groups.members.len();
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); n];
    let mut waits = vec![0usize; n];
    for (g, members) in groups.members.iter().enumerate() {
        let before: BTreeSet<usize> = members
            .iter()
            .flat_map(|&m| tape.nodes()[m].inputs.iter().flat_map(|v| groups.read(tape, v)).map(move |&v| (m, v)))
            .filter(|&(m, v)| !groups.pointwise[g] || groups.within(tape, members, m, v).is_none())
            .filter_map(|(_, v)| groups.of[tape.node_index(v)])
            .filter(|&b| b != g)
            .collect();
        waits[g] = before.len();
        before.into_iter().for_each(|b| after[b].push(g));
    }
    // A reader of a state goes before the maker of its next value, where that is possible: then it is made in place.
    for &(state, value) in tape.assignments() {
        let Some(maker) = groups.of[tape.node_index(value)] else { continue };
        let inputs = |m: usize| tape.nodes()[m].inputs.iter().flat_map(|v| groups.read(tape, v));
        let reads = |g: &usize| groups.members[*g].iter().any(|&m| inputs(m).any(|&v| root(tape, v) == state));
        for reader in (0..n).filter(|g| *g != maker).filter(reads) {
            if !reachable(&after, maker, reader) {
                after[reader].push(maker);
                waits[maker] += 1;
            }
        }
    }
    // A chain runs where its last member was recorded.
    let key = |g: usize| Reverse((groups.members[g].last().copied().unwrap_or(0), g));
    let mut ready: BinaryHeap<_> = (0..n).filter(|&g| waits[g] == 0).map(key).collect();
    let mut order = Vec::with_capacity(n);
    while let Some(Reverse((_, g))) = ready.pop() {
        order.push(g);
        for &next in &after[g] {
            waits[next] -= 1;
            if waits[next] == 0 {
                ready.push(key(next));
            }
        }
    }
    if let Some(stuck) = (0..n).find(|&g| waits[g] > 0) {
        let node = &tape.nodes()[groups.members[stuck][0]];
        return Err(Error::op("plan", format!("`{}` waits for itself", tape.describe(tape.var(node.outputs.start)))));
    }
    Ok(order)
}

/// True where `to` comes after `from`.
fn reachable(after: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; after.len()];
    let mut pending = vec![from];
    while let Some(g) = pending.pop() {
        if g == to {
            return true;
        }
        if !std::mem::replace(&mut seen[g], true) {
            pending.extend(&after[g]);
        }
    }
    false
}
