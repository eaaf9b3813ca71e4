//! GIFTI: series, labels and meshes of a surface (`.func.gii`, `.shape.gii`, `.label.gii`, `.surf.gii`), by the format's version 1.0. No
//! maintained crate reads this format. The XML is parsed by `roxmltree`.

mod array;
mod labels;
mod mesh;
mod write;

pub use labels::read_gifti_labels_bytes;
pub use mesh::{Mesh, read_mesh, read_mesh_bytes};
pub use write::{label_gifti, series_gifti};

use super::cifti::labels::metadata;
use crate::error::Reason;
use crate::{Error, HostTensor, Result};
use array::Array;
use roxmltree::{Document, ParsingOptions};
use std::collections::BTreeSet;
use std::path::Path;

/// The key of the metadata that names the structure of a surface.
const STRUCTURE: &str = "AnatomicalStructurePrimary";

/// Intents whose values are a series or a map, with one array for each frame. The names of statistics follow in [`STATISTICS`].
const FRAMES: [&str; 4] = ["NONE", "TIME_SERIES", "SHAPE", "ESTIMATE"];

/// Intents of statistics at vertices, in the order of the standard.
const STATISTICS: [&str; 23] = [
    "CORREL",
    "TTEST",
    "FTEST",
    "ZSCORE",
    "CHISQ",
    "BETA",
    "BINOM",
    "GAMMA",
    "POISSON",
    "NORMAL",
    "FTEST_NONC",
    "CHISQ_NONC",
    "LOGISTIC",
    "LAPLACE",
    "UNIFORM",
    "TTEST_NONC",
    "WEIBULL",
    "CHI",
    "INVGAUSS",
    "EXTVAL",
    "PVAL",
    "LOGPVAL",
    "LOG10PVAL",
];

/// Values at vertices of a surface.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    /// f32 `[vertices, time]`.
    pub values: HostTensor,
    /// The vertex number of each row, where the file says that its rows are not all vertices in order (`NIFTI_INTENT_NODE_INDEX`, as AFNI
    /// writes it).
    pub vertices: Option<Vec<usize>>,
    /// The structure to which the surface belongs, as CIFTI-2 names it (`CORTEX_LEFT`), where the file says it.
    pub structure: Option<String>,
}

/// Reads series from a GIFTI file: one data array for each frame, or one array of two axes. `name` stands for the file in errors, and files
/// of external data are looked for beside it.
///
/// # Errors
/// Returns [`Error::File`] where the bytes are not a GIFTI file; an array holds neither values on vertices nor their index (arrays of
/// surfaces and labels do not); arrays have unequal lengths; an index is not a list of distinct vertices; or an array does not agree with
/// its attributes (the message names the array, counted from 0).
pub fn read_gifti_bytes(name: &Path, bytes: &[u8]) -> Result<Surface> {
    let found = arrays(name, bytes).map_err(|what| Error::file(name, what))?;
    let values = found.values.iter().map(|&x| x as f32).collect();
    Ok(Surface { values: HostTensor::f32([found.rows, found.columns], values)?, vertices: found.vertices, structure: found.structure })
}

/// All arrays of a file, one after the other, row by row.
pub(super) struct Arrays {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<f64>,
    pub(super) vertices: Option<Vec<usize>>,
    pub(super) structure: Option<String>,
}

/// The series of a file.
pub(super) fn arrays(name: &Path, bytes: &[u8]) -> Result<Arrays, Reason> {
    let document = document(bytes)?;
    let read = array::arrays(&document, name, |intent| {
        match intent == "NODE_INDEX" || FRAMES.contains(&intent) || STATISTICS.contains(&intent) {
            true => Ok(()),
            false => {
                let read = FRAMES.join(", ");
                Err(format!("series or a map of vertices expected ({read} and statistics, as .func.gii and .shape.gii have)"))
            }
        }
    })?;
    let structure = structure(&document, &read);
    let rows = read.first().ok_or("a GIFTI file with a data array expected")?.rows;
    if let Some(i) = read.iter().position(|a| a.rows != rows) {
        return Err(format!("data array {i}, counted from 0, is of {} vertices, and the first of {rows}", read[i].rows).into());
    }
    let (indices, frames): (Vec<Array>, Vec<Array>) = read.into_iter().partition(|a| a.intent == "NODE_INDEX");
    let vertices = match indices.as_slice() {
        [] => None,
        [one] => Some(vertices(one)?),
        more => return Err(format!("{} arrays of intent NODE_INDEX: one at most is expected", more.len()).into()),
    };
    let columns: usize = frames.iter().map(|a| a.columns).sum();
    if columns == 0 {
        return Err("an index of vertices and no series: a data array of values is expected".into());
    }
    let mut values = vec![0.0; rows * columns];
    let mut from = 0;
    for a in &frames {
        for (row, given) in values.chunks_exact_mut(columns).zip(a.values.chunks_exact(a.columns)) {
            row[from..from + a.columns].copy_from_slice(given);
        }
        from += a.columns;
    }
    Ok(Arrays { rows, columns, values, vertices, structure })
}

/// The vertices that an index names: whole numbers from 0 on that all differ.
fn vertices(index: &Array) -> Result<Vec<usize>, String> {
    let vertex = |&x: &f64| (x.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(&x)).then_some(x as usize);
    let found: Option<Vec<usize>> = index.values.iter().map(vertex).collect();
    let found = found.filter(|_| index.columns == 1);
    let found = found.ok_or("NODE_INDEX: one axis of whole numbers from 0 on, the vertices of the rows, is expected")?;
    match found.iter().collect::<BTreeSet<_>>().len() == found.len() {
        true => Ok(found),
        false => Err("NODE_INDEX: the same vertex twice".into()),
    }
}

/// The XML of a file.
fn document(bytes: &[u8]) -> Result<Document<'_>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "a GIFTI file expected: not text in UTF-8")?;
    // The standard asks for a reference to its DTD.
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| format!("a GIFTI file expected: {e}"))?;
    match document.root_element().tag_name().name() {
        "GIFTI" => Ok(document),
        other => Err(format!("a GIFTI file expected, found XML of <{other}>")),
    }
}

/// The structure of a file as CIFTI-2 names it, from the metadata of an array or of the file: `CORTEX_LEFT` for `CortexLeft`.
fn structure(document: &Document<'_>, arrays: &[Array]) -> Option<String> {
    let of_file = || metadata(document.root_element()).into_iter().find(|(key, _)| key == STRUCTURE).map(|(_, value)| value);
    // A name that is longer than any of the standard names nothing.
    let named = arrays.iter().find_map(|a| a.structure.clone()).or_else(of_file).filter(|name| name.len() <= 64)?;
    let mut name = String::new();
    for letter in named.chars().filter(|c| c.is_alphanumeric() || *c == '_') {
        if letter.is_uppercase() && name.chars().last().is_some_and(char::is_lowercase) {
            name.push('_');
        }
        name.push(letter);
    }
    Some(name.to_uppercase()).filter(|name| !name.is_empty())
}

/// A structure as GIFTI names it: `CortexLeft` for `CORTEX_LEFT`.
fn gifti_structure(name: &str) -> String {
    let word =
        |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1).flat_map(char::to_lowercase)).collect();
    name.split('_').map(word).collect::<Vec<String>>().concat()
}
