//! The data of a workflow: arrays that all subjects share; and series, columns and confounds with one row for each subject. The rows are
//! read in batches, so that a cohort need not fit in memory.

use super::form::Placed;
use super::place::{is_name, not_a_name};
use super::reader::Reader;
use super::rows::{held, leading, stacked};
use crate::statistics::centre::{Centred, Constant, far_warning};
use crate::statistics::standardise::Moments;
use crate::{DType, Error, HostTensor, Result, Shape};
use std::collections::BTreeMap;

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

/// An entry as it is described.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) entry: Entry,
    /// An entry that comes with it, and the end of its name: [`KEPT_FRAMES`] or [`PRESENT`].
    pub(super) beside: Option<(&'static str, Entry)>,
}

/// The end of the name of the weights of the frames, `[subjects, time]`, of confounds that censor frames.
pub(super) const KEPT_FRAMES: &str = "kept";

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
