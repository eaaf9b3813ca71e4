//! Text in XML: what elements hold, lists of numbers, and text written so that XML holds it.

use roxmltree::Node;
use std::borrow::Cow;
use std::str::FromStr;

/// The text of an element, whatever comments stand within.
pub(super) fn text_of<'a>(node: Node<'a, '_>) -> Cow<'a, str> {
    let mut texts = node.children().filter(Node::is_text).filter_map(|n| n.text());
    let first = texts.next().unwrap_or_default();
    texts.fold(Cow::Borrowed(first), |text, more| text + more)
}

/// The child of this name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|n| n.has_tag_name(name))
}

/// Keys and values of a `<MetaData>`.
pub(super) fn pairs(node: Node<'_, '_>) -> Vec<(String, String)> {
    let of = |pair: Node<'_, '_>, name: &str| child(pair, name).map(|n| text_of(n).trim().to_owned()).unwrap_or_default();
    node.children().filter(|n| n.has_tag_name("MD")).map(|pair| (of(pair, "Name"), of(pair, "Value"))).collect()
}

/// The words of a text as numbers; `separators` divide them beside white space.
pub(super) fn numbers<T: FromStr>(text: &str, separators: &[char]) -> Result<Vec<T>, String> {
    let words = text.split(|c: char| c.is_ascii_whitespace() || separators.contains(&c)).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| format!("`{}` where a number is expected", shortened(word)))).collect()
}

/// Text of a file as messages quote it: the first letters of what is long.
pub(super) fn shortened(text: &str) -> String {
    const LETTERS: usize = 60;
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Text as an element or an attribute holds it. Letters that XML cannot hold become spaces.
pub(in super::super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
