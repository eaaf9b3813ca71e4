//! The grouping of nodes that run together: chains of pointwise ops over one iteration space; every other op by itself.

use crate::tape::{Node, Op, Origin, Tape, Var};
use crate::tensor::HostTensor;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most ops of a chain.
pub(super) const LONGEST: usize = 12;
/// The most buffers of a chain: every device binds so many.
const MOST_BUFFERS: usize = 8;

/// The bytes of the largest fill that stands in a buffer of its own.
const LARGEST_STORED: u64 = 4 << 20;

/// The nodes that run, in groups.
#[derive(Debug)]
pub(super) struct Groups {
    /// Node → group; `None` for what does not run (inputs, states, constants, constants that are written into chains).
    pub(super) of: Vec<Option<usize>>,
    /// The nodes of each group, in tape order.
    pub(super) members: Vec<Vec<usize>>,
    /// True for each group that is a chain.
    pub(super) pointwise: Vec<bool>,
    /// Value → the nodes that read it, and whether somebody outside the tape does.
    readers: Vec<Vec<usize>>,
    kept: Vec<bool>,
    /// Node → the latest node that its group waits for, its own members and theirs among them: what lies after that it cannot wait for.
    latest: Vec<usize>,
    /// True for each node that no dispatch makes: who reads it computes it from its operands.
    inlined: Vec<bool>,
}

/// The op of a node, where it has one.
pub(super) fn op_of(tape: &Tape, node: usize) -> Option<&Arc<dyn Op>> {
    match &tape.nodes()[node].origin {
        Origin::Op(op) => Some(op),
        _ => None,
    }
}

/// The value of a fill so small that it is worth a buffer of its own.
fn stored(tape: &Tape, var: Var) -> Option<f32> {
    tape.filled(var).filter(|_| tape.ty(var).bytes() <= LARGEST_STORED)
}

/// True where a node is a view of its operand.
fn is_view(tape: &Tape, node: usize) -> bool {
    op_of(tape, node).is_some_and(|op| op.view())
}

/// `var`, or what it is a view of.
pub(super) fn root(tape: &Tape, mut var: Var) -> Var {
    while is_view(tape, tape.node_index(var)) {
        var = tape.node_of(var).inputs[0];
    }
    var
}

pub(super) fn groups(tape: &Tape, needed: &[bool], outputs: &[Var]) -> Groups {
    let mut found = Groups {
        of: vec![None; tape.nodes().len()],
        members: Vec::new(),
        pointwise: Vec::new(),
        readers: vec![Vec::new(); tape.len()],
        kept: vec![false; tape.len()],
        latest: (0..tape.nodes().len()).collect(),
        inlined: vec![false; tape.nodes().len()],
    };
    for var in outputs.iter().chain(tape.assignments().iter().map(|(_, v)| v)) {
        found.kept[var.index()] = true;
    }
    for (i, node) in tape.nodes().iter().enumerate().filter(|(i, _)| needed[*i]) {
        node.inputs.iter().for_each(|v| found.readers[v.index()].push(i));
    }
    found.inlined = (0..tape.nodes().len()).map(|node| needed[node] && found.inlines(tape, node)).collect();
    for node in (0..tape.nodes().len()).filter(|&i| needed[i]) {
        let Some(op) = op_of(tape, node).filter(|_| !found.inlined[node]) else { continue };
        let pointwise = op.pointwise().is_some();
        if pointwise && tape.nodes()[node].inputs.is_empty() && !found.constant_is_made(tape, node) {
            continue;
        }
        match if pointwise { found.chain_for(tape, node) } else { None } {
            Some(group) => found.join(tape, group, node),
            None => found.begin(tape, node, pointwise),
        }
    }
    found.merge_small(tape);
    found.drop_merged();
    found
}

/// The most elements of chains that are merged although neither reads the other: such chains take the time of a launch.
const SMALL: usize = 1 << 14;
/// Of so many chains recorded before it, a small one looks for one to join.
const NEAR: usize = 8;

