//! The cortex that ships with this crate: one hemisphere at rest.

use super::read_npy_bytes;
use crate::Result;
use crate::connectome::parcels::cortex::Cortex;

macro_rules! shipped {
    ($name:literal) => {
        read_npy_bytes($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/", $name)))
    };
}

/// The left hemisphere of one subject at rest: 2562 vertices, 652 frames 1.4 s apart; see `examples/data/DATA.md`. Its `atlas` is
/// Schaefer's 400 parcels.
///
/// # Errors
/// There are none, unless the files were changed before the crate was compiled.
pub fn shipped_cortex() -> Result<Cortex> {
    let series = shipped!("fsa4_lh_bold_f16.npy")?.to_real::<f32>();
    let mask = shipped!("fsa4_lh_valid_mask.npy")?;
    let (xyz, faces) = (shipped!("fsa4_lh_sphere_xyz.npy")?, shipped!("fsa4_lh_faces.npy")?);
    let atlas = Some(shipped!("fsa4_lh_schaefer400.npy")?);
    Ok(Cortex { atlas, ..Cortex::new(series, xyz, Some(faces), Some(&mask))? })
}
