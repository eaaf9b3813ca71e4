//! Connectivity of series.

use super::array::Arrays;
use super::border::{TapetumStatus, make};
use super::device::TapetumDevice;
use super::handle::held;
use super::results::TapetumResults;
use super::text::Text;
use crate::Result;
use crate::workflow::options;
use serde_json::json;
use std::mem::MaybeUninit;

/// Connectivity of series: one array `[time, regions]`, `float` or `double`, for each of `count` subjects, whose lengths may differ.
///
/// `options` is NULL or JSON: `kind` (`correlation`, `covariance`, `partial-correlation`, `precision` or `tangent`), `shrinkage` (`none`,
/// `ledoit-wolf`, `oas` or `{"ridge": x}`), `fisher_z`, `vectorise` (`kept` or `dropped`, what becomes of the diagonal), `tolerance` and
/// `unconverged` (of the mean of tangents).
///
/// The results have `values`, `float` `[subjects, regions, regions]`, or `[subjects, entries]` where it is vectorised. The report has
/// `warnings`, a list of texts to read before trusting the numbers.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_connectivity(
    device: *mut TapetumDevice,
    series: Arrays,
    count: usize,
    options: Text,
    results: Option<&mut MaybeUninit<*mut TapetumResults>>,
) -> TapetumStatus {
    make("results", results, || {
        let device = held(device, "device")?;
        let measure = options::connectivity(options.maybe("options")?)?;
        let arrays = series.read(count, "series")?.iter().enumerate();
        let series = arrays.map(|(i, array)| array.series(&format!("series[{i}]"))).collect::<Result<Vec<_>>>()?;
        let made = measure.compute_each(&device.device, &series)?;
        let warnings = json!({ "warnings": made.warnings(measure.kind) });
        Ok(TapetumResults::new(vec![("values".into(), made.values)], warnings))
    })
}
