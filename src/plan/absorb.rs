//! Chains within the sums beside them. A sum computes the elements that a chain makes instead of reading them, and a chain goes on with a
//! sum where that is made. The order in which a sum adds is as before, so that its bits are.

use super::assign::Aliases;
use super::chain::Chain;
use super::written::{Form, Words, needs_math, write};
use crate::kernel::{Access, Binding, Buffer, Dispatch, Lowered, Target, common};

/// The most storage bindings of a kernel on every device.
const MOST_BINDINGS: usize = 8;
/// So many workgroups keep a GPU busy, whatever each of them computes.
const BUSY: usize = 128;
/// The most elements that an invocation of fewer workgroups computes.
const MOST_EACH: usize = 32;
/// The most elements that a sum on a software adapter computes at some cost, because a launch costs more.
const SMALL: usize = 1 << 14;

/// A dispatch, and the chain or the sum that it is.
struct Item {
    dispatch: Dispatch,
    part: Part,
}

enum Part {
    Chain(Chain),
    Sum(Box<Sum>),
    Other,
}

/// Puts chains into sums. `chains` holds the chain of each dispatch that is one, and `kept` the values that are read outside the plan.
pub(super) fn absorb(lowered: &mut Lowered, chains: Vec<Option<Chain>>, kept: &[Buffer], target: &Target) {
    let aliases = Aliases::new(lowered);
    let part = |(dispatch, chain): (Dispatch, Option<Chain>)| {
        let part = chain.map(Part::Chain).or_else(|| Some(Part::Sum(Box::new(Sum::of(&dispatch)?)))).unwrap_or(Part::Other);
        Some(Item { dispatch, part })
    };
    let items = std::mem::take(&mut lowered.dispatches).into_iter().zip(chains).map(part).collect();
    let mut within = Within { items, aliases, kept, target };
    (0..within.items.len()).for_each(|at| within.take_operand(at));
    (0..within.items.len()).for_each(|at| within.take_result(at));
    lowered.dispatches = within.items.into_iter().flatten().map(|item| item.dispatch).collect();
}

struct Within<'a> {
    items: Vec<Option<Item>>,
    aliases: Aliases,
    kept: &'a [Buffer],
    target: &'a Target,
}

