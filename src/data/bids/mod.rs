//! Trees of BIDS derivatives, as fMRIPrep, XCP-D and their kin write them: `DIR/sub-01/[ses-1/]func/sub-01_task-rest_.._timeseries.tsv`.
//!
//! [`BidsTree::open`] lists a tree, [`BidsName`] takes a file's name apart, [`BidsTree::select`] finds the series that a [`BidsQuery`] asks
//! for, [`BidsTree::confounds`] the confounds beside one of them, [`BidsTree::repetition_time`] the seconds from frame to frame in its
//! sidecars, and [`Participants`] the table of the participants. [`derivative`] names results in the same layout and describes them.
//!
//! The names follow BIDS 1.10 (Gorgolewski et al. 2016; <https://bids-specification.readthedocs.io>) and what the programs write in fact:
//! XCP-D names the atlas of a table `atlas-` or `seg-`, by its version; both are read.

mod choice;
mod confounds;
pub mod derivative;
mod name;
mod participants;
mod query;
mod sidecar;
mod tree;

pub use choice::BidsSelection;
pub use name::BidsName;
pub use participants::Participants;
pub use query::{BidsQuery, BidsSeries};
pub use sidecar::RepetitionTime;
pub use tree::{BidsFile, BidsTree};
