//! The kinds of CIFTI-2 files.

use super::axis::Axis;

/// A kind of file, by what its rows and columns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Grayordinates by series, `.dtseries.nii`.
    DenseSeries,
    /// Parcels by series, `.ptseries.nii`.
    ParcellatedSeries,
    /// Grayordinates by maps of numbers, `.dscalar.nii`.
    DenseScalars,
    /// Parcels by maps of numbers, `.pscalar.nii`.
    ParcellatedScalars,
    /// Grayordinates by maps of labels, `.dlabel.nii`.
    DenseLabels,
    /// Parcels by parcels, `.pconn.nii`.
    ParcellatedConnectome,
}

/// The kinds that the standard has and that are not read: their intents and names.
const OTHERS: [(i64, &str); 6] = [
    (3001, "a dense connectome (.dconn.nii)"),
    (3005, "fibres or trajectories"),
    (3009, "a parcellated by dense connectome (.pdconn.nii)"),
    (3010, "a dense by parcellated connectome (.dpconn.nii)"),
    (3011, "a series of parcellated connectomes (.pconnseries.nii)"),
    (3012, "maps of parcellated connectomes (.pconnscalar.nii)"),
];

/// The kinds that are read, for refusals.
const READ: &str = ".dtseries.nii, .ptseries.nii, .dscalar.nii, .pscalar.nii, .dlabel.nii and .pconn.nii are read";

impl Kind {
    /// The kind of file with these rows and columns.
    ///
    /// # Errors
    /// Returns what the rows and columns are, where no kind has them.
    pub fn of(rows: &Axis, columns: &Axis) -> Result<Self, String> {
        match (rows, columns) {
            (Axis::BrainModels(_), Axis::Series(_)) => Ok(Self::DenseSeries),
            (Axis::Parcels(_), Axis::Series(_)) => Ok(Self::ParcellatedSeries),
            (Axis::BrainModels(_), Axis::Scalars(_)) => Ok(Self::DenseScalars),
            (Axis::Parcels(_), Axis::Scalars(_)) => Ok(Self::ParcellatedScalars),
            (Axis::BrainModels(_), Axis::Labels(_)) => Ok(Self::DenseLabels),
            (Axis::Parcels(_), Axis::Parcels(_)) => Ok(Self::ParcellatedConnectome),
            _ => Err(format!("a CIFTI file of {} by {}: {READ}", rows.what(), columns.what())),
        }
    }

    /// The NIfTI intent and its name.
    pub(super) fn intent(self) -> (i32, &'static str) {
        match self {
            Self::DenseSeries => (3002, "ConnDenseSeries"),
            Self::ParcellatedConnectome => (3003, "ConnParcels"),
            Self::ParcellatedSeries => (3004, "ConnParcelSries"),
            Self::DenseScalars => (3006, "ConnDenseScalar"),
            Self::DenseLabels => (3007, "ConnDenseLabel"),
            Self::ParcellatedScalars => (3008, "ConnParcelScalr"),
        }
    }
}

/// Refuses the kinds that are not read, before anything else of them is.
pub(super) fn check_intent(intent: i64) -> Result<(), String> {
    match OTHERS.iter().find(|(code, _)| *code == intent) {
        Some((_, what)) => Err(format!("a CIFTI file of {what}: {READ}")),
        None => Ok(()),
    }
}
