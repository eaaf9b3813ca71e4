//! Tables of labels, as CIFTI-2 and GIFTI files have them.

pub(in super::super) use super::text::escaped;
use super::text::{pairs, text_of};
use roxmltree::Node;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A label.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// The name.
    pub name: String,
    /// Red, green, blue and opacity, from 0 to 1.
    pub colour: [f32; 4],
}

impl Label {
    /// The label of a key that belongs to no region, as `wb_command` names it.
    pub fn none() -> Self {
        Self { name: NO_LABEL.into(), colour: [0.0; 4] }
    }

    /// True where the label says that a place belongs to no region: its key is 0, or its name is `???`.
    pub fn is_none(&self, key: i32) -> bool {
        key == 0 || self.name == NO_LABEL
    }
}

/// The name of what has no label.
const NO_LABEL: &str = "???";

/// Labels by their keys.
pub type LabelTable = BTreeMap<i32, Label>;

/// Reads a `<LabelTable>`.
pub(in super::super) fn label_table(node: Node<'_, '_>) -> Result<LabelTable, String> {
    let mut table = LabelTable::new();
    for (i, label) in node.children().filter(|n| n.has_tag_name("Label")).enumerate() {
        // Early GIFTI files have `Index` for `Key`.
        let key = label.attribute("Key").or_else(|| label.attribute("Index")).unwrap_or("missing");
        let key: i32 = key.trim().parse().map_err(|_| format!("label {i}, counted from 0: a whole number as Key expected"))?;
        let part = |name: &str, other: f32| label.attribute(name).and_then(|x| x.trim().parse().ok()).unwrap_or(other);
        let colour = [part("Red", 0.0), part("Green", 0.0), part("Blue", 0.0), part("Alpha", 1.0)];
        if table.insert(key, Label { name: text_of(label).trim().to_owned(), colour }).is_some() {
            return Err(format!("label {i}, counted from 0: the key {key} stands twice in a table"));
        }
    }
    Ok(table)
}

/// Writes a `<LabelTable>`.
pub(in super::super) fn label_table_xml(table: &LabelTable, xml: &mut String) {
    xml.push_str("<LabelTable>");
    for (key, Label { name, colour: [red, green, blue, alpha] }) in table {
        // Writing into a string cannot fail.
        let _ = write!(xml, r#"<Label Key="{key}" Red="{red}" Green="{green}" Blue="{blue}" Alpha="{alpha}">{}</Label>"#, escaped(name));
    }
    xml.push_str("</LabelTable>");
}

/// Reads a `<MetaData>` among the children of a node: keys and their values.
pub(in super::super) fn metadata(parent: Node<'_, '_>) -> Vec<(String, String)> {
    parent.children().find(|n| n.has_tag_name("MetaData")).map(pairs).unwrap_or_default()
}

/// Labels for so many regions, `0`, `1` and so on, with the keys from 1 on; key 0 is that of places without a region.
pub fn numbered_labels(regions: usize) -> LabelTable {
    let label = |i: usize| (i as i32 + 1, Label { name: i.to_string(), colour: colour(i) });
    std::iter::once((0, Label::none())).chain((0..regions).map(label)).collect()
}

/// Colours that tell neighbours in a list of labels apart: hues in steps of the golden angle, so that few are alike.
fn colour(i: usize) -> [f32; 4] {
    let hue = (i as f32 * 0.618_034).fract() * 6.0;
    let part = |shift: f32| {
        let k = (hue + shift) % 6.0;
        0.9 - 0.7 * k.min(4.0 - k).clamp(0.0, 1.0)
    };
    [part(5.0), part(3.0), part(1.0), 1.0]
}
