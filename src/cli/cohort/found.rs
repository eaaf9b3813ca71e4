//! The files of a tree that a command takes, and the series in them.

use super::super::ranks::Ranks;
use super::super::source::Source;
use super::Input;
use super::notes::{Notes, Said};
use crate::data::Series;
use crate::data::bids::{BidsFile, BidsSeries, BidsTree, Participants};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The files that were found, and what is known of their participants.
pub(in super::super) struct Found {
    pub(super) tree: BidsTree,
    pub(super) files: Vec<BidsFile>,
    pub(super) participants: Option<Participants>,
    pub(super) said: Said,
    /// The labels of participants that have no such file.
    pub(super) without: Vec<String>,
    source: Source,
    atlas: Option<PathBuf>,
    /// The first file that was read, with its regions. All others must have the same.
    first: Option<(PathBuf, Regions)>,
}

/// The regions of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) count: usize,
    pub(super) names: Option<Vec<String>>,
}

impl Regions {
    pub(super) fn of(series: &Series) -> Self {
        Self { count: series.regions(), names: series.names.clone() }
    }
}

impl Input {
    /// Finds the files of the tree, which are the same for all ranks; `None` where a file is given.
    pub(in super::super) fn find(&self, ranks: &Ranks) -> Result<Option<Found>> {
        let found = ranks.agree(self.found())?;
        if let Some(found) = &found {
            ranks.same("other files", &found.files.iter().map(|file| file.path.display().to_string()).collect::<Vec<_>>())?;
        }
        Ok(found)
    }

    fn found(&self) -> Result<Option<Found>> {
        if !self.tree.is_given() {
            return Ok(None);
        }
        let (root, glob) = self.tree.place()?;
        let tree = BidsTree::open(root)?;
        let query = self.tree.query(self.source.atlas());
        let query = match &glob {
            Some(glob) => query.pattern(glob)?,
            None => query,
        };
        let selection = tree.select(&query)?;
        let (mut remarks, mut warnings) = (Notes::default(), Notes::default());
        selection.remarks.iter().for_each(|what| remarks.add(&tree.root, what));
        let without = selection.without.clone();
        if !without.is_empty() {
            warnings.add(&tree.root, format!("no such file of {}", labels(without.iter())));
        }
        let files: Vec<BidsFile> = selection.files.into_iter().cloned().collect();
        let participants = match self.tree.participants_tsv.clone().or_else(|| Participants::beside(&tree.root)) {
            Some(path) => Some(Participants::read(path)?),
            None => None,
        };
        if let Some(table) = &participants {
            let mut lacking: Vec<&str> =
                files.iter().filter_map(|file| file.name.get("sub")).filter(|sub| table.row(sub).is_none()).collect();
            lacking.dedup();
            if !lacking.is_empty() {
                warnings.add(&table.path, format!("no row of {}: its cells are n/a", labels(lacking.iter())));
            }
        }
        let atlas = self.source.atlas().filter(|atlas| BidsSeries::by_atlas(atlas) != BidsSeries::Regions).map(Path::to_owned);
        let said = Said { remarks, warnings };
        Ok(Some(Found { tree, files, participants, said, without, source: self.source.clone(), atlas, first: None }))
    }
}

/// Participants in words.
fn labels<'a, S: std::fmt::Display + 'a>(of: impl ExactSizeIterator<Item = &'a S>) -> String {
    let count = of.len();
    let shown: Vec<String> = of.take(10).map(|label| format!("sub-{label}")).collect();
    let more = if count > shown.len() { format!(" and {} more", count - shown.len()) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

impl Found {
    /// The image by which images have series.
    pub(super) fn atlas(&self) -> Option<&Path> {
        self.atlas.as_deref()
    }

    /// Reads the series of a file, `[regions, time]`, with the seconds from frame to frame that sidecars give.
    ///
    /// The regions must be those of the files before it ([`Found::check_regions`]).
    pub(super) fn read(&mut self, file: &BidsFile, said: &mut Said) -> Result<Series, Fault> {
        let source = self.source.of(&file.path, self.atlas.as_deref());
        let mut series = source.read()?;
        if let [1, regions, time] = *series.values.shape() {
            series.values = series.values.reshaped([regions, time])?;
        }
        if series.values.shape().rank() != 2 {
            return Err(Error::file(&file.path, format!("series of one run are expected, found {}", series.values.shape())).into());
        }
        let regions = Regions::of(&series);
        self.check_regions(&file.path, &regions).map_err(|error| Fault::Regions(regions, error))?;
        let sidecars = self.tree.repetition_time(file);
        sidecars.warnings.iter().for_each(|what| said.warnings.add(&file.path, what));
        let agree = |[a, b]: [f64; 2]| (a - b).abs() <= 1e-3 * a;
        if let (Some(by_sidecar), Some(by_file)) = (sidecars.seconds, series.step)
            && !agree([by_sidecar, by_file])
        {
            said.warnings.add(&file.path, format!("{by_file} s from frame to frame, and the sidecar says {by_sidecar} s, which is taken"));
        }
        series.step = sidecars.seconds.or(series.step);
        series.read_as.iter().flat_map(|r| &r.recognised).chain(&series.remarks).for_each(|what| said.remarks.add(&file.path, what));
        Ok(series)
    }

    /// Checks that a file has the regions of the first, which is the first that is checked. Matrices of different regions do not belong
    /// together, and no warning would be read among many, so that the error is of all files.
    pub(super) fn check_regions(&mut self, path: &Path, regions: &Regions) -> Result<()> {
        let Some((first, of_first)) = &self.first else {
            self.first = Some((path.to_owned(), regions.clone()));
            return Ok(());
        };
        let fail = |what: String| {
            let expected = format!("the same regions in the same order are expected in all files, as in {}", first.display());
            Err(Error::file(path, format!("{what}: {expected}")))
        };
        if regions.count != of_first.count {
            return fail(format!("{} regions, where the first file has {}", regions.count, of_first.count));
        }
        match (&of_first.names, &regions.names) {
            (Some(names), Some(own)) => match names.iter().zip(own).enumerate().find(|(_, (name, own))| name != own) {
                Some((at, (name, own))) => fail(format!("region {}, counted from 1, is `{own}`, and `{name}` in the first file", at + 1)),
                None => Ok(()),
            },
            (None, None) => Ok(()),
            (Some(_), None) => fail("no names of regions, which the first file has".to_owned()),
            (None, Some(_)) => fail("names of regions, which the first file does not have".to_owned()),
        }
    }
}

/// A failure in a cohort.
pub(super) enum Fault {
    /// Of one file: the others have results.
    OfOne(Error),
    /// Of the device, say: nothing is written.
    OfAll(Error),
    /// Of files that do not belong together, for this one has other regions: nothing is written.
    Regions(Regions, Error),
}

impl Fault {
    /// The error.
    pub(super) fn error(self) -> Error {
        match self {
            Self::OfOne(error) | Self::OfAll(error) | Self::Regions(_, error) => error,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::File { .. } | Error::Argument { .. } | Error::Op { .. } => Self::OfOne(error),
            _ => Self::OfAll(error),
        }
    }
}
