//! `tapetum parcellate`: the demo on a user's own data.

use super::common::{Common, Done};
use super::parcels::Parcels;
use super::source::Source;
use crate::connectome::parcels::cortex::{Cortex, on_a_sphere};
use crate::connectome::parcels::learn_parcels::Settings;
use crate::data::cifti::{Axis, BrainModels};
use crate::data::{Format, Mesh, TableOptions, on_whole_surface, read_mesh, read_npy, read_table};
use crate::report::picture::Hemisphere;
use crate::statistics::centre::{Centred, Constant};
use crate::{Error, HostTensor, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The smallest number of frames for which a correlation is meaningful.
const FEWEST: usize = 3;

#[derive(Debug, clap::Args)]
pub(super) struct Parcellate {
    #[command(flatten)]
    source: Source,
    /// The positions of the vertices on the sphere: a `.surf.gii`, whose triangles are then used as well, or [vertices, 3] in `.npy`, `.csv`
    /// or `.tsv`.
    #[arg(long, value_name = "XYZ")]
    coordinates: PathBuf,
    /// The number of parcels.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    parcels: u32,
    /// The folder for labels, memberships, pictures and the report.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// A mask [vertices], not 0 for the vertices that get a parcel [default: all whose series vary]
    #[arg(long, value_name = "M")]
    mask: Option<PathBuf>,
    /// The triangles of the sphere, [faces, 3], counted from 0, or a `.surf.gii`: neighbours are those of the mesh, and there is a map.
    /// Without them a vertex's neighbours are the six nearest.
    #[arg(long, value_name = "F")]
    faces: Option<PathBuf>,
    /// The share of the frames, at the end, that is used to test and not to learn; 0 to learn from all frames and test on none.
    #[arg(long, default_value_t = 0.5, value_name = "SHARE")]
    hold_out: f64,
    /// Steps of Adam.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: u32,
    /// The hemisphere, for the map and the labels [default: the one that the sphere's or the series' file names, else left]
    #[arg(long, value_enum)]
    hemisphere: Option<Side>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Side {
    Left,
    Right,
}

impl Parcellate {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        if !(0.0..1.0).contains(&self.hold_out) {
            return Err(Error::argument(format!("--hold-out {}: a share from 0 to below 1 is expected", self.hold_out)));
        }
        let Found { cortex, models, structure, read } = self.cortex()?;
        let (frames, usable, parcels) = (cortex.frames(), cortex.usable.len(), self.parcels as usize);
        if parcels > usable {
            return Err(Error::argument(format!("--parcels {parcels}: {usable} vertices have series that vary")));
        }
        let test = (frames as f64 * self.hold_out).round() as usize;
        if frames - test < FEWEST || (test > 0 && test < FEWEST) {
            let what = format!("{frames} frames, {test} of them held out: at least {FEWEST} to learn from, and to test on, are expected");
            return Err(Error::file(self.source.path(), what));
        }
        let settings = Settings { steps: self.steps, seed: common.seed, ..Settings::of(parcels) };
        let right = structure == Side::Right.structure();
        let hemisphere = if right { Hemisphere::Right } else { Hemisphere::Left };
        let next = "Next: open the report in a browser; labels.npy has the parcel of each vertex, -1 for none.";
        let (train, title) = (frames - test, "Learnt parcels");
        Parcels { cortex, settings, train, hemisphere, structure, models, out: &self.out, title, next, read }.learn(common)
    }

    /// The cortex and what is known of it.
    fn cortex(&self) -> Result<Found> {
        let read = self.source.read()?;
        self.source.say(&read);
        let mut read_as = json!({ "warnings": self.source.warn(&read)? });
        self.source.describe(&mut read_as, &read);
        let models = match &read.places {
            Some(Axis::BrainModels(models)) => Some(models.clone()),
            _ => None,
        };
        let read = on_whole_surface(read).map_err(|e| Error::file(self.source.path(), e))?;
        // The parcels depend on correlations only, so the means do not matter. They are taken off where f32 would lose variation that is
        // small beside a large mean.
        let centred = Centred::new(&read.values, Constant::ToRounding)?;
        let series = if read.values.is_f64() || centred.off_centre { centred.single()? } else { read.values };
        let [vertices, _] = *series.shape() else {
            return Err(Error::file(self.source.path(), format!("series of one subject are expected, found {}", series.shape())));
        };
        let mesh = is_mesh(&self.coordinates).then(|| read_mesh(&self.coordinates)).transpose()?;
        let xyz = mesh.as_ref().map_or_else(|| array(&self.coordinates), |mesh| Ok(mesh.coordinates.clone()))?.to_real::<f32>();
        if *xyz.shape() != [vertices, 3] {
            return Err(Error::file(
                &self.coordinates,
                format!("[{vertices}, 3] is expected, a row a vertex of the series, found {}", xyz.shape()),
            ));
        }
        on_a_sphere(&xyz).map_err(|what| Error::file(&self.coordinates, what))?;
        let mask = self.mask.as_deref().map(array).transpose()?;
        if let (Some(mask), Some(path)) = (&mask, &self.mask)
            && mask.shape().elements() != vertices
        {
            return Err(Error::file(path, format!("[{vertices}] is expected, found {}", mask.shape())));
        }
        let given = self.faces.as_deref().map(|path| triangles(path, vertices)).transpose()?;
        let faces = given.or_else(|| mesh.as_ref().map(|mesh| mesh.triangles.clone()));
        let structure = self.structure(mesh.as_ref(), models.as_ref())?;
        Ok(Found { cortex: Cortex::new(series, xyz, faces, mask.as_ref())?, models, structure, read: read_as })
    }

    /// The structure by `--hemisphere`, or by the files; they must agree.
    fn structure(&self, mesh: Option<&Mesh>, models: Option<&BrainModels>) -> Result<&'static str> {
        let of = |name: &str| [Side::Left, Side::Right].into_iter().find(|side| side.structure() == name);
        let of_series = models.and_then(|models| models.models.first()).and_then(|model| of(&model.structure));
        let of_mesh = mesh.and_then(|mesh| mesh.structure.as_deref()).and_then(of);
        if let (Some(series), Some(mesh)) = (of_series, of_mesh)
            && series != mesh
        {
            let what = format!("a sphere of {}, and the series are those of {}", mesh.structure(), series.structure());
            return Err(Error::file(&self.coordinates, what));
        }
        Ok(self.hemisphere.or(of_series).or(of_mesh).unwrap_or(Side::Left).structure())
    }
}

