//! Confound strategies under their common names.

use super::compcor::Count;
use super::{Column, Confounds, formula};
use crate::{Error, Result};

/// The confounds that are chosen from a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    /// No confounds.
    #[default]
    None,
    /// The columns of a strategy.
    Strategy(Strategy),
    /// Columns by their names.
    Columns(Vec<String>),
    /// The columns that a [`formula`](super::formula) makes.
    Formula(String),
}

impl Selection {
    /// The chosen columns, without missing values.
    ///
    /// # Errors
    /// The same as those of [`Strategy::columns`], [`Confounds::select`] and [`formula::columns`].
    pub fn of(&self, table: &Confounds) -> Result<Vec<Column>> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Strategy(strategy) => strategy.select(table),
            Self::Columns(names) => table.select(names),
            Self::Formula(text) => formula::columns(text, table),
        }
    }
}

/// A strategy that chooses the confounds among the columns of an fMRIPrep table. Cosines are taken where the table has them; an intercept
/// is never a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Three translations and three rotations.
    Motion6,
    /// `Motion6`, its derivatives, and the squares of both (Friston 1996; nilearn's `motion='full'`).
    Motion24,
    /// `Motion6`, CSF, white matter and the global signal.
    NineP,
    /// `Motion24` under XCP-D's name.
    TwentyFourP,
    /// `NineP`, its derivatives, and the squares of both (Ciric 2017; XCP-D's `36P`).
    ThirtySixP,
    /// The first five aCompCor components of CSF and of white matter, motion and its derivatives, and cosines (XCP-D's `acompcor`).
    Acompcor,
    /// `Acompcor` and the global signal (XCP-D's `acompcor_gsr`).
    AcompcorGsr,
    /// `Acompcor` with as many components of each tissue as explain half of its variance (Muschelli et al. 2014).
    Acompcor50,
    /// `Motion24`, all aCompCor components of the combined mask that the table has, and cosines (nilearn's `compcor`).
    Compcor,
    /// The global signal (XCP-D's `gsr_only`).
    Gsr,
    /// `Motion24`, CSF and white matter with derivatives and squares, and cosines; the frames that [`scrubbed`](super::censor::scrubbed)
    /// censors are left out (nilearn's `scrubbing`).
    Scrubbing,
}

const MOTION: [&str; 6] = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"];
const TISSUES: [&str; 2] = ["csf", "white_matter"];
const GLOBAL: &str = "global_signal";

/// Each name alone, and each name with each suffix.
fn expanded(names: &[&str], suffixes: &[&str]) -> Vec<String> {
    names.iter().flat_map(|n| suffixes.iter().map(move |s| format!("{n}{s}"))).collect()
}

const BASIC: &[&str] = &[""];
const DERIVATIVES: &[&str] = &["", "_derivative1"];
const FULL: &[&str] = &["", "_derivative1", "_power2", "_derivative1_power2"];

impl Strategy {
    /// All strategies.
    pub const ALL: [Self; 11] = [
        Self::Motion6,
        Self::Motion24,
        Self::NineP,
        Self::TwentyFourP,
        Self::ThirtySixP,
        Self::Acompcor,
        Self::AcompcorGsr,
        Self::Acompcor50,
        Self::Compcor,
        Self::Gsr,
        Self::Scrubbing,
    ];

    /// The name in commands: `motion6`, `motion24`, `9p`, `24p`, `36p`, `acompcor`, `acompcor-gsr`, `acompcor50`, `compcor`, `gsr` or
    /// `scrubbing`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Motion6 => "motion6",
            Self::Motion24 => "motion24",
            Self::NineP => "9p",
            Self::TwentyFourP => "24p",
            Self::ThirtySixP => "36p",
            Self::Acompcor => "acompcor",
            Self::AcompcorGsr => "acompcor-gsr",
            Self::Acompcor50 => "acompcor50",
            Self::Compcor => "compcor",
            Self::Gsr => "gsr",
            Self::Scrubbing => "scrubbing",
        }
    }

    /// The columns that the strategy takes from this table.
    ///
    /// # Errors
    /// The same as those of [`Strategy::columns`] and [`Confounds::select`]. Where a formula can make the missing columns, the message says
    /// so.
    pub fn select(self, table: &Confounds) -> Result<Vec<Column>> {
        table.select(&self.columns(table)?).map_err(|e| match self.formula().filter(|text| formula::columns(text, table).is_ok()) {
            Some(text) => Error::argument(format!("{e}; the formula `{text}` makes them of the columns there are")),
            None => e,
        })
    }

    /// The formula of the same columns, where derivatives and squares can be computed from the other columns.
    fn formula(self) -> Option<&'static str> {
        match self {
            Self::Motion24 | Self::TwentyFourP => Some("(dd1(rps))^^2"),
            Self::ThirtySixP => Some("(dd1(rps + wm + csf + gsr))^^2"),
            _ => None,
        }
    }

    /// The names of the columns that the strategy takes from this table.
    ///
    /// # Errors
    /// Returns an error where a mask has too few CompCor components, or where the variance that they explain is unknown. Other missing
    /// columns are reported by [`Confounds::select`].
    pub fn columns(self, table: &Confounds) -> Result<Vec<String>> {
        let all = [&MOTION[..], &TISSUES, &[GLOBAL]].concat();
        Ok(match self {
            Self::Motion6 => expanded(&MOTION, BASIC),
            Self::Motion24 | Self::TwentyFourP => expanded(&MOTION, FULL),
            Self::NineP => expanded(&all, BASIC),
            Self::ThirtySixP => expanded(&all, FULL),
            Self::Gsr => vec![GLOBAL.to_owned()],
            Self::Acompcor => with_slow_motion(components(table, Count::First(5))?, table),
            Self::AcompcorGsr => with_slow_motion([components(table, Count::First(5))?, vec![GLOBAL.to_owned()]].concat(), table),
            Self::Acompcor50 => with_slow_motion(components(table, Count::Variance(0.5))?, table),
            Self::Compcor => {
                let combined = table.components("combined");
                let all = Count::First(combined.len()).of(table, &combined, "aCompCor components of the combined mask")?;
                [all, expanded(&MOTION, FULL), table.numbered("cosine")].concat()
            }
            Self::Scrubbing => [expanded(&MOTION, FULL), expanded(&TISSUES, FULL), table.numbered("cosine")].concat(),
        })
    }
}

/// The components, motion and its derivatives, and cosines.
fn with_slow_motion(components: Vec<String>, table: &Confounds) -> Vec<String> {
    [components, expanded(&MOTION, DERIVATIVES), table.numbered("cosine")].concat()
}

/// The components of CSF and of white matter that `count` chooses.
fn components(table: &Confounds, count: Count) -> Result<Vec<String>> {
    let of = |tissue: &str| count.of(table, &table.components(tissue), &format!("aCompCor components of {tissue}"));
    Ok([of("CSF")?, of("WM")?].concat())
}
