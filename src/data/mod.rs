//! Reading and writing of files. In files, rows are time, as nilearn writes them; on the tape, time is the last axis. Series are transposed
//! here and nowhere else.
//!
//! [`FORMATS`] is the table of formats: by which extension each is recognised, what is read from it, and what is written.
//!
//! | content | read | written |
//! |---|---|---|
//! | series of regions, vertices or voxels | [`read_series`], [`read_series_bytes`], [`read_series_row`] | [`write_series`] |
//! | series of several subjects by name | [`read_cohort`] | |
//! | connectomes | [`read_connectome`], [`read_connectome_bytes`] | [`write_connectome`], [`write_connectomes`], row by row [`ConnectomeWriter`] |
//! | arrays | [`read_npy`], [`read_npy_bytes`], [`read_npz`], by rows [`NpyRows`] | [`write_npy`], piece by piece [`NpyWriter`] |
//! | tables | [`read_table`], [`read_table_bytes`], [`read_column`] | [`table_text`], [`cells_text`] |
//! | images | [`read_nifti`], [`read_nifti_bytes`], frame by frame [`NiftiReader`], by an atlas [`atlas_series`] | |
//! | matrices on grayordinates or parcels, CIFTI-2 | [`cifti::read_cifti`] | [`cifti::Cifti::to_bytes`] |
//! | surfaces, GIFTI | [`read_gifti_bytes`], [`read_gifti_labels_bytes`], [`read_mesh`] | [`series_gifti`], [`label_gifti`] |
//! | images and labels (idx, as MNIST's) | [`read_idx`], [`read_idx_bytes`] | |
//! | confounds | [`read_confounds`], [`read_confounds_bytes`] | |
//! | trees of BIDS derivatives | [`bids`] | [`bids::derivative`] |
//! | worms (calcium imaging) | [`read_worms`] | |
//! | the cortex that ships | [`shipped_cortex`] | |
//! | sparse matrices | | [`SparseWriter`] |
//! | values of regions | | [`write_values`] |
//! | anything | | [`write_file`](crate::file::write_file), [`FileWriter`](crate::file::FileWriter), [`OutputFolder`](crate::file::OutputFolder) |

pub mod bids;
pub mod cifti;
mod cohort;
mod confounds;
mod connectome;
mod format;
mod freesurfer;
mod gifti;
mod gzip;
#[cfg(feature = "hdf5")]
mod hdf5;
#[cfg(not(feature = "hdf5"))]
#[path = "without_hdf5.rs"]
mod hdf5;
mod idx;
mod label_table;
mod matlab;
mod named;
mod names;
mod nifti;
mod npy;
mod npz;
mod numbers;
mod series;
mod shipped;
mod sidecar;
mod sparse;
mod table;
mod values;
mod worms;

pub use cohort::{Cohort, read_cohort};
pub use confounds::{read_confounds, read_confounds_bytes};
pub use connectome::{
    Connectome, ConnectomeWriter, connectome_text, read_connectome, read_connectome_bytes, write_connectome, write_connectomes,
};
pub use format::{Content, FORMATS, Format, FormatRow};
pub use gifti::{Mesh, Surface, label_gifti, read_gifti_bytes, read_gifti_labels_bytes, read_mesh, read_mesh_bytes, series_gifti};
pub use idx::{Bytes, read_idx, read_idx_bytes};
pub use named::file_and_array;
pub use nifti::{Image, MapSeries, NiftiReader, Resample, atlas_series, is_nifti, read_nifti, read_nifti_bytes};
pub use npy::{NpyRows, NpyWriter, npy_bytes, read_npy, read_npy_bytes, read_npy_f64_bytes, write_npy};
pub use npz::{read_npz, read_npz_bytes};
pub use series::{
    Layout, Series, SeriesOptions, on_whole_surface, read_series, read_series_bytes, read_series_row, series_text, write_series,
};
pub use shipped::shipped_cortex;
pub use sparse::SparseWriter;
pub use table::{Delimiter, ReadAs, Table, TableOptions, cells_text, read_column, read_table, read_table_bytes, table_text};
pub use values::write_values;
pub use worms::{Worm, read_worms, shared_neurons};

use crate::{Error, Result};
use std::path::Path;

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::io(path, "cannot be read", &e))
}

/// The extension in lower case, empty where there is none.
fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}
