//! Series of parcels and of grayordinates: CIFTI-2 files, and the vertices of a surface in GIFTI files.

use super::super::cifti::{
    Axis, BrainModel, BrainModels, Cifti, LabelAtlas, Map, Parcels, Places, Regions, Steps, Unit, is_cifti, means, read_cifti_bytes,
};
use super::super::freesurfer::{annotation, structure_by_name};
use super::super::{extension, gifti, read_bytes, read_gifti_labels_bytes};
use super::{Layout, Series, SeriesOptions, arrange, no_structures};
use crate::{Error, HostTensor, Result};
use std::path::{Path, PathBuf};

/// Reads series from the bytes of a CIFTI-2 or a GIFTI file: regions are its parcels or grayordinates, or the regions of an atlas.
pub(super) fn read(name: &Path, bytes: &[u8], options: &SeriesOptions) -> Result<Series> {
    let fail = |what: String| Error::file(name, what);
    if extension(name) != "gii" {
        return matrix(name, &read_cifti_bytes(name, bytes)?, options);
    }
    if !options.structures.is_empty() {
        return Err(no_structures(name));
    }
    let found = gifti::arrays(name, bytes).map_err(|what| Error::file(name, what))?;
    let Some(atlas) = &options.atlas else {
        let names = found.vertices.map(|v| v.iter().map(usize::to_string).collect());
        return arrange(HostTensor::real([found.rows, found.columns], found.values)?, names, Layout::RegionsTime).map_err(fail);
    };
    let atlas = read_atlas(atlas, &options.structures)?;
    // A file that does not say its structure is taken to be of the structure that the atlas has.
    let structure = found
        .structure
        .or_else(|| structure_by_name(name))
        .or_else(|| atlas.0.models.models.first().map(|model| model.structure.clone()))
        .unwrap_or_default();
    let vertices = found.vertices.unwrap_or_else(|| (0..found.rows).collect());
    let indices: Vec<u32> = vertices.iter().filter_map(|v| u32::try_from(*v).ok()).collect();
    let of = vertices.iter().max().map_or(0, |last| last + 1);
    let models = BrainModels { models: vec![BrainModel { structure, places: Places::Vertices { of, indices } }], volume: None };
    let row = |row: usize| found.values[row * found.columns..][..found.columns].to_vec();
    by_labels(name, &models, found.columns, &atlas, row)
}

fn matrix(name: &Path, cifti: &Cifti<'_>, options: &SeriesOptions) -> Result<Series> {
    let fail = |what: String| Error::file(name, what);
    if !matches!(cifti.columns, Axis::Series(_) | Axis::Scalars(_)) {
        let what = format!("a CIFTI file of {} by {}: series or maps of numbers are expected", cifti.rows.what(), cifti.columns.what());
        return Err(fail(what));
    }
    let series = match &cifti.rows {
        Axis::BrainModels(models) => dense(name, cifti, models, options)?,
        Axis::Parcels(_) if options.atlas.is_some() => {
            return Err(fail("its values are those of parcels already: an atlas is for vertices and voxels (.dtseries.nii)".into()));
        }
        Axis::Parcels(_) if !options.structures.is_empty() => {
            return Err(fail("structures are chosen of vertices and voxels (.dtseries.nii), and it has parcels".into()));
        }
        Axis::Parcels(parcels) => {
            let values = tensor(cifti, None)?;
            let series = arrange(values, Some(parcels.names()), Layout::RegionsTime).map_err(fail)?;
            Series { places: Some(Axis::Parcels(parcels.clone())), ..series }
        }
        other => return Err(fail(format!("a CIFTI file of {} over time: grayordinates or parcels are expected", other.what()))),
    };
    let (step, remark) = seconds(&cifti.columns);
    let remarks = remark.into_iter().chain(series.remarks).collect();
    Ok(Series { step, remarks, ..series })
}

/// The series of grayordinates, or the means over those of each label of an atlas.
fn dense(name: &Path, cifti: &Cifti<'_>, models: &BrainModels, options: &SeriesOptions) -> Result<Series> {
    let fail = |what: String| Error::file(name, what);
    let (chosen, places) = match options.structures.as_slice() {
        [] => (models.clone(), None),
        structures => models.chosen(structures).map(|(models, places)| (models, Some(places))).map_err(fail)?,
    };
    match &options.atlas {
        None => {
            let series = arrange(tensor(cifti, places.as_deref())?, Some(chosen.names()), Layout::RegionsTime).map_err(fail)?;
            Ok(Series { places: Some(Axis::BrainModels(chosen)), ..series })
        }
        Some(atlas) => {
            let atlas = read_atlas(atlas, &options.structures)?;
            let place = |row: usize| places.as_ref().map_or(row, |places| places[row]);
            by_labels(name, &chosen, cifti.columns.len(), &atlas, |row| cifti.row(place(row)))
        }
    }
}

