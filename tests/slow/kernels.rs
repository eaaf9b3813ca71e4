//! Every op: its kernels in every variant against the f64 definition.

use crate::common::gpu;
use tapetum::check;

#[test]
fn kernels_keep_to_their_definitions_in_every_variant() {
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
