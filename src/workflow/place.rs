//! A value of a workflow's file and where it stands there, so that every refusal names the place.

use crate::{Error, Result};
use serde_json::Value;

/// A JSON value and its place: `blocks[2].series`.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    value: &'a Value,
    at: String,
}

impl<'a> Place<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, at: String::new() }
    }

    /// The value as it stands.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// Where it stands; `the workflow` for the whole.
    pub(super) fn at(&self) -> &str {
        if self.at.is_empty() { "the workflow" } else { &self.at }
    }

    /// An error here.
    pub(super) fn error(&self, what: impl std::fmt::Display) -> Error {
        Error::argument(format!("{}: {what}", self.at()))
    }

    /// Another's error, here.
    pub(super) fn wrap(&self) -> impl Fn(Error) -> Error + '_ {
        |e| self.error(e)
    }

    fn expected<T>(&self, what: &str) -> Result<T> {
        let found = self.value.to_string();
        let shown: String = found.chars().take(60).collect();
        Err(self.error(format!("{what} is expected, found {shown}")))
    }

    fn below(&self, key: &str, value: &'a Value) -> Self {
        let at = if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) };
        Self { value, at }
    }

    /// The value under a key, `None` where there is none.
    pub(super) fn find(&self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| self.below(key, value))
    }

    /// The value under a key that must be there.
    pub(super) fn get(&self, key: &str) -> Result<Self> {
        self.find(key).ok_or_else(|| self.error(format!("the key `{key}` is missing")))
    }

    /// That it is an object with no other keys than these.
    pub(super) fn only(&self, keys: &[&str]) -> Result<()> {
        let Some(object) = self.value.as_object() else { return self.expected("an object") };
        match object.keys().find(|k| !keys.contains(&k.as_str())) {
            Some(key) => Err(self.error(format!("no key is called `{key}`: {} are known", keys.join(", ")))),
            None => Ok(()),
        }
    }

    /// The entries of an object, by name.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>> {
        match self.value.as_object() {
            Some(object) => Ok(object.iter().map(|(key, value)| (key.as_str(), self.below(key, value))).collect()),
            None => self.expected("an object"),
        }
    }

    /// The one entry of an object that names what follows, such as `{"norm": 2}`.
    pub(super) fn single(&self) -> Result<(&'a str, Self)> {
        match self.entries()?.as_slice() {
            [one] => Ok(one.clone()),
            _ => self.expected("an object of one key"),
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>> {
        let Some(items) = self.value.as_array() else { return self.expected("a list") };
        Ok(items.iter().enumerate().map(|(i, value)| Self { value, at: format!("{}[{i}]", self.at) }).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str> {
        self.value.as_str().map_or_else(|| self.expected("text"), Ok)
    }

    pub(super) fn flag(&self) -> Result<bool> {
        self.value.as_bool().map_or_else(|| self.expected("true or false"), Ok)
    }

    /// A number that f32 holds.
    pub(super) fn number(&self) -> Result<f64> {
        match self.value.as_f64().filter(|x| (*x as f32).is_finite()) {
            Some(x) => Ok(x),
            None => self.expected("a number"),
        }
    }

    pub(super) fn positive(&self) -> Result<f64> {
        if self.number()? > 0.0 { self.number() } else { self.expected("a number above 0") }
    }

    pub(super) fn single_precision(&self) -> Result<f32> {
        self.number().map(|x| x as f32)
    }

    /// A whole number of at least `least`.
    pub(super) fn whole(&self, least: usize) -> Result<usize> {
        match self.value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n >= least && *n <= u32::MAX as usize) {
            Some(n) => Ok(n),
            None => self.expected(&format!("a whole number of at least {least}")),
        }
    }

    /// An axis: counted from the front, or from the back where it is below 0.
    pub(super) fn axis(&self) -> Result<isize> {
        match self.value.as_i64().filter(|n| n.unsigned_abs() <= 8) {
            Some(n) => Ok(n as isize),
            None => self.expected("an axis, a whole number"),
        }
    }

    pub(super) fn axes(&self) -> Result<Vec<isize>> {
        self.items()?.iter().map(Self::axis).collect()
    }

    pub(super) fn numbers(&self) -> Result<Vec<f64>> {
        self.items()?.iter().map(Self::number).collect()
    }

    /// Two numbers.
    pub(super) fn pair(&self) -> Result<[f64; 2]> {
        match self.value.as_array().map(Vec::len) {
            Some(2) => self.numbers().map(|x| [x[0], x[1]]),
            _ => self.expected("a list of two numbers"),
        }
    }

    /// One of some words.
    pub(super) fn choice(&self, words: &[&'static str]) -> Result<&'static str> {
        let text = self.text()?;
        match words.iter().find(|w| **w == text) {
            Some(word) => Ok(word),
            None => Err(self.error(format!("one of {} is expected, found `{text}`", words.join(", ")))),
        }
    }

    /// A name that values may be called by: letters, digits and underscores, no digit first.
    pub(super) fn name(&self) -> Result<&'a str> {
        let text = self.text()?;
        if is_name(text) { Ok(text) } else { Err(self.error(not_a_name(text))) }
    }
}

pub(super) fn is_name(text: &str) -> bool {
    let good = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    good && text.chars().next().is_some_and(|c| !c.is_ascii_digit())
}

pub(super) fn not_a_name(text: &str) -> String {
    format!("`{text}` is no name: letters, digits and underscores are expected, no digit first")
}

/// What `--set KEY=VALUE` says: a place, and its value.
///
/// # Errors
/// Where there is no place or no `=`.
pub fn setting(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Error::argument("KEY=VALUE is expected")),
    }
}

/// Sets the value at a place such as `train.steps` or `blocks[2].ridge`. Objects on the way are made where they are missing.
pub(super) fn set(root: &mut Value, place: &str, value: Value) -> Result<()> {
    let wrong = |what: String| Error::argument(format!("--set {place}: {what}"));
    let mut here = root;
    for part in place.split('.') {
        let (key, indices) = part.split_once('[').map_or((part, ""), |(key, rest)| (key, rest));
        if key.is_empty() {
            return Err(wrong("a place such as `train.steps` or `blocks[2].ridge` is expected".into()));
        }
        let object = here.as_object_mut().ok_or_else(|| wrong(format!("`{key}` would be below something that is no object")))?;
        here = object.entry(key).or_insert_with(|| Value::Object(serde_json::Map::new()));
        for index in indices.split('[').filter(|i| !i.is_empty()) {
            let number = index.strip_suffix(']').and_then(|i| i.parse::<usize>().ok());
            let number = number.ok_or_else(|| wrong(format!("`[{index}` is no index")))?;
            let found = here.as_array().map_or(0, Vec::len);
            here = here.get_mut(number).ok_or_else(|| wrong(format!("`{key}` has {found} items, counted from 0")))?;
        }
    }
    *here = value;
    Ok(())
}
