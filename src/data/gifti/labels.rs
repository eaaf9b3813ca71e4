//! Labels of the vertices of a surface (`.label.gii`).

use super::super::cifti::labels::label_table;
use super::super::cifti::{BrainModel, BrainModels, LabelAtlas, Places};
use super::super::freesurfer::structure_by_name;
use super::{array, document, structure, vertices};
use crate::error::Reason;
use crate::{Error, Result};
use std::path::Path;

/// Reads labels of vertices from the bytes of a GIFTI file: the array of the intent `NIFTI_INTENT_LABEL` whose name is `map`, or the first.
/// `name` stands for the file in errors. Where the file does not say to which structure the surface belongs, the structure's name is empty.
///
/// # Errors
/// Returns [`Error::File`] where the bytes are not a GIFTI file with labels and their table, there is no such map, or a key is not a whole
/// number.
pub fn read_gifti_labels_bytes(name: impl AsRef<Path>, bytes: &[u8], map: Option<&str>) -> Result<LabelAtlas> {
    labels(name.as_ref(), bytes, map).map_err(|what| Error::file(name.as_ref(), what))
}

fn labels(file: &Path, bytes: &[u8], map: Option<&str>) -> Result<LabelAtlas, Reason> {
    let document = document(bytes)?;
    let arrays = array::arrays(&document, file, |intent| match intent {
        "LABEL" | "NODE_INDEX" => Ok(()),
        _ => Err("labels of vertices (NIFTI_INTENT_LABEL, as .label.gii has) are expected".into()),
    })?;
    let table = document.root_element().children().find(|n| n.has_tag_name("LabelTable"));
    let table = label_table(table.ok_or("labels without a <LabelTable>")?)?;
    let maps: Vec<_> = arrays.iter().filter(|a| a.intent == "LABEL").collect();
    let names: Vec<String> = maps.iter().map(|a| a.name.clone()).collect();
    let at = map.map_or(Some(0), |map| names.iter().position(|name| name == map));
    let found = at.and_then(|at| maps.get(at).map(|map| (at, *map)));
    let (at, keys) = found.ok_or_else(|| match map {
        Some(map) => format!("no map `{map}` among {} of labels", names.len()),
        None => "no array of labels (NIFTI_INTENT_LABEL)".into(),
    })?;
    if keys.columns != 1 {
        return Err(format!("labels [{}, {}]: one for each vertex is expected", keys.rows, keys.columns).into());
    }
    let key = |&x: &f64| (x.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&x)).then_some(x as i32);
    let read: Option<Vec<i32>> = keys.values.iter().map(key).collect();
    let read = read.ok_or("the key of a label is expected to be a whole number")?;
    let index = arrays.iter().find(|a| a.intent == "NODE_INDEX").map(vertices).transpose()?;
    let indices: Vec<u32> = match index {
        Some(index) if index.len() == read.len() => index.into_iter().filter_map(|v| u32::try_from(v).ok()).collect(),
        Some(index) => return Err(format!("an index of {} vertices for {} labels", index.len(), read.len()).into()),
        None => (0u32..).take(read.len()).collect(),
    };
    let of = indices.iter().max().map_or(0, |last| *last as usize + 1);
    let model = BrainModel {
        structure: structure(&document, &arrays).or_else(|| structure_by_name(file)).unwrap_or_default(),
        places: Places::Vertices { of, indices },
    };
    Ok(LabelAtlas { models: BrainModels { models: vec![model], volume: None }, keys: read, table, map: (names[at].clone(), names) })
}
