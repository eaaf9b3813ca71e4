//! Data arrays: tables of numbers in one of four encodings.

use super::super::cifti::labels::metadata;
use super::super::gzip::{Members, is_gzip};
use super::super::numbers::{Kind, Stored};
use super::STRUCTURE;
use crate::error::Reason;
use base64::Engine;
use flate2::read::ZlibDecoder;
use roxmltree::{Document, Node};
use std::io::{Read, Take};
use std::path::Path;

/// A data array, rows first.
pub(super) struct Array {
    /// The intent, without `NIFTI_INTENT_`.
    pub(super) intent: String,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<f64>,
    /// The name of the array; empty where it has none.
    pub(super) name: String,
    /// The structure that the array's metadata name, as GIFTI names it: `CortexLeft`.
    pub(super) structure: Option<String>,
}

/// The arrays of a file in order. `check` refuses intents before anything else of an array is read.
pub(super) fn arrays(document: &Document<'_>, file: &Path, check: impl Fn(&str) -> Result<(), String>) -> Result<Vec<Array>, Reason> {
    let nodes = document.root_element().children().filter(|n| n.has_tag_name("DataArray")).enumerate();
    let read = |(i, node): (usize, Node<'_, '_>)| {
        let intent = node.attribute("Intent").ok_or("no attribute Intent".to_owned());
        let intent = intent.and_then(|intent| check(short(intent)).map(|()| intent).map_err(|what| format!("{intent}: {what}")));
        let read = intent.map_err(Reason::from).and_then(|intent| array(node, short(intent), file));
        read.map_err(|what| what.at(format_args!("data array {i}, counted from 0")))
    };
    nodes.map(read).collect()
}

/// An intent without the prefix that all have.
fn short(intent: &str) -> &str {
    intent.strip_prefix("NIFTI_INTENT_").unwrap_or(intent)
}

fn array(node: Node<'_, '_>, intent: &str, file: &Path) -> Result<Array, Reason> {
    let attribute = |key: &str| node.attribute(key).ok_or_else(|| format!("no attribute {key}"));
    let number = |key: &str| attribute(key)?.trim().parse::<usize>().map_err(|_| format!("{key}: a whole number expected"));
    let rows = number("Dim0")?;
    let columns = match number("Dimensionality")? {
        1 => 1,
        2 => number("Dim1")?,
        n => return Err(format!("{n} axes: vertices, and frames perhaps, expected").into()),
    };
    if rows == 0 || columns == 0 {
        return Err(format!("{rows} × {columns}: no values").into());
    }
    let kind = kind(attribute("DataType")?)?;
    let bytes = rows.checked_mul(columns).and_then(|n| n.checked_mul(8)).ok_or("more values than memory has")? / 8 * kind.bytes();
    let text = node.children().find(|n| n.has_tag_name("Data")).and_then(|n| n.text()).unwrap_or_default();
    let count = rows * columns;
    let values = match attribute("Encoding")? {
        "ASCII" => numbers(text)?.into_iter().map(|x| kind.rounded(x)).collect(),
        "Base64Binary" => decoded(&binary(text)?, kind, &node)?,
        "GZipBase64Binary" => decoded(&inflated(&binary(text)?, bytes)?, kind, &node)?,
        "ExternalFileBinary" => decoded(&external(&node, file, bytes)?, kind, &node)?,
        other => {
            return Err(format!("Encoding {other}: ASCII, Base64Binary, GZipBase64Binary or ExternalFileBinary expected").into());
        }
    };
    if values.len() != count {
        return Err(format!("{} values for {rows} × {columns}", values.len()).into());
    }
    let by_columns = match node.attribute("ArrayIndexingOrder") {
        None | Some("RowMajorOrder") => false,
        Some("ColumnMajorOrder") => columns > 1,
        Some(other) => return Err(format!("ArrayIndexingOrder {other}: RowMajorOrder or ColumnMajorOrder expected").into()),
    };
    let turned = || (0..count).map(|at| values[at % columns * rows + at / columns]).collect();
    let said = metadata(node);
    let value = |key: &str| said.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    let (name, structure) = (value("Name").unwrap_or_default(), value(STRUCTURE));
    Ok(Array { intent: intent.to_owned(), rows, columns, values: if by_columns { turned() } else { values }, name, structure })
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    text.split_ascii_whitespace().map(|word| word.parse().map_err(|_| format!("`{word}` where a number is expected"))).collect()
}

fn binary(text: &str) -> Result<Vec<u8>, String> {
    let packed: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(packed).map_err(|e| format!("base64 expected: {e}"))
}

/// Decompresses an array. The format's name for a zlib stream is GZip, and some programs write a true gzip stream; both are read. The
/// stream is read to its end, where its checksum is, but at most one byte more than the array's length is kept.
fn inflated(packed: &[u8], length: usize) -> Result<Vec<u8>, String> {
    fn all(mut stream: Take<impl Read>) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
    let limit = length as u64 + 1;
    let read = if is_gzip(packed) { all(Members::new(packed).take(limit)) } else { all(ZlibDecoder::new(packed).take(limit)) };
    read.map_err(|e| format!("compressed data expected: {e}"))
}

fn external(node: &Node<'_, '_>, file: &Path, length: usize) -> Result<Vec<u8>, Reason> {
    let name = node.attribute("ExternalFileName").filter(|n| !n.is_empty()).ok_or("no attribute ExternalFileName")?;
    let offset = node.attribute("ExternalFileOffset").unwrap_or("0").trim();
    let offset: usize = if offset.is_empty() { 0 } else { offset.parse().map_err(|_| "ExternalFileOffset: a whole number expected")? };
    let path = file.parent().unwrap_or_else(|| Path::new("")).join(name);
    let bytes = std::fs::read(&path).map_err(|e| Reason::io(&format!("{} cannot be read", path.display()), &e))?;
    let end = offset.checked_add(length);
    let part = end.and_then(|end| bytes.get(offset..end));
    let held = || format!("{} holds {} bytes: {length} from {offset} on expected", path.display(), bytes.len());
    Ok(part.ok_or_else(held)?.to_vec())
}

fn kind(name: &str) -> Result<Kind, String> {
    match name.strip_prefix("NIFTI_TYPE_").unwrap_or(name) {
        "UINT8" => Ok(Kind::U8),
        "INT8" => Ok(Kind::I8),
        "UINT16" => Ok(Kind::U16),
        "INT16" => Ok(Kind::I16),
        "UINT32" => Ok(Kind::U32),
        "INT32" => Ok(Kind::I32),
        "UINT64" => Ok(Kind::U64),
        "INT64" => Ok(Kind::I64),
        "FLOAT32" => Ok(Kind::F32),
        "FLOAT64" => Ok(Kind::F64),
        _ => Err(format!("DataType {name}: whole or real numbers of up to 64 bits expected")),
    }
}

fn decoded(bytes: &[u8], kind: Kind, node: &Node<'_, '_>) -> Result<Vec<f64>, String> {
    if !bytes.len().is_multiple_of(kind.bytes()) {
        return Err(format!("{} bytes are no values of {}", bytes.len(), node.attribute("DataType").unwrap_or_default()));
    }
    // nibabel before 2.1 wrote the names of the standard's C library.
    let big_endian = match node.attribute("Endian") {
        Some("LittleEndian" | "GIFTI_ENDIAN_LITTLE") => false,
        Some("BigEndian" | "GIFTI_ENDIAN_BIG") => true,
        other => return Err(format!("Endian {}: LittleEndian or BigEndian expected", other.unwrap_or("missing"))),
    };
    Ok(Stored { kind, big_endian, bytes }.doubles())
}
