//! The XML of a CIFTI-2 file: what it says of the rows and the columns of the matrix.

use super::axis::{Axis, BrainModel, BrainModels, LabelMap, Map, Parcel, Parcels, Places, Steps, Unit, Volume};
use super::labels::{label_table, metadata};
use super::text::{child, numbers, shortened, text_of};
use roxmltree::{Document, Node};
use std::str::FromStr;

/// The axes of a matrix: what its rows stand for, and what its columns stand for.
pub(super) fn axes(xml: &str) -> Result<[Axis; 2], String> {
    let document = Document::parse(xml).map_err(|e| format!("a CIFTI-2 file expected, and its XML does not parse: {e}"))?;
    let root = document.root_element();
    if root.tag_name().name() != "CIFTI" {
        return Err(format!("a CIFTI-2 file expected, found XML of <{}>", shortened(root.tag_name().name())));
    }
    match root.attribute("Version").unwrap_or("missing") {
        version if version == "2" || version.starts_with("2.") => {}
        version => {
            return Err(format!(
                "a CIFTI file of version {}: CIFTI-2 is expected (`wb_command -file-convert -cifti-version-convert FILE 2 NEW` converts it)",
                shortened(version)
            ));
        }
    }
    let matrix = child(root, "Matrix").ok_or("CIFTI-2's XML without a <Matrix>")?;
    Ok([axis(matrix, 1)?, axis(matrix, 0)?])
}

