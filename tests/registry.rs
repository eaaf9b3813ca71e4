//! Every kernel of the crate, in every variant, validates for each graphics API, can be written in each language and keeps within the
//! portable limits, and its file says what it computes.

use naga::{AddressSpace, Module};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use tapetum::check::plan;
use tapetum::kernel::{Choice, Kernel, Target};
use tapetum::ops::{algorithms, cases, pointwise::table::ROWS, sources};
use tapetum::plan::{Plan, template_source};
use tapetum::registry::{self, Entry, Format, Wanted, emit, file_name, kernels, list, translate};
use tapetum::tensor::Philox;
use tapetum::{DType, Error, Shape, Tape, TensorType, Var};

fn name(kernel: &Kernel) -> String {
    format!("{}/{}", kernel.name, kernel.variant)
}

/// Asserts that a kernel can be written in every language, as shipped and with runtime checks, and keeps within the portable limits.
fn holds(kernel: &Kernel) {
    for format in Format::ALL.into_iter().filter(|f| f.takes(kernel)) {
        for trusted in [true, false] {
            let text =
                translate(&Kernel { trusted, ..kernel.clone() }, format).unwrap_or_else(|e| panic!("{format:?}: {e}\n{}", kernel.wgsl));
            assert!(!text.is_empty(), "{} is nothing in {format:?}", name(kernel));
        }
    }
    let entry = Entry::of(kernel).unwrap();
    // A plan joins steps of Adam for as many tensors as a device binds.
    let joined = kernel.variant.split_once("+tensors=").map(|(_, tensors)| 2 + 4 * tensors.parse::<usize>().unwrap());
    assert!(entry.bindings <= joined.unwrap_or(8), "{} binds {} buffers", name(kernel), entry.bindings);
    // Cooperative matrices are for devices that say that they have more.
    let most = if kernel.cooperative() { 34_304 } else { 16 << 10 };
    assert!(entry.memory <= most, "{} takes {} bytes of workgroup memory", name(kernel), entry.memory);
    let [x, y, z] = entry.workgroup;
    assert!(x * y * z <= 256 && z <= 64, "{} has workgroups of {x} x {y} x {z}", name(kernel));
    let module = kernel.parse().unwrap();
    assert_eq!(module.entry_points[0].name, "main", "{}", name(kernel));
    layout_holds(kernel, &module);
}

/// Group 0 is storage buffers from binding 0 on without a gap; group 1 is one uniform struct, and there is no other group.
fn layout_holds(kernel: &Kernel, module: &Module) {
    let mut storage = Vec::new();
    let mut uniforms = Vec::new();
    for (_, variable) in module.global_variables.iter() {
        match (variable.space, variable.binding) {
            (AddressSpace::Storage { .. }, Some(at)) => storage.push((at.group, at.binding)),
            (AddressSpace::Uniform, Some(at)) => uniforms.push((at.group, at.binding)),
            (AddressSpace::Private | AddressSpace::WorkGroup, None) => {}
            (space, at) => panic!("{} has a variable in {space:?} at {at:?}", name(kernel)),
        }
    }
    storage.sort_unstable();
    let expected: Vec<_> = (0..storage.len() as u32).map(|i| (0, i)).collect();
    assert_eq!(storage, expected, "storage bindings of {}", name(kernel));
    assert_eq!(uniforms, [(1, 0)], "uniform bindings of {}", name(kernel));
}

#[test]
fn every_kernel_holds() {
    let all = kernels().unwrap();
    assert!(all.len() > sources().len() + 2 * ROWS.len(), "only {} kernels", all.len());
    let names: BTreeSet<_> = all.iter().map(|k| file_name(k, Format::Wgsl)).collect();
    assert_eq!(names.len(), all.len(), "two kernels would be one file");
    all.iter().for_each(holds);
}

/// Every function of the table takes its operands in every way that any chain may read them.
#[test]
fn every_function_holds_on_every_reading() {
    for space in [[8, 12], [5, 7]] {
        for &(op, arity, _) in ROWS {
            for (reading, operand) in registry::readings(space) {
                let mut operands = vec![TensorType::f32(space); arity];
                operands[arity - 1] = operand;
                holds(&registry::chain(&format!("{op}+{reading}"), op, &operands).unwrap());
            }
        }
    }
}