/// The cortex of the files, and what they say of it.
struct Found {
    cortex: Cortex,
    /// The grayordinates of the series, where the file of the series says them.
    models: Option<BrainModels>,
    /// The structure, as CIFTI-2 names it.
    structure: &'static str,
    /// The way in which the series were read, for `--json`.
    read: Value,
}

impl Side {
    /// The structure, as CIFTI-2 names it.
    fn structure(self) -> &'static str {
        match self {
            Self::Left => "CORTEX_LEFT",
            Self::Right => "CORTEX_RIGHT",
        }
    }
}

/// True where a file's name is that of a mesh: `.gii`, or a sphere of FreeSurfer.
fn is_mesh(path: &Path) -> bool {
    matches!(Format::of(path), Some(Format::Gifti | Format::FreeSurfer))
}

/// An array, or the numbers of a table. All its columns are of these numbers: there is none for an index.
fn array(path: &Path) -> Result<HostTensor> {
    match path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
        true => read_npy(path),
        false => {
            let options = TableOptions { index_column: Some("none".into()), ..TableOptions::default() };
            read_table(path, &options).map(|table| table.values)
        }
    }
}

fn triangles(path: &Path, vertices: usize) -> Result<HostTensor> {
    let faces = if is_mesh(path) { read_mesh(path)?.triangles } else { array(path)? };
    let index = |x: f64| (x.fract() == 0.0 && x >= 0.0 && x < vertices as f64).then_some(x as i32);
    let indices: Option<Vec<i32>> = faces.to_f64_vec().into_iter().map(index).collect();
    match (indices, &faces.shape()[..]) {
        (Some(indices), [n, 3]) => HostTensor::i32([*n, 3], indices),
        _ => Err(Error::file(path, format!("[faces, 3] of vertices from 0 to {} are expected, found {}", vertices - 1, faces.ty()))),
    }
}
