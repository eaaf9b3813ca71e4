//! Places within a MATLAB variable, as MATLAB writes them: `worm.traces{2}`.

use super::Value;
use crate::data::named::shortened;
use std::fmt;

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The name of a variable or of a field.
    Name(String),
    /// A cell, counted from 1 as MATLAB does.
    Cell(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Cell(number) => write!(f, "{{{number}}}"),
        }
    }
}

/// The steps of a place: at least one, the first of which is a name.
pub(super) fn steps(place: &str) -> Result<Vec<Step>, String> {
    let wrong = || format!("`{}` names no variable: NAME, NAME.FIELD or NAME{{2}}, counted from 1, is expected", shortened(place));
    let mut steps = Vec::new();
    for part in place.split('.') {
        let (name, mut rest) = part.find('{').map_or((part, ""), |at| part.split_at(at));
        if name.is_empty() {
            return Err(wrong());
        }
        steps.push(Step::Name(name.to_owned()));
        while let Some(inner) = rest.strip_prefix('{') {
            let (number, after) = inner.split_once('}').ok_or_else(wrong)?;
            steps.push(Step::Cell(number.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(wrong());
        }
    }
    Ok(steps)
}

/// The value to which steps lead.
pub(super) fn follow<'a>(value: &'a Value, place: &str, steps: &[Step]) -> Result<&'a Value, String> {
    steps.iter().try_fold(value, |value, step| {
        let found = match step {
            Step::Name(name) => value.field(name),
            Step::Cell(number) => match value {
                Value::Cells { cells, .. } => cells.get(number - 1),
                _ => None,
            },
        };
        let held = match value {
            Value::Cells { cells, .. } => format!("a cell array of {}", cells.len()),
            other => other.about(),
        };
        found.ok_or_else(|| format!("no `{}`: there is no `{step}` in {held}", shortened(place)))
    })
}