/// A source of random choices.
struct Dice {
    philox: Philox,
    thrown: usize,
}

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.thrown += 1;
        self.philox.word(self.thrown) as usize % n
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// A tape of up to sixteen functions, applied to one another and to operands of any type that broadcast, and its outputs.
fn random_tape(dice: &mut Dice) -> (Tape, Vec<Var>) {
    let mut tape = Tape::new();
    let [a, b, c] = dice.of(&[[2, 3, 4], [3, 5, 7], [1, 1, 1], [4, 1, 12], [2, 65, 3]]);
    let space = Shape::from([a, b, c]);
    let shapes = [space, space, Shape::from([a, 1, c]), Shape::from([b, 1]), Shape::from([c]), Shape::from([])];
    let mut values = vec![tape.input("x", TensorType::f32(space)).unwrap()];
    for i in 0..dice.below(5) {
        let dtype = dice.of(&[DType::F32, DType::F32, DType::I32, DType::U32, DType::F16]);
        values.push(tape.input(&format!("x{i}"), TensorType::new(dtype, dice.of(&shapes))).unwrap());
    }
    values.push(tape.full(dice.of(&shapes), 0.25).unwrap());
    let mut made = Vec::new();
    for _ in 0..=dice.below(15) {
        let (op, arity, _) = dice.of(ROWS);
        let mut operands: Vec<Var> = (0..arity).map(|_| dice.of(&values)).collect();
        // Most often on the last value, so that chains grow.
        operands[0] = if dice.below(4) > 0 { made.last().copied().unwrap_or(values[0]) } else { operands[0] };
        let mut y = tape.pointwise(op, &operands, [0.5, 2.0]).unwrap();
        if dice.below(6) == 0 && tape.shape(y) == space {
            let flat = tape.reshape(y, [a * b * c]).unwrap();
            let flat = tape.neg(flat).unwrap();
            y = tape.reshape(flat, space).unwrap();
        }
        values.push(y);
        made.push(y);
    }
    let mut asked = vec![made[made.len() - 1]];
    if dice.below(3) == 0 {
        asked.push(dice.of(&made));
    }
    (tape, asked)
}

#[test]
fn random_chains_hold() {
    let (mut longest, mut kernels) = (0, BTreeSet::new());
    for seed in 0..60 {
        let mut dice = Dice { philox: Philox::new(seed, 0, 0), thrown: 0 };
        let (tape, asked) = random_tape(&mut dice);
        let plan = Plan::new(&tape, &asked, &Target::portable()).unwrap();
        for step in &plan.steps {
            assert_eq!(step.kernel.name, "pointwise/chain", "{}", step.label);
            let ops = step.label.split(' ').count();
            assert!(ops <= 12, "{ops} ops in one chain: {}", step.label);
            longest = longest.max(ops);
            kernels.insert(step.kernel.wgsl.to_string());
            holds(&step.kernel);
        }
    }
    assert!(longest > 8 && kernels.len() > 60, "{} chains of at most {longest} ops", kernels.len());
}

/// The comment at the head of a file, before its code.
fn header(text: &str) -> String {
    text.lines().take_while(|line| line.starts_with("//")).map(|line| format!("{}\n", line.trim_start_matches('/'))).collect()
}

#[test]
fn files_say_what_they_compute() {
    for source in sources() {
        let header = header(source.text);
        for word in ["workgroup", "barrier", "cost"] {
            assert!(header.to_lowercase().contains(word), "the header of {} says nothing of its {word}", source.name);
        }
        let words: BTreeSet<_> = header.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for line in source.text.lines().filter(|line| line.contains("@group(0)")) {
            let binding = line.split('>').nth(1).and_then(|rest| rest.split(':').next()).unwrap().trim();
            assert!(words.contains(binding), "the header of {} says nothing of the binding {binding}", source.name);
        }
    }
    assert!(header(template_source()).contains("workgroup"));
}

/// The names that the line `// key` of a header lists, separated by `by`.
fn listed<'a>(text: &'a str, key: &str, by: char) -> Vec<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("// {key} "))).unwrap_or_default();
    line.split(by).map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The file under `shaders/common/` that holds the text of a snippet.
fn common_file(text: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders/common");
    let files = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let found = files.into_iter().find(|file| std::fs::read_to_string(file).unwrap() == text);
    found.unwrap().file_stem().unwrap().display().to_string()
}

/// `// uses` names the snippets that a kernel always takes, `// one of` those among which its variants and choices take one.
#[test]
fn files_name_their_snippets() {
    for source in sources() {
        let uses: Vec<_> = source.snippets().map(|s| common_file(s.text)).collect();
        assert_eq!(listed(source.text, "uses", ','), uses, "the header of {} names a snippet that does not exist", source.name);

        let mut alternatives = BTreeSet::new();
        for choice in source.choices {
            if let Choice::Snippet(options) = choice {
                alternatives.insert(options.iter().map(|s| common_file(s.text)).collect::<BTreeSet<_>>());
            }
        }
        for place in 0..source.variants.iter().map(|v| v.snippets.len()).max().unwrap_or(0) {
            alternatives.insert(source.variants.iter().filter_map(|v| v.snippets.get(place)).map(|s| common_file(s.text)).collect());
        }
        let one_of = listed(source.text, "one of", ';').into_iter();
        let one_of: BTreeSet<BTreeSet<_>> = one_of.map(|names| names.split('|').map(|name| name.trim().to_owned()).collect()).collect();
        assert_eq!(one_of, alternatives, "the alternatives in the header of {}", source.name);
    }
}

