//! The data of a workflow: arrays that all subjects share; and series, columns and confounds with one row for each subject. The rows are
//! read in batches, so that a cohort need not fit in memory.

use super::cohort;
use super::form::{Form, Placed, file, flag, text, whole, words};
use super::given;
use super::object::{Field, Object, object};
use super::place::{is_name, not_a_name};
use super::reader::{Reader, finite};
use super::rows::{held, leading, numbers_of, stacked};
use crate::connectome::confounds::{Selection, Strategy};
use crate::data::{
    Delimiter, Format, Layout, MapSeries, NpyRows, Resample, SeriesOptions, TableOptions, file_and_array, read_cohort, read_column,
    read_connectome, read_npy, read_npz,
};
use crate::statistics::centre::{Centred, Constant, far_warning};
use crate::statistics::standardise::Moments;
use crate::{DType, Error, HostTensor, Result, Shape};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

/// The largest size in bytes of an entry that is kept in memory. A larger entry is read again for every batch.
const KEPT: usize = 1 << 30;

/// All that a workflow reads.
#[derive(Debug)]
pub(super) struct Data {
    entries: BTreeMap<String, Entry>,
    subjects: usize,
}

/// An entry of the data.
#[derive(Debug)]
pub(super) enum Entry {
    Shared(HostTensor),
    /// One value for each subject. Where `centred`, the mean of each series is subtracted and stored in a frame after the last, because f32
    /// would lose small variation beside a large mean. Such values and confounds are held in `double` precision. `notes` are messages about the header and index column recognised in tables of
    /// series, and about doubts. `names` are those of the regions, where the files give them.
    Subjects {
        source: Source,
        each: Shape,
        dtype: DType,
        standardise: bool,
        centred: bool,
        double: bool,
        notes: Vec<String>,
        names: Option<Vec<String>>,
    },
}

#[derive(Debug)]
pub(super) enum Source {
    /// `[subjects, ..]`.
    Kept(HostTensor),
    /// The values are read by this reader, one subject at a time.
    Read(Box<Reader>),
}

/// Mean and standard deviation of the training subjects' columns, by name.
pub(super) type Standards = BTreeMap<String, [f64; 2]>;

/// The form of an entry, whose first key tells the kind of data. Every file is read once in full, and all subjects must have the same type
/// and shape.
pub(super) fn entry() -> Form<Placed<Described>> {
    let [column, array] = [column(), array()].map(|object| object.form().map(Described::from));
    let forms = vec![series().form(), cohort::entry(), matrices().form(), column, array, given::entry().form(), confounds().form()];
    Form::either(forms).placed()
}

/// An entry as it is described.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) entry: Entry,
    /// An entry that comes with it, and the end of its name: [`KEPT_FRAMES`] or [`PRESENT`].
    pub(super) beside: Option<(&'static str, Entry)>,
}

/// The end of the name of the weights of the frames, `[subjects, time]`, of confounds that censor frames.
const KEPT_FRAMES: &str = "kept";

/// The end of the name of the weights of the regions, `[subjects, regions]`, of series or matrices in which a region has no value.
const PRESENT: &str = "present";

/// The name of the weights of the frames of confounds that censor frames.
pub(super) fn kept_of(name: &str) -> String {
    format!("{name}.{KEPT_FRAMES}")
}

/// The name of the weights of the regions of an entry in which a region has no value.
pub(super) fn present_of(name: &str) -> String {
    format!("{name}.{PRESENT}")
}

fn delimiter() -> Field<Option<Delimiter>> {
    let names = Delimiter::ALL.map(|delimiter| (delimiter.name(), delimiter));
    words(names).maybe("delimiter", "what separates the cells of a table; that of its extension where it is not given")
}

/// One file, or a file for each subject.
#[derive(Debug, Clone)]
enum Files {
    One(PathBuf),
    Each(Vec<PathBuf>),
}

fn files() -> Form<Files> {
    Form::either(vec![file().map(Files::One), file().list(1).map(Files::Each)])
}

impl Files {
    fn list(self) -> Vec<PathBuf> {
        match self {
            Self::One(path) => vec![path],
            Self::Each(paths) => paths,
        }
    }
}

/// Frames of a run.
pub(super) fn frames() -> Field<Option<Range<usize>>> {
    let frames = whole(0).times::<2>().checked("[from, to], from below to,", |[from, to]| from < to);
    frames.map(|[from, to]| from..to).maybe("frames", "the first frame and the one after the last; all where it is not given")
}

