//! Settings that JavaScript gives as an object: every key is known, and every value of its kind.

use super::Result;
use super::convert::{json, thrown};
use crate::Error;
use serde_json::{Map, Value};
use wasm_bindgen::JsValue;

/// The keys of an object that have not been read yet.
pub(super) struct Settings(Map<String, Value>);

impl Settings {
    /// The settings of an object; none where it is undefined.
    pub(super) fn of(object: &JsValue) -> Result<Self> {
        match json(object)? {
            Value::Null => Ok(Self(Map::new())),
            Value::Object(keys) => Ok(Self(keys)),
            other => Err(thrown(Error::argument(format!("settings: an object is expected, found {other}")))),
        }
    }

    fn take<T>(&mut self, key: &str, expected: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<Option<T>> {
        match self.0.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(found) => match read(&found) {
                Some(value) => Ok(Some(value)),
                None => Err(thrown(Error::argument(format!("`{key}`: {expected} is expected, found {found}")))),
            },
        }
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>> {
        self.take(key, "true or false", Value::as_bool)
    }

    pub(super) fn number(&mut self, key: &str) -> Result<Option<f64>> {
        self.take(key, "a number", Value::as_f64)
    }

    /// A whole number from `least` on.
    pub(super) fn whole(&mut self, key: &str, least: u32) -> Result<Option<u32>> {
        let read = |value: &Value| value.as_f64().filter(|x| x.fract() == 0.0 && (f64::from(least)..=f64::from(u32::MAX)).contains(x));
        Ok(self.take(key, &format!("a whole number from {least} on"), read)?.map(|x| x as u32))
    }

    pub(super) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>> {
        self.take(key, "a list of texts", |value| value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect())
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Result<Option<T>> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let read = |value: &Value| words.iter().find(|(word, _)| value == word).map(|(_, meaning)| *meaning);
        self.take(key, &format!("one of {}", names.join(", ")), read)
    }

    /// Refuses what is left.
    pub(super) fn end(self) -> Result<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(key) => Err(thrown(Error::argument(format!("no setting is called `{key}`")))),
        }
    }
}
