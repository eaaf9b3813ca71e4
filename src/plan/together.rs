//! Small updates of state in one dispatch: steps of Adam for several tensors, and rings with the counter by which they are written.

use super::assign::Aliases;
use crate::kernel::{Access, Binding, Buffer, Dispatch, Lowered, Params, Target, fold};
use crate::ops::update::RINGS;

/// The most rings of a dispatch, whose bindings every device has.
const MOST_RINGS: usize = 3;
/// The most tensors of a step of Adam.
const MOST_TENSORS: usize = 7;
/// The most elements of a tensor that shares its dispatch: beyond, a launch costs little beside the step.
const SMALL: f64 = 1e6;

/// Joins updates.
pub(super) fn join(lowered: &mut Lowered, target: &Target) {
    let aliases = Aliases::new(lowered);
    let dispatches = std::mem::take(&mut lowered.dispatches);
    let mut updates = Updates { dispatches: dispatches.into_iter().map(Some).collect(), aliases };
    for at in 0..updates.dispatches.len() {
        updates.join_rings(at);
        updates.join_tensors(at, target.bindings);
    }
    lowered.dispatches = updates.dispatches.into_iter().flatten().collect();
}

struct Updates {
    dispatches: Vec<Option<Dispatch>>,
    aliases: Aliases,
}

impl Updates {
    fn named(&self, at: usize, kernel: &str) -> Option<&Dispatch> {
        self.dispatches[at].as_ref().filter(|d| d.kernel.name == kernel)
    }

    fn same(&self, a: Buffer, b: Buffer) -> bool {
        self.aliases.of(a) == self.aliases.of(b)
    }

    /// True where nothing after the dispatch `from` up to `to` reads what `from` writes, which can then run at `to`.
    fn can_wait(&self, from: usize, to: usize) -> bool {
        let Some(dispatch) = &self.dispatches[from] else { return false };
        let written = || dispatch.bindings.iter().filter(|b| b.access != Access::Read);
        let reads = |b: &Binding| match b.access {
            Access::Update { from } => written().any(|w| self.same(w.buffer, from) || self.same(w.buffer, b.buffer)),
            _ => written().any(|w| self.same(w.buffer, b.buffer)),
        };
        !self.dispatches[from + 1..=to].iter().flatten().any(|d| d.bindings.iter().any(reads))
    }

    /// Rings that are written by a counter before it is advanced at `at`.
    fn join_rings(&mut self, at: usize) {
        let Some(advance) = self.named(at, "optim/advance").cloned() else { return };
        let [Binding { access: Access::Update { from: counter }, .. }] = advance.bindings[..] else { return };
        let by_it = |&i: &usize| self.named(i, "optim/ring").is_some_and(|d| self.same(d.bindings[1].buffer, counter));
        let found: Vec<usize> = (0..at).filter(by_it).filter(|&i| self.can_wait(i, at)).take(MOST_RINGS).collect();
        let rings: Vec<Dispatch> = found.iter().filter_map(|&i| self.dispatches[i].take()).collect();
        if rings.is_empty() {
            return;
        }
        let length = |k: usize| rings.get(k).map_or(0, |ring| ring.params.words()[0] as usize);
        let by = advance.params.words()[0] as usize;
        let params = (0..MOST_RINGS).fold(Params::new().u32(by), |params, k| params.u32(length(k)));
        let bindings = rings.iter().flat_map(|ring| [ring.bindings[0], ring.bindings[2]]);
        let bindings = advance.bindings.iter().copied().chain(bindings).collect();
        let kernel = RINGS.kernel(&RINGS.variants[0], &[rings.len() - 1]);
        let label = rings.iter().map(|ring| ring.label.as_str()).chain([advance.label.as_str()]).collect::<Vec<_>>().join(" ");
        self.dispatches[at] = Some(Dispatch { kernel, bindings, params, label, ..advance });
    }

    /// The step of Adam at `at` joined by the earlier ones of the same settings, where they fit. Those of `at` is the last.
    fn join_tensors(&mut self, at: usize, bindings: usize) {
        let Some(last) = self.named(at, "optim/adam").filter(|d| d.flops < SMALL).cloned() else { return };
        let most = (bindings.saturating_sub(2) / 4).min(MOST_TENSORS);
        let Some(previous) = (0..at).rev().find(|&i| self.joins(i, &last, most)).filter(|&i| self.can_wait(i, at)) else { return };
        let Some(joined) = self.dispatches[previous].as_ref().and_then(|earlier| joined(earlier, &last)) else { return };
        self.dispatches[previous] = None;
        self.dispatches[at] = Some(joined);
    }

    /// True where `at` is a step of Adam with the settings, the rate and the counter of `last`, of fewer than `most` tensors.
    fn joins(&self, at: usize, last: &Dispatch, most: usize) -> bool {
        self.named(at, "optim/adam").is_some_and(|d| {
            let shared = || d.bindings[..2].iter().zip(&last.bindings[..2]).all(|(a, b)| self.same(a.buffer, b.buffer));
            d.flops < SMALL
                && d.bindings.len() < 2 + 4 * most
                && d.kernel.variant.split("+tensors").next() == Some(&*last.kernel.variant)
                && d.params.words()[..6] == last.params.words()[..6]
                && shared()
        })
    }
}

/// A step of Adam for the tensors of `some` and the one of `last`.
fn joined(some: &Dispatch, last: &Dispatch) -> Option<Dispatch> {
    let tensors = (some.bindings.len() - 2) / 4;
    let (head, rest) = some.kernel.wgsl.split_once("//@ tensor\n")?;
    let (made, main) = rest.split_once("//@ main\n")?;
    let (_, rest) = last.kernel.wgsl.split_once("//@ tensor\n")?;
    let (plain, _) = rest.split_once("//@ main\n")?;
    let binding = |text: String, b: usize| text.replace(&format!("@binding({b})"), &format!("@binding({})", b + 4 * tensors));
    let one_more = (2..6).rev().fold(numbered(plain, tensors), binding);
    let head = head.replace("    //@ members\n", &format!("    items{tensors}: u32,\n    before{tensors}: u32,\n    //@ members\n"));
    let call = "        update(i, c1, c2);\n";
    let main = main.replace(call, &format!("{call}        update{tensors}(i, c1, c2);\n"));
    let items = *last.params.words().get(6)? as usize;
    let workgroups = |d: &Dispatch| d.grid.iter().map(|&n| n as usize).product::<usize>();
    let before = workgroups(some);
    // A workgroup holds as many items of any width as make its words.
    let width = if last.kernel.variant.contains("scalar") { 1 } else { 4 };
    let mut kernel = last.kernel.clone();
    kernel.wgsl = format!("{head}//@ tensor\n{made}{one_more}//@ main\n{main}").into();
    kernel.variant = format!("{}+tensors={}", last.kernel.variant, tensors + 1).into();
    Some(Dispatch {
        kernel,
        bindings: some.bindings.iter().chain(&last.bindings[2..]).copied().collect(),
        params: some.params.clone().u32(items).u32(before * crate::kernel::common::FLAT_WORDS / width),
        grid: fold(before + workgroups(last)),
        flops: some.flops + last.flops,
        label: last.label.clone(),
    })
}

/// The part of the kernel for one tensor under names of its own.
fn numbered(text: &str, number: usize) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        out.push_str(&word);
        if ["g", "p", "m", "v", "update", "items", "before"].contains(&word.as_str()) {
            out.push_str(&number.to_string());
        }
        word.clear();
        out.push(c);
    }
    out
}
