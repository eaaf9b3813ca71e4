//! Series of a cohort in a tree of BIDS derivatives, and columns of its participants.

use super::data::{Described, Source};
use super::entry::{frames, of_column, of_images};
use super::form::{Form, Placed, flag, text};
use super::object::object;
use super::place::Place;
use super::reader::Reader;
use super::rows::numbers_of;
use crate::data::bids::{BidsFile, BidsQuery, BidsSeries, BidsTree, Participants};
use crate::data::{Layout, SeriesOptions};
use crate::{Error, Result};
use std::ops::Range;
use std::path::Path;

/// The statements of an entry.
struct Cohort {
    tree: String,
    atlas: Option<String>,
    /// The settings by which images have series.
    images: SeriesOptions,
    chosen: Vec<(String, String)>,
    frames: Option<Range<usize>>,
    column: Option<Placed<String>>,
    classes: Option<Placed<Vec<String>>>,
    standardise: bool,
}

/// The form of an entry: series of a tree, or a column of the participants whose series they are.
pub(super) fn entry() -> Form<Described> {
    let choice = (
        text().field("bids", "the folder that XCP-D or fMRIPrep wrote; one file of each participant is taken"),
        text().maybe("atlas", "the name of the atlas of tables, such as 4S456Parcels, or the image by which images have series"),
        text().maybe("space", "files in this space"),
        text().maybe("task", "files of this task"),
        text().maybe("session", "files of this session"),
        text().maybe("run", "files of this run; none for files without a run"),
    );
    let rest = (
        text().list(1).maybe("participants", "the labels of participants; all where they are not given"),
        text().list(1).maybe("entities", "other entities as in names of files, such as res-2 or desc-denoised"),
        frames(),
        text().placed().maybe("column", "a column of participants.tsv, in the place of series: [subjects], or [subjects, classes]"),
        text().list(2).placed().maybe("classes", "the texts that the column holds: of two, 0 and 1; of more, one-hot"),
        flag().or("standardise", false, "the column by mean and standard deviation of the training subjects"),
    );
    let what = "[subjects, regions, time]: series of a tree of BIDS derivatives, a file a participant; with column, what participants.tsv says \
        of the same participants in the same order";
    let form = object(what, (choice, of_images(), rest), |((tree, atlas, space, task, session, run), (labels, resample, maps), rest)| {
        let (participants, entities, frames, column, classes, standardise) = rest;
        if column.is_none() && (classes.is_some() || standardise) {
            return Err(Error::argument("classes and standardise are of a column: column is expected"));
        }
        if column.is_some() && frames.is_some() {
            return Err(Error::argument("frames are of series, and a column has none"));
        }
        let keys = [("space", space), ("task", task), ("ses", session), ("run", run)];
        let mut chosen: Vec<(String, String)> = keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        chosen.extend(participants.into_iter().flatten().map(|label| ("sub".to_owned(), label)));
        for entity in entities.into_iter().flatten() {
            match entity.split_once('-') {
                Some((key, value)) if !key.is_empty() && !value.is_empty() => chosen.push((key.to_owned(), value.to_owned())),
                _ => return Err(Error::argument(format!("the entity `{entity}`: one as in names of files is expected, such as res-2"))),
            }
        }
        let images = SeriesOptions { labels, resample, maps, ..SeriesOptions::from(Layout::TimeRegions) };
        Ok(Cohort { tree, atlas, images, chosen, frames, column, classes, standardise })
    });
    let Form { schema, shape, read } = form.form();
    Form::new(schema, shape, move |place| made(&read(place)?, place).map_err(place.wrap()))
}

fn made(cohort: &Cohort, place: &Place<'_>) -> Result<Described> {
    let tree = BidsTree::open(place.beside(&cohort.tree))?;
    let image = cohort.atlas.as_deref().map(|atlas| place.beside(atlas));
    let named = |atlas: &str| BidsSeries::by_atlas(Path::new(atlas)) == BidsSeries::Regions && !place.beside(atlas).is_file();
    let image = image.filter(|_| cohort.atlas.as_deref().is_some_and(|atlas| !named(atlas)));
    let mut query = BidsQuery::new(image.as_deref().map_or(BidsSeries::Regions, BidsSeries::by_atlas));
    if let Some(name) = cohort.atlas.as_deref().filter(|_| image.is_none()) {
        query = query.entity("atlas", name);
    }
    query = cohort.chosen.iter().fold(query, |query, (key, value)| query.entity(key, value));
    let selection = tree.select(&query)?;
    let files: Vec<BidsFile> = selection.files.into_iter().cloned().collect();
    tree.one_each(&files)?;
    if let Some(column) = &cohort.column {
        // The entry of the series says what is to be said of the tree.
        return of_participants(cohort, column, place, &tree, &files);
    }
    let mut notes: Vec<String> = selection.remarks.iter().map(|what| format!("{}: {what}", tree.root.display())).collect();
    notes.extend(tree.warnings.iter().map(|what| format!("warning: {what}")));
    if !selection.without.is_empty() {
        notes.push(format!("warning: {}: no such file of sub-{}", tree.root.display(), selection.without.join(", sub-")));
    }
    for path in files.iter().map(|file| file.path.as_path()).chain(image.as_deref()) {
        place.reads(path)?;
    }
    let options = SeriesOptions { atlas: image, ..cohort.images.clone() };
    let files = files.into_iter().map(|file| file.path).collect();
    Ok(Source::open(Reader::SeriesFiles { files, options: Box::new(options), frames: cohort.frames.clone() })?.with_notes(notes))
}

/// A column of the participants of some files.
fn of_participants(cohort: &Cohort, column: &Placed<String>, place: &Place<'_>, tree: &BidsTree, files: &[BidsFile]) -> Result<Described> {
    let path =
        Participants::beside(&tree.root).ok_or_else(|| Error::file(&tree.root, "no participants.tsv, of which a column is expected"))?;
    place.reads(&path)?;
    let table = Participants::read(&path)?;
    if !table.columns.contains(&column.value) {
        let there = table.columns.join(", ");
        return Err(Error::file(&path, format!("no column `{}`: there are {there}", column.value)));
    }
    let labels: Vec<&str> = files.iter().filter_map(|file| file.name.get("sub")).collect();
    let cell = |label: &&str| table.cell(label, &column.value).filter(|cell| !cell.eq_ignore_ascii_case("n/a") && !cell.is_empty());
    let missing: Vec<String> = labels.iter().filter(|label| cell(label).is_none()).map(|label| format!("sub-{label}")).collect();
    if !missing.is_empty() {
        let whose = missing.join(", ");
        return Err(Error::file(&path, format!("no {} of {whose}: choose others by participants", column.value)));
    }
    let cells: Vec<String> = labels.iter().filter_map(cell).map(str::to_owned).collect();
    let whose = |row: usize| format!("sub-{}", labels.get(row).copied().unwrap_or_default());
    let values = numbers_of(column, &cells, cohort.classes.as_ref(), whose)?;
    Ok(of_column(values, cohort.standardise).into())
}
