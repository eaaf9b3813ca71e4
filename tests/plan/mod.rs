//! Properties of plans over random tapes: a plan computes the values of its tape, no two live values share memory, and its counts of memory
//! are right.
//!
//! The seed is fixed, so that a run repeats; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask for others.

#[cfg(feature = "cli")]
mod counts;
mod found;
mod own;
mod replay;
mod tapes;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use replay::{one_by_one, replay};
use tapes::{Case, Move, case, recipe};
use tapetum::gpu::Options;
use tapetum::kernel::Target;
use tapetum::plan::{Plan, Storage};
use tapetum::{Device, HostTensor, State};

fn config(cases: u32) -> ProptestConfig {
    let wanted = ProptestConfig::default();
    let rng_seed = if std::env::var_os("PROPTEST_RNG_SEED").is_some() { wanted.rng_seed } else { RngSeed::Fixed(0x7a9e) };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { wanted.cases } else { cases };
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..wanted }
}

proptest! {
    #![proptest_config(config(6000))]

    #[test]
    fn no_two_live_values_share_a_slot(recipe in recipe(40)) {
        let Case { tape, outputs, .. } = case(&recipe);
        let plan = Plan::new(&tape, &outputs, &Target::portable()).unwrap();
        let counted = replay(&tape, &plan).map_err(|e| TestCaseError::fail(format!("{e}\n{tape}\n{plan}")))?;
        let memory = plan.memory;
        prop_assert_eq!(memory.lower_bound, counted.alive);
        prop_assert_eq!(memory.planned, plan.slots.iter().sum::<u64>());
        prop_assert!(memory.lower_bound <= memory.planned);
        prop_assert_eq!(memory.unplanned, one_by_one(&tape, &outputs));
    }
}

fn software() -> Device {
    Device::gpu(&Options { software: true, checks: true, ..Options::from_env() })
        .expect("a Vulkan, Metal or DX12 adapter, if need be software")
}

/// Runs two steps and returns the outputs after each, and all states at the end.
fn run(device: &Device, case: &Case) -> Vec<(String, HostTensor)> {
    let state = State::new(device);
    let mut program = device.compile_with(&case.tape, &case.outputs, &state).unwrap();
    for (var, value) in &case.inputs {
        program.write(*var, value).unwrap();
    }
    let mut found = Vec::new();
    for step in 0..2 {
        program.step().unwrap();
        for &v in &case.outputs {
            found.push((format!("%{} after step {step}", v.index()), program.read(v).unwrap()));
        }
    }
    found.extend(state.names().into_iter().map(|name| (name.clone(), state.read(&name).unwrap())));
    found
}

/// The first difference of two runs beyond `tolerance`, which is relative where values are above 1; `None` where there is none.
fn difference(got: &[(String, HostTensor)], wanted: &[(String, HostTensor)], tolerance: f64) -> Option<String> {
    if got.len() != wanted.len() {
        return Some(format!("{} values, {} expected", got.len(), wanted.len()));
    }
    for ((name, a), (other, b)) in got.iter().zip(wanted) {
        if name != other || a.ty() != b.ty() {
            return Some(format!("{name} {} where {other} {} is expected", a.ty(), b.ty()));
        }
        for (i, (x, y)) in a.to_f64_vec().into_iter().zip(b.to_f64_vec()).enumerate() {
            let apart = (x - y).abs();
            if apart.is_nan() || apart > tolerance * (1.0 + y.abs()) {
                return Some(format!("{name}[{i}] is {x}, {y} expected"));
            }
        }
    }
    None
}

#[test]
fn planned_equals_unplanned() {
    let gpu = software();
    let mut runner = proptest::test_runner::TestRunner::new(config(24));
    let result = runner.run(&recipe(24), |recipe: Vec<Move>| {
        let case = case(&recipe);
        let wanted = run(&Device::oracle(), &case);
        match difference(&run(&gpu, &case), &wanted, 1e-4) {
            None => Ok(()),
            Some(what) => Err(TestCaseError::fail(format!("{what}\n{}", case.tape))),
        }
    });
    result.unwrap();
}

#[test]
fn the_generator_reaches_every_part() {
    // A property over tapes that never train, share or fuse would show nothing.
    let mut seen = std::collections::BTreeSet::new();
    let mut runner = proptest::test_runner::TestRunner::new(config(300));
    let seen_by = std::cell::RefCell::new(&mut seen);
    runner
        .run(&recipe(40), |recipe: Vec<Move>| {
            let Case { tape, outputs, .. } = case(&recipe);
            let plan = Plan::new(&tape, &outputs, &Target::portable()).unwrap();
            let mut seen = seen_by.borrow_mut();
            for step in &plan.steps {
                seen.extend(step.label.split(' ').map(str::to_owned));
                if step.label.contains(' ') {
                    seen.insert("a chain".into());
                }
                if step.bindings.iter().any(|(s, w)| *w && matches!(s, Storage::State(_))) && step.label != "copy" {
                    seen.insert("in place".into());
                }
            }
            if plan.memory.planned < plan.memory.unplanned {
                seen.insert("less memory".into());
            }
            Ok(())
        })
        .unwrap();
    for part in [
        "a chain",
        "in place",
        "less memory",
        "copy",
        "adam",
        "sgd",
        "ring",
        "matmul",
        "softmax",
        "concatenate",
        "transpose",
        "gather_rows",
    ] {
        assert!(seen.contains(part), "{part} is never planned; only {seen:?}");
    }
}

#[test]
fn the_replay_sees_a_shared_slot() {
    let Case { tape, outputs, .. } = case(&[[9, 0, 2, 1], [7, 1, 1, 1], [9, 0, 4, 3], [3, 0, 0, 0], [7, 0, 1, 1]]);
    let plan = Plan::new(&tape, &outputs, &Target::portable()).unwrap();
    assert!(replay(&tape, &plan).is_ok());
    let slots = plan.slots.len();
    let mut seen = 0;
    for (a, b) in (0..slots).flat_map(|a| (0..slots).map(move |b| (a, b))).filter(|(a, b)| a != b) {
        let mut bad = plan.clone();
        for (place, _) in bad.steps.iter_mut().flat_map(|s| &mut s.bindings).filter(|(p, _)| *p == Storage::Slot(a)) {
            *place = Storage::Slot(b);
        }
        seen += usize::from(replay(&tape, &bad).is_err());
    }
    assert!(slots > 1 && seen > 0, "{slots} slots, {seen} mistakes seen\n{plan}");
}

/// The whole objective of a parcellation of both hemispheres of fsaverage5, P = 400. No value is larger than two memberships, so there is
/// never one of parcels × vertices × time.
#[cfg(feature = "cli")]
#[test]
fn full_resolution_fits() {
    use tapetum::bench::step::whole_cortex;
    use tapetum::connectome::parcels::learn_parcels::{Settings, training_tape};
    let surface = whole_cortex(652, 0).unwrap();
    let tape = training_tape(&surface, &Settings { parcels: 400, ..Settings::default() }).unwrap();
    let limit = 2 * 400 * 20_484 * 4;
    let largest = tape.nodes().iter().flat_map(|n| n.outputs.clone()).map(|i| tape.ty(tape.var(i)).bytes()).max().unwrap();
    assert!(largest <= limit, "a value takes {largest} bytes, more than {limit}");
    let plan = Plan::new(&tape, &[], &Target::portable()).unwrap();
    let largest = plan.slots.iter().copied().max().unwrap();
    assert!(largest <= limit, "a slot takes {largest} bytes, more than {limit}");
    println!("planned {:.0} MB in {} slots", plan.memory.planned as f64 / 1e6, plan.slots.len());
}
