//! Tables for people who read a terminal.

/// A table for people: columns as wide as their widest cell, the first to the left and the others to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).chain([header[c].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cell = |(c, text): (usize, &String)| match c {
            0 => format!("{text:<w$}", w = widths[c]),
            _ => format!("{text:>w$}", w = widths[c]),
        };
        cells.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = header.iter().map(|h| (*h).to_owned()).collect();
    [line(&head)].into_iter().chain(rows.iter().map(|r| line(r))).collect::<Vec<_>>().join("\n")
}
