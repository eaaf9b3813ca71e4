//! Confounds of a run: the columns of a table as fMRIPrep writes it, which of them a strategy takes ([`Strategy`]), what a formula makes
//! of them ([`formula`]), which frames are censored ([`censor`]), and the cleaning of series by all this ([`denoise`]). All on the host in
//! f64; where confounds or weights are learnt, [`Tape::confound_regression`](crate::Tape::confound_regression) is the differentiable block,
//! [`ConfoundModel`] what makes its regressors, [`learn`](mod@learn) what fits one to a cohort, and [`simulate`] draws cohorts to try it on.

pub mod censor;
mod compcor;
pub mod denoise;
pub mod formula;
pub mod learn;
mod model;
pub mod quality;
pub mod simulate;
mod strategy;
mod works;

pub(super) use model::cases;
pub use model::{ConfoundModel, ModelledConfounds};
pub use strategy::{Selection, Strategy};
pub(super) use works::works;

use crate::{Error, Result};
use std::collections::BTreeMap;

/// A named confound, a value a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// As in the table, or as a formula made it.
    pub name: String,
    /// NaN where the table has `n/a`.
    pub values: Vec<f64>,
}

/// The confounds of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Confounds {
    /// In the table's order, of one length.
    pub columns: Vec<Column>,
    /// The tissue mask that each CompCor component came from (`CSF`, `WM`, `combined`), as the `.json` beside the table says.
    pub masks: BTreeMap<String, String>,
    /// The share of its mask's variance that each CompCor component and those before it explain, 0 to 1, as the `.json` says.
    pub variance: BTreeMap<String, f64>,
    /// Why the `.json` beside the table could not be read; none where it was, or where there is none. It matters only to those who ask for
    /// CompCor components by mask or by variance.
    pub sidecar: Option<String>,
}

impl Confounds {
    /// The number of frames.
    pub fn frames(&self) -> usize {
        self.columns.first().map_or(0, |c| c.values.len())
    }

    /// A column as it is, NaN where it is missing.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The names that begin with `prefix` and go on with digits alone.
    pub fn numbered(&self, prefix: &str) -> Vec<String> {
        let fits = |name: &str| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
        self.columns.iter().filter(|c| fits(&c.name)).map(|c| c.name.clone()).collect()
    }

    /// The components of aCompCor that are of a tissue mask, in the table's order: `c_comp_cor_…` (`CSF`) and `w_comp_cor_…` (`WM`) of newer
    /// tables, or of `a_comp_cor_…` those whose mask the `.json` gives.
    pub fn components(&self, mask: &str) -> Vec<String> {
        let own = match mask {
            "CSF" => self.numbered("c_comp_cor_"),
            "WM" => self.numbered("w_comp_cor_"),
            _ => Vec::new(),
        };
        match own.is_empty() {
            true => self.numbered("a_comp_cor_").into_iter().filter(|c| self.masks.get(c).is_some_and(|m| m == mask)).collect(),
            false => own,
        }
    }

    /// Columns by name, fit for a regression: a first value that is missing, as in all derivatives, is taken from the second frame
    /// (nilearn's rule).
    ///
    /// # Errors
    /// Where columns are not in the table (the message names them all), or another value is missing.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<Column>> {
        let missing: Vec<&str> = names.iter().map(AsRef::as_ref).filter(|n| self.get(n).is_none()).collect();
        if !missing.is_empty() {
            return Err(Error::argument(format!("the confound table has no column {}", quoted(&missing))));
        }
        names.iter().filter_map(|n| self.get(n.as_ref())).map(|c| filled(c.clone(), 1)).collect()
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

/// A column whose first values, `leading` at most, take the first that is there.
fn filled(mut column: Column, leading: usize) -> Result<Column> {
    let first = column.values.iter().take(leading + 1).position(|x| x.is_finite());
    if let Some(first) = first {
        let value = column.values[first];
        column.values[..first].fill(value);
    }
    match column.values.iter().position(|x| !x.is_finite()) {
        None => Ok(column),
        Some(frame) => Err(no_number(&column.name, frame, leading)),
    }
}

/// What is said of a column that misses a value at a frame, where its first `leading` alone may be missing.
fn no_number(name: &str, frame: usize, leading: usize) -> Error {
    let may = match leading {
        0 => "none may be missing".to_owned(),
        1 => "only its first may be missing".to_owned(),
        _ => format!("only its first {leading} may be missing"),
    };
    Error::argument(format!("confound `{name}` has no number at frame {frame}, counted from 0: {may}"))
}