/// Every dispatch of every case fills its kernel's uniform struct: as many words, in the same order, of the same types.
#[test]
fn dispatches_fill_their_uniform_structs() {
    let mut targets = vec![Target::portable(), Target { software: true, ..Target::portable() }];
    for algorithms in algorithms() {
        let pinned = |&(name, _): &(&str, &str)| (algorithms.name.to_owned(), name.to_owned());
        targets.extend(algorithms.all.iter().map(|a| Target { variants: [pinned(a)].into(), ..Target::portable() }));
    }
    // The variants that are chosen for large works alone, and on devices that most machines do not have.
    let cooperative = sources().into_iter().filter(|s| s.variants.iter().any(|v| v.name == "cooperative"));
    let pins = cooperative.map(|s| (s.name.to_owned(), "cooperative".to_owned())).collect();
    targets.push(Target { cooperative: Some(16), variants: pins, ..Target::portable() });
    let mut never: BTreeSet<_> = sources().iter().map(|s| s.name).collect();
    let mut checked = HashSet::new();
    for (target, case) in targets.iter().flat_map(|t| cases().into_iter().map(move |c| (t, c))) {
        for step in plan(&case, target).unwrap_or_else(|e| panic!("{}: {e}", case.name)).steps {
            never.remove(&*step.kernel.name);
            if checked.insert((step.kernel.wgsl.clone(), step.params.clone())) {
                step.kernel.check_params(&step.params).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            }
        }
    }
    assert!(never.is_empty(), "no case dispatches {never:?}");
}

/// DX12 has no built-in number of workgroups: wgpu hands it over in a constant, which naga reads where the entry point itself asks for it.
/// In a function it would read the index of the workgroup instead, without an error.
#[test]
fn the_number_of_workgroups_is_read_in_the_entry_point() {
    let mut folded = 0;
    for kernel in kernels().unwrap().into_iter().filter(|k| Format::Hlsl.takes(k)) {
        let hlsl = String::from_utf8(translate(&kernel, Format::Hlsl).unwrap()).unwrap();
        let code = &hlsl[hlsl.find("[numthreads").unwrap()..];
        folded += usize::from(code.contains("_NagaConstants.other"));
        assert_eq!(code.contains("_NagaConstants.other"), kernel.wgsl.contains("grid.groups"), "{}", name(&kernel));
        // `params.groups` is a number of the kernel's own.
        let read = hlsl.match_indices(".groups").filter(|(at, _)| !hlsl[..*at].ends_with("params")).count();
        assert_eq!(read, 0, "{} reads the number of workgroups from its arguments", name(&kernel));
    }
    assert!(folded > 100, "only {folded} kernels on folded grids");
}

/// Every file under `shaders/` is a kernel of the registry or a snippet that some kernel takes.
#[test]
fn every_file_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut known: BTreeSet<String> = sources().iter().map(|s| s.name.to_owned()).collect();
    known.insert("pointwise/chain".to_owned());
    let all = kernels().unwrap();
    for family in std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()) {
        for file in std::fs::read_dir(&family).unwrap().map(|e| e.unwrap().path()) {
            let text = std::fs::read_to_string(&file).unwrap();
            let name = format!("{}/{}", family.file_name().unwrap().display(), file.file_stem().unwrap().display());
            assert!(!header(&text).is_empty(), "{name} begins without a comment");
            // Directives come before all else in a kernel.
            let text: String = text.split_inclusive('\n').filter(|line| !line.starts_with("enable ")).collect();
            let used = if name.starts_with("common/") { all.iter().any(|k| k.wgsl.contains(&text)) } else { known.remove(&name) };
            assert!(used, "{name} is no kernel's");
        }
    }
    assert!(known.is_empty(), "without a file: {known:?}");
}

#[test]
fn lists_and_emits() {
    let entries = list(Wanted { filter: Some("SYMMETRIC_product/shared64"), hardware: false }).unwrap();
    assert!(entries.iter().all(|e| e.kernel == "covariance/symmetric_product" && e.variant.starts_with("shared64")));
    assert_eq!((entries[0].workgroup, entries[0].bindings, entries[0].memory), ([64, 1, 1], 3, 8 << 10));
    assert_eq!(entries[0].json()["kernel"], "covariance/symmetric_product");

    let dir = std::env::temp_dir().join(format!("tapetum-shaders-{}", std::process::id()));
    assert_eq!(emit(Wanted { filter: Some("softmax/softmax_reverse"), hardware: false }, Format::Spirv, &dir).unwrap(), 72);
    let file = std::fs::read(dir.join("softmax_softmax_reverse_group+log=true.spv")).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(file[..4], 0x0723_0203_u32.to_le_bytes());

    let Err(Error::Argument { what }) = emit(Wanted { filter: Some("nothing"), hardware: false }, Format::Wgsl, &dir) else {
        panic!("an unknown kernel was written")
    };
    assert!(what.text().contains("`nothing`") && !dir.exists(), "{what}");
}
