//! What a host computes of results: agreement of clusterings, figures of predictions.

pub mod agreement;
pub mod metrics;
