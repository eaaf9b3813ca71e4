//! Results for people: pictures as SVG, tables, and pages of HTML that hold both.

mod connectome;
mod order;
mod page;
pub mod picture;
mod table;

pub use connectome::ConnectomeView;
pub use order::{cluster_order, reordered};
pub use page::{Figure, ReportTable, Section, report};
pub use table::{p_value, table};