/// All rows of a matrix, or those at some places, in single precision where it has no more digits.
fn tensor(cifti: &Cifti<'_>, places: Option<&[usize]>) -> Result<HostTensor> {
    let count = places.map_or(cifti.rows.len(), <[usize]>::len);
    let rows = (0..count).map(|at| cifti.row(places.map_or(at, |places| places[at])));
    let shape = [count, cifti.columns.len()];
    match cifti.is_single() {
        true => HostTensor::f32(shape, rows.flat_map(|row| row.into_iter().map(|x| x as f32)).collect()),
        false => HostTensor::real(shape, rows.flatten().collect::<Vec<f64>>()),
    }
}

/// The seconds from one frame to the next, or what is said where there are none.
fn seconds(columns: &Axis) -> (Option<f64>, Option<String>) {
    match columns {
        Axis::Series(Steps { step, unit: Unit::Second, .. }) if *step > 0.0 => (Some(*step), None),
        Axis::Series(Steps { step, unit, .. }) => (None, Some(format!("its steps are {step} {unit}, which is no time between frames"))),
        Axis::Scalars(maps) => (None, Some(format!("its {} maps of numbers stand for frames", maps.len()))),
        _ => (None, None),
    }
}

/// A surface is made whole where one of so many vertices has values.
const SPARSEST: usize = 8;

/// The largest number of regions for each vertex or voxel of a series. Those without any are kept, and each takes memory.
const MOST_REGIONS: usize = 64;

/// An atlas and its file.
type Atlas = (LabelAtlas, PathBuf);

/// Reads labels of grayordinates from `FILE.dlabel.nii`, `FILE.label.gii` or `FILE.annot`; from one map of a file, `FILE.dlabel.nii:MAP`; or
/// from two files, a hemisphere each, `LEFT.label.gii,RIGHT.label.gii`. The second is looked for beside the first.
fn read_atlas(path: &Path, structures: &[String]) -> Result<Atlas> {
    let text = path.to_string_lossy();
    let fail = |what: String| Error::file(path, what);
    let atlas = match text.split_once(',').filter(|_| !path.exists()) {
        None => labels(path)?,
        Some((left, right)) => {
            let beside = Path::new(left).with_file_name(right);
            let right = if beside.exists() { labels(&beside) } else { labels(Path::new(right)) };
            LabelAtlas::joined(labels(Path::new(left))?, right?)
        }
    };
    Ok((atlas.on(structures).map_err(fail)?, path.to_owned()))
}

fn labels(path: &Path) -> Result<LabelAtlas> {
    let (file, map) = file_and_map(path);
    let bytes = read_bytes(&file)?;
    let fail = |what: String| Error::file(&file, what);
    match extension(&file).as_str() {
        "gii" => read_gifti_labels_bytes(&file, &bytes, map.as_deref()),
        "annot" => annotation(&file, &bytes).map_err(fail),
        _ if is_cifti(&bytes) => LabelAtlas::of(&read_cifti_bytes(&file, bytes)?, map.as_deref()).map_err(fail),
        _ => Err(fail("an atlas of vertices and voxels is expected for such series: .dlabel.nii, .label.gii or .annot".into())),
    }
}

/// A file and the map that follows its name after a colon.
fn file_and_map(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_string_lossy();
    let ends = [".nii:", ".nii.gz:", ".gii:"].map(|end| text.rfind(end).map(|at| at + end.len()));
    match ends.into_iter().flatten().max().filter(|_| !path.exists()) {
        Some(end) => (PathBuf::from(&text[..end - 1]), Some(text[end..].to_owned())),
        None => (path.to_owned(), None),
    }
}

/// Means over the grayordinates of each label. `row` gives the values of a grayordinate.
fn by_labels(
    name: &Path,
    models: &BrainModels,
    frames: usize,
    (atlas, file): &Atlas,
    row: impl Fn(usize) -> Vec<f64> + Sync,
) -> Result<Series> {
    let Regions { members, parcels, unlisted } = atlas.regions(models).map_err(|what| Error::file(file, what))?;
    if members.len() > MOST_REGIONS * models.len() {
        let what = format!("an atlas of {} regions for {} vertices and voxels", members.len(), models.len());
        return Err(Error::file(file, what));
    }
    let means = means(&members, frames, row).map_err(|[at, frame]| {
        let what =
            format!("{} is NaN at frame {frame}, counted from 0, and not at every frame: a finite number is expected", models.name(at));
        Error::file(name, what)
    })?;
    let mut remarks = Vec::new();
    let (map, maps) = &atlas.map;
    if maps.len() > 1 {
        remarks.push(format!("the regions are those of the map `{map}`, one of {} of the atlas", maps.len()));
    }
    if unlisted > 0 {
        remarks
            .push(format!("{unlisted} vertices or voxels of the atlas have a key that its table does not name, and belong to no region"));
    }
    if means.left_out > 0 {
        remarks.push(format!("{} vertices or voxels are NaN at every frame and take no part in the means", means.left_out));
    }
    let values = HostTensor::real([members.len(), frames], means.values)?;
    let series = arrange(values, Some(parcels.names()), Layout::RegionsTime).map_err(|what| Error::file(name, what))?;
    Ok(Series { places: Some(Axis::Parcels(parcels)), remarks, ..series })
}

