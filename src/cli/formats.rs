//! `tapetum formats`.

use super::common::{Common, Done};
use crate::Result;
use crate::data::{Content, FORMATS, FormatRow};
use serde_json::{Value, json};

/// Prints the table of file formats.
pub(super) fn run(common: &Common) -> Result<Done> {
    let rows = FORMATS
        .iter()
        .map(|row| json!({ "extensions": row.extensions, "what": row.what, "read": names(row.read), "written": names(row.written) }));
    common.print(&json!({ "formats": rows.collect::<Vec<Value>>() }), || FORMATS.iter().map(text).collect::<Vec<_>>().join("\n"))?;
    Ok(Done::Well)
}

fn names(contents: &[Content]) -> Vec<&'static str> {
    contents.iter().map(|content| content.name()).collect()
}

/// A format in two or three lines.
fn text(row: &FormatRow) -> String {
    let list = |what: &str, of: &[Content]| match of {
        [] => String::new(),
        of => format!("\n    {what}: {}", names(of).join(", ")),
    };
    format!("{}\n    {}{}{}", row.extensions.join(" "), row.what, list("read", row.read), list("written", row.written))
}
