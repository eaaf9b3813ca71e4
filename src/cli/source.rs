//! The files that commands read series from and write results to.

use super::common::note;
use crate::data::{self, Cohort, Delimiter, Layout, MapSeries, Resample, Series, SeriesOptions, TableOptions};
use crate::{Error, Result};
use clap::ValueEnum;
use clap::builder::{NonEmptyStringValueParser, PossibleValue};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The file that holds series, and how it is read.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Source {
    /// Series: `.npy`, `.npz` (`FILE.npz:NAME` names one array of several), HDF5, NWB or MATLAB (`FILE.h5:/path`, `FILE.mat:NAME`), a table
    /// whose rows are time, a surface, or an image over time by an atlas. `tapetum formats` lists what is read.
    series: PathBuf,
    /// The atlas that gives an image its series: an image of labels, or of maps along its fourth axis, on any grid. For CIFTI files
    /// of vertices and voxels, and for surfaces, labels in `.dlabel.nii`, `.label.gii` or `.annot` (`FILE.dlabel.nii:MAP` names one map of several,
    /// `LEFT.label.gii,RIGHT.label.gii` a file for each hemisphere).
    #[arg(long, value_name = "FILE")]
    atlas: Option<PathBuf>,
    /// The structures that are taken of a CIFTI file of vertices and voxels, such as CORTEX_LEFT,CORTEX_RIGHT [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    structures: Vec<String>,
    /// The names of the atlas' regions: a table with the columns `index` and `name`, a look-up table, or a name on each line [default: the
    /// table beside the atlas, such as ATLAS.tsv, ATLAS_dseg.tsv or ATLAS_LUT.txt, where there is one].
    #[arg(long, value_name = "FILE", requires = "atlas")]
    labels: Option<PathBuf>,
    /// The treatment of an atlas on another grid than the image: `auto` takes it at the nearest voxel, or maps by linear interpolation,
    /// and says so; `never` refuses it.
    #[arg(long, value_enum, value_name = "auto|never", default_value_t, hide_default_value = true, hide_possible_values = true)]
    resample: Resample,
    /// The way in which the maps of an atlas with four axes have series: by a fit of all together to each frame, or each by its weighted mean.
    #[arg(long, value_enum, default_value_t)]
    maps: MapSeries,
    /// The axes of an array or a table, after subjects.
    #[arg(long, value_enum, default_value_t = Axes::TimeRegions)]
    layout: Axes,
    #[command(flatten)]
    tables: Tables,
}

/// The axes of a file of series, after subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Axes {
    TimeRegions,
    RegionsTime,
}

/// The options that say how tables are read.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Tables {
    /// Say whether the first row of a table is a header; without this option it is recognised, and the command says so.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    header: Option<bool>,
    /// The column of a table that numbers, dates or names its rows and holds no values: its name, its place from 1, or `none`; without this
    /// option it is recognised, and the command says so.
    #[arg(long, value_name = "NAME|PLACE|none", value_parser = NonEmptyStringValueParser::new())]
    index_column: Option<String>,
    /// The separator of the cells of a table [default: by its extension].
    #[arg(long, value_enum, value_name = "NAME")]
    delimiter: Option<Delimiter>,
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no is expected"),
    }
}

impl ValueEnum for Delimiter {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValueEnum for Resample {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValueEnum for MapSeries {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl Tables {
    pub(super) fn options(&self) -> TableOptions {
        TableOptions { header: self.header, index_column: self.index_column.clone(), delimiter: self.delimiter }
    }
}

impl Source {
    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.series
    }

    /// The atlas, by its file or its name.
    pub(super) fn atlas(&self) -> Option<&Path> {
        self.atlas.as_deref()
    }

    /// The same options for another file, with the image by which it has series.
    pub(super) fn of(&self, series: &Path, atlas: Option<&Path>) -> Self {
        Self { series: series.to_owned(), atlas: atlas.map(Path::to_owned), ..self.clone() }
    }

    /// The order of the file's last two axes.
    pub(super) fn layout(&self) -> Layout {
        match self.layout {
            Axes::TimeRegions => Layout::TimeRegions,
            Axes::RegionsTime => Layout::RegionsTime,
        }
    }

    /// Reads the series.
    pub(super) fn read(&self) -> Result<Series> {
        data::read_series(&self.series, self.options())
    }

    /// Reads the subjects of a file that holds an array for each; `None` for other files.
    pub(super) fn cohort(&self) -> Result<Option<Cohort>> {
        if self.atlas.is_some() { Ok(None) } else { data::read_cohort(&self.series, self.options()) }
    }

    fn options(&self) -> SeriesOptions {
        let mut options = SeriesOptions::from(self.layout());
        options.table = self.tables.options();
        options.atlas.clone_from(&self.atlas);
        options.structures.clone_from(&self.structures);
        options.labels.clone_from(&self.labels);
        (options.resample, options.maps) = (self.resample, self.maps);
        options
    }

    /// The files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.series), self.atlas.as_ref(), self.labels.as_ref()].into_iter().flatten().map(PathBuf::as_path)
    }

    /// Says how the file was read.
    pub(super) fn say(&self, series: &Series) {
        let said = series.read_as.iter().flat_map(|r| &r.recognised).chain(&series.remarks);
        said.for_each(|what| note(&format!("{}: {what}", self.series.display())));
    }

    /// Says what is doubtful about the series, and returns it for `--json`.
    pub(super) fn warn(&self, series: &Series) -> Result<Vec<String>> {
        let doubts = series.doubts()?;
        doubts.iter().for_each(|doubt| note(&format!("warning: {}: {doubt}", self.series.display())));
        Ok(doubts)
    }

    /// Adds to the result of a command what was read, for `--json`.
    pub(super) fn describe(&self, json: &mut Value, series: &Series) {
        let table = series.read_as.as_ref().map_or(
            Value::Null,
            |r| json!({ "header": r.header, "index_column": r.index_column, "recognised": r.recognised, "doubts": r.doubts }),
        );
        let missing: Vec<usize> = (0..series.missing.len()).filter(|row| series.missing[*row]).collect();
        json["series"] = self.series.display().to_string().into();
        json["names"] = json!(series.names);
        json["missing"] = json!(missing);
        json["step"] = json!(series.step);
        json["remarks"] = json!(series.remarks);
        json["table"] = table;
    }
}

/// Checks that an output would replace none of the files that are read.
pub(super) fn apart<'a>(out: &Path, read: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    for read in read {
        if let (Ok(out_at), Ok(read_at)) = (fs::canonicalize(out), fs::canonicalize(read))
            && out_at == read_at
        {
            return Err(Error::file(out, format!("the output would replace {}, which is read: another name is expected", read.display())));
        }
    }
    Ok(())
}