/// The settings by which images have series of an atlas.
pub(super) fn of_images() -> (Field<Option<PathBuf>>, Field<Resample>, Field<MapSeries>) {
    (
        file()
            .maybe("labels", "the table with the names of the regions of an atlas of an image; one beside the atlas where it is not given"),
        words(Resample::ALL.map(|choice| (choice.name(), choice))).or(
            "resample",
            "auto",
            "whether an atlas on another grid than the image is taken",
        ),
        words(MapSeries::ALL.map(|way| (way.name(), way))).or(
            "maps",
            "least-squares",
            "the way in which maps of an atlas of four axes have series",
        ),
    )
}

fn series() -> Object<Described> {
    let parts = (
        files().field(
            "series",
            "a file of [subjects, time, regions], of one subject, or with an array for each subject by name (.npz, .h5, .mat); or a list of \
             files, one a subject",
        ),
        words([("time-regions", Layout::TimeRegions), ("regions-time", Layout::RegionsTime)]).or(
            "layout",
            "time-regions",
            "the order of the axes",
        ),
        words([("yes", true), ("no", false)])
            .maybe("header", "whether the first row of a table is a header; recognised where it is not given"),
        text().maybe(
            "index_column",
            "the column of a table that numbers or dates its rows: its name, its place from 1, or none; recognised where it is not given",
        ),
        delimiter(),
        file().maybe("atlas", "the atlas by which images, surfaces and CIFTI files of grayordinates have series"),
        text().list(1).maybe("structures", "the structures that are taken of CIFTI files of grayordinates; all where it is not given"),
        frames(),
        text().list(1).maybe("subjects", "the names of the subjects of a file that has an array for each, in this order; all by name otherwise"),
    );
    let parts = (parts, of_images());
    let what = "[subjects, regions, time]: series. A region that is missing throughout (n/a, NaN) has the value 0, so that its correlations and \
        their gradients are 0; then NAME.present, [subjects, regions], is 1 for a region that has values and 0 for one that has not. The block \
        pair_weights makes weights of edges of it";
    object(what, parts, |((files, layout, header, index_column, delimiter, atlas, structures, frames, subjects), images)| {
        let (labels, resample, maps) = images;
        if let Files::One(one) = &files
            && one.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"))
        {
            let rows = NpyRows::open(one)?;
            if rows.shape().len() == 3 && subjects.is_none() {
                return Source::open(Reader::SeriesRows(rows, layout, frames));
            }
        }
        let table = TableOptions { header, index_column, delimiter };
        let structures = structures.unwrap_or_default();
        let options = SeriesOptions { layout, table, atlas, structures, labels, resample, maps };
        if let Files::One(one) = &files
            && let Some(cohort) = read_cohort(one, options.clone())?
        {
            return Source::open(Reader::cohort(one.clone(), cohort, subjects.as_deref(), frames)?);
        }
        if subjects.is_some() {
            return Err(Error::argument("subjects are named for one file that has an array for each, such as .npz or .h5"));
        }
        Source::open(Reader::SeriesFiles { files: files.list(), options: Box::new(options), frames })
    })
}

fn matrices() -> Object<Described> {
    let parts = (
        files().field("matrices", "a file of [subjects, regions, regions], or of one subject; or a list of files, one a subject"),
        delimiter(),
    );
    let what = "[subjects, regions, regions]: connectomes, which `tapetum connectivity`, XCP-D (relmat.tsv) and others write, or graphs as lists \
        of edges. A region whose row and column are missing is 0, and NAME.present says so, as of series";
    object(what, parts, |(files, delimiter)| {
        let options = TableOptions { delimiter, ..TableOptions::default() };
        Source::open(match files {
            Files::One(path) => Reader::MatrixRows(read_connectome(&path, &options)?, path),
            Files::Each(files) => Reader::MatrixFiles { files, options },
        })
    })
}

