//! Sidecars: the `.json` files in which BIDS describes other files.

use super::read_bytes;
use crate::{Error, Result};
use serde_json::{Map, Value};
use std::path::Path;

/// Scanners take a volume in less time than this many seconds. A larger number is likely to be in milliseconds.
const LONGEST: f64 = 100.0;

/// The contents of a sidecar. `NaN` and `Infinity`, as Python writes them, are null, and a byte-order mark is skipped.
///
/// # Errors
/// Returns [`Error::File`] where the file cannot be read, is no JSON in UTF-8, or holds no object.
pub(super) fn read(path: &Path) -> Result<Map<String, Value>> {
    let text = String::from_utf8(read_bytes(path)?).map_err(|_| Error::file(path, "a sidecar in UTF-8 is expected"))?;
    match crate::json::parse(strict(&text)) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::file(path, "a sidecar holds an object: something else was found")),
        Err(what) => Err(Error::file(path, format!("a sidecar in JSON is expected: {what}"))),
    }
}

/// The seconds from frame to frame, above 0: `RepetitionTime`, else one by `SamplingFrequency` in hertz; `None` where neither is given.
///
/// # Errors
/// Returns the statement and what is expected where it is no time in seconds.
pub(super) fn frame_step(sidecar: &Map<String, Value>) -> Result<Option<f64>, String> {
    let given = |key: &str| sidecar.get(key).filter(|value| !value.is_null());
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let (key, stated, seconds) = match (given("RepetitionTime"), given("SamplingFrequency")) {
        (Some(stated), _) => ("RepetitionTime", stated, number(stated)),
        // XCP-D writes the text `TR` in the place of a frequency that it does not know.
        (None, Some(stated)) if stated.is_number() => ("SamplingFrequency", stated, 1.0 / number(stated)),
        (None, _) => return Ok(None),
    };
    match seconds > 0.0 && seconds <= LONGEST {
        true => Ok(Some(seconds)),
        false => Err(format!("the sidecar's {key} is {stated}: a time of up to {LONGEST} s is expected")),
    }
}

/// JSON with null for the `NaN`, `Infinity` and `-Infinity` of Python's writer.
fn strict(text: &str) -> String {
    // Text between quotes is a string and stays as it is; a quote after a backslash does not end it.
    let mut strict = String::with_capacity(text.len());
    let (mut rest, mut within) = (text, false);
    while !rest.is_empty() {
        let quote = if within { end_of_string(rest) } else { rest.find('"').map(|at| at + 1) };
        let (part, after) = rest.split_at(quote.unwrap_or(rest.len()));
        match within {
            true => strict.push_str(part),
            false => strict.push_str(&part.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null")),
        }
        (rest, within) = (after, !within);
    }
    strict
}

/// The place behind the quote that ends a string.
fn end_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    let end = text.bytes().position(|b| {
        let ends = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        ends
    });
    end.map(|at| at + 1)
}
