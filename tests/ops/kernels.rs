//! Every op: the kernels that a device takes for it against the f64 definition, and its reverse rule against finite differences.

use crate::common::gpu;
use tapetum::check;
use tapetum::{Device, ops::case::Case};

/// Checks every case by `hold`, and reports all that fail.
fn all(hold: impl Fn(&Case) -> Option<String>) {
    let cases = check::select(None).unwrap();
    let failed: Vec<_> = cases.iter().filter_map(hold).collect();
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

fn on(device: &Device) {
    all(|case| match check::chosen(case, device) {
        Ok(outcome) => (!outcome.passed()).then(|| format!("{outcome:?}")),
        Err(e) => Some(format!("{}: {e}", case.name)),
    });
}

/// The variants are those that the device takes by itself; the target `slow` checks all others.
#[test]
fn kernels_keep_to_their_definitions() {
    on(&gpu());
}

#[test]
fn the_host_executor_keeps_to_the_definitions_in_single_precision() {
    on(&Device::cpu());
}

#[test]
fn reverse_rules_agree_with_finite_differences() {
    all(|case| {
        if !case.differentiable {
            return None;
        }
        match check::gradients(case) {
            Ok(e) if e < 1e-6 => None,
            other => Some(format!("{}: {other:?}", case.name)),
        }
    });
}