impl Within<'_> {
    fn same(&self, a: Buffer, b: Buffer) -> bool {
        self.aliases.of(a) == self.aliases.of(b)
    }

    /// True where `dispatch` reads the value of `buffer`.
    fn reads(&self, dispatch: &Dispatch, buffer: Buffer) -> bool {
        dispatch.bindings.iter().any(|b| match b.access {
            Access::Update { from } => self.same(from, buffer),
            Access::Read | Access::Continue => self.same(b.buffer, buffer),
            Access::Write => false,
        })
    }

    /// True where somebody reads `buffer` besides the dispatches `but`.
    fn read_elsewhere(&self, buffer: Buffer, but: &[usize]) -> bool {
        let others = self.items.iter().enumerate().filter(|(i, _)| !but.contains(i)).filter_map(|(_, item)| item.as_ref());
        self.kept.iter().any(|k| self.same(*k, buffer)) || others.into_iter().any(|item| self.reads(&item.dispatch, buffer))
    }

    fn chain(&self, at: usize) -> Option<&Chain> {
        match &self.items[at].as_ref()?.part {
            Part::Chain(chain) => Some(chain),
            _ => None,
        }
    }

    fn sum(&self, at: usize) -> Option<&Sum> {
        match &self.items[at].as_ref()?.part {
            Part::Sum(sum) => Some(sum),
            _ => None,
        }
    }

    /// Puts the chain that makes the operand of the sum `at` into it. Both run where the chain ran.
    fn take_operand(&mut self, at: usize) {
        let Some(sum) = self.sum(at) else { return };
        let made = |i: usize| self.chain(i)?.stores.iter().find(|(_, b)| self.same(*b, sum.from)).map(|(member, _)| (i, *member));
        let Some((maker, member)) = (0..at).find_map(made) else { return };
        let Some(mut chain) = self.chain(maker).cloned() else { return };
        chain.stores.retain(|(_, b)| self.read_elsewhere(*b, &[at, maker]));
        let together = Sum { operand: Some((chain, member)), ..sum.clone() };
        if !together.computes_well(self.target) {
            return;
        }
        self.replace(&[maker, at], maker, together);
    }

    /// Puts a chain that reads each element of the result of the sum `at` into it.
    fn take_result(&mut self, at: usize) {
        let Some(sum) = self.sum(at) else { return };
        for reader in at + 1..self.items.len() {
            let Some(chain) = self.chain(reader).filter(|chain| self.goes_on(sum, chain)) else { continue };
            let Some(place) = self.place(at, reader, chain) else { continue };
            let keeps = self.read_elsewhere(sum.to, &[at, reader]);
            let together = Sum { result: Some((chain.clone(), self.aliases.of(sum.to))), stored: keeps, ..sum.clone() };
            let roots = together.bindings(&self.aliases).iter().map(|b| self.aliases.of(b.buffer)).collect::<Vec<_>>();
            let twice = roots.iter().enumerate().any(|(i, root)| roots[..i].contains(root));
            if roots.len() <= MOST_BINDINGS && !twice {
                return self.replace(&[at, reader], place, together);
            }
        }
    }

    /// True where `chain` takes the results of `sum` one by one.
    fn goes_on(&self, sum: &Sum, chain: &Chain) -> bool {
        let whole = |l: &super::chain::Load| l.whole(chain.elements) || (chain.elements == 1 && l.scalar());
        let mut loads = chain.loads.iter().filter(|l| self.same(l.buffer, sum.to)).peekable();
        loads.peek().is_some() && loads.all(whole) && chain.elements == sum.results && (sum.width != Width::Across || chain.takes_vectors())
    }

    /// The place where the sum `at` and the chain `reader` can run together: where the chain ran, or where the sum did.
    fn place(&self, at: usize, reader: usize, chain: &Chain) -> Option<usize> {
        let sum = self.items[at].as_ref()?;
        let between = || self.items[at + 1..reader].iter().flatten();
        let written = |d: &Dispatch| d.bindings.iter().filter(|b| b.access != Access::Read).map(|b| b.buffer).collect::<Vec<_>>();
        let updates = |item: &Item| item.dispatch.bindings.iter().any(|b| matches!(b.access, Access::Update { .. }));
        let own = written(&sum.dispatch);
        let waited_for = between().any(|item| updates(item) || own.iter().any(|b| self.reads(&item.dispatch, *b)));
        if !waited_for {
            return Some(reader);
        }
        let others = || chain.loads.iter().filter(|l| own.iter().all(|b| !self.same(*b, l.buffer)));
        let made_between = between().any(|item| written(&item.dispatch).iter().any(|b| others().any(|l| self.same(*b, l.buffer))));
        (!made_between).then_some(at)
    }

    /// Puts `sum` at `place` instead of the dispatches `old`.
    fn replace(&mut self, old: &[usize], place: usize, sum: Sum) {
        old.iter().for_each(|&i| self.items[i] = None);
        let dispatch = sum.dispatch(&self.aliases);
        self.items[place] = Some(Item { dispatch, part: Part::Sum(Box::new(sum)) });
    }
}

/// The elements that a sum takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    /// One.
    Single,
    /// Four of a line, which are added to one.
    Along,
    /// One of each of four lines.
    Across,
}

/// A sum over lines, and the chains within it.
#[derive(Debug, Clone)]
struct Sum {
    alone: Dispatch,
    width: Width,
    from: Buffer,
    to: Buffer,
    /// The number of results.
    results: usize,
    /// The chain that makes the elements, and which of its ops makes them.
    operand: Option<(Chain, usize)>,
    /// The chain that goes on with the results, and the buffer that it would read them from.
    result: Option<(Chain, Buffer)>,
    /// True where the results are stored.
    stored: bool,
}

impl Sum {
    /// The sum that a dispatch is, where it is one.
    fn of(dispatch: &Dispatch) -> Option<Self> {
        let choices: Vec<&str> = dispatch.kernel.variant.split('+').collect();
        let [from, to] = dispatch.bindings[..] else { return None };
        if dispatch.kernel.name != "reduce/reduce" || choices.iter().any(|c| c.starts_with("op=")) || to.access != Access::Write {
            return None;
        }
        parts(&dispatch.kernel.wgsl)?;
        let (width, wide) = match () {
            () if choices.contains(&"along") => (Width::Along, 1),
            () if choices.contains(&"across") => (Width::Across, 4),
            () => (Width::Single, 1),
        };
        let results = *dispatch.params.words().first()? as usize * wide;
        let alone = dispatch.clone();
        Some(Self { alone, width, from: from.buffer, to: to.buffer, results, operand: None, result: None, stored: true })
    }

    /// True where computing the elements within the sum takes less than a dispatch of its own, which stores them.
    fn computes_well(&self, target: &Target) -> bool {
        let Some((chain, _)) = &self.operand else { return false };
        let moved = chain.bound().len() + chain.stores.len();
        if moved + 1 > MOST_BINDINGS || (self.width != Width::Single && !chain.takes_vectors()) {
            return false;
        }
        if target.software {
            return moved == 1 || chain.elements <= SMALL;
        }
        let workgroups: usize = self.alone.grid.iter().map(|&n| n as usize).product();
        let wide = if self.width == Width::Single { 1 } else { 4 };
        workgroups >= BUSY || chain.elements <= MOST_EACH * wide * 256 * workgroups
    }

