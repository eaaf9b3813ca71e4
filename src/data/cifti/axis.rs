//! The meaning of the rows and the columns of a CIFTI-2 matrix.

use super::labels::LabelTable;
use super::text::shortened;
use std::fmt;

/// The meaning of the rows or the columns of a matrix, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Axis {
    /// Grayordinates: vertices of surfaces and voxels.
    BrainModels(BrainModels),
    /// Parcels, which are sets of grayordinates with names.
    Parcels(Parcels),
    /// Steps of time, or of another quantity.
    Series(Steps),
    /// Maps of numbers.
    Scalars(Vec<Map>),
    /// Maps of labels, each with its table.
    Labels(Vec<LabelMap>),
}

impl Axis {
    /// The number of rows or columns.
    pub fn len(&self) -> usize {
        match self {
            Self::BrainModels(of) => of.len(),
            Self::Parcels(of) => of.parcels.len(),
            Self::Series(of) => of.count,
            Self::Scalars(of) => of.len(),
            Self::Labels(of) => of.len(),
        }
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The axis in words.
    pub fn what(&self) -> &'static str {
        match self {
            Self::BrainModels(_) => "grayordinates",
            Self::Parcels(_) => "parcels",
            Self::Series(_) => "series",
            Self::Scalars(_) => "scalars",
            Self::Labels(_) => "labels",
        }
    }
}

/// Grayordinates, structure by structure.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BrainModels {
    /// The structures, in the order of the matrix.
    pub models: Vec<BrainModel>,
    /// The space of the voxels, where there are voxels.
    pub volume: Option<Volume>,
}

impl BrainModels {
    /// The number of grayordinates.
    pub fn len(&self) -> usize {
        self.models.iter().map(|model| model.places.len()).sum()
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each model with the place of its first grayordinate in the matrix.
    pub fn placed(&self) -> impl Iterator<Item = (usize, &BrainModel)> + Clone {
        self.models.iter().scan(0, |from, model| {
            let first = *from;
            *from += model.places.len();
            Some((first, model))
        })
    }

    /// The models of these structures, and the places of their grayordinates in the matrix. The names may be in small letters, and with
    /// `CIFTI_STRUCTURE_`.
    ///
    /// # Errors
    /// Returns a message that lists the structures there are, where one is not among them.
    pub fn chosen(&self, structures: &[String]) -> Result<(Self, Vec<usize>), String> {
        let plain = |name: &String| name.trim().to_uppercase().trim_start_matches("CIFTI_STRUCTURE_").to_owned();
        let wanted: Vec<String> = structures.iter().map(plain).collect();
        let is = |model: &BrainModel, name: &str| model.structure.to_uppercase() == name;
        if let Some(none) = wanted.iter().find(|name| !self.models.iter().any(|model| is(model, name))) {
            let listed: Vec<String> = self.models.iter().take(40).map(|model| shortened(&model.structure)).collect();
            return Err(format!("no structure {none}: there are {}", listed.join(", ")));
        }
        let kept = self.placed().filter(|(_, model)| wanted.iter().any(|name| is(model, name)));
        let places = kept.clone().flat_map(|(first, model)| first..first + model.places.len()).collect();
        Ok((Self { models: kept.map(|(_, model)| model.clone()).collect(), volume: self.volume.clone() }, places))
    }

    /// The names of all grayordinates: `CORTEX_LEFT:1234` for a vertex, `THALAMUS_LEFT:40,52,38` for a voxel.
    pub fn names(&self) -> Vec<String> {
        let of = |model: &BrainModel| (0..model.places.len()).map(|at| model.name(at)).collect::<Vec<_>>();
        self.models.iter().flat_map(of).collect()
    }

    /// The name of one grayordinate; empty where there is none at this place.
    pub fn name(&self, at: usize) -> String {
        let model = self.placed().filter(|(first, _)| *first <= at).last();
        model.map(|(first, model)| model.name(at - first)).unwrap_or_default()
    }
}

/// The grayordinates of one structure.
#[derive(Debug, Clone, PartialEq)]
pub struct BrainModel {
    /// The structure, as CIFTI-2 names it, without `CIFTI_STRUCTURE_`: `CORTEX_LEFT`, `THALAMUS_RIGHT`.
    pub structure: String,
    /// Its vertices or voxels.
    pub places: Places,
}

impl BrainModel {
    fn name(&self, at: usize) -> String {
        match &self.places {
            Places::Vertices { indices, .. } => indices.get(at).map(|v| format!("{}:{v}", self.structure)),
            Places::Voxels(voxels) => voxels.get(at).map(|[i, j, k]| format!("{}:{i},{j},{k}", self.structure)),
        }
        .unwrap_or_default()
    }
}

/// The places of grayordinates, each of which differs from the others.
#[derive(Debug, Clone, PartialEq)]
pub enum Places {
    /// Vertices of a surface.
    Vertices {
        /// The number of vertices of the whole surface.
        of: usize,
        /// The vertices that have values, counted from 0.
        indices: Vec<u32>,
    },
    /// Voxels, by their indices along x, y and z.
    Voxels(Vec<[u32; 3]>),
}

impl Places {
    /// The number of grayordinates.
    pub fn len(&self) -> usize {
        match self {
            Self::Vertices { indices, .. } => indices.len(),
            Self::Voxels(voxels) => voxels.len(),
        }
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The space of voxels.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// The numbers of voxels along x, y and z.
    pub dimensions: [u32; 3],
    /// The affine map from voxel indices to millimetres: the first three rows of a 4 × 4 matrix.
    pub affine: [[f64; 4]; 3],
}

impl Volume {
    /// True where both spaces have the same voxels at the same positions, to about a thousandth of a millimetre. A position that is NaN
    /// agrees with none.
    pub fn agrees(&self, other: &Self) -> bool {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-3;
        self.dimensions == other.dimensions && self.affine.as_flattened().iter().zip(other.affine.as_flattened()).all(near)
    }
}

/// Parcels, in the order of the matrix.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parcels {
    /// The parcels.
    pub parcels: Vec<Parcel>,
    /// The number of vertices of each surface on which parcels lie, by structure.
    pub surfaces: Vec<(String, usize)>,
    /// The space of the voxels, where there are voxels.
    pub volume: Option<Volume>,
}

impl Parcels {
    /// Parcels of which the names alone are known.
    pub fn named<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let parcel = |name: S| Parcel { name: name.into(), vertices: Vec::new(), voxels: Vec::new() };
        Self { parcels: names.into_iter().map(parcel).collect(), surfaces: Vec::new(), volume: None }
    }

