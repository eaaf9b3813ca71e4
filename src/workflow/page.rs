//! The reference page of workflows in Markdown, generated from their schema.

use super::{blocks, object, schema};
use serde_json::Value;

const HEAD: &str = "# What can stand in a workflow

Made by `tapetum run --blocks`, of the same tables that read workflows; do not edit it. `tapetum run --schema` prints the same as a JSON Schema,
by which editors complete and check a workflow.

A workflow is an object in JSON. Its blocks are computed in order. Each makes a value of its name, which later blocks, losses, metrics and
results name; so do the entries of the data and the parameters. Time is the last axis of a value, and subjects are the first; `..` stands for
any axes. A key without a default must be given unless it is called optional.
";

/// The reference of everything that a workflow may contain, in Markdown: `examples/WORKFLOWS.md`.
pub fn page() -> String {
    let schema = schema();
    let of = |key: &str| schema["properties"][key].clone();
    let mut page = format!("{HEAD}\n## The whole\n\n");
    keys(&schema, 0, false, &mut page);
    section("Data: an entry", &of("data")["additionalProperties"], &mut page);
    section("Parameters: an entry", &of("parameters")["additionalProperties"], &mut page);
    for family in &blocks::FAMILIES {
        page += &format!("\n## Blocks: {}\n", family.title.to_lowercase());
        for block in (family.blocks)() {
            let schema = object::schema_of(&block.object.properties, "");
            page += &format!("\n**`{}`** {}\n\n", block.name, block.object.what);
            keys(&schema, 0, true, &mut page);
        }
    }
    section("Losses: an item", &of("losses")["items"], &mut page);
    section("Train", &of("train"), &mut page);
    section("Split", &of("split"), &mut page);
    section("Metrics: an item", &of("metrics")["items"], &mut page);
    section("Results: an item", &of("results")["items"], &mut page);
    page
}

fn section(title: &str, schema: &Value, page: &mut String) {
    *page += &format!("\n## {title}\n");
    let Some(alternatives) = schema["oneOf"].as_array() else {
        *page += "\n";
        return keys(schema, 0, true, page);
    };
    for alternative in alternatives {
        let called = alternative["properties"].as_object().into_iter().flatten().find_map(|(_, property)| property["const"].as_str());
        let name = called.or(first_key(alternative)).unwrap_or_default();
        *page += &format!("\n**`{name}`** {}\n\n", text(&alternative["description"]));
        keys(alternative, 0, true, page);
    }
}

/// Writes the keys of an object, one item for each, required keys first; where `deep`, each is followed by the keys within it.
fn keys(schema: &Value, indent: usize, deep: bool, page: &mut String) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema["properties"].as_object() else { return };
    let others = properties.keys().map(String::as_str).filter(|key| !required.contains(key));
    for key in required.iter().copied().chain(others) {
        let property = &properties[key];
        let presence = match &property["default"] {
            _ if required.contains(&key) => String::new(),
            Value::Null => ", optional".into(),
            default => format!(", default `{default}`"),
        };
        let what = text(&property["description"]);
        let colon = if what.is_empty() { "" } else { ": " };
        *page += &format!("{}- `{key}` ({}{presence}){colon}{what}\n", "  ".repeat(indent), kind(property));
        if deep {
            within(property, indent + 1, page);
        }
    }
}

/// Writes the objects that a value may be, with one item for each key that names an object.
fn within(schema: &Value, indent: usize, page: &mut String) {
    for form in schema["oneOf"].as_array().into_iter().flatten().chain([schema]) {
        keys(form, indent, true, page);
    }
}

/// A schema described in words.
fn kind(schema: &Value) -> String {
    if let Some(forms) = schema["oneOf"].as_array() {
        let objects: Vec<&str> = forms.iter().filter_map(first_key).collect();
        let mut kinds: Vec<String> = forms.iter().filter(|form| first_key(form).is_none()).map(kind).collect();
        match objects.as_slice() {
            [] => {}
            [first, others @ ..] if others.contains(first) => kinds.push("an object".into()),
            [key] => kinds.push(format!("an object with `{key}`")),
            keys => kinds.push(format!("an object with one of `{}`", keys.join("`, `"))),
        }
        return kinds.join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", text(word))).collect::<Vec<_>>().join(", ");
    }
    if let Some(definition) = schema["$ref"].as_str() {
        return if definition.ends_with("/array") { "the name of an array".into() } else { "the name of a value".into() };
    }
    match &schema["const"] {
        Value::Null => {}
        Value::String(word) => return format!("`\"{word}\"`"),
        constant => return format!("`{constant}`"),
    }
    let least = |article: &str| match (&schema["minimum"], &schema["exclusiveMinimum"]) {
        (Value::Null, Value::Null) => article.to_owned(),
        (Value::Null, least) => format!("{article} above {least}"),
        (least, _) => format!("{article} of at least {least}"),
    };
    match text(&schema["type"]) {
        "string" => "text".into(),
        "number" => least("a number"),
        "integer" => least("a whole number"),
        "boolean" => "true or false".into(),
        "array" => match (&schema["minItems"], &schema["maxItems"]) {
            (n, most) if !n.is_null() && n == most => format!("a list of {n}, each {}", kind(&schema["items"])),
            _ => format!("a list, each {}", kind(&schema["items"])),
        },
        _ => "an object".into(),
    }
}

/// The key that tells an object from others.
fn first_key(schema: &Value) -> Option<&str> {
    schema["required"].as_array()?.first()?.as_str()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