impl Groups {
    /// True where a node is a small pointwise op that only chains over more elements read, to which it is broadcast, and whose operands
    /// are in memory: each reader computes it again, which takes less than a launch.
    fn inlines(&self, tape: &Tape, node: usize) -> bool {
        const LARGEST_READER: usize = 1 << 20;
        let Node { inputs, outputs, .. } = &tape.nodes()[node];
        let elements = |node: usize| tape.shape(tape.var(tape.nodes()[node].outputs.start)).elements();
        let pointwise = |node: usize| op_of(tape, node).is_some_and(|op| op.pointwise().is_some());
        let wider = |&reader: &usize| pointwise(reader) && elements(reader) > elements(node) && elements(reader) <= LARGEST_READER;
        let in_memory = |&v: &Var| tape.constant_expression(v).is_some() || !pointwise(tape.node_index(root(tape, v)));
        let readers = &self.readers[outputs.start];
        pointwise(node)
            && elements(node) <= SMALL
            && !self.kept[outputs.start]
            && !inputs.is_empty()
            && inputs.iter().all(in_memory)
            && !readers.is_empty()
            && readers.iter().all(wider)
    }

    /// The values that are read where an op reads `v`: the operands of the op that is computed in its place, or `v` itself.
    pub(super) fn read<'a>(&self, tape: &'a Tape, v: &'a Var) -> &'a [Var] {
        match self.inlined_op(tape, *v) {
            Some(node) => &tape.nodes()[node].inputs,
            None => std::slice::from_ref(v),
        }
    }

    /// The node that makes `v`, where it is computed by those who read it.
    pub(super) fn inlined_op(&self, tape: &Tape, v: Var) -> Option<usize> {
        Some(tape.node_index(v)).filter(|&node| self.inlined[node])
    }

    /// The nodes that are computed within `members`.
    pub(super) fn inlined_in(&self, tape: &Tape, members: &[usize]) -> BTreeSet<usize> {
        members.iter().flat_map(|&m| &tape.nodes()[m].inputs).filter_map(|&v| self.inlined_op(tape, v)).collect()
    }

    /// True where `members` hold the first reader of an inlined node, whose operations count once.
    pub(super) fn first_read_in(&self, tape: &Tape, node: usize, members: &[usize]) -> bool {
        self.readers[tape.nodes()[node].outputs.start].first().is_some_and(|reader| members.contains(reader))
    }

    /// True where a dispatch makes a constant: the caller reads it, or an op that is not pointwise does and it is not [`stored`].
    fn constant_is_made(&self, tape: &Tape, node: usize) -> bool {
        let value = tape.nodes()[node].outputs.start;
        self.kept[value] || (self.constant_is_read(tape, value) && stored(tape, tape.var(value)).is_none())
    }

    /// True where a constant must stand in memory, because an op that is not pointwise reads it.
    fn constant_is_read(&self, tape: &Tape, value: usize) -> bool {
        self.readers[value].iter().any(|&r| op_of(tape, r).is_some_and(|op| op.pointwise().is_none()))
    }

    /// The fills that stand in buffers of their own, filled once, so that no step makes them.
    pub(super) fn stored<'a>(&'a self, tape: &'a Tape) -> impl Iterator<Item = (Var, HostTensor)> + 'a {
        let read = (0..tape.len()).filter(|&v| !self.kept[v] && self.constant_is_read(tape, v)).map(|v| tape.var(v));
        read.filter_map(|var| Some((var, HostTensor::full(tape.shape(var), stored(tape, var)?))))
    }

    /// The chains that make an operand of `node`, the latest first.
    fn candidates(&self, tape: &Tape, node: usize) -> Vec<usize> {
        let space = tape.var(tape.nodes()[node].outputs.start);
        let elements = tape.shape(space).elements();
        let chains: BTreeSet<usize> = tape.nodes()[node]
            .inputs
            .iter()
            .filter(|&&v| tape.shape(v).elements() == elements)
            .filter_map(|&v| self.of[tape.node_index(root(tape, v))])
            .filter(|&g| self.pointwise[g] && self.elements(tape, g) == elements)
            .collect();
        chains.into_iter().rev().collect()
    }

    /// The elements of a chain's iteration space.
    fn elements(&self, tape: &Tape, group: usize) -> usize {
        let first = &tape.nodes()[self.members[group][0]];
        tape.shape(tape.var(first.outputs.start)).elements()
    }

