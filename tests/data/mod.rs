//! Files in and out.

mod atlases;
mod bids;
mod cases;
mod cifti;
mod cohort;
mod connectomes;
mod faults;
mod files;
mod gifti;
mod hdf5;
mod images;
mod labels;
mod matlab;
mod sparse;
mod worms;
mod writing;

use std::path::Path;

/// The message names the file first, then says each of `parts`.
#[track_caller]
fn assert_says<T: std::fmt::Debug>(result: tapetum::Result<T>, path: &Path, parts: &[&str]) {
    let message = result.expect_err("an error").to_string();
    assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
    for part in parts {
        assert!(message.contains(part), "`{message}` does not say `{part}`");
    }
}
