//! Regions of an atlas of labels among the grayordinates of another file, and means over them.

use super::Cifti;
use super::axis::{Axis, BrainModels, Parcel, Parcels, Places};
use super::labels::{Label, LabelTable};
use super::text::shortened;
use crate::tensor::parallel;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A label at each of some grayordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelAtlas {
    /// The grayordinates.
    pub models: BrainModels,
    /// The key of the label of each.
    pub keys: Vec<i32>,
    /// The labels by their keys.
    pub table: LabelTable,
    /// The name of the map, and those of all maps of the file.
    pub map: (String, Vec<String>),
}

/// The regions of an atlas among the grayordinates of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    /// For each region the rows of the file's grayordinates, ascending; none where the file has no grayordinate of the region.
    pub members: Vec<Vec<usize>>,
    /// The regions' names and grayordinates.
    pub parcels: Parcels,
    /// The number of grayordinates of the atlas whose key the table does not name. They belong to no region.
    pub unlisted: usize,
}

impl LabelAtlas {
    /// The atlas in a map of a `.dlabel.nii` file, by the map's name, or the first.
    ///
    /// # Errors
    /// Returns a message where the file holds no labels or no such map, or a key is not a whole number.
    pub fn of(cifti: &Cifti<'_>, map: Option<&str>) -> Result<Self, String> {
        let (Axis::BrainModels(models), Axis::Labels(maps)) = (&cifti.rows, &cifti.columns) else {
            return Err(format!("labels of grayordinates (.dlabel.nii) expected, found {} by {}", cifti.rows.what(), cifti.columns.what()));
        };
        let names: Vec<String> = maps.iter().map(|m| m.map.name.clone()).collect();
        let at = map.map_or(Some(0), |map| names.iter().position(|name| name == map));
        let found = at.and_then(|at| maps.get(at).map(|map| (at, map)));
        let (at, found) = found.ok_or_else(|| {
            let listed: Vec<String> = names.iter().take(20).map(|name| format!("`{}`", shortened(name))).collect();
            format!("no map `{}`: its maps are {}", shortened(map.unwrap_or_default()), listed.join(", "))
        })?;
        let key = |row: usize| {
            let value = cifti.row(row).get(at).copied().unwrap_or(f64::NAN);
            let whole = value.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value);
            if whole { Ok(value as i32) } else { Err(format!("{value} at {} where the key of a label is expected", models.name(row))) }
        };
        let keys = (0..models.len()).map(key).collect::<Result<_, _>>()?;
        Ok(Self { models: models.clone(), keys, table: found.table.clone(), map: (found.map.name.clone(), names) })
    }

    /// Two atlases as one, such as those of two hemispheres. Their keys are made anew. Where both have a region of one name, the names get
    /// the hemisphere in front, `L_` or `R_`, or the structure.
    pub fn joined(first: Self, second: Self) -> Self {
        let named = |atlas: &Self| atlas.table.iter().filter(|(key, label)| !label.is_none(**key)).map(|(_, l)| l.name.clone()).collect();
        let [ours, theirs]: [BTreeSet<String>; 2] = [named(&first), named(&second)];
        let (mut table, mut keys, mut models) = (LabelTable::from([(0, Label::none())]), Vec::new(), BrainModels::default());
        for atlas in [first, second] {
            let front = match atlas.models.models.first().map(|model| model.structure.as_str()) {
                Some("CORTEX_LEFT") => "L".to_owned(),
                Some("CORTEX_RIGHT") => "R".to_owned(),
                other => other.unwrap_or_default().to_owned(),
            };
            let mut anew = BTreeMap::from([(0, 0)]);
            for (key, label) in atlas.table {
                let next = table.len() as i32;
                if label.is_none(key) {
                    anew.insert(key, 0);
                    continue;
                }
                anew.insert(key, next);
                let both = ours.contains(&label.name) && theirs.contains(&label.name);
                table.insert(next, if both { Label { name: format!("{front}_{}", label.name), ..label } } else { label });
            }
            // A key that the table does not name keeps no name.
            keys.extend(atlas.keys.iter().map(|key| anew.get(key).copied().unwrap_or(-1)));
            models.models.extend(atlas.models.models);
            models.volume = models.volume.or(atlas.models.volume);
        }
        Self { models, keys, table, map: (String::new(), vec![String::new()]) }
    }

    /// The atlas on these structures alone, and on all where there are none.
    ///
    /// # Errors
    /// Returns a message that lists the structures there are, where one is not among them.
    pub fn on(self, structures: &[String]) -> Result<Self, String> {
        if structures.is_empty() {
            return Ok(self);
        }
        let (models, places) = self.models.chosen(structures)?;
        let keys = places.into_iter().filter_map(|at| self.keys.get(at).copied()).collect();
        Ok(Self { models, keys, ..self })
    }

    /// The regions among the grayordinates of a file, matched by structure and vertex or voxel: the labels that the atlas gives to a
    /// grayordinate, by ascending key, without key 0 and without `???`. Keys that the table does not name belong to no region, as in
    /// `wb_command -cifti-parcellate`; a region without grayordinates in the file is kept.
    ///
    /// # Errors
    /// Returns a message where a surface or the voxels' space is another, or no region has a grayordinate in the file.
    pub fn regions(&self, of: &BrainModels) -> Result<Regions, String> {
        let used: BTreeSet<i32> = self.keys.iter().copied().collect();
        let regions = self.table.iter().filter(|(key, label)| used.contains(key) && !label.is_none(**key));
        let place: BTreeMap<i32, usize> = regions.clone().enumerate().map(|(place, (key, _))| (*key, place)).collect();
        let parcels = regions.map(|(_, label)| Parcel { name: label.name.clone(), vertices: Vec::new(), voxels: Vec::new() }).collect();
        let mut found = Found { members: vec![Vec::new(); place.len()], parcels };
        let mut of_voxels = None;
        for (first, model) in of.placed() {
            let structure = model.structure.as_str();
            match &model.places {
                Places::Vertices { of, indices } => {
                    let keys = self.vertices(structure, *of)?;
                    for (at, vertex) in indices.iter().enumerate() {
                        let region = keys.get(vertex).and_then(|key| place.get(key));
                        region.into_iter().for_each(|region| found.vertex(*region, first + at, structure, *vertex));
                    }
                }
                Places::Voxels(voxels) => {
                    let keys = match &mut of_voxels {
                        Some(keys) => keys,
                        none => none.insert(self.voxels(of)?),
                    };
                    for (at, voxel) in voxels.iter().enumerate() {
                        let region = keys.get(voxel).and_then(|key| place.get(key));
                        region.into_iter().for_each(|region| found.voxel(*region, first + at, *voxel));
                    }
                }
            }
        }
        if found.members.iter().all(Vec::is_empty) {
            let structures = |models: &BrainModels| models.models.iter().map(|m| shortened(&m.structure)).collect::<Vec<_>>().join(", ");
            let what = format!("no label lies on grayordinates of the series: the labels are on {}", structures(&self.models));
            return Err(format!("{what}, and the series on {}", structures(of)));
        }
        let unlisted = self.keys.iter().filter(|key| **key != 0 && !self.table.contains_key(key)).count();
        let surface = |model: &super::BrainModel| match model.places {
            Places::Vertices { of, .. } => Some((model.structure.clone(), of)),
            Places::Voxels(_) => None,
        };
        let surfaces = of.models.iter().filter_map(surface).collect();
        let parcels = Parcels { parcels: found.parcels, surfaces, volume: of.volume.clone() };
        Ok(Regions { members: found.members, parcels, unlisted })
    }

    /// The keys at the vertices of a structure, whose surface has `of` vertices in the other file.
    fn vertices(&self, structure: &str, of: usize) -> Result<HashMap<u32, i32>, String> {
        let mut found = HashMap::new();
        for (first, model) in self.models.placed().filter(|(_, model)| model.structure == structure) {
            let Places::Vertices { of: here, indices } = &model.places else { continue };
            if *here != of {
                return Err(format!(
                    "{} has {here} vertices, and {of} in the series: labels on the same mesh are expected",
                    shortened(structure)
                ));
            }
            found.extend(indices.iter().copied().zip(self.keys.iter().skip(first).copied()));
        }
        Ok(found)
    }

    /// The keys at voxels, which have to be those of the other file.
    fn voxels(&self, of: &BrainModels) -> Result<HashMap<[u32; 3], i32>, String> {
        let mut found = HashMap::new();
        for (first, model) in self.models.placed() {
            if let Places::Voxels(voxels) = &model.places {
                found.extend(voxels.iter().copied().zip(self.keys.iter().skip(first).copied()));
            }
        }
        match (&self.models.volume, &of.volume) {
            (Some(here), Some(there)) if !found.is_empty() && !here.agrees(there) => Err(format!(
                "its voxels ({:?}, {:?} by the affine) are not those of the series ({:?}, {:?})",
                here.dimensions, here.affine, there.dimensions, there.affine
            )),
            _ => Ok(found),
        }
    }
}