fn column() -> Object<Entry> {
    let parts = (
        file().field("table", "a .csv or .tsv with a header, a row a subject"),
        text().placed().field("column", "its name"),
        text().list(2).placed().maybe("classes", "the texts that it holds: of two, 0 and 1; of more, one-hot"),
        flag().or("standardise", false, "by mean and standard deviation of the training subjects"),
    );
    object("[subjects], or [subjects, classes]: a column of a table", parts, |(table, column, classes, standardise)| {
        let cells = read_column(table, &column.value).map_err(|e| column.error(e))?;
        let values = numbers_of(&column, &cells, classes.as_ref(), |row| format!("row {} below the header", row + 1))?;
        Ok(of_column(values, standardise))
    })
}

/// The entry of a column, with one value or row of classes for each subject.
pub(super) fn of_column(values: HostTensor, standardise: bool) -> Entry {
    let (each, [centred, double]) = (values.shape().without(0), [false; 2]);
    Entry::Subjects { source: Source::Kept(values), each, dtype: DType::F32, standardise, centred, double, notes: Vec::new(), names: None }
}

fn array() -> Object<Entry> {
    let parts = (
        file().field("array", "a .npy, or FILE.npz:NAME where all subjects share it"),
        words([("all", false), ("subject", true)]).or("per", "all", "whether all subjects share it, or it has a row a subject"),
    );
    object("an array", parts, |(path, per_subject)| match per_subject {
        true => NpyRows::open(path).map(Reader::ArrayRows).and_then(Source::open).map(|described| described.entry),
        false => {
            let is_npz = Format::of(&file_and_array(&path).0) == Some(Format::Npz);
            let array = if is_npz { read_npz(&path, None) } else { read_npy(&path) };
            array.and_then(|x| finite(&path, x)).map(Entry::Shared)
        }
    })
}

fn confounds() -> Object<Described> {
    let parts = (
        files().field("confounds", "tables as fMRIPrep writes them, one a subject"),
        words(Strategy::ALL.map(|strategy| (strategy.name(), strategy))).maybe("strategy", "which columns, as `tapetum denoise` has them"),
        text().list(1).maybe("columns", "which columns, by their names"),
        text().maybe("formula", "which columns, by a formula such as dd1((rps + wm + csf + gsr)^^2)"),
        frames(),
        flag().or("keep_non_steady_state", false, "whether volumes stay that the table marks as not in the steady state"),
    );
    let what = "[subjects, columns, time]: confounds, each of mean 0 and standard deviation 1; strategy, columns or formula says which. The \
        strategy scrubbing censors frames too: NAME.kept, [subjects, time], is 1 for a frame that is kept and 0 for one that is censored, \
        and must be given as weights to the regression and to the correlation after it";
    object(what, parts, |(files, strategy, columns, formula, frames, keep_non_steady_state)| {
        let selection = match (strategy, columns, formula) {
            (Some(strategy), None, None) => Selection::Strategy(strategy),
            (None, Some(columns), None) => Selection::Columns(columns),
            (None, None, Some(formula)) => Selection::Formula(formula),
            _ => return Err(Error::argument("one of strategy, columns and formula is expected")),
        };
        let files = files.list();
        let kept = match selection {
            Selection::Strategy(Strategy::Scrubbing) => {
                Some(Source::open(Reader::Scrubbed { files: files.clone(), frames: frames.clone(), keep_non_steady_state })?)
            }
            _ => None,
        };
        let entry = Source::open(Reader::Confounds { files, selection, frames, keep_non_steady_state })?.entry;
        Ok(Described { entry, beside: kept.map(|kept| (KEPT_FRAMES, kept.entry)) })
    })
}

impl Data {
    /// The data with these entries by name, which must all have the same number of subjects.
    pub(super) fn new(entries: Vec<(String, Placed<Described>)>) -> Result<Self> {
        let mut data = Self { entries: BTreeMap::new(), subjects: 1 };
        let mut first: Option<usize> = None;
        for (name, Placed { at, value: Described { entry: value, beside } }) in entries {
            if !is_name(&name) {
                return Err(Error::argument(format!("data: {}", not_a_name(&name))));
            }
            if let Some(subjects) = value.subjects() {
                let before = *first.get_or_insert(subjects);
                if before != subjects {
                    return Err(Error::argument(format!("{at}: {subjects} subjects, and the entries before it have {before}")));
                }
                data.subjects = subjects;
            }
            beside.into_iter().for_each(|(end, beside)| drop(data.entries.insert(format!("{name}.{end}"), beside)));
            data.entries.insert(name, value);
        }
        Ok(data)
    }

    /// The number of subjects.
    pub(super) fn subjects(&self) -> usize {
        self.subjects
    }

