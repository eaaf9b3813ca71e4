//! The one table of file formats: by which extension a format is recognised, what is read from it and what is written to it. Readers and
//! writers dispatch on it, refusals list its extensions, and `tapetum formats` prints it.

use crate::{Error, Result};
use std::path::Path;

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// NumPy's array.
    Npy,
    /// NumPy's archive of arrays by name.
    Npz,
    /// A table whose cells are separated by commas.
    Csv,
    /// A table whose cells are separated by tabs.
    Tsv,
    /// A table whose cells are separated by spaces or tabs.
    Text,
    /// An image of voxels, NIfTI-1 or NIfTI-2.
    Nifti,
    /// Series, shapes, labels or the mesh of a surface, GIFTI.
    Gifti,
    /// A matrix on grayordinates or parcels, CIFTI-2.
    Cifti,
    /// A mesh or the parcels of a surface, FreeSurfer.
    FreeSurfer,
    /// A graph of nodes and edges, GraphML.
    GraphMl,
    /// The names of an atlas, as FSL has them.
    FslAtlas,
    /// Datasets by their paths, HDF5 and NWB.
    Hdf5,
    /// Variables of MATLAB by name.
    Matlab,
}

/// The content that a file is read as or written from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Content {
    /// Series of regions, vertices or neurons over time.
    Series,
    /// Square matrices of connections.
    Connectome,
    /// An array of numbers of any shape.
    Array,
    /// Some of the connections of a connectome: a sparse matrix, or a line for each.
    Edges,
    /// A number for each region, such as its degree.
    Values,
    /// Columns of text and numbers, such as participants and confounds.
    Table,
    /// Regions of an image or of a surface.
    Atlas,
    /// Vertices and triangles of a surface.
    Mesh,
    /// Names of an atlas' regions.
    Labels,
}

impl Content {
    /// The content in words, as refusals name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Connectome => "a connectome",
            Self::Edges => "edges of a connectome",
            Self::Values => "values of regions",
            Self::Array => "an array",
            Self::Table => "a table",
            Self::Atlas => "an atlas",
            Self::Mesh => "a mesh",
            Self::Labels => "names of regions",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FormatRow {
    /// The format.
    pub format: Format,
    /// The ends of file names by which it is recognised, in lower case.
    pub extensions: &'static [&'static str],
    /// The format and the programs that write it, in words.
    pub what: &'static str,
    /// The contents that are read from it.
    pub read: &'static [Content],
    /// The contents that are written to it.
    pub written: &'static [Content],
}

use Content::{Array, Atlas, Connectome, Edges, Labels, Mesh, Series, Table, Values};

