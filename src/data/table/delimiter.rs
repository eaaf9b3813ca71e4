//! Separators of the cells of a table.

use super::super::format::Format;
use csv::{ReaderBuilder, Trim};
use std::borrow::Cow;
use std::path::Path;

/// A separator of the cells of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delimiter {
    /// A comma.
    Comma,
    /// A tab.
    Tab,
    /// A semicolon, as spreadsheets write where the comma is the decimal mark; decimals have a point all the same.
    Semicolon,
    /// A bar `|`.
    Bar,
    /// Any number of spaces and tabs.
    Space,
}

impl Delimiter {
    /// All delimiters.
    pub const ALL: [Self; 5] = [Self::Comma, Self::Tab, Self::Semicolon, Self::Bar, Self::Space];

    /// The delimiter's name: `comma`, `tab`, `semicolon`, `bar` or `space`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Tab => "tab",
            Self::Semicolon => "semicolon",
            Self::Bar => "bar",
            Self::Space => "space",
        }
    }

    /// The delimiter that was given, else that of the file's format.
    pub(super) fn of(name: &Path, given: Option<Self>) -> Result<Self, String> {
        let format = match Format::of(name) {
            Some(Format::Csv) => Self::Comma,
            Some(Format::Tsv) => Self::Tab,
            Some(Format::Text) => Self::Space,
            _ => return Err("not a table by its extension: .csv, .tsv and .txt are read".into()),
        };
        Ok(given.unwrap_or(format))
    }

    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            // A table with spaces is read from the lines that `lines` makes.
            Self::Tab | Self::Space => b'\t',
            Self::Semicolon => b';',
            Self::Bar => b'|',
        }
    }

    pub(super) fn reader(self) -> ReaderBuilder {
        let mut reader = ReaderBuilder::new();
        reader.delimiter(self.byte()).trim(Trim::All);
        if self == Self::Space {
            reader.comment(Some(b'#'));
        }
        reader
    }

    /// The bytes of a table without a byte-order mark; where spaces separate the cells, with one tab for each run of them. The lines stay
    /// where they are.
    pub(super) fn lines(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if self != Self::Space {
            return Cow::Borrowed(bytes);
        }
        let line = |line: &[u8]| {
            let cells = line.split(u8::is_ascii_whitespace).filter(|cell| !cell.is_empty());
            cells.collect::<Vec<_>>().join(&b'\t')
        };
        Cow::Owned(bytes.split(|b| *b == b'\n').map(line).collect::<Vec<_>>().join(&b'\n'))
    }

    /// The message about a cell that holds another delimiter, with the option that names it; `None` where there is none.
    pub(super) fn other(self, cell: &[u8]) -> Option<String> {
        let found = self.found(cell)?.name();
        Some(format!("{}: say --delimiter {found}, in a workflow \"delimiter\": \"{found}\"", self.seems(cell)?))
    }

    /// The message about a cell that holds another delimiter, for tables of which none can be named.
    pub(in super::super) fn seems(self, cell: &[u8]) -> Option<String> {
        let found = self.found(cell)?.name();
        Some(format!("the cells seem to be separated by {found}s, where {}s are expected", self.name()))
    }

    /// Another delimiter that a cell holds.
    fn found(self, cell: &[u8]) -> Option<Self> {
        let marks = [Self::Tab, Self::Semicolon, Self::Bar, Self::Comma];
        let found = marks.into_iter().filter(|other| other.byte() != self.byte()).find(|other| cell.contains(&other.byte()));
        // A space within a cell of numbers separates numbers.
        found.or_else(|| cell.contains(&b' ').then_some(Self::Space).filter(|_| self != Self::Space))
    }
}