/// Regions while their grayordinates are gathered.
struct Found {
    members: Vec<Vec<usize>>,
    parcels: Vec<Parcel>,
}

impl Found {
    fn vertex(&mut self, region: usize, row: usize, structure: &str, vertex: u32) {
        self.members[region].push(row);
        let surfaces = &mut self.parcels[region].vertices;
        match surfaces.iter_mut().find(|(name, _)| name == structure) {
            Some((_, vertices)) => vertices.push(vertex),
            None => surfaces.push((structure.to_owned(), vec![vertex])),
        }
    }

    fn voxel(&mut self, region: usize, row: usize, voxel: [u32; 3]) {
        self.members[region].push(row);
        self.parcels[region].voxels.push(voxel);
    }
}

/// Means `[regions, frames]` over rows, and the number of rows that are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Means {
    /// The means in double precision; NaN at every frame where a region has no row with values.
    pub values: Vec<f64>,
    /// The rows that are NaN at every frame. They have no values and take no part, as with `wb_command -cifti-parcellate -only-numeric`.
    pub left_out: usize,
}

/// Means over the rows of each region, in double precision. `row` gives the values of a row at all frames.
///
/// # Errors
/// Returns the row and the frame where a row is NaN at some frames and not at others.
pub fn means(members: &[Vec<usize>], frames: usize, row: impl Fn(usize) -> Vec<f64> + Sync) -> Result<Means, [usize; 2]> {
    let mut values = vec![f64::NAN; members.len() * frames];
    let (left_out, partly) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = members.iter().map(Vec::len).sum::<usize>().div_ceil(members.len().max(1)) * frames;
    parallel::rows(&mut values, frames, work, |region, out| {
        let mut count = 0u32;
        for member in &members[region] {
            let values = row(*member);
            let missing = values.iter().filter(|x| x.is_nan()).count();
            if missing == values.len() {
                left_out.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            if missing > 0 {
                partly.store(true, Ordering::Relaxed);
            }
            if count == 0 {
                out.fill(0.0);
            }
            out.iter_mut().zip(&values).for_each(|(sum, x)| *sum += x);
            count += 1;
        }
        out.iter_mut().for_each(|sum| *sum /= f64::from(count));
    });
    if partly.into_inner() {
        let first = |member: &usize| {
            let values = row(*member);
            let frame = values.iter().position(|x| x.is_nan()).filter(|_| values.iter().any(|x| !x.is_nan()));
            frame.map(|frame| [*member, frame])
        };
        members.iter().flatten().find_map(first).map_or(Ok(()), Err)?;
    }
    Ok(Means { values, left_out: left_out.into_inner() })
}
