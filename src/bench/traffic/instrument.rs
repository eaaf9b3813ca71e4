//! A kernel rewritten so that it counts the bytes that its invocations load and store, the barriers they pass, and the iterations of their
//! loops. The rewriting is done on naga's representation of the shader: each statement that loads or stores is preceded by a call that
//! counts, and each invocation adds its counts to the totals in a storage buffer where it ends.

use crate::Result;
use crate::kernel::Kernel;
use naga::back::wgsl::{WriterFlags, write_string};
use naga::valid::{Capabilities, FunctionInfo, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Block, Expression, Function, Handle, Literal, Module, Span, Statement, TypeInner};
use std::collections::BTreeMap;

/// The most storage buffers of a kernel.
pub(super) const BINDINGS: usize = 8;
/// The counters: bytes loaded from each binding, bytes stored to each, bytes loaded from and stored to workgroup memory, barriers.
pub(super) const STORED: usize = BINDINGS;
pub(super) const SHARED_LOADED: usize = 2 * BINDINGS;
pub(super) const SHARED_STORED: usize = SHARED_LOADED + 1;
pub(super) const BARRIERS: usize = SHARED_STORED + 1;
const COUNTERS: usize = BARRIERS + 1;
/// The place of the most loop iterations of one invocation among the words of the totals, after two words for each counter.
pub(super) const ITERATIONS: usize = 2 * COUNTERS;
/// The words of the totals.
pub(super) const WORDS: usize = ITERATIONS + 1;

/// The counters of an invocation, each a variable with a function that adds to it, and the totals, which are bound after the kernel's own
/// buffers. A total of a counter is two words, the lower first. Nothing loops, because software adapters leave the loops of an invocation
/// that has iterated often.
fn counters(binding: usize) -> String {
    let counter = |i: usize| {
        format!(
            "var<private> traffic_counter_{i}: u32;
            fn traffic_count_{i}(amount: u32) {{ traffic_counter_{i} += amount; }}\n"
        )
    };
    let add = |i: usize| format!("if (traffic_counter_{i} > 0u) {{ traffic_add({}u, traffic_counter_{i}); }}\n", 2 * i);
    let (counters, adds): (String, String) = ((0..COUNTERS).map(counter).collect(), (0..COUNTERS).map(add).collect());
    format!(
        "{counters}
        var<private> traffic_iterations: u32;
        @group(0) @binding({binding}) var<storage, read_write> traffic_totals: array<atomic<u32>, {WORDS}>;
        fn traffic_iterate() {{ traffic_iterations += 1u; }}
        fn traffic_add(at: u32, amount: u32) {{
            let before = atomicAdd(&traffic_totals[at], amount);
            if (before + amount < before) {{ atomicAdd(&traffic_totals[at + 1u], 1u); }}
        }}
        fn traffic_end() {{
            {adds}
            atomicMax(&traffic_totals[{ITERATIONS}], traffic_iterations);
        }}\n"
    )
}

/// The functions that are called to count.
#[derive(Debug)]
struct Counting {
    /// One for each counter.
    count: Vec<Handle<Function>>,
    iterate: Handle<Function>,
    end: Handle<Function>,
}

/// The kernel that counts, with the totals at binding `bindings`, the number of its own storage buffers.
///
/// # Errors
/// Returns [`Error::Shader`](crate::Error::Shader) where the kernel does not parse or validate, works on cooperative matrices, or hands
/// pointers to storage buffers to functions.
pub(super) fn counting(kernel: &Kernel, bindings: usize) -> Result<Kernel> {
    if kernel.cooperative() {
        return Err(kernel.error("loads and stores of cooperative matrices are not counted"));
    }
    let (directives, rest): (Vec<&str>, Vec<&str>) = kernel.wgsl.lines().partition(|line| line.trim_start().starts_with("enable "));
    let text = format!("{}\n{}\n{}", directives.join("\n"), counters(bindings), rest.join("\n"));
    let mut module = naga::front::wgsl::parse_str(&text).map_err(|e| kernel.error(e.emit_to_string(&text)))?;
    let info = validated(kernel, &module, &text)?;
    let named = |name: &str| {
        let found = module.functions.iter().find(|(_, f)| f.name.as_deref() == Some(name));
        found.map(|(handle, _)| handle).ok_or_else(|| kernel.error(format!("`{name}` expected")))
    };
    let count = (0..COUNTERS).map(|i| named(&format!("traffic_count_{i}"))).collect::<Result<_>>()?;
    let counting = Counting { count, iterate: named("traffic_iterate")?, end: named("traffic_end")? };
    rewrite(&mut module, &info, &counting).map_err(|what| kernel.error(what))?;
    let info = validated(kernel, &module, &text)?;
    let wgsl = write_string(&module, &info, WriterFlags::empty()).map_err(|e| kernel.error(e.to_string()))?;
    Ok(Kernel { wgsl: wgsl.into(), ..kernel.clone() })
}

fn validated(kernel: &Kernel, module: &Module, text: &str) -> Result<ModuleInfo> {
    let checked = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(module);
    checked.map_err(|e| kernel.error(e.emit_to_string(text)))
}

fn rewrite(module: &mut Module, info: &ModuleInfo, counting: &Counting) -> Result<(), String> {
    let own: Vec<_> = module.functions.iter().filter(|(_, f)| f.name.as_deref().is_none_or(|name| !name.starts_with("traffic_"))).collect();
    let own: Vec<_> = own.into_iter().map(|(handle, f)| Ok((handle, places(module, f, &info[handle])?))).collect::<Result<_, String>>()?;
    let entries = module.entry_points.iter().enumerate();
    let entries: Vec<_> = entries.map(|(i, e)| places(module, &e.function, info.get_entry_point(i))).collect::<Result<_, _>>()?;
    for (handle, places) in own {
        Rewriter { function: &mut module.functions[handle], places, counting, entry: false }.run();
    }
    for (entry, places) in module.entry_points.iter_mut().zip(entries) {
        Rewriter { function: &mut entry.function, places, counting, entry: true }.run();
    }
    Ok(())
}

