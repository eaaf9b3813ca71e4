//! MATLAB's `.mat`: files of version 5 to 7.2 ([`level5`], from the published format), and of version 7.3, which are HDF5 ([`version73`]).
//!
//! The crates for version 5 were tried first. `matfile` 0.5 and `mat5` 0.1 read no cell arrays and no structures; `matrw` 0.1.4 accepts no
//! file that SciPy wrote, and panics on one whose header is edited.

mod level5;
mod place;
#[cfg(feature = "hdf5")]
mod version73;

use super::named::{Array, Listed, Wanted, can_be_series, chosen, names_among, shortened};
use super::numbers::Kind;
use super::{cohort, hdf5, read_bytes};
use crate::{Error, HostTensor, Result, Shape};
use ndarray::{ArrayViewD, IxDyn, ShapeBuilder};
use std::io::Read;
use std::path::Path;

/// The structures and cells within each other that are read.
const DEPTH: usize = 32;

/// A value of a MATLAB file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Numbers or truth values in MATLAB's order, the first axis fastest.
    Numbers { extents: Vec<usize>, kind: Kind, values: Vec<f64> },
    /// The rows of a character array, without the blanks at their ends.
    Text(Vec<String>),
    /// A cell array in MATLAB's order.
    Cells { extents: Vec<usize>, cells: Vec<Value> },
    /// The fields of a structure; each field of a structure array is the cell array of its values.
    Fields(Vec<(String, Value)>),
    /// A value of another class, such as a sparse array.
    Other(&'static str),
}

impl Value {
    /// The value of a field; `None` where there is no such field.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Fields(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The values of a cell array, or the value alone.
    pub(super) fn cells(&self) -> &[Value] {
        match self {
            Self::Cells { cells, .. } => cells,
            other => std::slice::from_ref(other),
        }
    }

    /// The texts of a cell array of texts, or the rows of a character array; `None` for others.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        match self {
            Self::Text(rows) => Some(rows.clone()),
            Self::Cells { cells, .. } => cells.iter().map(Value::text).collect(),
            _ => None,
        }
    }

    /// One text; an empty array is an empty text.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(rows) if rows.len() < 2 => Some(rows.first().cloned().unwrap_or_default()),
            Self::Numbers { values, .. } if values.is_empty() => Some(String::new()),
            _ => None,
        }
    }

    /// The numbers in MATLAB's order; `None` for other values.
    pub(super) fn numbers(&self) -> Option<&[f64]> {
        match self {
            Self::Numbers { values, .. } => Some(values),
            _ => None,
        }
    }

    /// The value in words.
    pub(super) fn about(&self) -> String {
        match self {
            Self::Numbers { extents, .. } => format!("{extents:?}"),
            Self::Text(_) => "(text)".into(),
            Self::Cells { .. } => "(a cell array)".into(),
            Self::Fields(fields) => {
                let names: Vec<&str> = fields.iter().take(12).map(|(name, _)| name.as_str()).collect();
                let more = if fields.len() > 12 { ", .." } else { "" };
                format!("(a structure of {}{more})", names.join(", "))
            }
            Self::Other(what) => format!("({what})"),
        }
    }

    fn listed(&self, name: &str) -> Listed {
        let series = matches!(self, Self::Numbers { extents, .. } if can_be_series(extents));
        Listed { name: name.to_owned(), about: self.about(), series }
    }

    /// The array as MATLAB shows it: its first axis is the first of the tensor.
    fn tensor(&self) -> Result<HostTensor, String> {
        let Self::Numbers { extents, kind, values } = self else {
            return Err(format!("holds {}: numbers are expected", self.about()));
        };
        let shape = Shape::try_new(extents).ok_or_else(|| format!("{} axes: at most 8 are possible", extents.len()))?;
        let view = ArrayViewD::from_shape(IxDyn(extents).f(), values).map_err(|e| e.to_string())?;
        let values = HostTensor::real(shape, view.iter().copied().collect::<Vec<f64>>()).map_err(|e| e.to_string())?;
        Ok(if kind.fits_single() { values.to_real::<f32>() } else { values })
    }
}

/// A variable of a file, as it is listed.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    /// The extents where it holds numbers.
    pub(super) extents: Option<Vec<usize>>,
    about: String,
}

impl Variable {
    fn listed(&self) -> Listed {
        let series = self.extents.as_deref().is_some_and(can_be_series);
        Listed { name: self.name.clone(), about: self.about.clone(), series }
    }
}

/// The variables of a file.
pub(super) enum MatFile {
    Level5(level5::File),
    #[cfg(feature = "hdf5")]
    Version73(version73::File),
}

