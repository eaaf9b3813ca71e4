//! A kernel's source, its variants, and the WGSL they make.

use super::{Target, common, current};
use crate::Error;
use std::borrow::Cow;
use std::sync::Arc;

/// A piece of WGSL that kernels share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snippet {
    /// The name of a variant that chooses it: its file's name, unless another is given.
    pub name: &'static str,
    /// Its file's name under `shaders/common/`.
    pub(crate) file: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl Snippet {
    /// Its text, or that of the file that stands in for it.
    pub(crate) fn current(&self) -> &'static str {
        current(&["common/", self.file], self.text)
    }
}

/// The adapters a variant is chosen for when nobody asks for one by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Adapters {
    /// Any.
    Any,
    /// Software adapters, where barriers and scalar loads are what costs.
    Software,
    /// GPUs.
    Hardware,
    /// GPUs whose cooperative matrices have this edge: see [`Target::cooperative`]. No other device can compile such a variant. Software
    /// adapters run it where it is asked for by name.
    Cooperative(usize),
    /// Adapters whose shaders compute with integers of 64 bits: see [`Target::int64`]. No other device can compile such a variant.
    Int64,
}

impl Adapters {
    /// True where `target` can run a variant that is for these adapters, chosen or asked for by name.
    pub fn run_on(self, target: &Target) -> bool {
        match self {
            Self::Cooperative(edge) => target.cooperative == Some(edge),
            Self::Int64 => target.int64,
            Self::Any | Self::Software | Self::Hardware => true,
        }
    }

    /// True where a variant for these adapters is chosen on `target`.
    fn suit(self, target: &Target) -> bool {
        match self {
            Self::Any => true,
            Self::Software => target.software,
            Self::Hardware => !target.software,
            Self::Cooperative(_) => target.prefers_cooperative() && self.run_on(target),
            Self::Int64 => self.run_on(target),
        }
    }
}

/// One way to build a kernel: constants and snippets before the file, never a copy of it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Variant {
    /// Its name, unique within the kernel.
    pub name: &'static str,
    /// The adapters it is chosen for.
    pub adapters: Adapters,
    /// The classes of work it is chosen for; all where there are none.
    pub classes: &'static [&'static str],
    /// `const` lines: name and value.
    pub constants: &'static [(&'static str, &'static str)],
    /// Snippets of this variant, after those that the kernel's file names.
    pub snippets: &'static [Snippet],
}

impl Variant {
    /// The only variant of a kernel that has no others.
    pub const PLAIN: [Self; 1] = [Self { name: "plain", adapters: Adapters::Any, classes: &[], constants: &[], snippets: &[] }];

    /// True where it computes on cooperative matrices.
    pub fn cooperative(&self) -> bool {
        matches!(self.adapters, Adapters::Cooperative(_))
    }

    /// The value of one of its whole-numbered constants.
    pub fn constant(&self, name: &str) -> Option<usize> {
        self.constants.iter().find(|(key, _)| *key == name).and_then(|(_, value)| value.trim_end_matches('u').parse().ok())
    }
}

/// A choice made when an op is lowered: a constant takes one of a few values, or one of a few snippets stands in.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Choice {
    /// A `const` line and its possible values.
    Constant(&'static str, &'static [&'static str]),
    /// One snippet of several.
    Snippet(&'static [Snippet]),
}

/// A hand-written kernel: a file, what goes before it, and its variants.
#[derive(Debug)]
#[non_exhaustive]
pub struct Source {
    /// `family/kernel`, its path under `shaders/`.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
    /// Its variants, the preferred first.
    pub variants: &'static [Variant],
    /// The choices that lowering makes.
    pub choices: &'static [Choice],
}

impl Source {
    /// The kernel of a file without variants or choices.
    pub(crate) const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text, variants: &Variant::PLAIN, choices: &[] }
    }

    /// The same in these variants.
    pub(crate) const fn with_variants(self, variants: &'static [Variant]) -> Self {
        Self { variants, ..self }
    }

    /// The same under these choices.
    pub(crate) const fn with_choices(self, choices: &'static [Choice]) -> Self {
        Self { choices, ..self }
    }

    /// The shared snippets it always needs: those that the line `// uses` of its header names, separated by commas. The tests hold every
    /// header to snippets that exist.
    pub fn snippets(&self) -> impl Iterator<Item = Snippet> {
        let named = current(&[self.name], self.text).lines().find_map(|line| line.strip_prefix("// uses ")).unwrap_or_default();
        named.split(',').filter_map(|name| common::NAMED.iter().copied().find(|s| s.name == name.trim()))
    }

    /// The variant for work of `class` on `target`: the one it pins by name, else the first that suits both.
    pub fn variant(&self, target: &Target, class: &str) -> &'static Variant {
        let named = |name: &str| self.variants.iter().find(|v| v.name == name && v.adapters.run_on(target));
        let pinned = target.pinned(self.name, class).and_then(named);
        let suits = |v: &&Variant| v.adapters.suit(target) && (v.classes.is_empty() || v.classes.contains(&class));
        pinned.or_else(|| self.variants.iter().find(suits)).unwrap_or(&self.variants[0])
    }

    /// The kernel of `variant` under `chosen`, an index into each of [`choices`](Self::choices).
    pub fn kernel(&self, variant: &Variant, chosen: &[usize]) -> Kernel {
        debug_assert_eq!(chosen.len(), self.choices.len(), "{} has {} choices", self.name, self.choices.len());
        let mut name = variant.name.to_owned();
        let mut constants = String::new();
        let mut snippets: Vec<&str> = self.snippets().map(|s| s.current()).collect();
        for (key, value) in variant.constants {
            constants.push_str(&format!("const {key} = {value};\n"));
        }
        for (choice, &at) in self.choices.iter().zip(chosen) {
            match choice {
                Choice::Constant(key, values) => {
                    constants.push_str(&format!("const {key} = {};\n", values[at]));
                    if at > 0 {
                        name.push_str(&format!("+{}={}", key.to_lowercase(), values[at]));
                    }
                }
                Choice::Snippet(options) => {
                    snippets.push(options[at].current());
                    if at > 0 {
                        name.push_str(&format!("+{}", options[at].name));
                    }
                }
            }
        }
        snippets.extend(variant.snippets.iter().map(Snippet::current));
        // Directives stand before all else.
        let (directives, snippets): (Vec<&str>, Vec<&str>) =
            snippets.iter().flat_map(|s| s.lines()).partition(|l| l.starts_with("enable "));
        let lines = |lines: Vec<&str>| lines.iter().flat_map(|line| [line, "\n"]).collect::<String>();
        let wgsl = format!("{}{constants}\n{}\n{}", lines(directives), lines(snippets), current(&[self.name], self.text));
        Kernel { name: Cow::Borrowed(self.name), variant: Cow::Owned(name), class: "", wgsl: wgsl.into(), trusted: true }
    }

    /// Every kernel this source makes.
    pub fn kernels(&self) -> Vec<Kernel> {
        let mut chosen = vec![vec![]];
        for choice in self.choices {
            let n = match choice {
                Choice::Constant(_, values) => values.len(),
                Choice::Snippet(options) => options.len(),
            };
            chosen = chosen.iter().flat_map(|c: &Vec<usize>| (0..n).map(move |i| [c.as_slice(), &[i]].concat())).collect();
        }
        self.variants.iter().flat_map(|v| chosen.iter().map(|c| self.kernel(v, c))).collect()
    }
}

