//! FreeSurfer's binary files of a surface: its mesh (`lh.sphere`, `lh.sphere.reg`) and its parcels (`lh.aparc.annot`). Numbers are in
//! big-endian order (<https://surfer.nmr.mgh.harvard.edu/fswiki/FileFormats>).

use super::Mesh;
use super::cifti::{BrainModel, BrainModels, Label, LabelAtlas, LabelTable, Places};
use super::numbers::Element;
use crate::HostTensor;
use std::collections::HashMap;
use std::path::Path;

/// The first bytes of a mesh of triangles.
const MESH: [u8; 3] = [0xff, 0xff, 0xfe];

/// Parts of the names of parcels that are no parcels: what is not cortex, or has no name.
const NO_PARCEL: [&str; 5] = ["unknown", "medial_wall", "medialwall", "medial wall", "???"];

/// True where the bytes begin as a mesh does.
pub(super) fn is_freesurfer_mesh(bytes: &[u8]) -> bool {
    bytes.starts_with(&MESH)
}

/// The structure that a file belongs to by its name, as CIFTI-2 names it: `CORTEX_LEFT` for `lh.sphere` and for `sub-1_hemi-L_bold.func.gii`.
pub(super) fn structure_by_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let left = name.starts_with("lh.") || name.contains("hemi-l_") || name.contains("hemi-l.");
    let right = name.starts_with("rh.") || name.contains("hemi-r_") || name.contains("hemi-r.");
    match (left, right) {
        (true, false) => Some("CORTEX_LEFT".into()),
        (false, true) => Some("CORTEX_RIGHT".into()),
        _ => None,
    }
}

/// Reads a mesh of triangles.
pub(super) fn freesurfer_mesh(file: &Path, bytes: &[u8]) -> Result<Mesh, String> {
    let mut read = Reader { rest: bytes.strip_prefix(&MESH).ok_or("a mesh of FreeSurfer expected")? };
    // Two line breaks end the line that says who made the file.
    let end = read
        .rest
        .windows(2)
        .take(4096)
        .position(|pair| pair == b"\n\n")
        .ok_or("a mesh of FreeSurfer expected: no end of its first line")?;
    read.take(end + 2)?;
    let [vertices, faces] = [read.count()?, read.count()?];
    let coordinates: Vec<f32> = read.numbers(vertices, 3)?;
    let triangles: Vec<i32> = read.numbers(faces, 3)?;
    if let Some(at) = coordinates.iter().position(|x| !x.is_finite()) {
        return Err(format!("vertex {}, counted from 0, lies at {}: a finite position is expected", at / 3, coordinates[at]));
    }
    if let Some(v) = triangles.iter().find(|v| usize::try_from(**v).map_or(true, |v| v >= vertices)) {
        return Err(format!("a triangle with vertex {v} of {vertices}, counted from 0"));
    }
    let tensor = |made: crate::Result<HostTensor>| made.map_err(|e| e.to_string());
    Ok(Mesh {
        coordinates: tensor(HostTensor::f32([vertices, 3], coordinates))?,
        triangles: tensor(HostTensor::i32([faces, 3], triangles))?,
        structure: structure_by_name(file),
    })
}

/// Reads the parcels of an annotation. The key of a parcel is its place in the file's table, counted from 1; vertices of no parcel have
/// key 0: those whose colour the table does not have, and those that are `unknown` or of the medial wall by their label.
pub(super) fn annotation(file: &Path, bytes: &[u8]) -> Result<LabelAtlas, String> {
    let mut read = Reader { rest: bytes };
    let vertices = read.count()?;
    let pairs: Vec<i32> = read.numbers(vertices, 2)?;
    if read.number()? != 1 {
        return Err("an annotation without a table of its parcels".into());
    }
    let (table, colours) = colour_table(&mut read)?;
    let mut keys = vec![0; vertices];
    for pair in pairs.chunks_exact(2) {
        let vertex = usize::try_from(pair[0]).ok().and_then(|v| keys.get_mut(v));
        let vertex = vertex.ok_or_else(|| format!("vertex {} of {vertices}, counted from 0", pair[0]))?;
        *vertex = colours.get(&pair[1]).copied().unwrap_or(0);
    }
    let structure = structure_by_name(file).unwrap_or_default();
    let places = Places::Vertices { of: vertices, indices: (0u32..).take(vertices).collect() };
    let models = BrainModels { models: vec![BrainModel { structure, places }], volume: None };
    Ok(LabelAtlas { models, keys, table, map: (String::new(), vec![String::new()]) })
}

/// The parcels by their keys, and the key of each colour.
fn colour_table(read: &mut Reader<'_>) -> Result<(LabelTable, HashMap<i32, i32>), String> {
    let first = read.number()?;
    // A negative number is the version of the table. The first version had the count there, and no places of its entries.
    let entries = match first {
        count @ 1.. => {
            read.text()?;
            count
        }
        -2 => {
            read.number()?;
            read.text()?;
            read.number()?
        }
        version => return Err(format!("a table of parcels of version {}: 1 or 2 is expected", -i64::from(version))),
    };
    let (mut table, mut colours) = (LabelTable::new(), HashMap::new());
    for place in 0..entries {
        let place = if first > 0 { place } else { read.number()? };
        let name = read.text()?;
        let rgbt: Vec<i32> = read.numbers(1, 4)?;
        let Some(key) = place.checked_add(1).filter(|key| *key > 0) else { return Err(format!("parcel {place} of a table")) };
        let [red, green, blue] = [rgbt[0], rgbt[1], rgbt[2]].map(|part| part & 0xff);
        let plain = name.to_lowercase();
        if NO_PARCEL.iter().any(|part| plain.contains(part)) {
            continue;
        }
        colours.entry(red | green << 8 | blue << 16).or_insert(key);
        let colour = [red, green, blue, 255].map(|part| part as f32 / 255.0);
        if table.insert(key, Label { name, colour }).is_some() {
            return Err(format!("parcel {place} stands twice in the table"));
        }
    }
    Ok((table, colours))
}

/// Numbers and texts one after the other.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("a file of FreeSurfer expected: cut short")?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<i32, String> {
        Ok(i32::decode(self.take(4)?, true))
    }

    /// A number of things, one at least.
    fn count(&mut self) -> Result<usize, String> {
        let number = self.number()?;
        usize::try_from(number).ok().filter(|n| *n > 0).ok_or_else(|| format!("a file of FreeSurfer expected: {number} of what it holds"))
    }

    /// `count` times `each` numbers of four bytes.
    fn numbers<T: Element>(&mut self, count: usize, each: usize) -> Result<Vec<T>, String> {
        let length = count.checked_mul(each * 4).ok_or("a file of FreeSurfer expected: cut short")?;
        Ok(self.take(length)?.chunks_exact(4).map(|bytes| T::decode(bytes, true)).collect())
    }

    /// A text after its length, which ends with a zero.
    fn text(&mut self) -> Result<String, String> {
        let length = usize::try_from(self.number()?).map_err(|_| "a text of negative length")?;
        let bytes = self.take(length)?;
        Ok(String::from_utf8_lossy(bytes.split(|b| *b == 0).next().unwrap_or_default()).into_owned())
    }
}
