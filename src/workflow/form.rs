//! Forms. A form says as one thing what a JSON value must be, how it is read, and its JSON Schema.
//!
//! The schema thus says by construction what can be read. Objects are made of forms in [`super::object`].

use super::place::{Place, is_name, not_a_name};
use crate::error::Reason;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) type Read<T> = Box<dyn Fn(&Place<'_>) -> Result<T> + Send + Sync>;

/// A value, and its place in the file.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub(super) at: String,
    pub(super) value: T,
}

impl<T> Placed<T> {
    /// An error that names this place.
    pub(super) fn error(&self, what: impl Into<Reason>) -> Error {
        Error::argument(what.into().at(&self.at))
    }
}

/// A kind of value.
pub(super) struct Form<T> {
    pub(super) schema: Value,
    pub(super) shape: Shape,
    pub(super) read: Read<T>,
}

/// The values that a form is for, where one of several forms is to be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Text(Vec<String>),
    Number,
    Flag,
    List,
    /// An object, which has this key where it is one of several.
    Object(Option<&'static str>),
}

impl Shape {
    fn suits(&self, value: &Value) -> bool {
        match self {
            Self::Text(_) => value.is_string(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object(None) => value.is_object(),
            Self::Object(Some(key)) => value.get(key).is_some(),
        }
    }
}

/// The shapes in words, objects together: "a number or an object with one of linear, cosine".
fn said<'a>(shapes: impl Iterator<Item = &'a Shape>) -> String {
    let (mut words, mut keys) = (Vec::new(), Vec::new());
    for shape in shapes {
        match shape {
            Shape::Text(some) if some.is_empty() => words.push("text".to_owned()),
            Shape::Text(some) => words.push(format!("`{}`", some.join("`, `"))),
            Shape::Number => words.push("a number".to_owned()),
            Shape::Flag => words.push("true or false".to_owned()),
            Shape::List => words.push("a list".to_owned()),
            Shape::Object(None) => words.push("an object".to_owned()),
            Shape::Object(Some(key)) => keys.push(*key),
        }
    }
    match keys.as_slice() {
        [] => {}
        [key] => words.push(format!("an object with {key}")),
        keys => words.push(format!("an object with one of {}", keys.join(", "))),
    }
    words.join(" or ")
}

impl<T: 'static> Form<T> {
    pub(super) fn new(schema: Value, shape: Shape, read: impl Fn(&Place<'_>) -> Result<T> + Send + Sync + 'static) -> Self {
        Self { schema, shape, read: Box::new(read) }
    }

    /// Reads the value at a place.
    pub(super) fn read(&self, place: &Place<'_>) -> Result<T> {
        (self.read)(place)
    }

    /// Its JSON Schema.
    pub(super) fn schema(&self) -> Value {
        self.schema.clone()
    }

    /// The form of something that is made from the value.
    pub(super) fn map<U: 'static>(self, make: impl Fn(T) -> U + Send + Sync + 'static) -> Form<U> {
        let read = self.read;
        Form { schema: self.schema, shape: self.shape, read: Box::new(move |place| read(place).map(&make)) }
    }

    /// The form of something that is made from the value; where `make` fails, the error names the value's place.
    pub(super) fn then<U: 'static>(self, make: impl Fn(T) -> Result<U> + Send + Sync + 'static) -> Form<U> {
        let read = self.read;
        let made = move |place: &Place<'_>| make(read(place)?).map_err(place.wrap());
        Form { schema: self.schema, shape: self.shape, read: Box::new(made) }
    }

    /// The value where a rule holds; the rule says what is expected where it does not.
    pub(super) fn checked(self, expected: &'static str, rule: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        let read = self.read;
        let checked = move |place: &Place<'_>| match read(place)? {
            value if rule(&value) => Ok(value),
            _ => place.expected(expected),
        };
        Self { schema: self.schema, shape: self.shape, read: Box::new(checked) }
    }

    /// The same form, which the schema refers to as one of its `$defs`.
    pub(super) fn refers(mut self, definition: &str) -> Self {
        self.schema = json!({ "$ref": format!("#/$defs/{definition}") });
        self
    }

    /// The form of the value with its place, so that errors found later can name it.
    pub(super) fn placed(self) -> Form<Placed<T>> {
        let read = self.read;
        let placed = move |place: &Place<'_>| Ok(Placed { at: place.at().to_owned(), value: read(place)? });
        Form { schema: self.schema, shape: self.shape, read: Box::new(placed) }
    }

    /// The form of a list of at least `least` of these values.
    pub(super) fn list(self, least: usize) -> Form<Vec<T>> {
        let mut schema = json!({ "type": "array", "items": self.schema });
        if least > 0 {
            schema["minItems"] = least.into();
        }
        let read = self.read;
        Form::new(schema, Shape::List, move |place| {
            let items = place.items()?;
            if items.len() < least {
                return place.expected(&format!("a list of at least {least}"));
            }
            items.iter().map(&read).collect()
        })
    }

    /// The form of a list of exactly `N` of these values.
    pub(super) fn times<const N: usize>(self) -> Form<[T; N]> {
        let schema = json!({ "type": "array", "items": self.schema, "minItems": N, "maxItems": N });
        let read = self.read;
        Form::new(schema, Shape::List, move |place| {
            let expected = || place.expected(&format!("a list of {}", if N == 2 { "two numbers".into() } else { format!("{N}") }));
            let Ok(items) = place.items() else { return expected() };
            let values = items.iter().map(&read).collect::<Result<Vec<T>>>()?;
            values.try_into().or_else(|_| expected())
        })
    }

    /// The form of an object whose keys are any names, read in the order of the names.
    pub(super) fn by_name(self) -> Form<Vec<(String, T)>> {
        let schema = json!({ "type": "object", "additionalProperties": self.schema });
        let read = self.read;
        Form::new(schema, Shape::Object(None), move |place| {
            place.entries()?.into_iter().map(|(name, at)| Ok((name.to_owned(), read(&at)?))).collect()
        })
    }

    /// Whichever of some forms suits the value; no two suit the same.
    pub(super) fn either(forms: Vec<Self>) -> Self {
        let schema = json!({ "oneOf": forms.iter().map(|form| form.schema.clone()).collect::<Vec<_>>() });
        let shape = Shape::Object(None);
        Self::new(schema, shape, move |place| {
            let suits: Vec<&Self> = forms.iter().filter(|form| form.shape.suits(place.value())).collect();
            match suits.as_slice() {
                [one] => one.read(place),
                _ => place.expected(&said(forms.iter().map(|form| &form.shape))),
            }
        })
    }
}