    /// Parcels for so many regions: those that are known, where they are as many and have these names; else parcels of these names, or
    /// numbers from 0 where there are no names.
    pub fn of(known: Option<&Self>, names: Option<&[String]>, regions: usize) -> Self {
        match (known, names) {
            (Some(known), None) if known.parcels.len() == regions => known.clone(),
            (Some(known), Some(names)) if known.names() == names => known.clone(),
            (_, Some(names)) => Self::named(names.iter().cloned()),
            (_, None) => Self::named((0..regions).map(|i| i.to_string())),
        }
    }

    /// The names of the parcels.
    pub fn names(&self) -> Vec<String> {
        self.parcels.iter().map(|parcel| parcel.name.clone()).collect()
    }

    /// The parcels at these places, in this order; places beyond the last parcel are left out.
    pub fn chosen(&self, places: &[usize]) -> Self {
        let parcels = places.iter().filter_map(|&at| self.parcels.get(at).cloned()).collect();
        Self { parcels, ..self.clone() }
    }
}

/// A parcel: the grayordinates that belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// The name.
    pub name: String,
    /// The vertices on each surface, by structure.
    pub vertices: Vec<(String, Vec<u32>)>,
    /// The voxels.
    pub voxels: Vec<[u32; 3]>,
}

/// Equal steps of a quantity: its value at place `i` is `start + i · step`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Steps {
    /// The value at the first place.
    pub start: f64,
    /// The step from one place to the next.
    pub step: f64,
    /// The unit of both.
    pub unit: Unit,
    /// The number of places.
    pub count: usize,
}

/// The unit of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Time in seconds.
    Second,
    /// Frequency in hertz.
    Hertz,
    /// Length in metres.
    Metre,
    /// An angle in radians.
    Radian,
}

impl Unit {
    /// All units.
    pub const ALL: [Self; 4] = [Self::Second, Self::Hertz, Self::Metre, Self::Radian];

    /// The unit as CIFTI-2 names it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Second => "SECOND",
            Self::Hertz => "HERTZ",
            Self::Metre => "METER",
            Self::Radian => "RADIAN",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "seconds",
            Self::Hertz => "hertz",
            Self::Metre => "metres",
            Self::Radian => "radians",
        })
    }
}

/// The name of a map, and what else the file says of it, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Map {
    /// The name.
    pub name: String,
    /// Keys and their values.
    pub metadata: Vec<(String, String)>,
}

/// A map of labels.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelMap {
    /// Its name and metadata.
    pub map: Map,
    /// The labels by their keys.
    pub table: LabelTable,
}
