//! A CIFTI-2 file as bytes: the header, the XML and the matrix.

use super::axis::{Axis, BrainModels, LabelMap, Map, Parcels, Places, Steps, Volume};
use super::labels::label_table_xml;
use super::text::escaped;
use super::{Cifti, Kind};
use std::fmt::{Display, Write};

/// Bytes of a NIfTI-2 header and of the four after it that tell of extensions.
const HEADER: usize = 544;

/// The bytes of a file with this matrix, in single precision.
pub(super) fn bytes(cifti: &Cifti<'_>, kind: Kind) -> Vec<u8> {
    let mut xml = xml(&cifti.rows, &cifti.columns).into_bytes();
    // The size of an extension, with the eight bytes before it, is a multiple of 16.
    xml.resize((xml.len() + 8).next_multiple_of(16) - 8, 0);
    let mut file = header([cifti.rows.len(), cifti.columns.len()], kind, HEADER + 8 + xml.len());
    file.extend((xml.len() as i32 + 8).to_le_bytes());
    file.extend(32i32.to_le_bytes());
    file.append(&mut xml);
    for row in 0..cifti.rows.len() {
        file.extend(cifti.row(row).iter().flat_map(|&x| (x as f32).to_le_bytes()));
    }
    file
}

/// A NIfTI-2 header for f32 values from `start` on, in the order of bytes of most machines.
fn header([rows, columns]: [usize; 2], kind: Kind, start: usize) -> Vec<u8> {
    let mut header = vec![0; HEADER];
    let mut put = |at: usize, field: &[u8]| header[at..at + field.len()].copy_from_slice(field);
    put(0, &540i32.to_le_bytes());
    put(4, b"n+2\0\r\n\x1a\n");
    // Real numbers of 32 bits.
    put(12, &16i16.to_le_bytes());
    put(14, &32i16.to_le_bytes());
    for (i, extent) in [6, 1, 1, 1, 1, columns as i64, rows as i64, 1].into_iter().enumerate() {
        put(16 + 8 * i, &extent.to_le_bytes());
        put(104 + 8 * i, &1f64.to_le_bytes());
    }
    put(168, &(start as i64).to_le_bytes());
    // The slope by which values are multiplied.
    put(176, &1f64.to_le_bytes());
    let (intent, name) = kind.intent();
    put(504, &intent.to_le_bytes());
    put(508, name.as_bytes());
    // An extension follows.
    put(540, &[1]);
    header
}

