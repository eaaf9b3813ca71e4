//! The table of participants.

use super::super::read_bytes;
use crate::{Error, Result};
use csv::{ReaderBuilder, Trim};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `participants.tsv`: a row of text for each participant. What is missing is `n/a`, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Participants {
    /// The file.
    pub path: PathBuf,
    /// The names of the columns after `participant_id`.
    pub columns: Vec<String>,
    rows: BTreeMap<String, Vec<String>>,
}

impl Participants {
    /// Reads a table whose column `participant_id` holds `sub-01`, or `01`.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be read, has no such column, a row of another length, a participant twice, a column
    /// twice, or no participant's label in that column.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        parse(path, &read_bytes(path)?).map_err(|what| Error::file(path, what))
    }

    /// The table that belongs to a tree: `participants.tsv` in its folder, or, for a tree in a folder `derivatives`, in the folder of the
    /// data set that holds it. `None` where there is none.
    pub fn beside(root: &Path) -> Option<PathBuf> {
        let own = root.join("participants.tsv");
        if own.exists() {
            return Some(own);
        }
        let whole = std::path::absolute(root).ok()?;
        let above = whole.parent().filter(|parent| parent.file_name().is_some_and(|name| name == "derivatives"))?.parent()?;
        Some(above.join("participants.tsv")).filter(|path| path.exists())
    }

    /// The labels of the participants, sorted.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// The cells of a participant by its label, `01` for `sub-01`, in the order of [`Participants::columns`]. `None` where it has no row.
    pub fn row(&self, label: &str) -> Option<&[String]> {
        self.rows.get(label).map(Vec::as_slice)
    }

    /// The cell of a participant in a column; `None` where it has no row, or there is no such column.
    pub fn cell(&self, label: &str, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.row(label)?.get(at).map(String::as_str)
    }

    /// The text of a table with the rows of these participants, in their order. A participant without a row has `n/a`.
    pub fn text<'a>(&self, labels: impl IntoIterator<Item = &'a str>) -> String {
        let line = |first: &str, cells: Vec<&str>| std::iter::once(first).chain(cells).collect::<Vec<_>>().join("\t") + "\n";
        let mut text = line("participant_id", self.columns.iter().map(String::as_str).collect());
        for label in labels {
            let cells = self.row(label).map_or_else(|| vec!["n/a"; self.columns.len()], |row| row.iter().map(String::as_str).collect());
            text += &line(&format!("sub-{label}"), cells);
        }
        text
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Participants, String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // Cells in BIDS hold no tabs and no line breaks, and quotes in them mean nothing.
    let mut reader = ReaderBuilder::new().delimiter(b'\t').quoting(false).trim(Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|e| e.to_string())?.clone();
    let at = header.iter().position(|name| name == "participant_id");
    let at = at.ok_or_else(|| format!("no column `participant_id`: there are {}", header.iter().collect::<Vec<_>>().join(", ")))?;
    let others =
        |row: &csv::StringRecord| row.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, cell)| cell.to_owned()).collect::<Vec<_>>();
    let columns = others(&header);
    if let Some((_, twice)) = columns.iter().enumerate().find(|(i, name)| columns[..*i].contains(name) || *name == "participant_id") {
        return Err(format!("two columns are called `{twice}`"));
    }
    let mut rows = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = record.get(at).unwrap_or_default();
        let label = cell.strip_prefix("sub-").unwrap_or(cell);
        if label.is_empty() || label.eq_ignore_ascii_case("n/a") {
            return Err(format!("line {line}: participant_id is `{cell}`: sub-.. is expected"));
        }
        if rows.insert(label.to_owned(), others(&record)).is_some() {
            return Err(format!("line {line}: sub-{label} stands twice"));
        }
    }
    Ok(Participants { path: path.to_owned(), columns, rows })
}
