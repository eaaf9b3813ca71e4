//! What the `tapetum` command shows and writes.

pub mod picture;
pub mod report;