/// The table. The longest end that fits a file's name decides.
pub const FORMATS: &[FormatRow] = &[
    FormatRow {
        format: Format::Npy,
        extensions: &[".npy"],
        what: "NumPy's array; NAME.names.txt beside it holds the names of regions, one on each line",
        read: &[Series, Connectome, Array],
        written: &[Series, Connectome, Values],
    },
    FormatRow {
        format: Format::Npz,
        extensions: &[".npz"],
        what: "NumPy's arrays by name; FILE.npz:NAME chooses one, and an array `names` holds the names of regions; edges as scipy.sparse writes them",
        read: &[Series, Connectome, Array],
        written: &[Series, Connectome, Edges],
    },
    FormatRow {
        format: Format::Csv,
        extensions: &[".csv"],
        what: "table with commas; a connectome is a matrix, or a list of edges with the columns source, target and weight",
        read: &[Series, Connectome, Table, Labels],
        written: &[Series, Connectome, Edges, Values],
    },
    FormatRow {
        format: Format::Tsv,
        extensions: &[".tsv"],
        what: "table with tabs, as BIDS has them (fMRIPrep, XCP-D); a column participant_id or subject says whose a frame is; connectomes as in .csv",
        read: &[Series, Connectome, Table, Labels],
        written: &[Series, Connectome, Edges, Values],
    },
    FormatRow {
        format: Format::Text,
        extensions: &[".txt", ".1d", ".dat"],
        what: "table with spaces (FSL, AFNI, NumPy's savetxt), look-up table (FreeSurfer, ITK-SNAP); connectomes as in .csv",
        read: &[Series, Connectome, Labels],
        written: &[],
    },
    FormatRow {
        format: Format::Nifti,
        extensions: &[".nii", ".nii.gz"],
        what: "image of voxels, NIfTI-1 or NIfTI-2; series by an atlas (--atlas) of labels or of maps",
        read: &[Series, Atlas],
        written: &[],
    },
    FormatRow {
        format: Format::Gifti,
        extensions: &[".func.gii", ".shape.gii", ".gii"],
        what: "GIFTI: series and maps at the vertices of a surface; means by an atlas of labels (--atlas)",
        read: &[Series],
        written: &[Series],
    },
    FormatRow {
        format: Format::Gifti,
        extensions: &[".label.gii"],
        what: "GIFTI: labels of the vertices of a surface; FILE.label.gii:MAP chooses one map of several",
        read: &[Atlas],
        written: &[Atlas],
    },
    FormatRow {
        format: Format::Gifti,
        extensions: &[".surf.gii"],
        what: "GIFTI: the mesh of a surface, such as a sphere",
        read: &[Mesh],
        written: &[],
    },
    FormatRow {
        format: Format::Cifti,
        extensions: &[".ptseries.nii", ".pscalar.nii"],
        what: "CIFTI-2: series or maps of parcels (Workbench, XCP-D)",
        read: &[Series],
        written: &[Series],
    },
    FormatRow {
        format: Format::Cifti,
        extensions: &[".dtseries.nii", ".dscalar.nii"],
        what: "CIFTI-2: series or maps of vertices and voxels (HCP, fMRIPrep, XCP-D); means by an atlas of labels (--atlas)",
        read: &[Series],
        written: &[Series],
    },
    FormatRow {
        format: Format::Cifti,
        extensions: &[".pconn.nii"],
        what: "CIFTI-2: connectome of parcels",
        read: &[Connectome],
        written: &[Connectome],
    },
    FormatRow {
        format: Format::Cifti,
        extensions: &[".dlabel.nii"],
        what: "CIFTI-2: labels of vertices and voxels; FILE.dlabel.nii:MAP chooses one map of several",
        read: &[Atlas],
        written: &[Atlas],
    },
    FormatRow {
        format: Format::FreeSurfer,
        extensions: &[".annot"],
        what: "FreeSurfer: parcels of a surface",
        read: &[Atlas],
        written: &[],
    },
    FormatRow {
        format: Format::FreeSurfer,
        extensions: &[".sphere", ".sphere.reg"],
        what: "FreeSurfer: the mesh of a sphere",
        read: &[Mesh],
        written: &[],
    },
    FormatRow {
        format: Format::GraphMl,
        extensions: &[".graphml"],
        what: "graph, GraphML (networkx, igraph, Gephi); FILE.graphml:NAME chooses the data of edges that are the weights",
        read: &[Connectome],
        written: &[],
    },
    FormatRow {
        format: Format::FslAtlas,
        extensions: &[".xml"],
        what: "names of an atlas of FSL; --labels takes it",
        read: &[Labels],
        written: &[],
    },
    FormatRow {
        format: Format::Hdf5,
        extensions: &[".h5", ".hdf5", ".nwb"],
        what: "HDF5 and NWB; FILE.h5:/path/to/dataset chooses a dataset, and `names` beside it holds the names of regions",
        read: &[Series, Connectome],
        written: &[],
    },
    FormatRow {
        format: Format::Matlab,
        extensions: &[".mat"],
        what: "MATLAB, version 5 to 7.3; FILE.mat:NAME, NAME.FIELD or NAME{2} chooses a value, and `names` beside it holds the names of regions",
        read: &[Series, Connectome],
        written: &[],
    },
];

impl Format {
    /// The format of a file by its name; `None` for a name that no format has.
    pub fn of(path: &Path) -> Option<Self> {
        Self::row(path).map(|row| row.format)
    }

    /// The row of the table with the longest end that fits a file's name.
    fn row(path: &Path) -> Option<&'static FormatRow> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let ends = FORMATS.iter().flat_map(|row| row.extensions.iter().map(move |end| (end.len(), *end, row)));
        ends.filter(|(_, end, _)| name.ends_with(end)).max_by_key(|(length, ..)| *length).map(|(.., row)| row)
    }

    /// The format of a file that is to be read as `content`.
    ///
    /// # Errors
    /// Returns [`Error::File`], which lists the extensions that are read, where the name has none of them.
    pub fn read_as(path: &Path, content: Content) -> Result<Self> {
        Self::among(path, content, |row| row.read).ok_or_else(|| {
            let what = format!("not a file of {} by its extension: {} are read", content.name(), extensions(content, |row| row.read));
            Error::file(path, what)
        })
    }

    /// The format of a file to which `content` is to be written.
    ///
    /// # Errors
    /// Returns [`Error::File`], which lists the extensions that are written, where the name has none of them.
    pub fn written_as(path: &Path, content: Content) -> Result<Self> {
        Self::among(path, content, |row| row.written).ok_or_else(|| {
            let listed = extensions(content, |row| row.written);
            Error::file(path, format!("{} cannot be written to a file of this name: an end among {listed} is expected", content.name()))
        })
    }

    fn among(path: &Path, content: Content, list: fn(&FormatRow) -> &'static [Content]) -> Option<Self> {
        Self::row(path).filter(|row| list(row).contains(&content)).map(|row| row.format)
    }
}

/// The extensions of the formats that have this content, in words.
fn extensions(content: Content, list: fn(&FormatRow) -> &'static [Content]) -> String {
    let rows = FORMATS.iter().filter(|row| list(row).contains(&content));
    let ends: Vec<&str> = rows.flat_map(|row| row.extensions.iter().copied()).collect();
    match ends.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
