//! What a workflow reads: arrays that all subjects share, and series, columns and confounds, a row a subject, read in batches, so that
//! a cohort need not fit in memory.

use super::place::{Place, is_name, not_a_name};
use super::reader::{Reader, chosen, finite, frames};
use crate::data::{Layout, NpyRows, read_column, read_npy};
use crate::statistics::standardise::Moments;
use crate::{DType, Error, HostTensor, Result, Shape};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What is kept in memory of one entry, in bytes; what is larger is read again for every batch.
const KEPT: usize = 1 << 30;

/// All that a workflow reads.
#[derive(Debug)]
pub(super) struct Data {
    entries: BTreeMap<String, Entry>,
    subjects: usize,
    files: BTreeMap<PathBuf, String>,
}

#[derive(Debug)]
enum Entry {
    Shared(HostTensor),
    Subjects { source: Source, each: Shape, dtype: DType, standardise: bool },
}

#[derive(Debug)]
enum Source {
    /// `[subjects, ..]`.
    Kept(HostTensor),
    /// A subject is what this reads of it.
    Read(Reader),
}

/// Mean and standard deviation of the training subjects' columns, by name.
pub(super) type Standards = BTreeMap<String, [f64; 2]>;

impl Data {
    /// Opens and reads through every file once: shapes must agree, and each gets its hash.
    pub(super) fn open(place: &Place<'_>, folder: &Path) -> Result<Self> {
        let mut data = Self { entries: BTreeMap::new(), subjects: 0, files: BTreeMap::new() };
        for (name, at) in place.entries()? {
            if !is_name(name) {
                return Err(place.error(not_a_name(name)));
            }
            let entry = data.entry(&at, folder)?;
            if let Some(subjects) = entry.subjects() {
                if data.subjects != 0 && data.subjects != subjects {
                    return Err(at.error(format!("{subjects} subjects, and the entries before it have {}", data.subjects)));
                }
                data.subjects = subjects;
            }
            data.entries.insert(name.to_owned(), entry);
        }
        data.subjects = data.subjects.max(1);
        Ok(data)
    }

    fn entry(&mut self, at: &Place<'_>, folder: &Path) -> Result<Entry> {
        const KINDS: [&str; 4] = ["series", "table", "array", "confounds"];
        let kinds: Vec<&str> = KINDS.into_iter().filter(|k| at.find(k).is_some()).collect();
        match kinds.as_slice() {
            ["series"] => {
                at.only(&["series", "layout", "atlas", "frames"])?;
                let reader = self.series(at, folder)?;
                Source::open(reader).map_err(at.wrap())
            }
            ["table"] => {
                at.only(&["table", "column", "classes", "standardise"])?;
                self.column(at, folder)
            }
            ["array"] => {
                at.only(&["array", "per"])?;
                let path = self.file(&at.get("array")?, folder)?;
                match at.find("per").map_or(Ok("all"), |p| p.choice(&["all", "subject"]))? {
                    "subject" => NpyRows::open(path).map(Reader::ArrayRows).and_then(Source::open).map_err(at.wrap()),
                    _ => read_npy(&path).and_then(|x| finite(&path, x)).map(Entry::Shared).map_err(at.wrap()),
                }
            }
            ["confounds"] => {
                at.only(&["confounds", "strategy", "columns", "formula"])?;
                let files = self.files(&at.get("confounds")?, folder)?;
                Source::open(Reader::Confounds(files, chosen(at)?)).map_err(at.wrap())
            }
            _ => Err(at.error(format!("one of {} is expected", KINDS.join(", ")))),
        }
    }

