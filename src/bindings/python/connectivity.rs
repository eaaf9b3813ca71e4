//! Connectivity of series, one array `[time, regions]` for each subject.

use super::array::{numpy, real, series};
use super::device::device;
use super::wait::waited;
use crate::bindings::named;
use crate::connectome::connectivity::measure::{Connectivity, Fitted, Kind};
use crate::connectome::connectivity::shrinkage::Shrinkage;
use crate::{HostTensor, Shape};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A covariance estimator of scikit-learn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Estimator {
    LedoitWolf,
    Oas,
    Empirical,
}

impl Estimator {
    fn of(name: &str) -> PyResult<Self> {
        match name {
            "ledoit-wolf" => Ok(Self::LedoitWolf),
            "oas" => Ok(Self::Oas),
            "empirical" => Ok(Self::Empirical),
            _ => Err(PyValueError::new_err(format!("estimator {name:?}: ledoit-wolf, oas or empirical is expected"))),
        }
    }

    fn shrinkage(self) -> Shrinkage {
        match self {
            Self::LedoitWolf => Shrinkage::LedoitWolf,
            Self::Oas => Shrinkage::Oas,
            Self::Empirical => Shrinkage::None,
        }
    }

    /// The series as the crate takes them. The empirical covariance of scikit-learn is divided by T and the crate's by T - 1, so that the
    /// series are multiplied by the root of (T - 1) / T.
    fn prepared(self, series: HostTensor) -> PyResult<HostTensor> {
        if self != Self::Empirical {
            return Ok(series);
        }
        let frames = series.shape().last().copied().unwrap_or(1) as f64;
        let root = ((frames - 1.0) / frames).max(0.0).sqrt();
        Ok(HostTensor::real(series.shape(), series.to_f64_vec().into_iter().map(|x| x * root).collect::<Vec<f64>>())?)
    }
}

fn kind_of(name: &str) -> PyResult<Kind> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name().replace('-', " ") == name);
    found.ok_or_else(|| {
        let known = Kind::ALL.map(|kind| format!("{:?}", kind.name().replace('-', " "))).join(", ");
        PyValueError::new_err(format!("kind {name:?}: one of {known} is expected"))
    })
}

/// The series of all subjects, and the measure of them.
fn taken(given: &[Bound<'_, PyAny>], kind: Kind, estimator: &str) -> PyResult<(Vec<HostTensor>, Connectivity)> {
    let estimator = Estimator::of(estimator)?;
    let taken = given.iter().map(|one| estimator.prepared(series(one)?)).collect::<PyResult<Vec<_>>>()?;
    Ok((taken, Connectivity::new(kind).shrunk(estimator.shrinkage())))
}

/// The matrices `[subjects, regions, regions]` of series, and lines of warning.
#[pyfunction]
#[pyo3(signature = (series, kind, estimator, device = None))]
fn connectivity<'py>(
    py: Python<'py>,
    series: Vec<Bound<'py, PyAny>>,
    kind: &str,
    estimator: &str,
    device: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Vec<String>)> {
    let kind = kind_of(kind)?;
    let (taken, measure) = taken(&series, kind, estimator)?;
    let device = self::device(device.as_ref())?;
    let made = waited(py, move || measure.compute_each(&device, &taken))?;
    let warnings = made.warnings(kind);
    Ok((numpy(py, made.values)?, warnings))
}

/// The tangent space of a group: its reference, its whitening, the regions that are kept, the tangents of the group, and lines of warning.
#[pyfunction]
#[pyo3(signature = (series, estimator, tolerance, device = None))]
#[allow(clippy::type_complexity, reason = "a tuple that Python takes apart at once")]
fn fit_tangent<'py>(
    py: Python<'py>,
    series: Vec<Bound<'py, PyAny>>,
    estimator: &str,
    tolerance: f64,
    device: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Vec<bool>, Bound<'py, PyAny>, Vec<String>)> {
    let (taken, mut measure) = taken(&series, Kind::Tangent, estimator)?;
    measure.tolerance = Some(tolerance);
    measure.unconverged = true;
    let device = self::device(device.as_ref())?;
    let (fitted, made, whitening) = waited(py, move || {
        let (fitted, made) = measure.fit_transform_each(&device, &taken)?;
        let whitening = fitted.whitening()?;
        Ok((fitted, made, whitening))
    })?;
    let warnings = made.warnings(Kind::Tangent);
    Ok((numpy(py, fitted.reference)?, numpy(py, whitening)?, fitted.kept, numpy(py, made.values)?, warnings))
}

/// The tangents of series at a reference, and lines of warning.
#[pyfunction]
#[pyo3(signature = (series, estimator, reference, kept, device = None))]
fn tangents<'py>(
    py: Python<'py>,
    series: Vec<Bound<'py, PyAny>>,
    estimator: &str,
    reference: &Bound<'py, PyAny>,
    kept: Vec<bool>,
    device: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Vec<String>)> {
    let (taken, measure) = taken(&series, Kind::Tangent, estimator)?;
    let fitted = named("reference", Fitted::at(&measure, real(reference)?, kept))?;
    let device = self::device(device.as_ref())?;
    let made = waited(py, move || fitted.transform_each(&device, &taken))?;
    let warnings = made.warnings(Kind::Tangent);
    Ok((numpy(py, made.values)?, warnings))
}

/// The covariances whose tangents at a reference are given.
#[pyfunction]
fn covariances_of<'py>(py: Python<'py>, tangents: &Bound<'py, PyAny>, reference: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let reference = real(reference)?;
    let kept = vec![true; reference.shape().last().copied().unwrap_or(0)];
    let fitted = named("reference", Fitted::at(&Connectivity::new(Kind::Tangent), reference, kept))?;
    let tangents = real(tangents)?;
    numpy(py, waited(py, move || fitted.inverse(&tangents))?)
}

/// Correlations from covariances `[.., regions, regions]`.
#[pyfunction]
fn normalised<'py>(py: Python<'py>, covariances: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let given = real(covariances)?;
    let made = waited(py, move || {
        let mut tape = crate::Tape::new();
        let covariances = tape.input("covariances", given.ty())?;
        let made = tape.normalised(covariances)?;
        crate::Device::oracle().compile(&tape, &[made])?.run(&[(covariances, &given.to_real::<f64>())])
    })?;
    numpy(py, made.into_iter().next().unwrap_or_else(|| HostTensor::full(Shape::from([]), f32::NAN)))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(connectivity, module)?)?;
    module.add_function(wrap_pyfunction!(fit_tangent, module)?)?;
    module.add_function(wrap_pyfunction!(tangents, module)?)?;
    module.add_function(wrap_pyfunction!(covariances_of, module)?)?;
    module.add_function(wrap_pyfunction!(normalised, module)?)
}
