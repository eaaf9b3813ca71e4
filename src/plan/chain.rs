//! A chain of pointwise ops as one kernel, from the template `shaders/pointwise/chain.wgsl`.

use super::fuse::{Groups, op_of};
use crate::kernel::{Binding, Buffer, Dispatch, Kernel, Lowered, Params, common, current, fold, wgsl};
use crate::ops::pointwise::Walk;
use crate::tape::{Tape, Var};
use crate::tensor::{DType, TensorType};
use crate::{Error, Result, Shape};
use std::borrow::Cow;
use std::fmt::Write;

const TEMPLATE: &str = wgsl!("pointwise/chain");

/// The template, for those who list kernels.
pub fn template_source() -> &'static str {
    TEMPLATE
}

/// An operand read from memory.
struct Load {
    buffer: Buffer,
    ty: TensorType,
    walk: Walk,
}

impl Load {
    fn new(buffer: Buffer, ty: TensorType, space: Shape) -> Self {
        Self { buffer, ty, walk: Walk::new(&[ty.shape], space) }
    }

    /// One element, wherever it is read.
    fn scalar(&self) -> bool {
        self.walk.strides[0].iter().all(|&s| s == 0)
    }

    /// Element i of the space is element i of the operand.
    fn whole(&self, elements: usize) -> bool {
        self.walk.extents.len() == 1 && self.walk.strides[0] == [1] && self.ty.shape.elements() == elements
    }

    /// True where four neighbours of the space are four neighbours of the operand, or one element of it, wherever they begin.
    fn takes_vectors(&self) -> bool {
        let (extents, strides) = (&self.walk.extents, &self.walk.strides[0]);
        let (inner, outer) = strides.split_last().map_or((0, &[][..]), |(i, o)| (*i, o));
        self.scalar() || (extents[extents.len() - 1].is_multiple_of(4) && (inner == 0 || outer.iter().all(|s| s.is_multiple_of(4))))
    }

    /// True where a kernel of width 4 loads the operand as vectors.
    fn vectors(&self) -> bool {
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

/// Lowers a chain to one dispatch.
pub(super) fn lower(tape: &Tape, groups: &Groups, group: usize, lowered: &mut Lowered) -> Result<()> {
    let members = &groups.members[group];
    let space = |node: usize| tape.shape(tape.var(tape.nodes()[node].outputs.start));
    let elements = space(members[0]).elements();
    let mut bodies: Vec<(String, usize)> = Vec::new();
    let mut expressions = Expressions { tape, groups, loads: Vec::new(), attributes: Vec::new() };
    for (at, &m) in members.iter().enumerate() {
        let names = tape.nodes()[m].inputs.iter().map(|&v| expressions.operand(&members[..at], m, v)).collect::<Result<Vec<_>>>()?;
        bodies.push((expressions.of(m, &names)?, at));
    }
    let Expressions { loads, attributes, .. } = expressions;
    let stores = groups.stores(tape, members);
    let width = if elements.is_multiple_of(4) && loads.iter().all(Load::takes_vectors) { 4 } else { 1 };

    let mut bound: Vec<Buffer> = Vec::new();
    for load in &loads {
        if !bound.contains(&load.buffer) {
            bound.push(load.buffer);
        }
    }
    let chain = Chain { loads: &loads, bound: &bound, bodies: &bodies, stores: &stores, members, attributes: &attributes, elements };
    let (text, params) = assemble(&chain, width)?;
    let mut bindings: Vec<Binding> = bound.into_iter().map(Binding::read).collect();
    bindings.extend(stores.iter().map(|&m| Binding::write(Buffer(tape.nodes()[m].outputs.start as u32))));
    let names: Vec<_> = members.iter().filter_map(|&m| op_of(tape, m)).map(|op| op.key().name).collect();
    let label = names.join(" ");
    if elements > 0 && !stores.is_empty() {
        let variant = if width == 4 { "vec4" } else { "scalar" };
        let kernel =
            Kernel { name: Cow::Borrowed("pointwise/chain"), variant: Cow::Borrowed(variant), class: "", wgsl: text.into(), trusted: true };
        let grid = fold(common::flat_groups(elements));
        // A fill has no operands, and is written without being computed.
        let computed = members.iter().filter(|&&m| !tape.nodes()[m].inputs.is_empty()).count();
        let inlined = groups.inlined_in(tape, members).into_iter().filter(|&node| groups.first_read_in(tape, node, members));
        let flops = computed * elements + inlined.map(|node| space(node).elements()).sum::<usize>();
        lowered.dispatches.push(Dispatch { kernel, bindings, params, grid, flops: flops as f64, label });
    }
    Ok(())
}

/// The values that fill the template.
struct Chain<'a> {
    loads: &'a [Load],
    bound: &'a [Buffer],
    bodies: &'a [(String, usize)],
    stores: &'a [usize],
    members: &'a [usize],
    attributes: &'a [f32],
    elements: usize,
}

/// The uniform struct, a member at a time, and what fills it.
struct Words {
    members: String,
    params: Params,
}

impl Words {
    fn u32(&mut self, name: String, value: usize) {
        self.members.push_str(&format!("    {name}: u32,\n"));
        self.params = std::mem::take(&mut self.params).u32(value);
    }

