//! Results: arrays by name, and a report in JSON.

use super::array::{Buffer, TapetumArray};
use super::border::{TapetumStatus, c_text, call, given, make};
use super::handle::{Handle, free, held};
use super::text::Text;
use crate::{DType, Error, HostTensor, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

/// The results of a computation: arrays by name, and a report in JSON.
pub struct TapetumResults {
    arrays: Vec<(CString, HostTensor)>,
    report: Value,
    /// Text that was asked for, which lasts as long as the results.
    texts: Mutex<BTreeMap<String, CString>>,
}

impl Handle for TapetumResults {
    const NAME: &'static str = "a tapetum_results";
}

impl TapetumResults {
    pub(super) fn new(arrays: Vec<(String, HostTensor)>, report: Value) -> Self {
        let single = |value: HostTensor| if value.dtype() == DType::F16 { value.to_real::<f32>() } else { value };
        let arrays = arrays.into_iter().map(|(name, value)| (c_text(&name), single(value))).collect();
        Self { arrays, report, texts: Mutex::default() }
    }

    fn array(&self, name: &str) -> Result<&HostTensor> {
        let found = self.arrays.iter().find(|(known, _)| known.to_bytes() == name.as_bytes());
        found.map(|(_, value)| value).ok_or_else(|| {
            let known: Vec<_> = self.arrays.iter().map(|(name, _)| name.to_string_lossy()).collect();
            let known = if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
            Error::argument(format!("name: no array is called `{name}`: {known}"))
        })
    }

    fn at(&self, pointer: &str) -> Result<&Value> {
        let missing = || Error::argument(format!("pointer: the report has nothing at `{pointer}`"));
        self.report.pointer(pointer).ok_or_else(missing)
    }
}

/// The number of arrays of results.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_results_count(results: *mut TapetumResults, count: Option<&mut MaybeUninit<usize>>) -> TapetumStatus {
    call(|| {
        given("count", count)?.write(held(results, "results")?.arrays.len());
        Ok(())
    })
}

/// The name of an array of results by its index, counted from 0. The text is valid until the results are freed.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_results_name(results: *mut TapetumResults, index: usize, name: Option<&mut MaybeUninit<Text>>) -> TapetumStatus {
    call(|| {
        let (results, name) = (held(results, "results")?, given("name", name)?);
        let count = results.arrays.len();
        let found =
            results.arrays.get(index).ok_or_else(|| Error::argument(format!("index: {index} of {count} arrays, counted from 0")))?;
        name.write(Text::of(&found.0));
        Ok(())
    })
}

/// An array of results, without a copy: `array` points into the results, and is valid until they are freed.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_results_array(
    results: *mut TapetumResults,
    name: Text,
    array: Option<&mut MaybeUninit<TapetumArray>>,
) -> TapetumStatus {
    call(|| {
        let (results, array) = (held(results, "results")?, given("array", array)?);
        array.write(TapetumArray::view(results.array(name.read("name")?)?));
        Ok(())
    })
}

/// Copies an array of results, row-major, into memory that has room for `capacity` elements of type `dtype`: that of the array, or `double`
/// for `float`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_results_copy(
    results: *mut TapetumResults,
    name: Text,
    elements: Buffer,
    dtype: u32,
    capacity: usize,
) -> TapetumStatus {
    call(|| {
        let results = held(results, "results")?;
        Ok(elements.fill(dtype, capacity, results.array(name.read("name")?)?)?)
    })
}

/// A number of the report by its JSON pointer (RFC 6901), such as `/metrics/accuracy/pooled`. What is null or another kind of value is
/// refused.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_results_number(
    results: *mut TapetumResults,
    pointer: Text,
    number: Option<&mut MaybeUninit<f64>>,
) -> TapetumStatus {
    call(|| {
        let (results, number) = (held(results, "results")?, given("number", number)?);
        let pointer = pointer.read("pointer")?;
        let found = results.at(pointer)?;
        number
            .write(found.as_f64().ok_or_else(|| Error::argument(format!("pointer: a number is expected at `{pointer}`, found {found}")))?);
        Ok(())
    })
}

/// A part of the report by its JSON pointer: a text as it is, anything else in JSON. The empty pointer is the whole report. The text is
/// valid until the results are freed.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_results_text(results: *mut TapetumResults, pointer: Text, text: Option<&mut MaybeUninit<Text>>) -> TapetumStatus {
    call(|| {
        let (results, text) = (held(results, "results")?, given("text", text)?);
        let pointer = pointer.read("pointer")?;
        let found = results.at(pointer)?;
        let mut texts = results.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || c_text(&found.as_str().map_or_else(|| found.to_string(), str::to_owned));
        text.write(Text::of(texts.entry(pointer.to_owned()).or_insert_with(made)));
        Ok(())
    })
}

/// Frees results, with every array and text that points into them, and sets the handle to NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_results_free(results: Option<&mut *mut TapetumResults>) -> TapetumStatus {
    call(|| Ok(free(results, "results")?))
}

/// The JSON Schema of what a function takes as text, as the report of results: `of` is `connectivity`, `denoise`, `parcellate`,
/// `distance` or `cluster` for options, and `workflow`, `parameter`, `block` or `train`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_schema(of: Text, results: Option<&mut MaybeUninit<*mut TapetumResults>>) -> TapetumStatus {
    make("results", results, || Ok(TapetumResults::new(Vec::new(), crate::workflow::options::schema(of.read("of")?)?)))
}

const VERSION: &std::ffi::CStr = match std::ffi::CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The version of the library, such as `0.1.0`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_version() -> Text {
    Text::of(VERSION)
}
