//! A chain of pointwise ops: what it loads, computes and stores.

use super::fuse::{Groups, op_of};
use super::written::{self, CHAIN};
use crate::kernel::{Binding, Buffer, Dispatch, Kernel, Lowered, common, fold};
use crate::ops::pointwise::Walk;
use crate::tape::{Tape, Var};
use crate::tensor::TensorType;
use crate::{Error, Result, Shape};
use std::borrow::Cow;

/// An operand read from memory.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) buffer: Buffer,
    pub(super) ty: TensorType,
    pub(super) walk: Walk,
}

impl Load {
    fn new(buffer: Buffer, ty: TensorType, space: Shape) -> Self {
        Self { buffer, ty, walk: Walk::new(&[ty.shape], space) }
    }

    /// One element, wherever it is read.
    pub(super) fn scalar(&self) -> bool {
        self.walk.strides[0].iter().all(|&s| s == 0)
    }

    /// Element i of the space is element i of the operand.
    pub(super) fn whole(&self, elements: usize) -> bool {
        self.walk.extents.len() == 1 && self.walk.strides[0] == [1] && self.ty.shape.elements() == elements
    }

    /// True where four neighbours of the space are four neighbours of the operand, or one element of it, wherever they begin.
    pub(super) fn takes_vectors(&self) -> bool {
        let (extents, strides) = (&self.walk.extents, &self.walk.strides[0]);
        let (inner, outer) = strides.split_last().map_or((0, &[][..]), |(i, o)| (*i, o));
        self.scalar() || (extents[extents.len() - 1].is_multiple_of(4) && (inner == 0 || outer.iter().all(|s| s.is_multiple_of(4))))
    }

    /// True where a kernel of width 4 loads the operand as vectors.
    pub(super) fn vectors(&self) -> bool {
        self.walk.strides[0].last() == Some(&1)
    }
}

/// The expressions of a chain's members, what they load, and their attributes.
struct Expressions<'a> {
    tape: &'a Tape,
    groups: &'a Groups,
    /// A load is read in the space of each member that reads it; the same value in two spaces is two index computations.
    loads: Vec<Load>,
    attributes: Vec<f32>,
}

impl Expressions<'_> {
    /// The expression of a node over its operands' names.
    fn of(&mut self, node: usize, names: &[String]) -> Result<String> {
        let op = op_of(self.tape, node).and_then(|op| op.pointwise()).ok_or_else(|| Error::op("chain", "a member is not pointwise"))?;
        let first = self.attributes.len();
        self.attributes.extend(op.attributes);
        Ok(substitute(op.expression, names, first))
    }

    /// The name of operand `v` of the member `m`, which comes after the members `before`.
    fn operand(&mut self, before: &[usize], m: usize, v: Var) -> Result<String> {
        if self.tape.constant_expression(v).is_some() {
            return Ok(format!("({})", self.of(self.tape.node_index(v), &[])?));
        }
        if let Some(node) = self.groups.inlined_op(self.tape, v) {
            let inputs = &self.tape.nodes()[node].inputs;
            let names = inputs.iter().map(|&v| self.operand(before, m, v)).collect::<Result<Vec<_>>>()?;
            return Ok(format!("({})", self.of(node, &names)?));
        }
        if let Some(member) = self.groups.within(self.tape, before, m, v) {
            return Ok(format!("v{member}"));
        }
        let space = self.tape.shape(self.tape.var(self.tape.nodes()[m].outputs.start));
        let load = Load::new(Buffer(v.index() as u32), self.tape.ty(v), space);
        let known = self.loads.iter().position(|l| l.buffer == load.buffer && l.walk == load.walk);
        let index = known.unwrap_or_else(|| {
            self.loads.push(load);
            self.loads.len() - 1
        });
        Ok(format!("x{index}"))
    }
}

/// A chain as data.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) loads: Vec<Load>,
    /// The expression of each op over loads `x…`, earlier ops `v…` and attributes `params.p…`.
    pub(super) bodies: Vec<String>,
    /// The ops whose values are stored, and where.
    pub(super) stores: Vec<(usize, Buffer)>,
    pub(super) attributes: Vec<f32>,
    /// The elements of the iteration space.
    pub(super) elements: usize,
    pub(super) flops: f64,
    pub(super) label: String,
}

