//! FSL's atlas files:
//! `<atlas><header><type>Probabilistic</type>..</header><data><label index="0" ..>Frontal Pole</label>..</data></atlas>`.

use super::Names;
use roxmltree::{Document, Node};
use std::collections::BTreeMap;

/// The names of an atlas. Those of a probabilistic atlas are numbered from 0, as its maps are, and the labels of its summary (`maxprob`)
/// from 1, by one more than the names' numbers; those of an atlas of labels have the labels' numbers.
pub(super) fn names(text: &str) -> Result<Names, String> {
    let document = Document::parse(text).map_err(|e| format!("an atlas file of FSL expected: {e}"))?;
    let root = document.root_element();
    if !root.has_tag_name("atlas") {
        return Err(format!("an atlas file of FSL expected: its root is <{}>", super::parse::shortened(root.tag_name().name())));
    }
    let named = |name: &'static str| move |node: &Node<'_, '_>| node.has_tag_name(name);
    let kind = root.descendants().find(named("type")).and_then(|node| node.text()).unwrap_or_default();
    let by_one = u64::from(!kind.trim().eq_ignore_ascii_case("label"));
    let mut names = BTreeMap::new();
    for label in root.descendants().filter(named("label")) {
        let stated = label.attribute("index").and_then(|index| index.trim().parse::<u32>().ok());
        let number = u64::from(stated.ok_or("an atlas file of FSL expected: a <label> has no attribute `index` with a whole number")?);
        let name = label.text().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        if names.insert(number + by_one, name).is_some() {
            return Err(format!("two labels have the index {number}"));
        }
    }
    if names.is_empty() { Err("an atlas file of FSL expected: it has no <label>".into()) } else { Ok(Names::ByNumber(names)) }
}