/// The axis of a dimension of the matrix; 0 is that of the columns.
fn axis(matrix: Node<'_, '_>, dimension: usize) -> Result<Axis, String> {
    let applies = |node: &Node<'_, '_>| {
        let to = node.attribute("AppliesToMatrixDimension").unwrap_or_default();
        node.has_tag_name("MatrixIndicesMap") && to.split(',').any(|d| d.trim().parse() == Ok(dimension))
    };
    let mut maps = matrix.children().filter(applies);
    let what = if dimension == 0 { "columns" } else { "rows" };
    let map = match (maps.next(), maps.next()) {
        (Some(map), None) => map,
        (None, _) => return Err(format!("CIFTI-2's XML does not say what the {what} are (MatrixIndicesMap of dimension {dimension})")),
        _ => return Err(format!("CIFTI-2's XML says twice what the {what} are (MatrixIndicesMap of dimension {dimension})")),
    };
    let kind = attribute(map, "IndicesMapToDataType")?;
    match kind.strip_prefix("CIFTI_INDEX_TYPE_").unwrap_or(kind) {
        "BRAIN_MODELS" => brain_models(map).map(Axis::BrainModels),
        "PARCELS" => parcels(map).map(Axis::Parcels),
        "SERIES" => steps(map).map(Axis::Series),
        "SCALARS" => named(map).map(|(_, map)| map).collect::<Result<_, _>>().map(Axis::Scalars),
        "LABELS" => named(map).map(|(node, map)| label_map(node, map?)).collect::<Result<_, _>>().map(Axis::Labels),
        other => Err(format!("type {}: BRAIN_MODELS, PARCELS, SERIES, SCALARS or LABELS expected", shortened(other))),
    }
    .map_err(|e| format!("the {what}: {e}"))
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, String> {
    node.attribute(name).ok_or_else(|| format!("<{}> without {name}", shortened(node.tag_name().name())))
}

fn number<T: FromStr>(node: Node<'_, '_>, name: &str) -> Result<T, String> {
    let text = attribute(node, name)?;
    text.trim().parse().map_err(|_| format!("{name} `{}`: a number expected", shortened(text)))
}

/// The name of a structure without the prefix that all have. The name of each grayordinate has it, so it may not be long.
fn structure(node: Node<'_, '_>) -> Result<String, String> {
    const LONGEST: usize = 64;
    let name = attribute(node, "BrainStructure")?;
    match name.strip_prefix("CIFTI_STRUCTURE_").unwrap_or(name) {
        name if name.len() > LONGEST => Err(format!("the structure `{}`: a name of at most {LONGEST} letters expected", shortened(name))),
        name => Ok(name.to_owned()),
    }
}

fn brain_models(map: Node<'_, '_>) -> Result<BrainModels, String> {
    let volume = child(map, "Volume").map(volume).transpose()?;
    let nodes = map.children().filter(|n| n.has_tag_name("BrainModel")).enumerate();
    let read = |(i, node)| brain_model(node, volume.as_ref()).map_err(|e| format!("brain model {i}, counted from 0: {e}"));
    let mut models = nodes.map(read).collect::<Result<Vec<(usize, BrainModel)>, String>>()?;
    few(models.len(), "brain models")?;
    models.sort_by_key(|(offset, _)| *offset);
    let mut next = 0;
    for (offset, model) in &models {
        if *offset != next {
            return Err(format!("brain models that follow one another expected: one begins at {offset} where {next} is the next"));
        }
        next += model.places.len();
    }
    Ok(BrainModels { models: models.into_iter().map(|(_, model)| model).collect(), volume })
}

/// Refuses more structures than any brain has, so that a damaged file cannot make the search among them long.
fn few(structures: usize, what: &str) -> Result<(), String> {
    const MOST: usize = 1000;
    if structures > MOST { Err(format!("{structures} {what}: at most {MOST} are expected")) } else { Ok(()) }
}

/// A model and the place of its first grayordinate.
fn brain_model(node: Node<'_, '_>, volume: Option<&Volume>) -> Result<(usize, BrainModel), String> {
    let (offset, count): (usize, usize) = (number(node, "IndexOffset")?, number(node, "IndexCount")?);
    let kind = attribute(node, "ModelType")?;
    let text = |name: &str| child(node, name).map(text_of).ok_or_else(|| format!("no <{name}>"));
    let places = match kind.strip_prefix("CIFTI_MODEL_TYPE_").unwrap_or(kind) {
        "SURFACE" => {
            let of = number(node, "SurfaceNumberOfVertices")?;
            Places::Vertices { of, indices: vertices(&text("VertexIndices")?, of)? }
        }
        "VOXELS" => Places::Voxels(voxels(&text("VoxelIndicesIJK")?, volume)?),
        other => return Err(format!("ModelType {}: SURFACE or VOXELS expected", shortened(other))),
    };
    if places.len() != count {
        return Err(format!("{} vertices or voxels where IndexCount is {count}", places.len()));
    }
    Ok((offset, BrainModel { structure: structure(node)?, places }))
}

/// Vertices of a surface of `of` vertices, all different.
fn vertices(text: &str, of: usize) -> Result<Vec<u32>, String> {
    let indices: Vec<u32> = numbers(text, &[])?;
    if let Some(v) = indices.iter().find(|v| **v as usize >= of) {
        return Err(format!("vertex {v} of a surface of {of}, counted from 0"));
    }
    different(&indices).map_err(|v| format!("vertex {v} stands twice"))?;
    Ok(indices)
}

/// Voxels of a volume, all different.
fn voxels(text: &str, volume: Option<&Volume>) -> Result<Vec<[u32; 3]>, String> {
    let indices: Vec<u32> = numbers(text, &[])?;
    let dimensions = volume.ok_or("voxels without a <Volume>")?.dimensions;
    let (voxels, rest) = indices.as_chunks::<3>();
    if !rest.is_empty() {
        return Err(format!("{} indices of voxels: three for each are expected", indices.len()));
    }
    if let Some(ijk) = voxels.iter().find(|ijk| ijk.iter().zip(&dimensions).any(|(index, extent)| index >= extent)) {
        return Err(format!("voxel {ijk:?}, counted from 0, of a volume of {dimensions:?}"));
    }
    different(voxels).map_err(|ijk| format!("voxel {ijk:?} stands twice"))?;
    Ok(voxels.to_vec())
}

/// Checks that no two elements are equal, and gives one that is.
fn different<T: Ord + Clone>(elements: &[T]) -> Result<(), T> {
    let mut sorted = elements.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(pair[0].clone()),
        None => Ok(()),
    }
}

fn volume(node: Node<'_, '_>) -> Result<Volume, String> {
    let dimensions: Vec<u32> = numbers(attribute(node, "VolumeDimensions")?, &[','])?;
    let dimensions = <[u32; 3]>::try_from(dimensions).map_err(|d| format!("VolumeDimensions of {} numbers: three expected", d.len()))?;
    let map = child(node, "TransformationMatrixVoxelIndicesIJKtoXYZ").ok_or("<Volume> without its transformation")?;
    let elements: Vec<f64> = numbers(&text_of(map), &[','])?;
    let exponent: i32 = map.attribute("MeterExponent").map_or(Ok(-3), |_| number(map, "MeterExponent"))?;
    if elements.len() != 16 || elements.iter().any(|x| !x.is_finite()) || !(-12..=12).contains(&exponent) {
        return Err(format!("a transformation of 16 finite numbers in metres by a power of ten expected, found {}", elements.len()));
    }
    let millimetres = 10f64.powi(exponent + 3);
    Ok(Volume { dimensions, affine: std::array::from_fn(|i| std::array::from_fn(|j| elements[4 * i + j] * millimetres)) })
}

