//! Writing of connectomes.

use super::super::format::{Content, Format};
use super::super::table::{cell, number_cell};
use super::super::{names, npy_bytes, npz};
use super::{CONNECTOME, Connectome, parcellated};
use crate::file::write_file;
use crate::{Error, Result};
use std::path::Path;

/// Writes matrices to a file of the format that its name says: `.npy`, with the regions' names in `NAME.names.txt` beside it; `.npz`, with the
/// arrays `connectome` and `names`; or, for one matrix, `.pconn.nii`, with the parcels where they are known, and `.tsv` or `.csv`, with a first column `Node` as XCP-D's `relmat.tsv` has it, and `n/a`
/// for what has no value. Regions without names are numbered from 0 in a table.
///
/// # Errors
/// Returns [`Error::File`] where the file's name has another extension, a table would hold several matrices, or the file cannot be written.
pub fn write_connectome(path: impl AsRef<Path>, connectome: &Connectome) -> Result<()> {
    let path = path.as_ref();
    let npy = || npy_bytes(&connectome.values).map_err(|e| Error::file(path, e));
    let text = |separator| connectome_text(connectome, separator).map_err(|e| Error::file(path, e));
    let of = connectome.names.as_deref();
    match Format::written_as(path, Content::Connectome)? {
        Format::Npy => names::write_with_names(path, npy()?, of, connectome.regions()),
        Format::Npz => npz::write_with_names(path, CONNECTOME, &connectome.values, of),
        Format::Cifti => write_file(path, &parcellated::bytes(path, connectome)?),
        Format::Csv => write_file(path, text(",")?.as_bytes()),
        _ => write_file(path, text("\t")?.as_bytes()),
    }
}

/// Writes the matrices of subjects as [`write_connectome`] does; `.npz` gets the subjects' names in an array `subjects`.
///
/// # Errors
/// The same as those of [`write_connectome`].
pub fn write_connectomes(path: impl AsRef<Path>, connectome: &Connectome, subjects: &[String]) -> Result<()> {
    let path = path.as_ref();
    match Format::written_as(path, Content::Connectome)? {
        Format::Npz => npz::write_with_texts(
            path,
            CONNECTOME,
            &connectome.values,
            &[("names", connectome.names.as_deref()), ("subjects", Some(subjects))],
        ),
        _ => write_connectome(path, connectome),
    }
}

/// The text of a table of one matrix, with a first column `Node` as XCP-D's `relmat.tsv` has it, and `n/a` for what has no value. Regions
/// without names are numbered from 0.
///
/// # Errors
/// Returns an error where there are several matrices.
pub fn connectome_text(connectome: &Connectome, separator: &str) -> Result<String> {
    let n = connectome.regions();
    if connectome.values.shape().elements() != n * n {
        let shape = connectome.values.shape();
        return Err(Error::argument(format!("a table holds one matrix, and there are {shape}: .npy or .npz is expected")));
    }
    let counted = (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    let names = connectome.names.as_deref().unwrap_or(&counted);
    let names: Vec<String> = names.iter().map(|name| cell(name)).collect();
    let rows = connectome.values.elements::<f32>()?.chunks_exact(n);
    let line = |(name, row): (&String, &[f32])| {
        let cells = std::iter::once(name.clone()).chain(row.iter().map(|x| number_cell(*x)));
        cells.collect::<Vec<_>>().join(separator) + "\n"
    };
    let header = format!("Node{separator}{}\n", names.join(separator));
    Ok(header + &names.iter().zip(rows).map(line).collect::<String>())
}