/// A number that f32 holds.
pub(super) fn number() -> Form<f64> {
    Form::new(json!({ "type": "number" }), Shape::Number, |place| match place.value().as_f64() {
        Some(x) if (x as f32).is_finite() => Ok(x),
        _ => place.expected("a number"),
    })
}

/// A number in single precision.
pub(super) fn single() -> Form<f32> {
    number().map(|x| x as f32)
}

/// A number above 0, in single precision too.
pub(super) fn positive() -> Form<f64> {
    let mut form = number().checked("a number above 0", |x| *x as f32 > 0.0);
    form.schema["exclusiveMinimum"] = 0.into();
    form
}

/// A number of 0 or more.
pub(super) fn not_negative() -> Form<f64> {
    let mut form = number().checked("a number of 0 or more", |x| *x >= 0.0);
    form.schema["minimum"] = 0.into();
    form
}

/// A whole number of at least this.
pub(super) fn whole(least: usize) -> Form<usize> {
    let schema = json!({ "type": "integer", "minimum": least });
    Form::new(schema, Shape::Number, move |place| {
        let found = place.value().as_u64().filter(|n| *n <= u64::from(u32::MAX)).map(|n| n as usize);
        found.filter(|n| *n >= least).map_or_else(|| place.expected(&format!("a whole number of at least {least}")), Ok)
    })
}

/// An axis: counted from the front, or from the back where it is below 0.
pub(super) fn axis() -> Form<isize> {
    Form::new(json!({ "type": "integer" }), Shape::Number, |place| match place.value().as_i64().filter(|n| n.unsigned_abs() <= 8) {
        Some(n) => Ok(n as isize),
        None => place.expected("an axis, a whole number"),
    })
}

/// True or false.
pub(super) fn flag() -> Form<bool> {
    Form::new(json!({ "type": "boolean" }), Shape::Flag, |place| {
        place.value().as_bool().map_or_else(|| place.expected("true or false"), Ok)
    })
}

/// Any text.
pub(super) fn text() -> Form<String> {
    Form::new(json!({ "type": "string" }), Shape::Text(Vec::new()), |place| Ok(place.text()?.to_owned()))
}

/// A name that values may be called by: letters, digits and underscores, no digit first.
pub(super) fn name() -> Form<String> {
    Form::new(json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }), Shape::Text(Vec::new()), |place| {
        let text = place.text()?;
        if is_name(text) { Ok(text.to_owned()) } else { Err(place.error(not_a_name(text))) }
    })
}

/// Text of a pattern, and what it stands for.
pub(super) fn pattern<T: 'static>(
    pattern: &'static str,
    expected: &'static str,
    read: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
) -> Form<T> {
    Form::new(json!({ "type": "string", "pattern": pattern }), Shape::Text(Vec::new()), move |place| {
        let text = place.text()?;
        read(text).ok_or_else(|| place.error(format!("{expected} is expected, found `{text}`")))
    })
}

/// The form of the word `true`, for keys that only name a choice.
pub(super) fn yes() -> Form<()> {
    let mut form = flag().checked("true", |yes| *yes).map(|_| ());
    form.schema = json!({ "const": true });
    form
}

/// A file, looked for beside the workflow.
pub(super) fn file() -> Form<PathBuf> {
    Form::new(json!({ "type": "string" }), Shape::Text(Vec::new()), |place| place.file())
}

/// One of some words, and what it stands for.
pub(super) fn words<T: Clone + Send + Sync + 'static>(table: impl IntoIterator<Item = (&'static str, T)>) -> Form<T> {
    let table: Vec<(&str, T)> = table.into_iter().collect();
    let names: Vec<String> = table.iter().map(|(word, _)| (*word).to_owned()).collect();
    Form::new(json!({ "enum": names }), Shape::Text(names.clone()), move |place| {
        let text = place.text()?;
        match table.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(value.clone()),
            None => Err(place.error(format!("one of {} is expected, found `{text}`", names.join(", ")))),
        }
    })
}
