//! A chain of pointwise ops as WGSL: a kernel from the template `shaders/pointwise/chain.wgsl`, or a function within another kernel.

use super::chain::{Chain, Load};
use crate::kernel::{Buffer, Params, common, current, wgsl};
use crate::tensor::DType;

/// The name of the kernel of a chain, which is made from a template and is no source.
pub const CHAIN: &str = "pointwise/chain";
const TEMPLATE: &str = wgsl!("pointwise/chain");

/// The template, for those who list kernels.
pub fn template_source() -> &'static str {
    TEMPLATE
}

/// The kernel of a chain that makes `width` elements at once, and its parameters.
pub(super) fn alone(chain: &Chain, width: usize) -> (String, Params) {
    let mut words = Words { members: String::new(), params: Params::new() };
    words.u32("elements".into(), chain.elements);
    let form = Form { width, narrow: false, tag: "", first: 0, given: &|_| None };
    let Written { bindings, lines } = write(chain, &form, &mut words);
    let Words { members, params } = words;
    let structure = format!("struct Params {{\n{members}}}\n@group(1) @binding(0) var<uniform> params: Params;");
    let flat = if width == 4 { common::FLAT_VECTOR } else { common::FLAT_SCALAR }.current();
    let math = if needs_math(chain) { common::MATH.current() } else { "" };
    let nan = if !math.is_empty() || calls(&chain.bodies, common::NAN.current()) { common::NAN.current() } else { "" };
    let filled = current(&[CHAIN], TEMPLATE)
        .replace("//@ params", &structure)
        .replace("//@ bindings", bindings.trim_end())
        .replace("//@ body", &lines.join("\n            "));
    let [grid, item] = [common::GRID, common::ITEM].map(|s| s.current());
    (format!("alias T = F;\nalias U = W;\n{flat}\n{grid}\n{item}\n{nan}\n{math}\n{filled}"), params)
}

/// The form in which a chain is written over T, the item `i`.
pub(super) struct Form<'a> {
    /// The elements of an item in memory.
    pub(super) width: usize,
    /// True where an item is one element in memory, though T is four.
    pub(super) narrow: bool,
    /// A letter in all names, where a kernel has more than one chain.
    pub(super) tag: &'a str,
    /// The number of the first binding.
    pub(super) first: usize,
    /// The expression of a buffer's value, where the kernel has it already.
    pub(super) given: &'a dyn Fn(Buffer) -> Option<String>,
}

/// The declarations of a chain's bindings, its loads' first, and the lines that load, compute and store.
pub(super) struct Written {
    pub(super) bindings: String,
    pub(super) lines: Vec<String>,
}

/// Writes a chain in `form`; its parameters go to `words`.
pub(super) fn write(chain: &Chain, form: &Form<'_>, words: &mut Words) -> Written {
    let &Form { width, narrow, tag, first, given } = form;
    let mut bindings = String::new();
    let bound: Vec<Buffer> = chain.bound().into_iter().filter(|b| given(*b).is_none()).collect();
    let vectors = |buffer: Buffer| width == 4 && chain.loads.iter().any(|l| l.buffer == buffer && l.vectors());
    for (b, &buffer) in bound.iter().enumerate() {
        let ty = chain.loads.iter().find(|l| l.buffer == buffer).map_or(DType::F32, |l| l.ty.dtype);
        let at = first + b;
        bindings.push_str(&format!("@group(0) @binding({at}) var<storage, read> in{tag}{b}: array<{}>;\n", element(ty, vectors(buffer))));
    }
    let mut places = Places { tag, spaces: Vec::new(), lines: Vec::new() };
    let mut body = Vec::new();
    for (l, load) in chain.loads.iter().enumerate() {
        if let Some(value) = given(load.buffer) {
            body.push(format!("let x{l} = {value};"));
            continue;
        }
        let b = bound.iter().position(|x| *x == load.buffer).unwrap_or(0);
        let index = match () {
            () if load.scalar() => "0u".to_owned(),
            () if load.whole(chain.elements) => format!("i * {width}u"),
            () => places.of(l, load, width, words),
        };
        let read = read(load.ty.dtype, &format!("in{tag}{b}"), &index, vectors(load.buffer), width == 4 && load.vectors());
        body.push(format!("let x{l} = {read};"));
    }
    let named = |expression: &String| expression.replace("params.p", &format!("params.p{tag}"));
    body.extend(chain.bodies.iter().enumerate().map(|(at, expression)| format!("let v{at} = {};", named(expression))));
    let (ty, part) = if narrow { ("f32", ".x") } else { ("T", "") };
    for (s, (at, _)) in chain.stores.iter().enumerate() {
        let b = first + bound.len() + s;
        bindings.push_str(&format!("@group(0) @binding({b}) var<storage, read_write> out{tag}{s}: array<{ty}>;\n"));
        body.push(format!("out{tag}{s}[i] = v{at}{part};"));
    }
    chain.attributes.iter().enumerate().for_each(|(p, &value)| words.f32(format!("p{tag}{p}"), value));
    Written { bindings, lines: [places.lines, body].concat() }
}

/// The uniform struct, a member at a time, and what fills it.
pub(super) struct Words {
    pub(super) members: String,
    pub(super) params: Params,
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
    tag: &'a str,
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
                let name = format!("s{}{at}_{axis}", self.tag);
                let term = format!("i{space}_{axis} * params.{name}");
                words.u32(name, stride);
                term
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
            let extent = format!("e{}{space}_{axis}", self.tag);
            self.lines.push(format!("let r{space}_{axis} = ({rest}) / params.{extent};"));
            self.lines.push(format!("let i{space}_{axis} = {rest} - r{space}_{axis} * params.{extent};"));
            words.u32(extent, extents[axis]);
            rest = format!("r{space}_{axis}");
        }
        self.lines.push(format!("let i{space}_0 = {rest};"));
        space
    }
}

/// True where a chain calls elementary functions.
pub(super) fn needs_math(chain: &Chain) -> bool {
    calls(&chain.bodies, common::MATH.current())
}

/// True where an expression calls a function of `snippet`.
fn calls(bodies: &[String], snippet: &str) -> bool {
    let mut names = snippet.lines().filter_map(|line| line.strip_prefix("fn ")?.split_once('(')).map(|(name, _)| name);
    names.any(|name| bodies.iter().any(|e| e.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)))
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
