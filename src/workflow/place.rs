//! A value of a workflow's file and where it stands there, so that every refusal names the place.

use super::given::Given;
use crate::data::file_and_array;
use crate::error::Reason;
use crate::{Error, HostTensor, Result, json};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The files and arrays that a workflow names: the folder in which files are looked for, the arrays that a program gives, and what was
/// found so far, with the SHA-256 of its bytes.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    /// The command that writes them.
    made_by: Option<String>,
    arrays: BTreeMap<String, HostTensor>,
    found: RefCell<BTreeMap<PathBuf, String>>,
}

impl Files {
    pub(super) fn of(folder: PathBuf, made_by: Option<&str>) -> Self {
        Self { folder, made_by: made_by.map(String::from), arrays: BTreeMap::new(), found: RefCell::default() }
    }

    pub(super) fn with_arrays(self, arrays: BTreeMap<String, HostTensor>) -> Self {
        Self { arrays, ..self }
    }

    fn given(&self, name: &str) -> Result<Given> {
        let Some(values) = self.arrays.get(name) else {
            let known = self.arrays.keys().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none is given".to_owned() } else { format!("{known} are given") };
            return Err(Error::argument(format!("no array is called `{name}`: {known} by the program that runs the workflow")));
        };
        let mut hash = Sha256::new();
        hash.update(format!("{}", values.ty()));
        match values.bytes() {
            Some(bytes) => hash.update(bytes),
            None => values.to_f64_vec().iter().for_each(|x| hash.update(x.to_le_bytes())),
        }
        self.found.borrow_mut().insert(PathBuf::from(format!("input:{name}")), hex(&hash.finalize()));
        Ok(Given { name: name.to_owned(), values: values.clone() })
    }

    /// Every file that was found, and the SHA-256 of its bytes.
    pub(super) fn found(self) -> BTreeMap<PathBuf, String> {
        self.found.into_inner()
    }

    fn find(&self, name: &str) -> Result<PathBuf> {
        self.note(self.folder.join(name))
    }

    /// Notes a file with its hash.
    fn note(&self, path: PathBuf) -> Result<PathBuf> {
        if !self.found.borrow().contains_key(&path) {
            let hash = match &self.made_by {
                Some(command) if !file_and_array(&path).0.exists() => {
                    return Err(Error::file(path, Reason::of_kind(ErrorKind::NotFound, format!("is not there: `{command}` writes it"))));
                }
                // `FILE.npz:NAME` names an array in that file, so the file is hashed.
                _ => sha256(&file_and_array(&path).0)?,
            };
            self.found.borrow_mut().insert(path.clone(), hash);
        }
        Ok(path)
    }
}

/// A JSON value and its place: `blocks[2].series`.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    value: &'a Value,
    at: String,
    files: &'a Files,
}

impl<'a> Place<'a> {
    pub(super) fn root(value: &'a Value, files: &'a Files) -> Self {
        Self { value, at: String::new(), files }
    }

    /// A value that a program gives by itself, called `at` in messages.
    pub(super) fn called(value: &'a Value, at: &str, files: &'a Files) -> Self {
        Self { value, at: at.to_owned(), files }
    }

    /// The folder or the file of this name beside the workflow, which need not be there.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.files.folder.join(name)
    }

    /// Notes a file that is read because of this value, so that it counts among what the workflow reads.
    pub(super) fn reads(&self, path: &Path) -> Result<()> {
        self.files.note(path.to_owned()).map(|_| ())
    }

    /// The value as it stands.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// The place in words; `the workflow` for the whole file.
    pub(super) fn at(&self) -> &str {
        if self.at.is_empty() { "the workflow" } else { &self.at }
    }

    /// An error that names this place.
    pub(super) fn error(&self, what: impl Into<Reason>) -> Error {
        Error::argument(what.into().at(self.at()))
    }

    /// A function that adds this place to another error.
    pub(super) fn wrap(&self) -> impl Fn(Error) -> Error + '_ {
        |e| self.error(e)
    }

    /// The error that something else is expected here.
    pub(super) fn expected<T>(&self, what: &str) -> Result<T> {
        let found = self.value.to_string();
        let shown: String = found.chars().take(60).collect();
        Err(self.error(format!("{what} is expected, found {shown}")))
    }

    /// A value that stands under a key of this object, or would.
    pub(super) fn with<'b>(&self, key: &str, value: &'b Value) -> Place<'b>
    where
        'a: 'b,
    {
        let at = if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) };
        Place { value, at, files: self.files }
    }

    /// The value under a key, `None` where there is none.
    pub(super) fn find(&self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| self.with(key, value))
    }

    /// The value under a key that must be there.
    pub(super) fn get(&self, key: &str) -> Result<Self> {
        self.find(key).ok_or_else(|| self.error(format!("the key `{key}` is missing")))
    }

    /// Checks that the value is an object with no other keys than these.
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
            Some(object) => Ok(object.iter().map(|(key, value)| (key.as_str(), self.with(key, value))).collect()),
            None => self.expected("an object"),
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>> {
        let Some(items) = self.value.as_array() else { return self.expected("a list") };
        let item = |(i, value)| Self { value, at: format!("{}[{i}]", self.at), files: self.files };
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str> {
        self.value.as_str().map_or_else(|| self.expected("text"), Ok)
    }

    /// The array that is named here.
    pub(super) fn given(&self) -> Result<Given> {
        self.files.given(self.text()?).map_err(self.wrap())
    }

    /// The file that is named here.
    pub(super) fn file(&self) -> Result<PathBuf> {
        self.files.find(self.text()?).map_err(self.wrap())
    }
}

pub(super) fn is_name(text: &str) -> bool {
    let good = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    good && text.chars().next().is_some_and(|c| !c.is_ascii_digit())
}

pub(super) fn not_a_name(text: &str) -> String {
    format!("`{text}` is no name: letters, digits and underscores are expected, no digit first")
}

/// The meaning of `--set KEY=VALUE`: a place, and its value, JSON or else text. A value that begins as a list, an object or a quoted text
/// must be valid JSON.
///
/// # Errors
/// Returns an error where the place or the `=` is missing, or the value begins as JSON but is not valid.
pub fn setting(text: &str) -> Result<(String, Value)> {
    let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
        return Err(Error::argument("KEY=VALUE is expected"));
    };
    match json::parse(value) {
        Ok(json) => Ok((key.to_owned(), json)),
        Err(e) if value.trim_start().starts_with(['{', '[', '"']) => Err(Error::argument(format!("{key}: no JSON: {e}"))),
        Err(_) => Ok((key.to_owned(), value.into())),
    }
}

/// The largest number of keys and indices in a place that is set.
const DEPTH: usize = 64;

/// Sets the value at a place such as `train.steps` or `blocks[2].ridge`. Missing objects on the way are created.
pub(super) fn set(root: &mut Value, place: &str, value: Value) -> Result<()> {
    let wrong = |what: String| Error::argument(format!("setting {place}: {what}"));
    if place.split(['.', '[']).count() > DEPTH {
        return Err(Error::argument(format!("a place of more than {DEPTH} keys cannot be set")));
    }
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

fn sha256(path: &Path) -> Result<String> {
    let unread = |e: std::io::Error| Error::io(path, "cannot be read", &e);
    let mut file = File::open(path).map_err(unread)?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part).map_err(unread)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&part[..read]),
        }
    }
}

/// The SHA-256 of bytes.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