    fn bindings(&self, aliases: &Aliases) -> Vec<Binding> {
        let of = |chain: &Chain, known: Option<Buffer>| {
            let loads = chain.bound().into_iter().filter(|b| Some(aliases.of(*b)) != known).map(Binding::read);
            loads.chain(chain.stores.iter().map(|(_, b)| Binding::write(*b))).collect::<Vec<_>>()
        };
        let operand = self.operand.as_ref().map_or(vec![Binding::read(self.from)], |(chain, _)| of(chain, None));
        let result = self.result.as_ref().map(|(chain, known)| of(chain, Some(*known))).unwrap_or_default();
        let own = self.stored.then_some(Binding::write(self.to));
        operand.into_iter().chain(own).chain(result).collect()
    }

    fn dispatch(&self, aliases: &Aliases) -> Dispatch {
        let chains = || self.operand.iter().map(|(c, _)| c).chain(self.result.iter().map(|(c, _)| c));
        let mut words = Words { members: String::new(), params: self.alone.params.clone() };
        let mut kernel = self.alone.kernel.clone();
        if let Some([head, operand, result, main]) = parts(&kernel.wgsl) {
            let math = if chains().any(needs_math) { common::MATH.current() } else { "" };
            let (operand, bound) = self.operand_text(operand, &mut words);
            let result = self.result_text(result, bound, aliases, &mut words);
            let head = head.replace("    //@ members\n", &words.members);
            kernel.wgsl = format!("{head}{math}\n{operand}{result}{main}").into();
        }
        let label = |(place, chain): (&str, Option<&Chain>)| chain.map(|c| (place.to_owned(), c.label.clone()));
        let before = label(("+operand", self.operand.as_ref().map(|(c, _)| c)));
        let after = label(("+result", self.result.as_ref().map(|(c, _)| c)));
        let variant: String = [&before, &after].into_iter().flatten().map(|(place, _)| place.as_str()).collect();
        kernel.variant = format!("{}{variant}", kernel.variant).into();
        let label = [before.map(|b| b.1), Some(self.alone.label.clone()), after.map(|a| a.1)].into_iter().flatten().collect::<Vec<_>>();
        let flops = self.alone.flops + chains().map(|c| c.flops).sum::<f64>();
        let bindings = self.bindings(aliases);
        Dispatch { kernel, bindings, params: words.params, flops, label: label.join(" "), ..self.alone.clone() }
    }

    /// The declarations that make an element, and the number of their bindings.
    fn operand_text(&self, plain: &str, words: &mut Words) -> (String, usize) {
        let Some((chain, member)) = &self.operand else { return (plain.to_owned(), 1) };
        let width = if self.width == Width::Single { 1 } else { 4 };
        let written = write(chain, &Form { width, narrow: false, tag: "a", first: 0, given: &|_| None }, words);
        let lines = written.lines.join("\n    ");
        let text = format!(
            "{}\nfn operand(i: u32) -> T {{\n    {lines}\n    return v{member};\n}}\n\nfn first_operand(i: u32) -> T {{\n    return T(0.0);\n}}\n\n",
            written.bindings
        );
        (text, chain.bound().len() + chain.stores.len())
    }

    /// The declarations that take a result, whose bindings begin at `first`.
    fn result_text(&self, plain: &str, first: usize, aliases: &Aliases, words: &mut Words) -> String {
        let Some((chain, known)) = &self.result else { return plain.replace("@binding(1)", &format!("@binding({first})")) };
        let given = |b: Buffer| (aliases.of(b) == *known).then(|| "T(value)".to_owned());
        let (width, narrow) = if self.width == Width::Across { (4, false) } else { (1, self.width == Width::Along) };
        let own = usize::from(self.stored);
        let written = write(chain, &Form { width, narrow, tag: "z", first: first + own, given: &given }, words);
        let (binding, store) = match self.stored {
            true => (format!("@group(0) @binding({first}) var<storage, read_write> y: array<Y>;\n"), "y[i] = value;\n    "),
            false => (String::new(), ""),
        };
        let lines = written.lines.join("\n    ");
        format!("{binding}{}\nfn finish(i: u32, value: Y) {{\n    {store}{lines}\n}}\n\n", written.bindings)
    }
}

/// The parts of a sum's kernel: what comes before, how an element is read, how a result is stored, and the rest.
fn parts(wgsl: &str) -> Option<[&str; 4]> {
    let (head, rest) = wgsl.split_once("//@ operand\n")?;
    let (operand, rest) = rest.split_once("//@ result\n")?;
    let (result, main) = rest.split_once("//@ main\n")?;
    head.contains("    //@ members\n").then_some([head, operand, result, main])
}