/// Memory that a pointer refers to: the counters of its loads and stores, and its bytes.
#[derive(Debug, Clone, Copy)]
struct Place {
    loaded: usize,
    stored: usize,
    bytes: u32,
}

/// The memory behind each expression of a function that points to a storage buffer or to workgroup memory.
fn places(module: &Module, function: &Function, info: &FunctionInfo) -> Result<BTreeMap<Handle<Expression>, Place>, String> {
    let mut found = BTreeMap::new();
    for (handle, _) in function.expressions.iter() {
        let (space, bytes) = match *info[handle].ty.inner_with(&module.types) {
            TypeInner::Pointer { base, space } => (space, module.types[base].inner.try_size(module.to_ctx())),
            TypeInner::ValuePointer { size, scalar, space } => (space, Some(u32::from(scalar.width) * size.map_or(1, |size| size as u32))),
            _ => continue,
        };
        // A pointer to an array without an extent is never loaded as a whole.
        let bytes = bytes.unwrap_or(0);
        match space {
            AddressSpace::WorkGroup => {
                found.insert(handle, Place { loaded: SHARED_LOADED, stored: SHARED_STORED, bytes });
            }
            AddressSpace::Storage { .. } => {
                let binding = binding(module, function, handle).filter(|b| *b < BINDINGS);
                let binding =
                    binding.ok_or("hands a pointer to a storage buffer to a function, or binds more than 8: this is not counted")?;
                found.insert(handle, Place { loaded: binding, stored: STORED + binding, bytes });
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The binding of the buffer that a pointer leads into.
fn binding(module: &Module, function: &Function, pointer: Handle<Expression>) -> Option<usize> {
    match function.expressions[pointer] {
        Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => binding(module, function, base),
        Expression::GlobalVariable(variable) => Some(module.global_variables[variable].binding?.binding as usize),
        _ => None,
    }
}

struct Rewriter<'a> {
    function: &'a mut Function,
    places: BTreeMap<Handle<Expression>, Place>,
    counting: &'a Counting,
    entry: bool,
}

impl Rewriter<'_> {
    fn run(mut self) {
        let body = std::mem::take(&mut self.function.body);
        let mut body = self.block(body);
        if self.entry && !matches!(body.last(), Some(Statement::Return { .. })) {
            self.call(&mut body, self.counting.end, None);
        }
        self.function.body = body;
    }

    fn block(&mut self, block: Block) -> Block {
        let mut out = Block::with_capacity(block.len());
        for (statement, span) in block.span_into_iter() {
            self.count(&statement, &mut out);
            let statement = match statement {
                Statement::Block(inner) => Statement::Block(self.block(inner)),
                Statement::If { condition, accept, reject } => {
                    Statement::If { condition, accept: self.block(accept), reject: self.block(reject) }
                }
                Statement::Switch { selector, mut cases } => {
                    cases.iter_mut().for_each(|case| case.body = self.block(std::mem::take(&mut case.body)));
                    Statement::Switch { selector, cases }
                }
                Statement::Loop { body, continuing, break_if } => {
                    let mut counted = Block::new();
                    self.call(&mut counted, self.counting.iterate, None);
                    counted.extend_block(self.block(body));
                    Statement::Loop { body: counted, continuing: self.block(continuing), break_if }
                }
                other => other,
            };
            out.push(statement, span);
        }
        out
    }

    /// Appends what counts a statement, apart from the statements inside it. It stands before the statement, where nothing can come
    /// between: a return ends the invocation.
    fn count(&mut self, statement: &Statement, out: &mut Block) {
        let mut amounts: BTreeMap<usize, u32> = BTreeMap::new();
        let mut add = |counter: usize, amount: u32| *amounts.entry(counter).or_default() += amount;
        match *statement {
            Statement::Emit(ref range) => {
                for handle in range.clone() {
                    if let Expression::Load { pointer } = self.function.expressions[handle]
                        && let Some(place) = self.places.get(&pointer)
                    {
                        add(place.loaded, place.bytes);
                    }
                }
            }
            Statement::Store { pointer, .. } => {
                if let Some(place) = self.places.get(&pointer) {
                    add(place.stored, place.bytes);
                }
            }
            Statement::Atomic { pointer, .. } => {
                if let Some(place) = self.places.get(&pointer) {
                    add(place.loaded, place.bytes);
                    add(place.stored, place.bytes);
                }
            }
            Statement::WorkGroupUniformLoad { pointer, .. } => {
                if let Some(place) = self.places.get(&pointer) {
                    add(place.loaded, place.bytes);
                }
                // One before the load and one after it.
                add(BARRIERS, 2);
            }
            Statement::ControlBarrier(_) => add(BARRIERS, 1),
            Statement::Return { .. } if self.entry => self.call(out, self.counting.end, None),
            _ => {}
        }
        for (counter, amount) in amounts {
            self.call(out, self.counting.count[counter], Some(amount));
        }
    }

    fn call(&mut self, out: &mut Block, function: Handle<Function>, amount: Option<u32>) {
        let literal = |x: u32| self.function.expressions.append(Expression::Literal(Literal::U32(x)), Span::UNDEFINED);
        let arguments = amount.map(literal).into_iter().collect();
        out.push(Statement::Call { function, arguments, result: None }, Span::UNDEFINED);
    }
}
