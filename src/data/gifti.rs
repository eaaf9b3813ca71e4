//! GIFTI: series on a surface (`.func.gii`, `.shape.gii`), by the format's version 1.0. No crate that is kept up reads it; the XML is
//! `roxmltree`'s work, and a data array is a table of numbers in one of four encodings.

use crate::{Error, HostTensor, Result};
use base64::Engine;
use roxmltree::{Document, Node, ParsingOptions};
use std::io::Read;
use std::path::Path;

/// Reads series `[vertices, time]` of a GIFTI file, held in double precision where an array's values are of more digits than f32 has: a data array a frame, or one of two axes. `name` stands for the file in errors, and
/// files of external data are beside it.
///
/// # Errors
/// [`Error::File`] where the bytes are no GIFTI file, an array is not of values on vertices (those of surfaces and labels are not), they are
/// of unequal length, or an array is not as its attributes say (the message tells which, counted from 0).
pub fn read_gifti_bytes(name: &Path, bytes: &[u8]) -> Result<HostTensor> {
    series(name, bytes).map_err(|what| Error::file(name, what))
}

fn series(name: &Path, bytes: &[u8]) -> Result<HostTensor, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "a GIFTI file expected: not text in UTF-8")?;
    // The standard asks for a reference to its DTD.
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| format!("a GIFTI file expected: {e}"))?;
    if document.root_element().tag_name().name() != "GIFTI" {
        return Err(format!("a GIFTI file expected, found XML of <{}>", document.root_element().tag_name().name()));
    }
    let arrays = document.root_element().children().filter(|n| n.has_tag_name("DataArray")).enumerate();
    let read = |(i, node): (usize, Node<'_, '_>)| array(node, name).map_err(|what| format!("data array {i}, counted from 0: {what}"));
    let arrays = arrays.map(read).collect::<Result<Vec<_>, _>>()?;
    let vertices = arrays.first().ok_or("a GIFTI file with a data array expected")?.rows;
    let time: usize = arrays.iter().map(|a| a.columns).sum();
    if let Some(i) = arrays.iter().position(|a| a.rows != vertices) {
        return Err(format!("data array {i}, counted from 0, is of {} vertices, and the first of {vertices}", arrays[i].rows));
    }
    let mut values = vec![0.0; vertices * time];
    let mut from = 0;
    for a in &arrays {
        for (row, given) in values.chunks_exact_mut(time.max(1)).zip(a.values.chunks_exact(a.columns.max(1))) {
            row[from..from + a.columns].copy_from_slice(given);
        }
        from += a.columns;
    }
    let made = match arrays.iter().all(|a| a.single) {
        true => HostTensor::f32([vertices, time], values.into_iter().map(|x| x as f32).collect()),
        false => HostTensor::real([vertices, time], values),
    };
    made.map_err(|e| e.to_string())
}

/// A data array, rows first.
struct Array {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
    /// Whether f32 holds them as they are.
    single: bool,
}

fn array(node: Node<'_, '_>, file: &Path) -> Result<Array, String> {
    let attribute = |key: &str| node.attribute(key).ok_or_else(|| format!("no attribute {key}"));
    let number = |key: &str| attribute(key)?.trim().parse::<usize>().map_err(|_| format!("{key}: a whole number expected"));
    let intent = node.attribute("Intent").unwrap_or_default();
    if ["POINTSET", "TRIANGLE", "LABEL", "VECTOR", "RGB"].iter().any(|other| intent.contains(other)) {
        return Err(format!("{intent}: series or a map of vertices expected (.func.gii, .shape.gii)"));
    }
    let rows = number("Dim0")?;
    let columns = match number("Dimensionality")? {
        1 => 1,
        2 => number("Dim1")?,
        n => return Err(format!("{n} axes: vertices, and frames perhaps, expected")),
    };
    let count = rows.checked_mul(columns).ok_or("more values than memory has")?;
    let text = node.children().find(|n| n.has_tag_name("Data")).and_then(|n| n.text()).unwrap_or_default();
    let kind = attribute("DataType")?;
    let values = match attribute("Encoding")? {
        "ASCII" => numbers(text)?,
        "Base64Binary" => decoded(&binary(text)?, kind, &node)?,
        "GZipBase64Binary" => decoded(&inflated(&binary(text)?, count)?, kind, &node)?,
        "ExternalFileBinary" => decoded(&external(&node, file, count * width(kind)?)?, kind, &node)?,
        other => return Err(format!("Encoding {other}: ASCII, Base64Binary, GZipBase64Binary or ExternalFileBinary expected")),
    };
    if values.len() != count {
        return Err(format!("{} values for {rows} × {columns}", values.len()));
    }
    let by_columns = columns > 1 && node.attribute("ArrayIndexingOrder") == Some("ColumnMajorOrder");
    let turned = || (0..count).map(|at| values[at % columns * rows + at / columns]).collect();
    let more = ["NIFTI_TYPE_FLOAT64", "NIFTI_TYPE_INT32", "NIFTI_TYPE_UINT32"];
    let single = attribute("Encoding")? != "ASCII" && !more.contains(&kind);
    Ok(Array { rows, columns, values: if by_columns { turned() } else { values }, single })
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    text.split_ascii_whitespace().map(|word| word.parse().map_err(|_| format!("`{word}` where a number is expected"))).collect()
}