    fn begin(&mut self, tape: &Tape, node: usize, pointwise: bool) {
        self.of[node] = Some(self.members.len());
        self.members.push(vec![node]);
        self.pointwise.push(pointwise);
        self.wait(tape, self.members.len() - 1);
    }

    /// Notes what a group waits for, and that those who wait for it wait for that too.
    fn wait(&mut self, tape: &Tape, group: usize) {
        let inputs = self.members[group].iter().flat_map(|&m| &tape.nodes()[m].inputs).flat_map(|v| self.read(tape, v));
        let read = inputs.map(|&v| self.latest[tape.node_index(v)]);
        let latest = self.members[group].iter().map(|&m| self.latest[m]).chain(read).max().unwrap_or(0);
        let mut pending = vec![group];
        while let Some(g) = pending.pop() {
            self.members[g].iter().for_each(|&m| self.latest[m] = latest);
            let values = self.members[g].iter().flat_map(|&m| tape.nodes()[m].outputs.clone());
            // Through an inlined node, its readers.
            let through = |&r: &usize| match self.inlined[r] {
                true => self.readers[tape.nodes()[r].outputs.start].clone(),
                false => vec![r],
            };
            let readers = values.flat_map(|v| self.readers[v].iter().flat_map(through)).filter(|r| self.latest[*r] < latest);
            pending.extend(readers.filter_map(|r| self.of[r]));
        }
    }

    /// The chain that `node` joins.
    fn chain_for(&self, tape: &Tape, node: usize) -> Option<usize> {
        self.candidates(tape, node).into_iter().find(|&g| {
            let together = with(&self.members[g], &[node]);
            self.fits(tape, &together) && !self.needed_late(tape, &together, node)
        })
    }

    /// Puts `node` into `group`, and with it what can come along of the other chains it reads.
    fn join(&mut self, tape: &Tape, group: usize, node: usize) {
        self.members[group].push(node);
        self.of[node] = Some(group);
        for other in self.candidates(tape, node).into_iter().filter(|&g| g != group) {
            let together = with(&self.members[group], &self.members[other]);
            if self.fits(tape, &together) {
                together.iter().for_each(|&m| self.of[m] = Some(group));
                self.members[group] = together;
                self.members[other].clear();
            }
        }
        self.wait(tape, group);
    }

    /// Merges small chains of one size of which neither waits for the other, though neither reads the other: they share a launch.
    fn merge_small(&mut self, tape: &Tape) {
        let mut recent: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for group in 0..self.members.len() {
            if !self.pointwise[group] || self.members[group].is_empty() || self.elements(tape, group) > SMALL {
                continue;
            }
            let near = recent.entry(self.elements(tape, group)).or_default();
            let found = near.iter().rev().take(NEAR).copied().find(|&other| {
                let together = with(&self.members[other], &self.members[group]);
                self.fits(tape, &together)
            });
            match found {
                None => near.push(group),
                Some(other) => {
                    let together = with(&self.members[other], &self.members[group]);
                    together.iter().for_each(|&m| self.of[m] = Some(other));
                    self.members[other] = together;
                    self.members[group].clear();
                    self.wait(tape, other);
                }
            }
        }
    }

    /// Groups whose members all went to another are none.
    fn drop_merged(&mut self) {
        let mut members = self.members.iter();
        self.pointwise.retain(|_| members.next().is_some_and(|m| !m.is_empty()));
        self.members.retain(|m| !m.is_empty());
        for (g, members) in self.members.iter().enumerate() {
            members.iter().for_each(|&m| self.of[m] = Some(g));
        }
    }

    /// True where the nodes of `together` can be one chain.
    fn fits(&self, tape: &Tape, together: &[usize]) -> bool {
        together.len() + self.inlined_in(tape, together).len() <= LONGEST
            && self.loads(tape, together).len() + self.stores(tape, together).len() <= MOST_BUFFERS
            && !self.waits_for_itself(tape, together)
    }