/// Algorithms that compute the same on a device, each by kernels of its own.
#[derive(Debug)]
#[non_exhaustive]
pub struct Algorithms {
    /// `family/what`, as a kernel is called: what a pin names, with `@` and the class of work or without.
    pub name: &'static str,
    /// Each algorithm, and a kernel that only this one takes.
    pub all: &'static [(&'static str, &'static str)],
    /// The classes of work that [`Algorithms::rule`] tells apart, `[""]` where there is one.
    pub classes: &'static [&'static str],
    /// The algorithm for work of a class where nobody asks for one by name.
    pub rule: fn(&Target, &str) -> &'static str,
}

impl Algorithms {
    /// The algorithm for work of `class` on `target`: the one it pins by name, else the rule's.
    pub fn choose(&self, target: &Target, class: &str) -> &'static str {
        let pinned = target.pinned(self.name, class).and_then(|name| self.all.iter().find(|(algorithm, _)| *algorithm == name));
        pinned.map_or_else(|| (self.rule)(target, class), |(algorithm, _)| algorithm)
    }
}

/// A complete WGSL shader with the entry point `main`: storage buffers in group 0, one uniform struct in group 1.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// The kernel's name in tables and traces.
    pub name: Cow<'static, str>,
    /// The variant's name, with its choices.
    pub variant: Cow<'static, str>,
    /// The class of work the variant was chosen for; empty where the kernel has none.
    pub class: &'static str,
    /// The shader.
    pub wgsl: Arc<str>,
    /// True where the device may compile the kernel without runtime checks.
    pub trusted: bool,
}

/// The part of a variant's name that a pin holds. What follows a plus is chosen by the op and the plan, and not by the device.
pub(crate) fn pinned_variant(variant: &str) -> &str {
    variant.split('+').next().unwrap_or_default()
}

impl Kernel {
    /// The same, chosen for `class`.
    pub fn for_class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    /// The name by which the kernel's variant is pinned: the kernel, and `@` with the class of work where it has one.
    pub fn pin(&self) -> String {
        if self.class.is_empty() { self.name.to_string() } else { format!("{}@{}", self.name, self.class) }
    }

    /// The [`pinned_variant`] of its variant's name.
    pub(crate) fn pinned_variant(&self) -> &str {
        pinned_variant(&self.variant)
    }

    /// True where it computes on cooperative matrices, which only some devices under Vulkan have.
    pub fn cooperative(&self) -> bool {
        self.wgsl.contains("enable wgpu_cooperative_matrix;")
    }

    /// True where it computes with integers of 64 bits, which WebGPU has not.
    pub fn int64(&self) -> bool {
        self.wgsl.contains("u64(")
    }

    /// An [`Error::Shader`] of it.
    pub(crate) fn error(&self, what: impl Into<String>) -> Error {
        Error::Shader { kernel: format!("{}/{}", self.name, self.variant), what: what.into() }
    }

    /// A user's kernel, compiled with the device's runtime checks on.
    pub fn new(name: impl Into<Cow<'static, str>>, wgsl: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), variant: Cow::Borrowed("plain"), class: "", wgsl: wgsl.into(), trusted: false }
    }

    /// A user's kernel, compiled without runtime checks.
    ///
    /// # Safety
    /// No invocation may index outside its buffers, divide an integer by zero, or loop without end.
    pub unsafe fn new_trusted(name: impl Into<Cow<'static, str>>, wgsl: impl Into<Arc<str>>) -> Self {
        Self { trusted: true, ..Self::new(name, wgsl) }
    }
}
