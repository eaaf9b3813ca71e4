//! Confound strategies under the names people use.

use super::Confounds;
use crate::{Error, Result};

/// Which columns of an fMRIPrep table are confounds. Cosines are taken where the table has them; an intercept is never a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Three translations, three rotations.
    Motion6,
    /// These, their derivatives, and the squares of both (Friston 1996; nilearn's `motion='full'`).
    Motion24,
    /// `Motion6`, CSF, white matter, global signal.
    NineP,
    /// `Motion24`, under XCP-D's name.
    TwentyFourP,
    /// `NineP`, derivatives, and the squares of both (Ciric 2017; XCP-D's `36P`).
    ThirtySixP,
    /// The first five aCompCor components of CSF and of white matter, motion and its derivatives, cosines (XCP-D's `acompcor`).
    Acompcor,
    /// The global signal (XCP-D's `gsr_only`).
    Gsr,
    /// `Motion24`, CSF and white matter with derivatives and squares, cosines; and without the frames that
    /// [`scrubbed`](super::censor::scrubbed) censors (nilearn's `scrubbing`).
    Scrubbing,
}

const MOTION: [&str; 6] = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"];
const TISSUES: [&str; 2] = ["csf", "white_matter"];
const GLOBAL: &str = "global_signal";

/// Each name, and with each suffix.
fn expanded(names: &[&str], suffixes: &[&str]) -> Vec<String> {
    names.iter().flat_map(|n| suffixes.iter().map(move |s| format!("{n}{s}"))).collect()
}

const BASIC: &[&str] = &[""];
const DERIVATIVES: &[&str] = &["", "_derivative1"];
const FULL: &[&str] = &["", "_derivative1", "_power2", "_derivative1_power2"];

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Motion6, Self::Motion24, Self::NineP, Self::TwentyFourP, Self::ThirtySixP, Self::Acompcor, Self::Gsr, Self::Scrubbing];

    /// `motion6`, `motion24`, `9p`, `24p`, `36p`, `acompcor`, `gsr` or `scrubbing`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Motion6 => "motion6",
            Self::Motion24 => "motion24",
            Self::NineP => "9p",
            Self::TwentyFourP => "24p",
            Self::ThirtySixP => "36p",
            Self::Acompcor => "acompcor",
            Self::Gsr => "gsr",
            Self::Scrubbing => "scrubbing",
        }
    }

    /// The names of the columns it takes of this table.
    ///
    /// # Errors
    /// Where `acompcor` finds fewer than five components of a tissue. Other columns that are missing, [`Confounds::select`] names.
    pub fn columns(self, table: &Confounds) -> Result<Vec<String>> {
        let all = [&MOTION[..], &TISSUES, &[GLOBAL]].concat();
        Ok(match self {
            Self::Motion6 => expanded(&MOTION, BASIC),
            Self::Motion24 | Self::TwentyFourP => expanded(&MOTION, FULL),
            Self::NineP => expanded(&all, BASIC),
            Self::ThirtySixP => expanded(&all, FULL),
            Self::Gsr => vec![GLOBAL.to_owned()],
            Self::Acompcor => {
                let (csf, white) = (components(table, "CSF", 5)?, components(table, "WM", 5)?);
                [csf, white, expanded(&MOTION, DERIVATIVES), table.numbered("cosine")].concat()
            }
            Self::Scrubbing => [expanded(&MOTION, FULL), expanded(&TISSUES, FULL), table.numbered("cosine")].concat(),
        })
    }
}

/// The first n aCompCor components of a tissue: `c_comp_cor_…` and `w_comp_cor_…` of newer tables, or of `a_comp_cor_…` those whose mask
/// the table's `.json` gives.
fn components(table: &Confounds, tissue: &str, n: usize) -> Result<Vec<String>> {
    let own = table.numbered(if tissue == "CSF" { "c_comp_cor_" } else { "w_comp_cor_" });
    let found = match own.is_empty() {
        true => table.numbered("a_comp_cor_").into_iter().filter(|c| table.masks.get(c).is_some_and(|m| m == tissue)).collect(),
        false => own,
    };
    if found.len() >= n {
        return Ok(found[..n].to_vec());
    }
    let where_ =
        if table.masks.is_empty() { "no .json beside the table says which mask each `a_comp_cor_` column is of" } else { "it has no more" };
    Err(Error::argument(format!(
        "{n} aCompCor components of {tissue} are expected, and {} are in the confound table: {where_}",
        found.len()
    )))
}
