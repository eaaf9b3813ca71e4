//! What a host computes of results and series: agreement of clusterings, figures of predictions, means taken off in f64.

pub mod agreement;
pub mod centre;
pub mod metrics;