impl Chain {
    /// The chain of a group.
    fn new(tape: &Tape, groups: &Groups, group: usize) -> Result<Self> {
        let members = &groups.members[group];
        let space = |node: usize| tape.shape(tape.var(tape.nodes()[node].outputs.start));
        let elements = space(members[0]).elements();
        let mut bodies = Vec::new();
        let mut expressions = Expressions { tape, groups, loads: Vec::new(), attributes: Vec::new() };
        for (at, &m) in members.iter().enumerate() {
            let names = tape.nodes()[m].inputs.iter().map(|&v| expressions.operand(&members[..at], m, v)).collect::<Result<Vec<_>>>()?;
            bodies.push(expressions.of(m, &names)?);
        }
        let Expressions { loads, attributes, .. } = expressions;
        let place = |m: usize| members.iter().position(|x| *x == m).unwrap_or(0);
        let stores = groups.stores(tape, members).into_iter().map(|m| (place(m), Buffer(tape.nodes()[m].outputs.start as u32)));
        let names: Vec<_> = members.iter().filter_map(|&m| op_of(tape, m)).map(|op| op.key().name).collect();
        // A fill has no operands, and is written without being computed.
        let computed = members.iter().filter(|&&m| !tape.nodes()[m].inputs.is_empty()).count();
        let inlined = groups.inlined_in(tape, members).into_iter().filter(|&node| groups.first_read_in(tape, node, members));
        let flops = computed * elements + inlined.map(|node| space(node).elements()).sum::<usize>();
        Ok(Self { loads, bodies, stores: stores.collect(), attributes, elements, flops: flops as f64, label: names.join(" ") })
    }

    /// True where four elements can be made at once.
    pub(super) fn takes_vectors(&self) -> bool {
        self.elements.is_multiple_of(4) && self.loads.iter().all(Load::takes_vectors)
    }

    /// The buffers it reads, each once.
    pub(super) fn bound(&self) -> Vec<Buffer> {
        let mut bound = Vec::new();
        for load in &self.loads {
            if !bound.contains(&load.buffer) {
                bound.push(load.buffer);
            }
        }
        bound
    }

    /// The chain as a dispatch of its own.
    fn dispatch(&self) -> Dispatch {
        let width = if self.takes_vectors() { 4 } else { 1 };
        let (text, params) = written::alone(self, width);
        let mut bindings: Vec<Binding> = self.bound().into_iter().map(Binding::read).collect();
        bindings.extend(self.stores.iter().map(|(_, buffer)| Binding::write(*buffer)));
        let variant = if width == 4 { "vec4" } else { "scalar" };
        let kernel = Kernel { name: Cow::Borrowed(CHAIN), variant: Cow::Borrowed(variant), class: "", wgsl: text.into(), trusted: true };
        let grid = fold(common::flat_groups(self.elements));
        Dispatch { kernel, bindings, params, grid, flops: self.flops, label: self.label.clone() }
    }
}

/// Lowers a chain to one dispatch; returns the chain where there is one.
pub(super) fn lower(tape: &Tape, groups: &Groups, group: usize, lowered: &mut Lowered) -> Result<Option<Chain>> {
    let chain = Chain::new(tape, groups, group)?;
    if chain.elements == 0 || chain.stores.is_empty() {
        return Ok(None);
    }
    lowered.dispatches.push(chain.dispatch());
    Ok(Some(chain))
}

/// An op's expression with its operands' names for `a`, `b`, `c` and its attributes' places for `p`, `q`.
fn substitute(expression: &str, names: &[String], first: usize) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in expression.chars().chain([' ']) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        match word.as_str() {
            "a" | "b" | "c" => out.push_str(names.get(usize::from(word.as_bytes()[0] - b'a')).map_or("", String::as_str)),
            "p" => out.push_str(&format!("T(params.p{first})")),
            "q" => out.push_str(&format!("T(params.p{})", first + 1)),
            other => out.push_str(other),
        }
        word.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}
