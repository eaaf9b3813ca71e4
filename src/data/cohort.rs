//! Cohorts in one file: an array for each subject, by the subject's name, each with frames of its own.

mod table;

use super::format::{Content, Format};
use super::named::{Listed, SERIES, Wanted, chosen, file_and_array, shortened};
use super::series::of_array;
use super::{Series, SeriesOptions, hdf5, matlab, npz};
use crate::{Error, Result};
use std::path::Path;

/// The subjects of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    /// The name of each subject, and its series `[regions, time]`. All have the same regions; frames may differ.
    pub subjects: Vec<(String, Series)>,
}

impl Cohort {
    /// These subjects in this order.
    ///
    /// # Errors
    /// Returns an error where a name is none of the subjects, or stands twice.
    pub fn selected(self, names: &[String]) -> Result<Self> {
        let mut left: Vec<Option<(String, Series)>> = self.subjects.into_iter().map(Some).collect();
        let listed: Vec<String> = left.iter().flatten().map(|(name, _)| name.clone()).collect();
        let take = |name: &String| {
            let at = listed.iter().position(|n| n == name);
            let at = at.ok_or_else(|| Error::argument(format!("no subject `{name}`: there are {}", few(&listed))))?;
            left[at].take().ok_or_else(|| Error::argument(format!("the subject `{name}` stands twice")))
        };
        Ok(Self { subjects: names.iter().map(take).collect::<Result<_>>()? })
    }

    /// The number of frames that all subjects have.
    ///
    /// # Errors
    /// Returns an error that names two subjects where they have different numbers of frames.
    pub fn frames(&self) -> Result<usize> {
        let frames = |series: &Series| series.values.shape().last().copied().unwrap_or(0);
        let (first, one) = self.subjects.first().ok_or_else(|| Error::argument("a cohort of no subject"))?;
        match self.subjects.iter().find(|(_, series)| frames(series) != frames(one)) {
            None => Ok(frames(one)),
            Some((name, other)) => Err(Error::argument(format!(
                "`{first}` has {} frames and `{name}` has {}: one number for all is expected",
                frames(one),
                frames(other)
            ))),
        }
    }
}

/// Reads the subjects of a file that holds an array for each: an `.npz` file, a group of an HDF5 file (`FILE.h5:/group`; the root without a
/// name), or the variables or the fields of a structure of a MATLAB file (`FILE.mat:NAME`). Subjects are sorted by name; where their arrays
/// lie in groups of their own, the part of the path that differs is the name. In a table, whose rows are frames, a column `participant_id`,
/// `subject`, `subject_id` or `sub` says whose a row is, and subjects stand in the order in which they appear. `None` for a file of which
/// [`read_series`](super::read_series) takes one array or the whole table, and for other formats.
///
/// # Errors
/// Returns [`Error::File`] in the cases of [`read_series`](super::read_series), naming the subject; where the subjects have different
/// numbers of regions; and where one has another number of axes than two.
pub fn read_cohort(path: impl AsRef<Path>, options: impl Into<SeriesOptions>) -> Result<Option<Cohort>> {
    let (path, options) = (path.as_ref(), options.into());
    let (file, place) = file_and_array(path);
    let wanted = Wanted { name: place.as_deref(), usual: SERIES, layout: options.layout };
    let arrays = match Format::read_as(&file, Content::Series)? {
        Format::Csv | Format::Tsv | Format::Text => return Ok(table::read(&file, &options)?.map(|subjects| Cohort { subjects })),
        Format::Npz if place.is_none() => npz::arrays(&file, wanted)?,
        Format::Hdf5 => hdf5::arrays(&file, wanted)?,
        Format::Matlab => matlab::arrays(&file, wanted)?,
        _ => None,
    };
    let Some(arrays) = arrays else { return Ok(None) };
    let subjects = arrays.into_iter().map(|(name, array)| {
        let series = of_array(Path::new(&format!("{}: {}", path.display(), shortened(&name))), array, options.layout)?;
        match series.values.shape().rank() {
            2 => Ok((name, series)),
            _ => Err(Error::file(path, format!("the array of `{}` is {}: two axes are expected", shortened(&name), series.values.shape()))),
        }
    });
    let subjects = subjects.collect::<Result<Vec<_>>>()?;
    if let Some((first, others)) = subjects.split_first()
        && let Some((name, other)) = others.iter().find(|(_, series)| series.regions() != first.1.regions())
    {
        let what = format!("`{}` has {} regions and `{name}` has {}", first.0, first.1.regions(), other.regions());
        return Err(Error::file(path, format!("{what}: subjects of one cohort have the same regions; FILE:NAME takes one array")));
    }
    Ok(Some(Cohort { subjects }))
}

/// The places of a cohort's arrays among those that are listed: those that can be series, where there are several and none is called as a
/// series is; `None` where one array is taken.
pub(super) fn members(listed: &[Listed], usual: &str) -> Option<Vec<usize>> {
    if chosen(listed, None, usual, "").is_ok() {
        return None;
    }
    let members: Vec<usize> = (0..listed.len()).filter(|&i| listed[i].series).collect();
    (members.len() > 1).then_some(members)
}

/// The first names of a list, in words.
fn few(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(16).map(String::as_str).collect();
    let more = if names.len() > shown.len() { format!(" and {} more", names.len() - shown.len()) } else { String::new() };
    shown.join(", ") + &more
}