    fn f32(&mut self, name: String, value: f32) {
        self.members.push_str(&format!("    {name}: f32,\n"));
        self.params = std::mem::take(&mut self.params).f32(value);
    }
}

/// The lines that find where each load of a chain stands. A space of axes is taken apart once for all loads that see the same one.
struct Places<'a> {
    spaces: Vec<&'a [usize]>,
    lines: Vec<String>,
}

impl<'a> Places<'a> {
    /// The expression of the index of the `at`-th load.
    fn of(&mut self, at: usize, load: &'a Load, width: usize, words: &mut Words) -> String {
        let extents = &load.walk.extents[..];
        let space = self.spaces.iter().position(|s| *s == extents).unwrap_or_else(|| self.take_apart(extents, width, words));
        // An axis along which the operand is repeated adds nothing.
        let strides = load.walk.strides[0].iter().enumerate().filter(|(_, stride)| **stride > 0);
        let terms: Vec<String> = strides
            .map(|(axis, &stride)| {
                words.u32(format!("s{at}_{axis}"), stride);
                format!("i{space}_{axis} * params.s{at}_{axis}")
            })
            .collect();
        terms.join(" + ")
    }

    /// Takes the element of a space apart into an index for each axis; returns the space's place.
    fn take_apart(&mut self, extents: &'a [usize], width: usize, words: &mut Words) -> usize {
        let space = self.spaces.len();
        self.spaces.push(extents);
        let mut rest = if width == 1 { "i".to_owned() } else { format!("i * {width}u") };
        for axis in (1..extents.len()).rev() {
            words.u32(format!("e{space}_{axis}"), extents[axis]);
            self.lines.push(format!("let r{space}_{axis} = ({rest}) / params.e{space}_{axis};"));
            self.lines.push(format!("let i{space}_{axis} = {rest} - r{space}_{axis} * params.e{space}_{axis};"));
            rest = format!("r{space}_{axis}");
        }
        self.lines.push(format!("let i{space}_0 = {rest};"));
        space
    }
}

