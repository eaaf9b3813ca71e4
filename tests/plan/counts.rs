//! The dispatches of training steps: a dispatch takes the time of a launch at least, and a small step little else.

use tapetum::bench::step::steps;
use tapetum::kernel::Target;

/// The most dispatches of a step on a GPU that binds 8 buffers, on one that binds 32, and on a software adapter.
const MOST: [(&str, [usize; 3]); 8] = [
    ("step/demo", [20, 20, 21]),
    ("step/parcels 3x90x120", [13, 13, 14]),
    ("step/correlation 4x100", [2, 2, 2]),
    ("step/gru", [490, 487, 489]),
    ("step/edges 32x100x64", [112, 101, 1177]),
    ("step/edges 32x100x128", [172, 161, 2299]),
    ("step/edges 32x100x256", [280, 274, 4537]),
    ("step/edges 1x1000x64", [205, 194, 3200]),
];

#[test]
fn steps_take_no_more_dispatches() {
    let gpu = Target::portable();
    let targets = [gpu.clone(), Target { bindings: 32, ..gpu.clone() }, Target { software: true, ..gpu }];
    for (name, most) in MOST {
        let step = steps().into_iter().find(|s| s.name == name).unwrap();
        let found = targets.each_ref().map(|target| step.plan(target, 0).unwrap().steps.len());
        assert!(found.iter().zip(most).all(|(found, most)| *found <= most), "{name}: {found:?} dispatches, at most {most:?} expected");
    }
}
