//! What a host computes of results: clusters, agreement of clusters with labels, figures of predictions, standardised series.

pub mod agreement;
pub mod lloyd;
pub mod metrics;
pub mod standardise;