    fn series(&mut self, at: &Place<'_>, folder: &Path) -> Result<Reader> {
        let layout = match at.find("layout").map_or(Ok("time-regions"), |p| p.choice(&["time-regions", "regions-time"]))? {
            "regions-time" => Layout::RegionsTime,
            _ => Layout::TimeRegions,
        };
        let frames = at.find("frames").map(|p| frames(&p)).transpose()?;
        let series = at.get("series")?;
        let atlas = at.find("atlas").map(|p| self.file(&p, folder)).transpose()?;
        let files = self.files(&series, folder)?;
        if let [one] = files.as_slice()
            && one.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"))
            && !series.value().is_array()
        {
            let rows = NpyRows::open(one).map_err(series.wrap())?;
            if rows.shape().len() == 3 {
                return Ok(Reader::SeriesRows(rows, layout, frames));
            }
        }
        Ok(Reader::SeriesFiles { files, atlas, layout, frames })
    }

    fn column(&mut self, at: &Place<'_>, folder: &Path) -> Result<Entry> {
        let path = self.file(&at.get("table")?, folder)?;
        let name = at.get("column")?;
        let cells = read_column(path, name.text()?).map_err(name.wrap())?;
        let standardise = at.find("standardise").map_or(Ok(false), |p| p.flag())?;
        let values = match at.find("classes") {
            Some(classes) => one_of(&classes, &cells)?,
            None => {
                let number = |(row, cell): (usize, &String)| {
                    let value = cell.parse::<f32>().ok().filter(|x| x.is_finite());
                    value.ok_or_else(|| name.error(format!("row {} below the header holds `{cell}` where a number is expected", row + 1)))
                };
                HostTensor::f32([cells.len()], cells.iter().enumerate().map(number).collect::<Result<_>>()?)?
            }
        };
        let each = values.shape().without(0);
        Ok(Entry::Subjects { source: Source::Kept(values), each, dtype: DType::F32, standardise })
    }

    /// A path in the file, beside which it is looked for.
    fn file(&mut self, at: &Place<'_>, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(at.text()?);
        if !self.files.contains_key(&path) {
            let hash = sha256(&path).map_err(at.wrap())?;
            self.files.insert(path.clone(), hash);
        }
        Ok(path)
    }

    fn files(&mut self, at: &Place<'_>, folder: &Path) -> Result<Vec<PathBuf>> {
        if at.value().is_string() {
            return Ok(vec![self.file(at, folder)?]);
        }
        let files = at.items()?.iter().map(|p| self.file(p, folder)).collect::<Result<Vec<_>>>()?;
        if files.is_empty() { Err(at.error("no files")) } else { Ok(files) }
    }

    /// Subjects in all.
    pub(super) fn subjects(&self) -> usize {
        self.subjects
    }

    /// Every file read, and the SHA-256 of its bytes.
    pub(super) fn hashes(&self) -> &BTreeMap<PathBuf, String> {
        &self.files
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// What all subjects share, under a name.
    pub(super) fn shared(&self, name: &str) -> Option<&HostTensor> {
        match self.entries.get(name) {
            Some(Entry::Shared(value)) => Some(value),
            _ => None,
        }
    }

    /// The type of one subject's value, under a name.
    pub(super) fn each(&self, name: &str) -> Option<(DType, Shape)> {
        match self.entries.get(name) {
            Some(Entry::Subjects { each, dtype, .. }) => Some((*dtype, *each)),
            _ => None,
        }
    }

    /// What the columns to be standardised are standardised by, of the subjects learnt from.
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
        let Some(Entry::Subjects { source, each, dtype, .. }) = self.entries.get(name) else {
            return Err(Error::tensor(name, "is no entry of the data with a row a subject"));
        };
        let shape = leading(subjects.len(), each)?;
        if *dtype != DType::F32 {
            let Source::Kept(all) = source else { return Err(Error::tensor(name, "integers are kept in memory")) };
            let all = all.as_i32().unwrap_or_default();
            let rows = subjects.iter().flat_map(|&s| all[s * each.elements()..][..each.elements()].iter().copied());
            return HostTensor::i32(shape, rows.collect());
        }
        let mut values = Vec::with_capacity(shape.elements());
        for &subject in subjects {
            match source {
                Source::Kept(all) => values.extend_from_slice(&all.elements::<f32>()?[subject * each.elements()..][..each.elements()]),
                Source::Read(reader) => values.extend_from_slice(reader.read(subject)?.elements::<f32>()?),
            }
        }
        if let Some([mean, deviation]) = standards.get(name) {
            values.iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) / deviation) as f32);
        }
        HostTensor::f32(shape, values)
    }
}

