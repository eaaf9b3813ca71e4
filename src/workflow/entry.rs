//! The entries of the data of a workflow, as the file describes them.

use super::cohort;
use super::data::{Described, Entry, KEPT_FRAMES, Source};
use super::form::{Form, Placed, file, flag, text, whole, words};
use super::given;
use super::object::{Field, Object, object};
use super::reader::{Reader, finite};
use super::rows::numbers_of;
use crate::connectome::confounds::{Selection, Strategy};
use crate::data::{
    Delimiter, Format, Layout, MapSeries, NpyRows, Resample, SeriesOptions, TableOptions, file_and_array, read_cohort, read_column,
    read_connectome, read_npy, read_npz,
};
use crate::{DType, Error, HostTensor};
use std::ops::Range;
use std::path::PathBuf;

/// The form of an entry, whose first key tells the kind of data. Every file is read once in full, and all subjects must have the same type
/// and shape.
pub(super) fn entry() -> Form<Placed<Described>> {
    let [column, array] = [column(), array()].map(|object| object.form().map(Described::from));
    let forms = vec![series().form(), cohort::entry(), matrices().form(), column, array, given::entry().form(), confounds().form()];
    Form::either(forms).placed()
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