fn assemble(chain: &Chain<'_>, width: usize) -> Result<(String, Params)> {
    let mut words = Words { members: String::new(), params: Params::new() };
    words.u32("elements".into(), chain.elements);
    let mut bindings = String::new();
    let oops = |e: std::fmt::Error| Error::op("chain", e.to_string());
    for (b, buffer) in chain.bound.iter().enumerate() {
        let load = chain.loads.iter().filter(|l| l.buffer == *buffer);
        let ty = load.clone().next().map_or(DType::F32, |l| l.ty.dtype);
        let vector = width == 4 && load.clone().any(Load::vectors);
        writeln!(bindings, "@group(0) @binding({b}) var<storage, read> in{b}: array<{}>;", element(ty, vector)).map_err(oops)?;
    }
    let mut places = Places { spaces: Vec::new(), lines: Vec::new() };
    let mut body = Vec::new();
    for (l, load) in chain.loads.iter().enumerate() {
        let b = chain.bound.iter().position(|x| *x == load.buffer).unwrap_or(0);
        let shared_vector = width == 4 && chain.loads.iter().any(|o| o.buffer == load.buffer && o.vectors());
        let index = match () {
            () if load.scalar() => "0u".to_owned(),
            () if load.whole(chain.elements) => format!("i * {width}u"),
            () => places.of(l, load, width, &mut words),
        };
        let read = read(load.ty.dtype, &format!("in{b}"), &index, shared_vector, width == 4 && load.vectors());
        body.push(format!("let x{l} = {read};"));
    }
    body.extend(chain.bodies.iter().map(|(expression, at)| format!("let v{at} = {expression};")));
    for (s, m) in chain.stores.iter().enumerate() {
        let b = chain.bound.len() + s;
        let at = chain.members.iter().position(|x| x == m).unwrap_or(0);
        writeln!(bindings, "@group(0) @binding({b}) var<storage, read_write> out{s}: array<T>;").map_err(oops)?;
        body.push(format!("out{s}[i] = v{at};"));
    }
    chain.attributes.iter().enumerate().for_each(|(p, &value)| words.f32(format!("p{p}"), value));
    let Words { members, params } = words;
    let structure = format!("struct Params {{\n{members}}}\n@group(1) @binding(0) var<uniform> params: Params;");
    let flat = if width == 4 { common::FLAT_VECTOR } else { common::FLAT_SCALAR }.current();
    let math = if calls(chain.bodies, common::MATH.current()) { common::MATH.current() } else { "" };
    let nan = if !math.is_empty() || calls(chain.bodies, common::NAN.current()) { common::NAN.current() } else { "" };
    let filled = current(&["pointwise/chain"], TEMPLATE)
        .replace("//@ params", &structure)
        .replace("//@ bindings", bindings.trim_end())
        .replace("//@ body", &[places.lines, body].concat().join("\n            "));
    let [grid, item] = [common::GRID, common::ITEM].map(|s| s.current());
    Ok((format!("alias T = F;\nalias U = W;\n{flat}\n{grid}\n{item}\n{nan}\n{math}\n{filled}"), params))
}

/// True where an expression calls a function of `snippet`.
fn calls(bodies: &[(String, usize)], snippet: &str) -> bool {
    let mut names = snippet.lines().filter_map(|line| line.strip_prefix("fn ")?.split_once('(')).map(|(name, _)| name);
    names.any(|name| bodies.iter().any(|(e, _)| e.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)))
}

/// The element type of a binding.
fn element(dtype: DType, vector: bool) -> &'static str {
    match (dtype, vector) {
        (DType::F32, false) => "f32",
        (DType::F32, true) => "vec4<f32>",
        (DType::I32, false) => "i32",
        (DType::I32, true) => "vec4<i32>",
        (DType::U32, false) | (DType::F16, false) => "u32",
        (DType::U32, true) => "vec4<u32>",
        (DType::F16, true) => "vec2<u32>",
    }
}

/// The expression that reads element `index` (or four from there on, if `wide`) of a binding as T.
fn read(dtype: DType, name: &str, index: &str, vector: bool, wide: bool) -> String {
    match (dtype, vector, wide) {
        (DType::F16, true, true) => {
            format!("vec4<f32>(unpack2x16float({name}[({index}) / 4u].x), unpack2x16float({name}[({index}) / 4u].y))")
        }
        (DType::F16, true, false) => format!("T(unpack2x16float({name}[({index}) / 4u][(({index}) / 2u) % 2u])[({index}) % 2u])"),
        (DType::F16, false, _) => format!("T(unpack2x16float({name}[({index}) / 2u])[({index}) % 2u])"),
        (_, true, true) => format!("T({name}[({index}) / 4u])"),
        (_, true, false) => format!("T(f32({name}[({index}) / 4u][({index}) % 4u]))"),
        (_, false, _) => format!("T(f32({name}[{index}]))"),
    }
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
