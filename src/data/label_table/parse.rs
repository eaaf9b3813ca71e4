//! Tables of labels as text.

use super::{Names, xml};
use crate::data::extension;
use csv::{ReaderBuilder, Trim};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Headers of the column of numbers, in the order in which they are looked for.
const NUMBER: [&str; 6] = ["index", "id", "value", "roi_id", "label_id", "number"];

/// Headers of the column of names, in the order in which they are looked for.
const NAME: [&str; 7] = ["name", "label", "region", "roi_name", "label_name", "region_name", "structure"];

/// Headers of columns of coordinates and colours.
const OTHERS: [&str; 7] = ["x", "y", "z", "r", "g", "b", "a"];

const EXPECTED: &str = "a table with the columns `index` and `name`, lines of a number and a name, or a name on each line is expected";

/// The names in a file: a table with a header of the columns `index` (or `id`, `value`) and `name` (or `label`, `region`), as BIDS has
/// them, where `index` may be left out; lines of a number, a name and colours, as FreeSurfer's look-up tables; a name on each line; or the
/// `.xml` of an FSL atlas. Lines that begin with `#` are comments.
pub(super) fn names(path: &Path, bytes: &[u8]) -> Result<Names, String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| "names of regions in UTF-8 are expected")?;
    let extension = extension(path);
    if extension == "xml" {
        return xml::names(text);
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect();
    if lines.is_empty() {
        return Err(format!("no line of names: {EXPECTED}"));
    }
    let Some(separator) = separator(&extension, &lines) else { return spaced(&lines) };
    let mut reader = ReaderBuilder::new();
    reader.delimiter(separator).trim(Trim::All).has_headers(false).flexible(true).comment(Some(b'#'));
    let cells = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    let rows: Vec<Vec<String>> =
        reader.from_reader(bytes).records().map(|record| record.map(cells)).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    match rows.split_first() {
        Some((first, rest)) if column(first, &NAME).is_some() && !rest.is_empty() => with_header(first, rest),
        _ if rows.iter().all(|row| row.len() > 1 && number(&row[0]).is_some()) => {
            by_number(rows.iter().map(|row| (row[0].as_str(), row[1].as_str())))
        }
        _ if rows.iter().all(|row| row.len() == 1) => Ok(in_order(rows.iter().map(|row| row[0].as_str()))),
        Some((first, _)) => Err(format!("the first row is `{}`: {EXPECTED}", shortened(&first.join(" ")))),
        None => Err(format!("no line of names: {EXPECTED}")),
    }
}

/// The separator of the cells: commas or semicolons in `.csv`, tabs in `.tsv` and where every line has one; `None` for spaces.
fn separator(extension: &str, lines: &[&str]) -> Option<u8> {
    let semicolons = lines.first().is_some_and(|line| line.contains(';') && !line.contains(','));
    match extension {
        "csv" if semicolons => Some(b';'),
        "csv" => Some(b','),
        "tsv" => Some(b'\t'),
        _ => lines.iter().all(|line| line.contains('\t')).then_some(b'\t'),
    }
}

/// The column of the first of these headers that there is.
fn column(header: &[String], of: &[&str]) -> Option<usize> {
    of.iter().find_map(|name| header.iter().position(|cell| cell.eq_ignore_ascii_case(name)))
}

fn with_header(header: &[String], rows: &[Vec<String>]) -> Result<Names, String> {
    let name = column(header, &NAME).ok_or(EXPECTED)?;
    if let Some((i, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != header.len()) {
        return Err(format!("row {} below the header has {} columns where the header has {}", i + 1, row.len(), header.len()));
    }
    if let Some(index) = column(header, &NUMBER) {
        return by_number(rows.iter().map(|row| (row[index].as_str(), row[name].as_str())));
    }
    // Names are not taken in order where a column may number them otherwise.
    let numbers = |i: usize| rows.iter().map(|row| number(&row[i])).collect::<Option<Vec<u64>>>();
    let counts = |all: &[u64]| all.windows(2).all(|two| two[1] == two[0] + 1) && all.first().is_some_and(|first| *first <= 1);
    let distinct = |all: &[u64]| all.iter().collect::<BTreeSet<_>>().len() == all.len();
    let may_number = |i: &usize| *i != name && !OTHERS.iter().any(|other| header[*i].eq_ignore_ascii_case(other));
    let other = (0..header.len()).filter(may_number).find(|i| numbers(*i).is_some_and(|all| distinct(&all) && !counts(&all)));
    match other {
        Some(i) => Err(format!("no column `index`: if `{}` has the numbers of regions, give it this name", shortened(&header[i]))),
        None => Ok(in_order(rows.iter().map(|row| row[name].as_str()))),
    }
}

/// Lines whose cells are separated by spaces: numbers and names, with colours after or between them, or names.
fn spaced(lines: &[&str]) -> Result<Names, String> {
    let mut first = lines[0].split_whitespace();
    let is_header = lines.len() > 1 && first.next().is_some_and(|cell| NUMBER.iter().any(|name| cell.eq_ignore_ascii_case(name)));
    let lines = &lines[usize::from(is_header)..];
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split_whitespace().collect()).collect();
    let numbered = |row: &Vec<&str>| row.len() > 1 && number(row[0]).is_some();
    if !rows.iter().any(numbered) {
        return Ok(in_order(lines.iter().map(|line| line.trim())));
    }
    if let Some(i) = rows.iter().position(|row| !numbered(row)) {
        return Err(format!("line `{}` has no number and name, as others have: {EXPECTED}", shortened(lines[i])));
    }
    let is_whole = |cell: &&str| cell.parse::<i64>().is_ok();
    // True where numbers after the second cell are no part of names: the second cells alone are names then.
    let width = rows[0].len();
    let alike = width > 2 && rows.iter().all(|row| row.len() == width && row[2..].iter().all(is_whole));
    let second_names = alike && rows.iter().map(|row| row[1]).collect::<BTreeSet<_>>().len() == rows.len();
    let names = lines.iter().zip(&rows).map(|(line, row)| {
        let coloured = row.len() == 6 && row[2..].iter().all(is_whole);
        let quoted = line.find('"').zip(line.rfind('"')).filter(|(from, to)| from < to).map(|(from, to)| line[from + 1..to].to_owned());
        match quoted {
            Some(name) => name,
            None if coloured || second_names => row[1].to_owned(),
            None => row[1..].join(" "),
        }
    });
    let names: Vec<String> = names.collect();
    by_number(rows.iter().map(|row| row[0]).zip(names.iter().map(String::as_str)))
}

/// Names by number. A number may stand twice with one name.
fn by_number<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Names, String> {
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    for (index, name) in rows {
        let Some(number) = number(index) else {
            return Err(format!("the number of a region is `{}`: a whole number from 0 on is expected", shortened(index)));
        };
        let name = cleaned(name);
        if let Some(other) = names.insert(number, name.clone()).filter(|other| *other != name) {
            return Err(format!("region {number} has two names, `{}` and `{}`", shortened(&other), shortened(&name)));
        }
    }
    Ok(Names::ByNumber(names))
}

fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Names {
    Names::InOrder(names.map(cleaned).collect())
}

/// A name on one line; the mark of a missing value is no name.
fn cleaned(name: &str) -> String {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.eq_ignore_ascii_case("n/a") { String::new() } else { name }
}

/// A whole number from 0 on; tables that were made by spreadsheets and pandas may have `12.0`.
fn number(cell: &str) -> Option<u64> {
    let cell = cell.trim();
    cell.strip_suffix(".0").unwrap_or(cell).parse().ok()
}

/// The beginning of a text, for messages.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