impl MatFile {
    /// Opens a file.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be read or is no MATLAB file of version 5 to 7.3.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let fail = |e: std::io::Error| Error::io(path, "cannot be read", &e);
        let mut head = Vec::new();
        std::fs::File::open(path).map_err(fail)?.take(level5::HEAD as u64).read_to_end(&mut head).map_err(fail)?;
        match level5::version(&head).map_err(|what| Error::file(path, what))? {
            level5::Version::Level5 => Self::of_bytes(path, &read_bytes(path)?),
            level5::Version::Hdf5 => Self::of_hdf5(path, hdf5::Hdf5::open(path)?),
        }
    }

    /// Opens the bytes of a file; `name` stands for the file in errors.
    ///
    /// # Errors
    /// The same as those of [`MatFile::open`].
    pub(super) fn of_bytes(name: &Path, bytes: &[u8]) -> Result<Self> {
        match level5::version(bytes).map_err(|what| Error::file(name, what))? {
            level5::Version::Level5 => level5::File::new(bytes).map(Self::Level5).map_err(|what| Error::file(name, what)),
            level5::Version::Hdf5 => Self::of_hdf5(name, hdf5::Hdf5::of_bytes(name, bytes)?),
        }
    }

    #[cfg(feature = "hdf5")]
    fn of_hdf5(name: &Path, file: hdf5::Hdf5) -> Result<Self> {
        version73::File::new(file).map(Self::Version73).map_err(|what| Error::file(name, what))
    }

    #[cfg(not(feature = "hdf5"))]
    fn of_hdf5(_: &Path, file: hdf5::Hdf5) -> Result<Self> {
        match file {}
    }

    /// The variables in the order of the file.
    pub(super) fn variables(&self) -> &[Variable] {
        match self {
            Self::Level5(file) => file.variables(),
            #[cfg(feature = "hdf5")]
            Self::Version73(file) => file.variables(),
        }
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// Returns a message where there is no such variable or the file is damaged there.
    pub(super) fn read(&self, name: &str) -> Result<Value, String> {
        let listed: Vec<Listed> = self.variables().iter().map(Variable::listed).collect();
        let at = chosen(&listed, Some(name), "", "FILE.mat")?;
        let value = match self {
            Self::Level5(file) => file.read(at),
            #[cfg(feature = "hdf5")]
            Self::Version73(file) => file.read(at),
        };
        value.map_err(|what| format!("variable `{name}`: {what}"))
    }

    /// The array of the wanted name, such as `x`, `worm.traces` or `worm.traces{2}`; without a name, the only one that can be series or the
    /// one of the usual name. Its names are the texts beside it: among the fields of its structure, or among the variables.
    ///
    /// # Errors
    /// Returns a message where there is no such array, where the choice is open, or where it does not hold numbers.
    pub(super) fn array(&self, wanted: Wanted<'_>) -> Result<Array, String> {
        let place = match wanted.name {
            Some(name) => name.to_owned(),
            None => {
                let listed: Vec<Listed> = self.variables().iter().map(Variable::listed).collect();
                listed[chosen(&listed, None, wanted.usual, "FILE.mat")?].name.clone()
            }
        };
        let steps = place::steps(&place)?;
        let (variable, within) = (&steps[0], &steps[1..]);
        let root = self.read(&variable.to_string())?;
        let value = place::follow(&root, &place, within)?;
        let structure = within.len().checked_sub(1).and_then(|last| place::follow(&root, &place, &within[..last]).ok());
        self.array_of(value, &place, structure, wanted)
    }

    /// The array of a value, with the texts beside it.
    fn array_of(&self, value: &Value, place: &str, structure: Option<&Value>, wanted: Wanted<'_>) -> Result<Array, String> {
        let values = value.tensor().map_err(|what| format!("`{}` {what}", shortened(place)))?;
        let texts = |name: &str| match structure {
            Some(structure) => structure.field(name)?.texts(),
            None if self.variables().iter().any(|v| v.name == name) => self.read(name).ok()?.texts(),
            None => None,
        };
        let (names, remarks) = names_among(wanted.regions(&values.shape()), texts);
        Ok(Array { values, names, step: None, remarks })
    }

    /// The arrays of a cohort: variables, or the fields or cells of the value that is named; `None` where one array is taken.
    fn arrays(&self, wanted: Wanted<'_>) -> Result<Option<Vec<(String, Array)>>, String> {
        let Some(place) = wanted.name else {
            let listed: Vec<Listed> = self.variables().iter().map(Variable::listed).collect();
            let Some(members) = cohort::members(&listed, wanted.usual) else { return Ok(None) };
            let array = |name: &String| Ok((name.clone(), self.array(Wanted { name: Some(name), ..wanted })?));
            return members.iter().map(|&i| array(&listed[i].name)).collect::<Result<_, String>>().map(Some);
        };
        let steps = place::steps(place)?;
        let root = self.read(&steps[0].to_string())?;
        let value = place::follow(&root, place, &steps[1..])?;
        let parts: Vec<(String, &Value)> = match value {
            Value::Fields(fields) => fields.iter().map(|(name, field)| (name.clone(), field)).collect(),
            Value::Cells { cells, .. } => cells.iter().enumerate().map(|(i, cell)| ((i + 1).to_string(), cell)).collect(),
            _ => return Ok(None),
        };
        let listed: Vec<Listed> = parts.iter().map(|(name, part)| part.listed(name)).collect();
        let Some(members) = cohort::members(&listed, wanted.usual) else { return Ok(None) };
        let array = |&(ref name, part): &(String, &Value)| Ok((name.clone(), self.array_of(part, place, Some(value), wanted)?));
        members.iter().map(|&i| array(&parts[i])).collect::<Result<_, String>>().map(Some)
    }
}

/// The arrays of a cohort; see [`MatFile::arrays`].
///
/// # Errors
/// The same as those of [`array`].
pub(super) fn arrays(path: &Path, wanted: Wanted<'_>) -> Result<Option<Vec<(String, Array)>>> {
    MatFile::open(path)?.arrays(wanted).map_err(|what| Error::file(path, what))
}

/// Reads the wanted array of a file; see [`MatFile::array`].
///
/// # Errors
/// Returns [`Error::File`] with the messages of [`MatFile::open`] and [`MatFile::array`].
pub(super) fn array(path: &Path, wanted: Wanted<'_>) -> Result<Array> {
    MatFile::open(path)?.array(wanted).map_err(|what| Error::file(path, what))
}

/// Reads an array from the bytes of a file, as [`array`] does; `name` stands for the file in errors.
///
/// # Errors
/// The same as those of [`array`].
pub(super) fn array_of_bytes(name: &Path, bytes: &[u8], wanted: Wanted<'_>) -> Result<Array> {
    MatFile::of_bytes(name, bytes)?.array(wanted).map_err(|what| Error::file(name, what))
}
