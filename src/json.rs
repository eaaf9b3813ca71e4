//! Reading of JSON from files and users. A key that occurs twice in an object is refused with its place.
//!
//! The standard does not define the meaning of a key that occurs twice (RFC 8259, section 4), and most readers silently use the last one.
//! All JSON that this crate reads goes through [`parse`]. Objects and lists may be nested 128 levels deep, the limit of `serde_json`.

use serde_core::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Parses UTF-8 text as one JSON value; a byte-order mark before it is skipped.
///
/// # Errors
/// The message gives line and column where the text is not JSON, a number exceeds f64, something follows the value, the nesting is deeper
/// than 128 levels, or a key occurs twice in one object (with the path of the object, such as `train.rate` or `blocks[2]`).
pub fn parse(text: impl AsRef<[u8]>) -> Result<Value, String> {
    let text = text.as_ref();
    let mut deserializer = serde_json::Deserializer::from_slice(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text));
    let value = Place::Root.deserialize(&mut deserializer).map_err(|e| e.to_string())?;
    deserializer.end().map_err(|e| e.to_string())?;
    Ok(value)
}

/// The place of a value. Its path is put together only for an error.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Key(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Place::Root, key) => write!(f, "{key}"),
            Self::Key(above, key) => write!(f, "{above}.{key}"),
            Self::Item(above, i) => write!(f, "{above}[{i}]"),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, x: bool) -> Result<Value, E> {
        Ok(x.into())
    }

    fn visit_u64<E: Error>(self, x: u64) -> Result<Value, E> {
        Ok(x.into())
    }

    fn visit_i64<E: Error>(self, x: i64) -> Result<Value, E> {
        Ok(x.into())
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<Value, E> {
        Number::from_f64(x).map(Value::Number).ok_or_else(|| E::custom("a finite number is expected"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Place::Item(&self, items.len()))? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            if entries.contains_key(&key) {
                let place = Place::Key(&self, &key);
                return Err(A::Error::custom(format!("the key `{place}` stands twice")));
            }
            let value = object.next_value_seed(Place::Key(&self, &key))?;
            entries.insert(key, value);
        }
        Ok(entries.into())
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::Value;

    #[test]
    fn what_stands_once_is_read_as_serde_json_reads_it() {
        let text = r#"{"a": [1, -2, 2.5e-3, 18446744073709551615, true, null, "é\n\u00e9"], "b": {"a": {}, "": []}, "c": 1e308}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(parse(format!("\u{feff}{text} \n")).unwrap(), expected);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_with_its_place() {
        for (text, place) in [
            (r#"{"a": 1, "a": 1}"#, "`a` stands twice at line 1"),
            (r#"{"train": {"rate": {"cosine": 1, "linear": 2, "cosine": 1}}}"#, "`train.rate.cosine` stands twice"),
            ("{\"blocks\": [{}, [0, {\"of\": 1,\n\"o\\u0066\": 2}]]}", "`blocks[1][1].of` stands twice at line 2"),
            (r#"[{"": 1, "": 2}]"#, "`[0].` stands twice"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(place), "{text}: {error}");
        }
        // The same key in two different objects is allowed.
        assert!(parse(r#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}"#).is_ok());
    }

    #[test]
    fn what_is_no_json_is_refused_with_line_and_column() {
        for text in ["", "{", "{\"a\": 1,}", "[1 2]", "nul", "{} {}", "1e999", "\"\u{1}\"", "{1: 2}", "\"\\ud800\""] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("line 1 column"), "{text}: {error}");
        }
        assert!(parse([b'"', 0xff, b'"']).is_err());
    }

    #[test]
    fn depth_is_limited() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(parse(nested(100)).is_ok());
        for n in [129, 1_000_000] {
            assert!(parse(nested(n)).unwrap_err().contains("recursion limit"), "{n}");
            assert!(parse("{\"a\":".repeat(n)).unwrap_err().contains("recursion limit"), "{n}");
        }
    }
}