    /// True where `node`, the last of `together`, is read by nobody but chains that come after `together` by way of others: a reverse
    /// sweep's slope of a forward value, say. Computed early it would take memory until then beside what it is made of.
    fn needed_late(&self, tape: &Tape, together: &[usize], node: usize) -> bool {
        let value = tape.nodes()[node].outputs.start;
        let elements = tape.shape(tape.var(value)).elements();
        let late = |&reader: &usize| {
            let longer = with(together, &[reader]);
            let out = tape.var(tape.nodes()[reader].outputs.start);
            op_of(tape, reader).is_some_and(|op| op.pointwise().is_some())
                && tape.shape(out).elements() == elements
                && (self.waits_for_itself(tape, &longer) || (longer.len() <= LONGEST && self.needed_late(tape, &longer, reader)))
        };
        !self.kept[value] && !self.readers[value].is_empty() && self.readers[value].iter().all(late)
    }

    /// The values the nodes of a chain read from memory. A member's value read through a view is no load.
    pub(super) fn loads(&self, tape: &Tape, members: &[usize]) -> Vec<Var> {
        let mut loads: Vec<Var> = Vec::new();
        for &m in members {
            for &v in tape.nodes()[m].inputs.iter().flat_map(|v| self.read(tape, v)) {
                if tape.constant_expression(v).is_none() && self.within(tape, members, m, v).is_none() && !loads.contains(&v) {
                    loads.push(v);
                }
            }
        }
        loads
    }

    /// The place among `members` of the node that makes operand `v` of member `m`, where the chain holds it element by element.
    pub(super) fn within(&self, tape: &Tape, members: &[usize], m: usize, v: Var) -> Option<usize> {
        let space = tape.shape(tape.var(tape.nodes()[m].outputs.start)).elements();
        let base = root(tape, v);
        let at = members.iter().position(|&n| n == tape.node_index(base))?;
        (tape.shape(v).elements() == space).then_some(at)
    }

    /// The members whose values somebody reads who is not in the chain.
    pub(super) fn stores(&self, tape: &Tape, members: &[usize]) -> Vec<usize> {
        members.iter().copied().filter(|&m| self.leaves(tape, members, tape.nodes()[m].outputs.start)).collect()
    }

    fn leaves(&self, tape: &Tape, members: &[usize], value: usize) -> bool {
        // Through a view, its readers count: those in the chain read the register.
        let leaves_by = |&reader: &usize| match is_view(tape, reader) {
            true => self.leaves(tape, members, tape.nodes()[reader].outputs.start),
            false => !self.reads_register(tape, members, reader, tape.var(value)),
        };
        self.kept[value] || self.readers[value].iter().any(leaves_by)
    }

    fn reads_register(&self, tape: &Tape, members: &[usize], reader: usize, v: Var) -> bool {
        members.contains(&reader) && self.within(tape, members, reader, v).is_some()
    }

    /// True where one of `together` reads a value from outside that depends on another of them: then they cannot run as one.
    fn waits_for_itself(&self, tape: &Tape, together: &[usize]) -> bool {
        let outside = |&m: &usize| {
            let inputs = tape.nodes()[m].inputs.iter().flat_map(|v| self.read(tape, v)).copied();
            inputs.filter(move |&v| self.within(tape, together, m, v).is_none()).map(|v| tape.node_index(v)).collect::<Vec<_>>()
        };
        let mut pending: Vec<usize> = together.iter().flat_map(outside).collect();
        let mut seen = BTreeSet::new();
        let earliest = together.iter().copied().min().unwrap_or(0);
        while let Some(n) = pending.pop() {
            if together.contains(&n) {
                return true;
            }
            // A group recorded before these may still wait for them through a chain that a later op joined: its place alone says nothing.
            if self.latest[n] < earliest {
                continue;
            }
            let unit: &[usize] = match self.of[n] {
                Some(g) => &self.members[g],
                None => &[n],
            };
            if seen.insert(unit[0]) {
                let inputs = unit.iter().flat_map(|&m| &tape.nodes()[m].inputs).flat_map(|v| self.read(tape, v));
                pending.extend(inputs.map(|&v| tape.node_index(v)));
            }
        }
        false
    }
}

/// Both, in tape order.
fn with(some: &[usize], more: &[usize]) -> Vec<usize> {
    let mut all = [some, more].concat();
    all.sort_unstable();
    all
}
