//! The functions of the C interface, which the package in `examples/c` makes a shared and a static library of. Its header,
//! `examples/c/include/tapetum.h`, is made of these files and their comments.
//!
//! Handles are numbers in the shape of pointers, looked up in a table: one that was freed, never made or is of another kind is refused and
//! never followed. Other pointers come in types that Rust code cannot make, so that what C promises of them is their invariant and the
//! functions need no `unsafe` of their own. No panic crosses the border. Rows are time, as in files: series are `[time, regions]`, turned
//! here; on a tape, time is the last axis.

mod array;
mod border;
mod connectivity;
mod device;
mod handle;
mod parcels;
mod program;
mod progress;
mod results;
mod signal;
mod state;
mod tape;
mod text;
mod topology;
mod workflow;
