//! Slow by nature: every variant of every kernel, whole demos and studies, the instrument. `tests/run.sh` leaves this out, `.ci/run`
//! does not.

#[path = "../common/mod.rs"]
mod common;

mod bench;
mod kernels;
mod networks;
