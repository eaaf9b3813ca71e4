//! Statistics of results and series on the host: clustering, agreement of clusters with labels, metrics of predictions, and standardised or
//! centred series.

pub mod agreement;
pub mod centre;
pub mod lloyd;
pub mod metrics;
pub mod missing;
pub mod standardise;