fn parcels(map: Node<'_, '_>) -> Result<Parcels, String> {
    let volume = child(map, "Volume").map(volume).transpose()?;
    let surface = |node: Node<'_, '_>| Ok((structure(node)?, number(node, "SurfaceNumberOfVertices")?));
    let surfaces = map.children().filter(|n| n.has_tag_name("Surface")).map(surface).collect::<Result<Vec<_>, String>>()?;
    few(surfaces.len(), "surfaces")?;
    let nodes = map.children().filter(|n| n.has_tag_name("Parcel")).enumerate();
    let read = |(i, node)| parcel(node, &surfaces, volume.as_ref()).map_err(|e| format!("parcel {i}, counted from 0: {e}"));
    Ok(Parcels { parcels: nodes.map(read).collect::<Result<_, _>>()?, surfaces, volume })
}

fn parcel(node: Node<'_, '_>, surfaces: &[(String, usize)], volume: Option<&Volume>) -> Result<Parcel, String> {
    let mut found = Parcel { name: attribute(node, "Name")?.to_owned(), vertices: Vec::new(), voxels: Vec::new() };
    for part in node.children().filter(Node::is_element) {
        match part.tag_name().name() {
            "Vertices" => {
                let on = structure(part)?;
                let of = surfaces.iter().find(|(name, _)| *name == on);
                let (_, of) = of.ok_or_else(|| format!("vertices of {}, which no <Surface> names", shortened(&on)))?;
                found.vertices.push((on, vertices(&text_of(part), *of)?));
            }
            "VoxelIndicesIJK" => found.voxels.extend(voxels(&text_of(part), volume)?),
            _ => {}
        }
    }
    Ok(found)
}

fn steps(map: Node<'_, '_>) -> Result<Steps, String> {
    let code = attribute(map, "SeriesUnit")?;
    let unit = Unit::ALL.into_iter().find(|unit| unit.code() == code);
    let unit = unit.ok_or_else(|| format!("SeriesUnit {}: SECOND, HERTZ, METER or RADIAN expected", shortened(code)))?;
    let exponent: i32 = number(map, "SeriesExponent")?;
    let scaled = |name: &str| -> Result<f64, String> {
        // The text is read with its exponent, so that 7.2 by 10^-1 is the double that is nearest to 0.72.
        let text = attribute(map, name)?.trim();
        let value = format!("{text}e{exponent}").parse::<f64>().or_else(|_| text.parse::<f64>().map(|x| x * 10f64.powi(exponent)));
        value.ok().filter(|x| x.is_finite()).ok_or_else(|| format!("{name} `{}`: a finite number expected", shortened(text)))
    };
    Ok(Steps { start: scaled("SeriesStart")?, step: scaled("SeriesStep")?, unit, count: number(map, "NumberOfSeriesPoints")? })
}

/// The maps of an axis of scalars or labels.
fn named<'a, 'i: 'a>(axis: Node<'a, 'i>) -> impl Iterator<Item = (Node<'a, 'i>, Result<Map, String>)> {
    let maps = axis.children().filter(|n| n.has_tag_name("NamedMap")).enumerate();
    maps.map(|(i, node)| {
        let name = child(node, "MapName").map(|n| text_of(n).trim().to_owned());
        let name = name.ok_or_else(|| format!("map {i}, counted from 0, without a <MapName>"));
        (node, name.map(|name| Map { name, metadata: metadata(node) }))
    })
}

fn label_map(node: Node<'_, '_>, map: Map) -> Result<LabelMap, String> {
    let table = child(node, "LabelTable").ok_or_else(|| format!("map `{}` without a <LabelTable>", shortened(&map.name)))?;
    let table = label_table(table).map_err(|e| format!("map `{}`: {e}", shortened(&map.name)))?;
    Ok(LabelMap { map, table })
}
