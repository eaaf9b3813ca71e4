//! Every op: its kernels in every variant against the f64 definition, and its reverse rule against finite differences.

use tapetum::Device;
use tapetum::check;
use tapetum::gpu::Options;

/// The adapter the environment names, or any, software included: these tests fail where there is none.
fn gpu() -> Device {
    Device::gpu(&Options { software: true, ..Options::from_env() })
        .expect("a Vulkan, Metal or DX12 adapter; the README says how to get one")
}

#[test]
fn kernels_keep_to_their_definitions() {
    let device = gpu();
    let mut failed = Vec::new();
    for case in check::select(None).unwrap() {
        match check::kernels(&case, &device) {
            Ok(outcomes) => failed.extend(outcomes.into_iter().filter(|o| !o.passed()).map(|o| format!("{o:?}"))),
            Err(e) => failed.push(format!("{}: {e}", case.name)),
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn reverse_rules_agree_with_finite_differences() {
    let mut failed = Vec::new();
    for case in check::select(None).unwrap().into_iter().filter(|c| c.differentiable) {
        match check::gradients(&case) {
            Ok(e) if e < 1e-6 => {}
            other => failed.push(format!("{}: {other:?}", case.name)),
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn the_host_executor_keeps_to_the_definitions_in_single_precision() {
    let mut failed = Vec::new();
    for case in check::select(None).unwrap() {
        match check::kernels(&case, &Device::cpu()) {
            Ok(outcomes) => failed.extend(outcomes.into_iter().filter(|o| !o.passed()).map(|o| format!("{o:?}"))),
            Err(e) => failed.push(format!("{}: {e}", case.name)),
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}
