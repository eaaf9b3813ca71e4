//! Results for people: pictures as SVG, tables, and pages of HTML that hold both.

mod page;
pub mod picture;
mod table;

pub use page::{Figure, ReportTable, Section, report};
pub use table::table;
