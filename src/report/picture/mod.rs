//! Pictures as self-contained SVG: no fonts, scripts or files outside. The same input gives the same text.
//!
//! They are written directly: plotters' SVG back end places everything on whole pixels, which roughens curves and parcel borders, and
//! has neither embedded images nor gradients.

mod axis;
mod barcode;
mod colour;
mod comparison;
mod heat;
mod line;
mod marker;
mod network;
mod outline;
mod place;
mod roofline;
mod scatter;
mod sphere;
mod svg;

pub use barcode::barcode;
pub use comparison::{Score, comparison};
pub use heat::{MAX_SIDE, Matrix, heat_map};
pub use line::line_chart;
pub use network::network;
pub use roofline::{Ceiling, Point, roofline};
pub use scatter::scatter;
pub use sphere::{Hemisphere, sphere_map};
pub(super) use svg::{ON_DARK, escape};
