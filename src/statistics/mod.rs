//! What a host computes of results and series: clusters, agreement of clusters with labels, figures of predictions, standardised series,
//! series about their means.

pub mod agreement;
pub mod centre;
pub mod lloyd;
pub mod metrics;
pub mod standardise;
