//! Denoising of series, and the drifts that a cosine filter removes.

use super::array::{numpy_series, series};
use super::device::device;
use super::wait::waited;
use crate::Error;
use crate::connectome::confounds::Column;
use crate::connectome::confounds::denoise::Model;
use crate::connectome::signal::butterworth::{Band, butterworth};
use crate::connectome::signal::trends::cosine_trends;
use pyo3::prelude::*;

/// The settings of a model of noise.
#[derive(FromPyObject)]
struct Settings<'py> {
    /// Confounds `[time, columns]`.
    #[pyo3(item)]
    confounds: Option<Bound<'py, PyAny>>,
    #[pyo3(item)]
    detrend: bool,
    #[pyo3(item)]
    order: usize,
    #[pyo3(item)]
    low_pass: Option<f64>,
    #[pyo3(item)]
    high_pass: Option<f64>,
    #[pyo3(item)]
    t_r: f64,
    #[pyo3(item)]
    keep_mean: bool,
}

impl Settings<'_> {
    fn model(&self) -> PyResult<Model> {
        let confounds = self.confounds.as_ref().map(series).transpose()?;
        let columns = confounds.map_or_else(Vec::new, |confounds| {
            let time = confounds.shape().last().copied().unwrap_or(1).max(1);
            let values = confounds.to_f64_vec();
            let column = |(at, values): (usize, &[f64])| Column { name: format!("column {at}"), values: values.to_vec() };
            values.chunks_exact(time).enumerate().map(column).collect()
        });
        let band = match (self.low_pass, self.high_pass) {
            (None, None) => None,
            (Some(low), None) => Some(Band::Low(low)),
            (None, Some(high)) => Some(Band::High(high)),
            (Some(low), Some(high)) => Some(Band::Pass(high, low)),
        };
        let filter = band.map_or(Ok(Vec::new()), |band| butterworth(self.order, band, self.t_r))?;
        let keep_offset = true;
        Ok(Model { confounds: columns, detrend: self.detrend, filter, keep_mean: self.keep_mean, keep_offset, ..Model::default() })
    }
}

/// Series `[time, regions]` without the noise of a model.
#[pyfunction]
#[pyo3(signature = (signals, settings, device = None))]
fn denoised<'py>(
    py: Python<'py>,
    signals: &Bound<'py, PyAny>,
    settings: Settings<'py>,
    device: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (given, model, device) = (series(signals)?, settings.model()?, self::device(device.as_ref())?);
    numpy_series(py, waited(py, move || model.clean(&device, &given))?.series)
}

/// The cosines of a high-pass filter, without the constant, each `[time]`.
#[pyfunction]
fn cosine_drifts(frames: usize, t_r: f64, high_pass: f64) -> PyResult<Vec<Vec<f64>>> {
    let mut all = cosine_trends(frames, t_r, high_pass).map_err(|e| Error::argument(format!("high_pass: {e}")))?;
    Ok(all.split_off(1.min(all.len())))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(denoised, module)?)?;
    module.add_function(wrap_pyfunction!(cosine_drifts, module)?)
}
