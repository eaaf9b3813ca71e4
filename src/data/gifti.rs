//! GIFTI: series on a surface (`.func.gii`, `.shape.gii`), by the format's version 1.0. No maintained crate reads this format. The XML is
//! parsed by `roxmltree`; a data array is a table of numbers in one of four encodings.

use super::gzip::{Members, is_gzip};
use super::numbers::{Kind, Stored};
use crate::{Error, HostTensor, Result};
use base64::Engine;
use flate2::read::ZlibDecoder;
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeSet;
use std::io::{Read, Take};
use std::path::Path;

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
}

/// Reads series from a GIFTI file: one data array for each frame, or one array of two axes. `name` stands for the file in errors, and files
/// of external data are looked for beside it.
///
/// # Errors
/// Returns [`Error::File`] where the bytes are not a GIFTI file; an array holds neither values on vertices nor their index (arrays of
/// surfaces and labels do not); arrays have unequal lengths; an index is not a list of distinct vertices; or an array does not agree with
/// its attributes (the message names the array, counted from 0).
pub fn read_gifti_bytes(name: &Path, bytes: &[u8]) -> Result<Surface> {
    let fail = |what: String| Error::file(name, what);
    let found = arrays(name, bytes).map_err(fail)?;
    let values = found.values.iter().map(|&x| x as f32).collect();
    Ok(Surface { values: HostTensor::f32([found.rows, found.columns], values)?, vertices: found.vertices })
}

/// All arrays of a file, one after the other, row by row.
pub(super) struct Arrays {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<f64>,
    pub(super) vertices: Option<Vec<usize>>,
}

pub(super) fn arrays(name: &Path, bytes: &[u8]) -> Result<Arrays, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "a GIFTI file expected: not text in UTF-8")?;
    // The standard asks for a reference to its DTD.
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| format!("a GIFTI file expected: {e}"))?;
    if document.root_element().tag_name().name() != "GIFTI" {
        return Err(format!("a GIFTI file expected, found XML of <{}>", document.root_element().tag_name().name()));
    }
    let nodes = document.root_element().children().filter(|n| n.has_tag_name("DataArray")).enumerate();
    let read = |(i, node): (usize, Node<'_, '_>)| array(node, name).map_err(|what| format!("data array {i}, counted from 0: {what}"));
    let read = nodes.map(read).collect::<Result<Vec<_>, _>>()?;
    let rows = read.first().ok_or("a GIFTI file with a data array expected")?.rows;
    if let Some(i) = read.iter().position(|a| a.rows != rows) {
        return Err(format!("data array {i}, counted from 0, is of {} vertices, and the first of {rows}", read[i].rows));
    }
    let (indices, frames): (Vec<Array>, Vec<Array>) = read.into_iter().partition(|a| a.is_index);
    let vertices = match indices.as_slice() {
        [] => None,
        [one] => Some(vertices(one)?),
        more => return Err(format!("{} arrays of intent NODE_INDEX: one at most is expected", more.len())),
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
    Ok(Arrays { rows, columns, values, vertices })
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

/// A data array, rows first.
struct Array {
    is_index: bool,
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

fn array(node: Node<'_, '_>, file: &Path) -> Result<Array, String> {
    let attribute = |key: &str| node.attribute(key).ok_or_else(|| format!("no attribute {key}"));
    let number = |key: &str| attribute(key)?.trim().parse::<usize>().map_err(|_| format!("{key}: a whole number expected"));
    let intent = attribute("Intent")?;
    let kind_of = intent.strip_prefix("NIFTI_INTENT_").unwrap_or(intent);
    let is_index = kind_of == "NODE_INDEX";
    if !is_index && !FRAMES.contains(&kind_of) && !STATISTICS.contains(&kind_of) {
        let read = FRAMES.join(", ");
        return Err(format!("{intent}: series or a map of vertices expected ({read} and statistics, as .func.gii and .shape.gii have)"));
    }
    let rows = number("Dim0")?;
    let columns = match number("Dimensionality")? {
        1 => 1,
        2 => number("Dim1")?,
        n => return Err(format!("{n} axes: vertices, and frames perhaps, expected")),
    };
    if rows == 0 || columns == 0 {
        return Err(format!("{rows} × {columns}: no values"));
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
        other => return Err(format!("Encoding {other}: ASCII, Base64Binary, GZipBase64Binary or ExternalFileBinary expected")),
    };
    if values.len() != count {
        return Err(format!("{} values for {rows} × {columns}", values.len()));
    }
    let by_columns = match node.attribute("ArrayIndexingOrder") {
        None | Some("RowMajorOrder") => false,
        Some("ColumnMajorOrder") => columns > 1,
        Some(other) => return Err(format!("ArrayIndexingOrder {other}: RowMajorOrder or ColumnMajorOrder expected")),
    };
    let turned = || (0..count).map(|at| values[at % columns * rows + at / columns]).collect();
    Ok(Array { is_index, rows, columns, values: if by_columns { turned() } else { values } })
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