    /// Messages about the headers and index columns recognised in tables of series, and about doubts; one line each.
    pub(super) fn notes(&self) -> impl Iterator<Item = &str> {
        self.entries.values().flat_map(Entry::notes).map(String::as_str)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The names of confounds that censor frames.
    pub(super) fn censoring(&self) -> impl Iterator<Item = &str> {
        self.names().filter(|name| self.entries.contains_key(&kept_of(name)))
    }

    /// The names of series and matrices in which a region has no value.
    pub(super) fn with_missing(&self) -> impl Iterator<Item = &str> {
        self.names().filter(|name| self.entries.contains_key(&present_of(name)))
    }

    /// The names of the regions of an entry.
    pub(super) fn regions(&self, name: &str) -> Option<&[String]> {
        match self.entries.get(name) {
            Some(Entry::Subjects { names, .. }) => names.as_deref(),
            _ => None,
        }
    }

    /// The array of that name, which all subjects share.
    pub(super) fn shared(&self, name: &str) -> Option<&HostTensor> {
        match self.entries.get(name) {
            Some(Entry::Shared(value)) => Some(value),
            _ => None,
        }
    }

    /// True where the last frame of an entry's series is the mean that was subtracted from the others.
    pub(super) fn is_centred(&self, name: &str) -> bool {
        matches!(self.entries.get(name), Some(Entry::Subjects { centred: true, .. }))
    }

    /// The type of one subject's value, under a name.
    pub(super) fn each(&self, name: &str) -> Option<(DType, Shape)> {
        match self.entries.get(name) {
            Some(Entry::Subjects { each, dtype, .. }) => Some((*dtype, *each)),
            _ => None,
        }
    }

    /// Mean and standard deviation, over the training subjects, of the columns that are standardised.
    pub(super) fn standards(&self, train: &[usize]) -> Result<Standards> {
        let mut standards = Standards::new();
        for (name, entry) in &self.entries {
            let Entry::Subjects { standardise: true, .. } = entry else { continue };
            let values = self.read(name, train, &Standards::new())?.to_f64_vec();
            let moments = Moments::new(values.iter().copied(), f32::EPSILON);
            let deviation = moments.deviation();
            standards.insert(name.clone(), [moments.mean, if deviation == 0.0 { 1.0 } else { deviation }]);
        }
        Ok(standards)
    }

    /// The values of some subjects, `[subjects, ..]`.
    pub(super) fn read(&self, name: &str, subjects: &[usize], standards: &Standards) -> Result<HostTensor> {
        let Some(Entry::Subjects { source, each, dtype, centred, double, .. }) = self.entries.get(name) else {
            return Err(Error::tensor(name, "is no entry of the data with a row a subject"));
        };
        let shape = leading(subjects.len(), each)?;
        if *dtype != DType::F32 {
            let Source::Kept(all) = source else { return Err(Error::tensor(name, "integers are kept in memory")) };
            let all = all.as_i32().unwrap_or_default();
            let rows = subjects.iter().flat_map(|&s| all[s * each.elements()..][..each.elements()].iter().copied());
            return HostTensor::i32(shape, rows.collect());
        }
        if *double {
            // Held in double precision, in which the host may compute.
            let mut values = Vec::with_capacity(shape.elements());
            for &subject in subjects {
                match source {
                    Source::Kept(all) => values.extend_from_slice(&all.elements::<f64>()?[subject * each.elements()..][..each.elements()]),
                    Source::Read(reader) => {
                        let value = reader.read(subject)?.value;
                        let value = if *centred { held(&Centred::new(&value, Constant::ToRounding)?)? } else { value };
                        values.extend_from_slice(value.elements::<f64>()?);
                    }
                }
            }
            return HostTensor::real(shape, values);
        }
        let mut values = Vec::with_capacity(shape.elements());
        for &subject in subjects {
            match source {
                Source::Kept(all) => values.extend_from_slice(&all.elements::<f32>()?[subject * each.elements()..][..each.elements()]),
                Source::Read(reader) => values.extend_from_slice(reader.read(subject)?.value.elements::<f32>()?),
            }
        }
        if let Some([mean, deviation]) = standards.get(name) {
            values.iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) / deviation) as f32);
        }
        HostTensor::f32(shape, values)
    }
}

impl From<Entry> for Described {
    fn from(entry: Entry) -> Self {
        Self { entry, beside: None }
    }
}