impl Entry {
    fn subjects(&self) -> Option<usize> {
        match self {
            Self::Shared(_) => None,
            Self::Subjects { source: Source::Kept(all), .. } => Some(all.shape()[0]),
            Self::Subjects { source: Source::Read(reader), .. } => Some(reader.subjects()),
        }
    }
}

impl Source {
    /// Reads every subject once, which must be alike, and keeps them where they are not too many.
    fn open(reader: Reader) -> Result<Entry> {
        let first = reader.read(0)?;
        let (each, dtype, subjects) = (first.shape(), first.dtype(), reader.subjects());
        let keep = dtype != DType::F32 || each.elements().saturating_mul(subjects * 4) <= KEPT;
        let mut kept = vec![first];
        for subject in 1..subjects {
            let found = reader.read(subject)?;
            if found.shape() != each || found.dtype() != dtype {
                return Err(Error::argument(format!("subject {subject} is {}, and subject 0 {}", found.ty(), kept[0].ty())));
            }
            if keep {
                kept.push(found);
            }
        }
        let source = if keep { Self::Kept(stacked(&kept)?) } else { Self::Read(reader) };
        Ok(Entry::Subjects { source, each, dtype, standardise: false })
    }
}

/// A shape with another axis first.
pub(super) fn leading(n: usize, each: &Shape) -> Result<Shape> {
    let extents: Vec<usize> = [n].into_iter().chain(each.iter().copied()).collect();
    Shape::try_new(&extents).ok_or_else(|| Error::argument(format!("{n} of {each}: at most 8 axes are possible")))
}

fn stacked(rows: &[HostTensor]) -> Result<HostTensor> {
    let shape = leading(rows.len(), &rows[0].shape())?;
    if rows[0].dtype() == DType::F32 {
        let values = rows.iter().map(|r| r.elements::<f32>()).collect::<Result<Vec<_>>>()?;
        return HostTensor::f32(shape, values.concat());
    }
    let integers = |row: &HostTensor| match (row.as_i32(), row.as_u32()) {
        (Some(values), _) => values.to_vec(),
        (_, values) => values.unwrap_or_default().iter().map(|&x| x as i32).collect(),
    };
    HostTensor::i32(shape, rows.iter().flat_map(integers).collect())
}

/// 0 and 1 of two classes, `[subjects]`; of more, one-hot `[subjects, classes]`.
fn one_of(place: &Place<'_>, cells: &[String]) -> Result<HostTensor> {
    let classes = place.items()?.iter().map(|p| p.text()).collect::<Result<Vec<_>>>()?;
    if classes.len() < 2 {
        return Err(place.error("at least two classes are expected"));
    }
    let index = |(row, cell): (usize, &String)| {
        let found = classes.iter().position(|class| class == cell);
        found.ok_or_else(|| place.error(format!("row {} below the header holds `{cell}`, which is none of them", row + 1)))
    };
    let index = cells.iter().enumerate().map(index).collect::<Result<Vec<_>>>()?;
    if classes.len() == 2 {
        return HostTensor::f32([cells.len()], index.iter().map(|&i| i as f32).collect());
    }
    let rows = index.iter().flat_map(|&i| (0..classes.len()).map(move |c| if c == i { 1.0 } else { 0.0 }));
    HostTensor::f32([cells.len(), classes.len()], rows.collect())
}

fn sha256(path: &Path) -> Result<String> {
    let unread = |e: std::io::Error| Error::file(path, format!("cannot be read: {e}"));
    let mut file = File::open(path).map_err(unread)?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part).map_err(unread)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&part[..read]),
        }
    }
}

pub(super) fn hash_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
