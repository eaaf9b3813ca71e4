//! GIFTI files as text: series and labels at the vertices of a surface.

use super::super::cifti::LabelTable;
use super::super::cifti::labels::{escaped, label_table_xml};
use super::{STRUCTURE, gifti_structure};
use crate::{Error, HostTensor, Result};
use base64::Engine;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::fmt::Write as _;
use std::io::Write as _;

/// The text of a `.label.gii` file: the key of each vertex, and the table of the labels. `structure` is named as CIFTI-2 does
/// (`CORTEX_LEFT`).
pub fn label_gifti(keys: &[i32], table: &LabelTable, structure: Option<&str>) -> String {
    let mut xml = opened(1, structure);
    label_table_xml(table, &mut xml);
    let bytes: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
    array(&mut xml, ["LABEL", "INT32"], keys.len(), &bytes, &[("Name", "parcels")]);
    xml + "</GIFTI>\n"
}

/// The text of a `.func.gii` file: an array for each frame of series `[vertices, time]`, in single precision. `vertices` are the
/// vertices of the rows, where the rows are not all vertices in order. GIFTI has no place for the time between frames.
///
/// # Errors
/// Returns [`Error::Argument`] where the series do not have two axes.
pub fn series_gifti(series: &HostTensor, vertices: Option<&[i32]>) -> Result<String> {
    let [rows, frames] = *series.shape() else {
        return Err(Error::argument(format!("series [vertices, time] are expected for a surface, found {}", series.shape())));
    };
    let single = series.to_real::<f32>();
    let values = single.elements::<f32>()?;
    let mut xml = opened(frames + usize::from(vertices.is_some()), None);
    if let Some(vertices) = vertices {
        let bytes: Vec<u8> = vertices.iter().flat_map(|v| v.to_le_bytes()).collect();
        array(&mut xml, ["NODE_INDEX", "INT32"], rows, &bytes, &[]);
    }
    for frame in 0..frames {
        let bytes: Vec<u8> = values.chunks_exact(frames).flat_map(|row| row[frame].to_le_bytes()).collect();
        array(&mut xml, ["TIME_SERIES", "FLOAT32"], rows, &bytes, &[]);
    }
    Ok(xml + "</GIFTI>\n")
}

fn opened(arrays: usize, structure: Option<&str>) -> String {
    let mut xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<GIFTI Version=\"1.0\" NumberOfDataArrays=\"{arrays}\">");
    match structure {
        Some(name) => metadata(&mut xml, &[(STRUCTURE, &gifti_structure(name))]),
        None => metadata(&mut xml, &[]),
    }
    xml
}

fn metadata(xml: &mut String, pairs: &[(&str, &str)]) {
    xml.push_str("<MetaData>");
    for (key, value) in pairs {
        // Writing into a string cannot fail.
        let _ = write!(xml, "<MD><Name>{}</Name><Value>{}</Value></MD>", escaped(key), escaped(value));
    }
    xml.push_str("</MetaData>");
}

/// A data array of one axis.
fn array(xml: &mut String, [intent, kind]: [&str; 2], length: usize, bytes: &[u8], said: &[(&str, &str)]) {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into a vector cannot fail.
    let _ = packed.write_all(bytes);
    let text = base64::engine::general_purpose::STANDARD.encode(packed.finish().unwrap_or_default());
    let _ = write!(
        xml,
        "\n<DataArray Intent=\"NIFTI_INTENT_{intent}\" DataType=\"NIFTI_TYPE_{kind}\" ArrayIndexingOrder=\"RowMajorOrder\" \
         Dimensionality=\"1\" Dim0=\"{length}\" Encoding=\"GZipBase64Binary\" Endian=\"LittleEndian\" ExternalFileName=\"\" \
         ExternalFileOffset=\"\">"
    );
    metadata(xml, said);
    let _ = write!(xml, "<Data>{text}</Data></DataArray>");
}