/// The kinds of CIFTI-2 file to which series are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// True for grayordinates, false for parcels.
    dense: bool,
    /// True for series, false for maps.
    of_time: bool,
}

impl Written {
    /// The kind of a file by its name.
    pub(super) fn of(path: &Path) -> Self {
        let name = path.to_string_lossy().to_lowercase();
        let dense = name.ends_with(".dtseries.nii") || name.ends_with(".dscalar.nii");
        Self { dense, of_time: name.ends_with("tseries.nii") }
    }
}

/// The bytes of a CIFTI-2 file with series, whose values `[regions, time]` are given apart.
pub(super) fn bytes(series: &Series, values: &[f32], kind: Written) -> Result<Vec<u8>> {
    let frames = values.len() / series.regions().max(1);
    let end = if kind.of_time { "tseries" } else { "scalar" };
    let rows = match (&series.places, kind.dense) {
        (Some(Axis::BrainModels(models)), true) => Axis::BrainModels(models.clone()),
        (Some(Axis::BrainModels(_)), false) => {
            return Err(Error::argument(format!("the regions are vertices and voxels: .d{end}.nii is expected")));
        }
        (_, true) => {
            let what = format!("it is not known which vertices and voxels the regions are: .p{end}.nii is expected");
            return Err(Error::argument(what));
        }
        (_, false) => Axis::Parcels(Parcels::of(series.parcels(), series.names.as_deref(), series.regions())),
    };
    let columns = match (kind.of_time, series.step) {
        (true, Some(step)) => Axis::Series(Steps { start: 0.0, step, unit: Unit::Second, count: frames }),
        (true, None) => {
            let other = if kind.dense { ".dscalar.nii" } else { ".pscalar.nii" };
            let what = "the seconds from one frame to the next are not known, and such a file states them";
            return Err(Error::argument(format!("{what}: {other}, .tsv or .npy is expected")));
        }
        (false, _) => Axis::Scalars((0..frames).map(|frame| Map { name: format!("frame {frame}"), ..Map::default() }).collect()),
    };
    Cifti::new(rows, columns, values)?.to_bytes()
}

/// Series of the grayordinates of one surface as series of all its vertices, in order. Vertices that had none have no values.
///
/// # Errors
/// Returns an error where the series are those of voxels or of several surfaces.
pub fn on_whole_surface(series: Series) -> Result<Series> {
    let Some(Axis::BrainModels(models)) = &series.places else { return Ok(series) };
    let [BrainModel { structure, places: Places::Vertices { of, indices } }] = models.models.as_slice() else {
        let listed: Vec<&str> = models.models.iter().map(|model| model.structure.as_str()).collect();
        let what = format!("series of one surface are expected, found {}: choose one (--structures CORTEX_LEFT)", listed.join(", "));
        return Err(Error::argument(what));
    };
    let frames = series.values.shape().last().copied().unwrap_or(0);
    // The number of vertices is what the file claims, and memory is taken for all of them.
    if indices.len() != series.regions() || indices.iter().any(|v| *v as usize >= *of) || *of > SPARSEST * indices.len() {
        let what = format!("values at {} of {of} vertices of {structure}: one of {SPARSEST} at least is expected", indices.len());
        return Err(Error::argument(what));
    }
    let given = series.values.to_f64_vec();
    let mut values = vec![0.0; of * frames];
    let mut missing = vec![true; *of];
    for (row, &vertex) in indices.iter().enumerate() {
        values[vertex as usize * frames..][..frames].copy_from_slice(&given[row * frames..][..frames]);
        missing[vertex as usize] = series.missing[row];
    }
    let values = match series.values.is_f64() {
        true => HostTensor::real([*of, frames], values)?,
        false => HostTensor::f32([*of, frames], values.into_iter().map(|x| x as f32).collect())?,
    };
    let all = Places::Vertices { of: *of, indices: (0u32..).take(*of).collect() };
    let places = BrainModels { models: vec![BrainModel { structure: structure.clone(), places: all }], volume: None };
    Ok(Series { values, missing, names: Some(places.names()), places: Some(Axis::BrainModels(places)), ..series })
}
