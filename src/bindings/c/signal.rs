//! Denoising of series.

use super::array::TapetumArray;
use super::border::{TapetumStatus, given, make};
use super::device::TapetumDevice;
use super::handle::held;
use super::results::TapetumResults;
use super::text::Text;
use crate::connectome::confounds::{Column, Confounds};
use crate::workflow::options::Denoising;
use crate::{Error, HostTensor, Result};
use serde_json::json;
use std::mem::MaybeUninit;

/// Series of a run, `[time, regions]`, without their confounds, `[time, columns]`, which may be NULL.
///
/// `options` is NULL or JSON: `names` (of the columns, as fMRIPrep has them), `strategy` (such as `36p`), `columns` (names) or `formula`
/// choose the confounds, which are all where none is given; `high_pass` and `low_pass` in hertz with `tr` in seconds; `detrend`;
/// `censor_fd` in millimetres; `keep_non_steady_state`; `keep_mean`.
///
/// The results have `series`, `float` `[frames kept, regions]`, and `kept`, `int32_t` `[time]`, 1 for a frame that was kept. The report
/// has `rank`, the rank of the regression, and `columns`, the names of the confounds.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_denoise(
    device: *mut TapetumDevice,
    series: Option<&TapetumArray>,
    confounds: Option<&TapetumArray>,
    options: Text,
    results: Option<&mut MaybeUninit<*mut TapetumResults>>,
) -> TapetumStatus {
    make("results", results, || {
        let device = held(device, "device")?;
        let options = Denoising::read(options.maybe("options")?)?;
        let series = given("series", series)?.series("series")?;
        let confounds = confounds.map(|array| array.series("confounds")).transpose()?;
        let (denoise, names) = options.of_columns(confounds.as_ref().map_or(0, |table| table.shape()[0]))?;
        let made = denoise.run(&device.device, &series, &table(confounds.as_ref(), names))?;
        let kept = HostTensor::i32([made.kept.len()], made.kept.iter().map(|kept| i32::from(*kept)).collect())?;
        let arrays = vec![("series".to_owned(), turned(&made.series)?), ("kept".to_owned(), kept)];
        Ok(TapetumResults::new(arrays, json!({ "rank": made.rank, "columns": made.columns })))
    })
}

/// The table of confounds `[columns, time]`.
fn table(confounds: Option<&HostTensor>, names: Vec<String>) -> Confounds {
    let Some(confounds) = confounds else { return Confounds::default() };
    let (time, values) = (confounds.shape()[1], confounds.to_f64_vec());
    let column = |(at, name)| Column { name, values: values[at * time..][..time].to_vec() };
    Confounds { columns: names.into_iter().enumerate().map(column).collect(), ..Confounds::default() }
}

/// A matrix in f32, transposed.
fn turned(matrix: &HostTensor) -> Result<HostTensor> {
    let [rows, columns] = *matrix.shape() else { return Err(Error::argument(format!("a matrix is expected, found {}", matrix.ty()))) };
    let values = matrix.elements::<f32>()?;
    HostTensor::f32([columns, rows], (0..columns).flat_map(|j| (0..rows).map(move |i| values[i * columns + j])).collect())
}
