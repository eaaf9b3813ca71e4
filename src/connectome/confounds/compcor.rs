//! The choice of CompCor components: a fixed number, or as many as explain a given share of the variance in their mask (Behzadi et al.
//! 2007; Muschelli et al. 2014). fMRIPrep orders the components of a mask by the variance that they explain, and gives that share in the
//! `.json` beside its table.

use super::Confounds;
use crate::{Error, Result};

/// The rule that decides the number of components.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Count {
    /// The given number of first components; from each mask where masks are named.
    First(usize),
    /// The first components that together explain this share of the variance, including the one that passes it. All are taken where they do
    /// not reach the share.
    Variance(f64),
}

impl Count {
    /// Takes the first of these components, which all belong to one mask.
    ///
    /// # Errors
    /// Returns an error where there are too few components, or where the explained share of one is unknown. `what` names the components in
    /// the message.
    pub(super) fn of(self, table: &Confounds, components: &[String], what: &str) -> Result<Vec<String>> {
        let n = match self {
            Self::First(n) if n > components.len() => {
                let found = components.len();
                return Err(missing(table, &format!("{n} {what} are expected, and {found} are in the confound table")));
            }
            _ if components.is_empty() => return Err(missing(table, &format!("{what} are expected, and none are in the confound table"))),
            Self::First(n) => n,
            Self::Variance(share) => {
                let of = |name: &String| {
                    let unknown = || match &table.sidecar {
                        Some(fault) => Error::argument(format!("{what} are chosen by what the .json beside the table says, and {fault}")),
                        None => {
                            Error::argument(format!("the .json beside the confound table has no CumulativeVarianceExplained of `{name}`"))
                        }
                    };
                    table.variance.get(name).copied().ok_or_else(unknown)
                };
                let explained = components.iter().map(of).collect::<Result<Vec<f64>>>()?;
                explained.iter().position(|&v| v > share).map_or(components.len(), |last| last + 1)
            }
        };
        Ok(components[..n].to_vec())
    }
}

fn missing(table: &Confounds, what: &str) -> Error {
    let why = match &table.sidecar {
        Some(fault) => format!("the .json beside the table says which mask each `a_comp_cor_` column is of, and {fault}"),
        None if table.masks.is_empty() => "no .json beside the table says which mask each `a_comp_cor_` column is of".into(),
        None => "it has no more".into(),
    };
    Error::argument(format!("{what}: {why}"))
}
