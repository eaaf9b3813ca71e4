//! Entries of the data that the program which runs a workflow gives as arrays in memory.

use super::data::{Described, Entry, Source};
use super::form::{Form, Shape, flag, words};
use super::object::{Object, object};
use super::reader::Reader;
use super::rows::leading;
use crate::data::Layout;
use crate::{DType, Error, HostTensor, Result};
use serde_json::json;
use std::path::PathBuf;

/// An array that a program gave, and its name.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) values: HostTensor,
}

/// The kind of a given array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Series,
    Subjects,
    Shared,
}

/// The name of an array in memory.
fn given() -> Form<Given> {
    Form::new(json!({ "type": "string" }), Shape::Text(Vec::new()), |place| place.given())
}

/// The entry of an array in memory.
pub(super) fn entry() -> Object<Described> {
    let parts = (
        given().field("input", "the name of an array that the program gives which runs the workflow (`Workflow::options().array(..)`)"),
        words([("series", Kind::Series), ("subjects", Kind::Subjects), ("shared", Kind::Shared)]).or(
            "as",
            "series",
            "what it is: series [subjects, time, regions] or of one subject; an array with a row a subject; or one that all subjects share",
        ),
        words([("time-regions", Layout::TimeRegions), ("regions-time", Layout::RegionsTime)])
            .maybe("layout", "the order of the axes of series; time-regions where it is not given"),
        flag().or("standardise", false, "of numbers, one a subject: by mean and standard deviation of the training subjects"),
    );
    object("an array in memory", parts, |(given, kind, layout, standardise)| {
        let Given { name, values } = finite(given)?;
        if standardise && !(kind == Kind::Subjects && values.shape().rank() == 1) {
            return Err(Error::argument("`standardise` is of numbers, one a subject: an array [subjects] as `subjects`"));
        }
        if layout.is_some() && kind != Kind::Series {
            return Err(Error::argument("`layout` is of series: leave it out"));
        }
        let rank = values.shape().rank();
        let values = match kind {
            Kind::Shared => return Ok(Described { entry: Entry::Shared(values.to_real::<f32>()), beside: None }),
            Kind::Series if rank == 2 => real(&values.reshaped(leading(1, &values.shape())?)?)?,
            Kind::Series if rank == 3 => real(&values)?,
            Kind::Subjects if rank > 0 && standardise => real(&values)?.to_real::<f32>(),
            Kind::Subjects if rank > 0 => values.to_real::<f32>(),
            _ => return Err(Error::argument(format!("`{name}` is {}, which is not what `as` says", values.shape()))),
        };
        if values.shape().elements() == 0 {
            return Err(Error::argument(format!("`{name}` is {}, which holds nothing", values.shape())));
        }
        let layout = (kind == Kind::Series).then(|| layout.unwrap_or(Layout::TimeRegions));
        let mut described = Source::open(Reader::Given { name: PathBuf::from(format!("input {name}")), values, layout })?;
        if let Entry::Subjects { standardise: of_entry, .. } = &mut described.entry {
            *of_entry = standardise;
        }
        Ok(described)
    })
}

/// Integers as numbers held in double precision; others as they are.
fn real(values: &HostTensor) -> Result<HostTensor> {
    match values.dtype() {
        DType::I32 | DType::U32 => HostTensor::real(values.shape(), values.to_f64_vec()),
        DType::F16 => Ok(values.to_real::<f32>()),
        DType::F32 => Ok(values.clone()),
    }
}

/// The array, where every value is a number.
fn finite(given: Given) -> Result<Given> {
    if given.values.any(|x| !x.is_finite()) {
        return Err(Error::argument(format!("`{}` holds NaN or infinity: finite numbers are expected", given.name)));
    }
    Ok(given)
}

/// One subject of an array with a row for each, `[time, regions]` turned where a layout says so.
pub(super) fn row(values: &HostTensor, subject: usize, layout: Option<Layout>) -> Result<HostTensor> {
    let each = values.shape().without(0);
    let n = each.elements();
    let range = subject * n..(subject + 1) * n;
    if let Some(all) = values.as_i32() {
        return HostTensor::i32(each, all[range].to_vec());
    }
    if let Some(all) = values.as_u32() {
        return HostTensor::u32(each, all[range].to_vec());
    }
    let row = match values.is_f64() {
        true => HostTensor::real(each, values.elements::<f64>()?[range].to_vec())?,
        false => HostTensor::f32(each, values.to_real::<f32>().elements::<f32>()?[range].to_vec())?,
    };
    match (layout, row.is_f64()) {
        (Some(Layout::TimeRegions), true) => HostTensor::from_array(row.view::<f64>()?.reversed_axes().to_owned()),
        (Some(Layout::TimeRegions), false) => HostTensor::from_array(row.view::<f32>()?.reversed_axes().to_owned()),
        _ => Ok(row),
    }
}
