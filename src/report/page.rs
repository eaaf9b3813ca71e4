//! Reports as single HTML files without external resources.

use super::picture::{ON_DARK, escape};
use std::fmt::Write;

/// A part of a report.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// The section's heading.
    pub heading: String,
    /// Plain text; a blank line starts a new paragraph.
    pub text: String,
    /// Figures in rows and columns.
    pub table: Option<ReportTable>,
    /// Pictures, in the order shown.
    pub figures: Vec<Figure>,
}

/// A table of plain text.
#[derive(Debug, Clone, Default)]
pub struct ReportTable {
    /// The columns' names.
    pub header: Vec<String>,
    /// A cell for each column; cells that are missing are left empty. Numbers are set to the right.
    pub rows: Vec<Vec<String>>,
}

/// A picture and its caption.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    /// An SVG as [`picture`](super::picture) makes it. It is inserted without escaping, so it must not come from elsewhere.
    pub svg: String,
    /// The caption, plain text.
    pub caption: String,
}

const STYLE: &str = "\
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2933; --soft: #47525d; --rule: #e6e9ed; --strong: #9aa5b1; --shadow: #0003; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14191f; --ink: #e4e9ee; --soft: #b4bfc9; --rule: #2b333c; --strong: #66727f; --shadow: #000c; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.6 system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 0.75rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 0.5rem; padding-top: 1.25rem; border-top: 1px solid var(--rule); }
p { margin: 0.5rem 0; max-width: 46rem; overflow-wrap: break-word; }
code { font-size: 0.92em; }
.intro { color: var(--soft); font-size: 1.05rem; }
.table { overflow-x: auto; margin: 1rem 0; scrollbar-width: thin;
  background: linear-gradient(to right, var(--paper) 30%, transparent) left / 3rem 100% no-repeat local,
    linear-gradient(to left, var(--paper) 30%, transparent) right / 3rem 100% no-repeat local,
    linear-gradient(to right, var(--shadow), transparent) left / 0.8rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shadow), transparent) right / 0.8rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: 0.92rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 1.1rem 0.4rem 0; text-align: left; border-bottom: 1px solid var(--rule); }
th { border-bottom: 2px solid var(--strong); vertical-align: bottom; }
td:first-child { min-width: 8rem; }
.number { text-align: right; white-space: nowrap; }
th.number { white-space: normal; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem 2rem; margin: 1rem 0; align-items: flex-start; }
figure { margin: 0; max-width: 100%; }
figure svg { display: block; max-width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: 0.9rem; max-width: 30rem; margin: 0.25rem 0 0 1.25rem; }
@media (max-width: 30rem) { body { padding: 1.5rem 0.9rem 3rem; } h1 { font-size: 1.5rem; } th, td { padding-right: 0.8rem; } }
@media print { body { max-width: none; padding: 0; } section { break-inside: avoid; } }
";

/// The style of a page. Pictures change their background and ink for readers who prefer dark pages.
fn style() -> String {
    let of =
        |(light, dark): &(&str, &str)| format!("  svg [fill='{light}'] {{ fill: {dark}; }} svg [stroke='{light}'] {{ stroke: {dark}; }}\n");
    format!("{STYLE}@media (prefers-color-scheme: dark) {{\n{}}}\n", ON_DARK.iter().map(of).collect::<String>())
}

/// A report as one HTML file, which includes its style and pictures and has no script.
pub fn report(title: &str, intro: &str, sections: &[Section]) -> String {
    let name = escape(title);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{name}</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n<h1>{name}</h1>\n",
        style()
    );
    html += &paragraphs(intro, " class=\"intro\"");
    for section in sections {
        html += &render(section);
    }
    html + "</body>\n</html>\n"
}

fn render(section: &Section) -> String {
    let mut html = format!("<section>\n<h2>{}</h2>\n", escape(&section.heading));
    html += &paragraphs(&section.text, "");
    html += &section.table.as_ref().map(table).unwrap_or_default();
    if !section.figures.is_empty() {
        html += "<div class=\"figures\">\n";
        html += &section.figures.iter().map(figure).collect::<String>();
        html += "</div>\n";
    }
    html + "</section>\n"
}

fn paragraphs(text: &str, attributes: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let parts = text.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| format!("<p{attributes}>{}</p>\n", marked(part))).collect()
}

/// Text as HTML, in which text between two backticks becomes code.
fn marked(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    // Backticks that do not come in pairs are text.
    if pieces.len().is_multiple_of(2) {
        return escape(text);
    }
    let piece = |(i, text): (usize, &&str)| if i % 2 == 0 { escape(text) } else { format!("<code>{}</code>", escape(text)) };
    pieces.iter().enumerate().map(piece).collect()
}

fn figure(figure: &Figure) -> String {
    let caption = if figure.caption.is_empty() { String::new() } else { format!("<figcaption>{}</figcaption>", marked(&figure.caption)) };
    format!("<figure>\n{}{caption}\n</figure>\n", figure.svg)
}

fn table(table: &ReportTable) -> String {
    let columns = table.rows.iter().map(Vec::len).chain([table.header.len()]).max().unwrap_or(0);
    let numeric: Vec<bool> = (0..columns).map(|i| is_numeric(table, i)).collect();
    let mut html = String::from("<div class=\"table\" tabindex=\"0\"><table>\n");
    if !table.header.is_empty() {
        html += &format!("<thead>{}</thead>\n", row("th", &table.header, &numeric));
    }
    html += "<tbody>\n";
    for cells in &table.rows {
        html += &row("td", cells, &numeric);
    }
    html + "</tbody>\n</table></div>\n"
}

fn row(tag: &str, cells: &[String], numeric: &[bool]) -> String {
    let mut html = String::from("<tr>");
    for (i, &numeric) in numeric.iter().enumerate() {
        let class = if numeric { " class=\"number\"" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(html, "<{tag}{class}>{}</{tag}>", escape(cells.get(i).map_or("", String::as_str)));
    }
    html + "</tr>\n"
}

/// True of a column that holds numbers, perhaps with a unit, a sign or a dash for what is missing.
fn is_numeric(table: &ReportTable, column: usize) -> bool {
    let cells: Vec<&str> = table.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.trim()).collect();
    let starts_as_number = |cell: &&str| cell.trim_start_matches(['-', '+', '\u{2212}', '.']).starts_with(|c: char| c.is_ascii_digit());
    let missing = |cell: &&str| matches!(*cell, "" | "-" | "–" | "—");
    cells.iter().any(starts_as_number) && cells.iter().all(|cell| starts_as_number(cell) || missing(cell))
}
