//! Connectomes as graphs: Laplacians, modularity and communities, and eigenmaps (connectopies).

mod cases;
pub mod communities;
pub mod eigenmaps;
mod matrices;

pub(super) use cases::cases;