impl Described {
    /// The entry with more messages to the user.
    pub(super) fn with_notes(mut self, more: Vec<String>) -> Self {
        if let Entry::Subjects { notes, .. } = &mut self.entry {
            notes.extend(more);
        }
        self
    }
}

impl Entry {
    fn notes(&self) -> &[String] {
        match self {
            Self::Subjects { notes, .. } => notes,
            Self::Shared(_) => &[],
        }
    }

    fn subjects(&self) -> Option<usize> {
        match self {
            Self::Shared(_) => None,
            Self::Subjects { source: Source::Kept(all), .. } => Some(all.shape()[0]),
            Self::Subjects { source: Source::Read(reader), .. } => Some(reader.subjects()),
        }
    }
}

impl Source {
    /// Reads every subject once, checks that all have the same type and shape, and keeps them in memory where they fit.
    ///
    /// Series are centred where a file holds more digits than f32, or where the mean of a row is so large that f32 would not hold the row.
    /// Where a region has no value, the weights of the regions stand beside. The names of the regions must be the same for all subjects.
    pub(super) fn open(reader: Reader) -> Result<Described> {
        let (mut read, mut notes, mut ty, mut centred) = (Vec::new(), Vec::new(), None, false);
        let (mut names, mut missing) = (None, Vec::new());
        for subject in 0..reader.subjects() {
            let found = reader.read(subject)?;
            missing.extend(found.missing);
            let expected = *ty.get_or_insert(found.value.ty());
            if found.value.ty() != expected {
                return Err(Error::argument(format!("subject {subject} is {}, and subject 0 {expected}", found.value.ty())));
            }
            notes.extend(found.notes);
            if reader.is_of_series() {
                let about = Centred::new(&found.value, Constant::ToRounding)?;
                centred |= found.value.is_f64() || about.off_centre;
                let name = |row: usize| match found.names.as_ref().and_then(|names| names.get(row)) {
                    Some(name) => format!("`{name}`"),
                    None => format!("region {row} (counted from 0)"),
                };
                let whose = if reader.one_file() { format!("subject {subject} ") } else { String::new() };
                let warning = far_warning(&about.far, |row| format!("{whose}{}", name(row)));
                notes.extend(warning.map(|warning| format!("warning: {}: {warning}", reader.path(subject).display())));
            }
            if let Some(of) = found.names {
                let first = names.get_or_insert_with(|| of.clone());
                if let Some((region, name)) = of.iter().enumerate().find(|(region, name)| first.get(*region) != Some(name)) {
                    let before = first.get(region).map_or("nothing", String::as_str);
                    let what = format!("region {region}, counted from 0, is called `{name}`, and `{before}` before: the same is expected");
                    return Err(Error::file(reader.path(subject), what));
                }
            }
            let keep = expected.dtype != DType::F32 || expected.shape.elements().saturating_mul(reader.subjects() * 8) <= KEPT;
            if keep || read.is_empty() {
                read.push(found.value);
            }
        }
        let kept = match centred {
            true => read.iter().map(|one| held(&Centred::new(one, Constant::ToRounding)?)).collect::<Result<Vec<_>>>()?,
            false => read,
        };
        let (each, dtype, double) = (kept[0].shape(), kept[0].dtype(), kept[0].is_f64());
        let subjects = reader.subjects();
        let source = if kept.len() == subjects { Self::Kept(stacked(&kept)?) } else { Self::Read(Box::new(reader)) };
        let beside = if missing.contains(&true) { Some((PRESENT, weights(&missing, subjects)?)) } else { None };
        Ok(Described { entry: Entry::Subjects { source, each, dtype, standardise: false, centred, double, notes, names }, beside })
    }
}

/// The weights of regions, `[subjects, regions]`: 1 where a region has values, 0 where it is missing.
fn weights(missing: &[bool], subjects: usize) -> Result<Entry> {
    let regions = missing.len() / subjects.max(1);
    let values = HostTensor::f32([subjects, regions], missing.iter().map(|missing| f32::from(u8::from(!missing))).collect())?;
    let [standardise, centred, double] = [false; 3];
    let (each, source) = (values.shape().without(0), Source::Kept(values));
    Ok(Entry::Subjects { source, each, dtype: DType::F32, standardise, centred, double, notes: Vec::new(), names: None })
}