fn xml(rows: &Axis, columns: &Axis) -> String {
    let mut xml = String::from(r#"<?xml version="1.0" encoding="UTF-8"?><CIFTI Version="2"><Matrix>"#);
    if rows == columns {
        map(&mut xml, "0,1", rows);
    } else {
        map(&mut xml, "0", columns);
        map(&mut xml, "1", rows);
    }
    xml.push_str("</Matrix></CIFTI>");
    xml
}

/// Opens an element with attributes; values are escaped.
fn open(xml: &mut String, name: &str, attributes: &[(&str, &dyn Display)]) {
    let _ = write!(xml, "<{name}");
    for (key, value) in attributes {
        let _ = write!(xml, " {key}=\"{}\"", escaped(&value.to_string()));
    }
    xml.push('>');
}

/// An element that holds text alone.
fn element(xml: &mut String, name: &str, attributes: &[(&str, &dyn Display)], text: &str) {
    open(xml, name, attributes);
    xml.push_str(&escaped(text));
    let _ = write!(xml, "</{name}>");
}

fn map(xml: &mut String, dimensions: &str, axis: &Axis) {
    let kind = match axis {
        Axis::BrainModels(_) => "CIFTI_INDEX_TYPE_BRAIN_MODELS",
        Axis::Parcels(_) => "CIFTI_INDEX_TYPE_PARCELS",
        Axis::Series(_) => "CIFTI_INDEX_TYPE_SERIES",
        Axis::Scalars(_) => "CIFTI_INDEX_TYPE_SCALARS",
        Axis::Labels(_) => "CIFTI_INDEX_TYPE_LABELS",
    };
    let to: [(&str, &dyn Display); 2] = [("AppliesToMatrixDimension", &dimensions), ("IndicesMapToDataType", &kind)];
    match axis {
        Axis::Series(Steps { start, step, unit, count }) => {
            let unit = unit.code();
            let more: [(&str, &dyn Display); 5] = [
                ("NumberOfSeriesPoints", count),
                ("SeriesExponent", &0),
                ("SeriesStart", start),
                ("SeriesStep", step),
                ("SeriesUnit", &unit),
            ];
            open(xml, "MatrixIndicesMap", &[&to[..], &more].concat());
        }
        _ => open(xml, "MatrixIndicesMap", &to),
    }
    match axis {
        Axis::BrainModels(of) => brain_models(xml, of),
        Axis::Parcels(of) => parcels(xml, of),
        Axis::Series(_) => {}
        Axis::Scalars(of) => of.iter().for_each(|map| named(xml, map, "")),
        Axis::Labels(of) => of.iter().for_each(|map| labels(xml, map)),
    }
    xml.push_str("</MatrixIndicesMap>");
}

fn brain_models(xml: &mut String, of: &BrainModels) {
    of.volume.iter().for_each(|v| volume(xml, v));
    for (offset, model) in of.placed() {
        let (structure, count) = (format!("CIFTI_STRUCTURE_{}", model.structure), model.places.len());
        let place: [(&str, &dyn Display); 3] = [("IndexOffset", &offset), ("IndexCount", &count), ("BrainStructure", &structure)];
        match &model.places {
            Places::Vertices { of, indices } => {
                let kind: [(&str, &dyn Display); 2] = [("ModelType", &"CIFTI_MODEL_TYPE_SURFACE"), ("SurfaceNumberOfVertices", of)];
                open(xml, "BrainModel", &[&place[..], &kind].concat());
                element(xml, "VertexIndices", &[], &listed(indices));
            }
            Places::Voxels(voxels) => {
                open(xml, "BrainModel", &[&place[..], &[("ModelType", &"CIFTI_MODEL_TYPE_VOXELS")]].concat());
                element(xml, "VoxelIndicesIJK", &[], &listed(voxels.as_flattened()));
            }
        }
        xml.push_str("</BrainModel>");
    }
}

fn parcels(xml: &mut String, of: &Parcels) {
    of.volume.iter().for_each(|v| volume(xml, v));
    for (structure, count) in &of.surfaces {
        let structure = format!("CIFTI_STRUCTURE_{structure}");
        element(xml, "Surface", &[("BrainStructure", &structure), ("SurfaceNumberOfVertices", count)], "");
    }
    for parcel in &of.parcels {
        open(xml, "Parcel", &[("Name", &parcel.name)]);
        if !parcel.voxels.is_empty() {
            element(xml, "VoxelIndicesIJK", &[], &listed(parcel.voxels.as_flattened()));
        }
        for (structure, vertices) in &parcel.vertices {
            element(xml, "Vertices", &[("BrainStructure", &format!("CIFTI_STRUCTURE_{structure}"))], &listed(vertices));
        }
        xml.push_str("</Parcel>");
    }
}

fn volume(xml: &mut String, Volume { dimensions: [x, y, z], affine }: &Volume) {
    open(xml, "Volume", &[("VolumeDimensions", &format!("{x},{y},{z}"))]);
    let matrix = [affine.as_flattened(), &[0.0, 0.0, 0.0, 1.0]].concat();
    element(xml, "TransformationMatrixVoxelIndicesIJKtoXYZ", &[("MeterExponent", &-3)], &listed(&matrix));
    xml.push_str("</Volume>");
}

fn labels(xml: &mut String, LabelMap { map, table }: &LabelMap) {
    let mut text = String::new();
    label_table_xml(table, &mut text);
    named(xml, map, &text);
}

/// A map, with XML that follows its metadata.
fn named(xml: &mut String, Map { name, metadata }: &Map, more: &str) {
    xml.push_str("<NamedMap>");
    element(xml, "MapName", &[], name);
    if !metadata.is_empty() {
        xml.push_str("<MetaData>");
        for (key, value) in metadata {
            xml.push_str("<MD>");
            element(xml, "Name", &[], key);
            element(xml, "Value", &[], value);
            xml.push_str("</MD>");
        }
        xml.push_str("</MetaData>");
    }
    xml.push_str(more);
    xml.push_str("</NamedMap>");
}

fn listed<T: Display>(numbers: &[T]) -> String {
    let mut text = String::new();
    for (i, number) in numbers.iter().enumerate() {
        let _ = write!(text, "{}{number}", if i == 0 { "" } else { " " });
    }
    text
}