fn binary(text: &str) -> Result<Vec<u8>, String> {
    let packed: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(packed).map_err(|e| format!("base64 expected: {e}"))
}

/// What the format calls GZip is a zlib stream. No value is of more than eight bytes.
fn inflated(packed: &[u8], count: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = count as u64 * 8 + 1;
    flate2::read::ZlibDecoder::new(packed).take(limit).read_to_end(&mut bytes).map_err(|e| format!("compressed data expected: {e}"))?;
    Ok(bytes)
}

fn external(node: &Node<'_, '_>, file: &Path, length: usize) -> Result<Vec<u8>, String> {
    let name = node.attribute("ExternalFileName").filter(|n| !n.is_empty()).ok_or("no attribute ExternalFileName")?;
    let offset = node.attribute("ExternalFileOffset").unwrap_or("0").trim();
    let offset: usize = if offset.is_empty() { 0 } else { offset.parse().map_err(|_| "ExternalFileOffset: a whole number expected")? };
    let path = file.parent().unwrap_or_else(|| Path::new("")).join(name);
    let bytes = std::fs::read(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let end = offset.checked_add(length);
    let part = end.and_then(|end| bytes.get(offset..end));
    part.map(<[u8]>::to_vec).ok_or_else(|| format!("{} holds {} bytes: {length} from {offset} on expected", path.display(), bytes.len()))
}

/// Bytes of a value.
fn width(kind: &str) -> Result<usize, String> {
    match kind {
        "NIFTI_TYPE_UINT8" | "NIFTI_TYPE_INT8" => Ok(1),
        "NIFTI_TYPE_UINT16" | "NIFTI_TYPE_INT16" => Ok(2),
        "NIFTI_TYPE_UINT32" | "NIFTI_TYPE_INT32" | "NIFTI_TYPE_FLOAT32" => Ok(4),
        "NIFTI_TYPE_FLOAT64" => Ok(8),
        other => Err(format!("DataType {other}: whole numbers up to 32 bits or real numbers expected")),
    }
}

fn decoded(bytes: &[u8], kind: &str, node: &Node<'_, '_>) -> Result<Vec<f64>, String> {
    let width = width(kind)?;
    if !bytes.len().is_multiple_of(width) {
        return Err(format!("{} bytes are no values of {kind}", bytes.len()));
    }
    let big = match node.attribute("Endian") {
        Some("LittleEndian") => false,
        Some("BigEndian") => true,
        other => return Err(format!("Endian {}: LittleEndian or BigEndian expected", other.unwrap_or("missing"))),
    };
    let value = |bytes: &[u8]| {
        let mut raw = [0; 8];
        raw[..width].copy_from_slice(bytes);
        if big {
            raw[..width].reverse();
        }
        let low = u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
        match kind {
            "NIFTI_TYPE_INT8" => f64::from(low as i8),
            "NIFTI_TYPE_INT16" => f64::from(low as i16),
            "NIFTI_TYPE_INT32" => f64::from(low as i32),
            "NIFTI_TYPE_FLOAT32" => f64::from(f32::from_bits(low)),
            "NIFTI_TYPE_FLOAT64" => f64::from_le_bytes(raw),
            _ => f64::from(low),
        }
    };
    Ok(bytes.chunks_exact(width).map(value).collect())
}
