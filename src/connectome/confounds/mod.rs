//! Confounds of a run: the columns of a table as fMRIPrep writes it, the strategies that choose among them ([`Strategy`]), the formulas
//! that derive columns from them ([`formula`]), the censoring of frames ([`censor`]), and the cleaning of series ([`denoise`]). All of this
//! runs on the host in f64. Where confounds or weights are learnt, [`Tape::confound_regression`](crate::Tape::confound_regression) is the
//! differentiable block, [`ConfoundModel`] makes its regressors, [`learn`](mod@learn) fits such a model to a cohort, and [`simulate`] draws
//! simulated cohorts for tests.

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

/// A named confound with one value for each frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name, as in the table or as a formula made it.
    pub name: String,
    /// The values; NaN where the table has `n/a`.
    pub values: Vec<f64>,
}

/// The confounds of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Confounds {
    /// The columns in the order of the table, all of one length.
    pub columns: Vec<Column>,
    /// The tissue mask of each CompCor component (`CSF`, `WM`, `combined`), from the `.json` beside the table.
    pub masks: BTreeMap<String, String>,
    /// The cumulative share of its mask's variance, 0 to 1, that each CompCor component and those before it explain, from the `.json`.
    pub variance: BTreeMap<String, f64>,
    /// The reason why the `.json` beside the table could not be read; `None` where it could, or where there is none. It matters only where
    /// CompCor components are chosen by mask or by variance.
    pub sidecar: Option<String>,
}

impl Confounds {
    /// The number of frames.
    pub fn frames(&self) -> usize {
        self.columns.first().map_or(0, |c| c.values.len())
    }

    /// The column of this name, unchanged: NaN where a value is missing.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The column names that consist of `prefix` followed by digits only.
    pub fn numbered(&self, prefix: &str) -> Vec<String> {
        let fits = |name: &str| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
        self.columns.iter().filter(|c| fits(&c.name)).map(|c| c.name.clone()).collect()
    }

    /// The aCompCor components of a tissue mask, in the order of the table. Newer tables name them `c_comp_cor_…` (`CSF`) and
    /// `w_comp_cor_…` (`WM`); among components named `a_comp_cor_…` the `.json` gives the mask.
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

    /// Columns by name, fit for a regression. A missing first value, as in all derivatives, is filled with the value of the second frame
    /// (nilearn's rule).
    ///
    /// # Errors
    /// Returns an error where columns are not in the table (the message names all of them), or where another value is missing.
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

/// The column with its missing first values, at most `leading`, filled with the first value that is there.
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

/// The error for a column that misses a value at a frame, where only its first `leading` values may be missing.
fn no_number(name: &str, frame: usize, leading: usize) -> Error {
    let may = match leading {
        0 => "none may be missing".to_owned(),
        1 => "only its first may be missing".to_owned(),
        _ => format!("only its first {leading} may be missing"),
    };
    Error::argument(format!("confound `{name}` has no number at frame {frame}, counted from 0: {may}"))
}
