//! Series of files and arrays, and what is computed of them: connectomes, clean series, births and deaths.

use super::convert::{from_tensor, set, tensor, texts, thrown, value};
use super::settings::Settings;
use super::{Engine, Result};
use crate::connectome::confounds::denoise::Denoise;
use crate::connectome::confounds::{Selection, Strategy};
use crate::connectome::connectivity::measure::{Connectivity, Kind, Matrices};
use crate::connectome::connectivity::shrinkage::Shrinkage;
use crate::connectome::signal::butterworth::Band;
use crate::data::{self, Layout, SeriesOptions};
use crate::report::cluster_order;
use crate::topology::Diagrams;
use crate::{Error, HostTensor};
use js_sys::{Float32Array, Int32Array, Object, Uint32Array};
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Series `[regions, time]` or `[subjects, regions, time]`.
#[wasm_bindgen]
#[derive(Debug, Clone)]
pub struct Series(pub(super) data::Series);

#[wasm_bindgen]
impl Series {
    /// Reads the bytes of a file, whose name decides how: `.npy`, `.npz`, `.csv`, `.tsv`, `.txt`, `.gii`, and what else the library reads.
    /// Rows are time unless `layout` is `regions-time`.
    ///
    /// # Errors
    /// Throws an `InputError` that says what was found and what was expected.
    pub fn read(
        name: &str,
        bytes: &[u8],
        #[wasm_bindgen(unchecked_optional_param_type = "{ layout?: 'time-regions' | 'regions-time' }")] options: JsValue,
    ) -> Result<Series> {
        let mut settings = Settings::of(&options)?;
        let layouts = [("time-regions", Layout::TimeRegions), ("regions-time", Layout::RegionsTime)];
        let layout = settings.word("layout", &layouts)?.unwrap_or_default();
        settings.end()?;
        data::read_series_bytes(name, bytes, SeriesOptions { layout, ..SeriesOptions::default() }).map(Self).map_err(thrown)
    }

    /// Series from an array `[.., regions, time]`.
    ///
    /// # Errors
    /// Throws an `InputError` where the array is none of series.
    pub fn of(#[wasm_bindgen(unchecked_param_type = "Tensor")] array: &JsValue) -> Result<Series> {
        let values = from_tensor(array)?;
        match values.shape()[..] {
            [_, _] | [_, _, _] => Ok(Self(data::Series::new(values))),
            _ => Err(thrown(Error::argument(format!("an array {}: [regions, time] is expected", values.shape())))),
        }
    }

    /// The shape, `[regions, time]` or `[subjects, regions, time]`.
    #[wasm_bindgen(getter)]
    pub fn shape(&self) -> Vec<u32> {
        self.0.values.shape().iter().map(|&extent| extent as u32).collect()
    }

    /// The regions' names; undefined where the file gives none.
    #[wasm_bindgen(getter)]
    pub fn names(&self) -> Option<Vec<String>> {
        self.0.names.clone()
    }

    /// Remarks about how the file was read, and doubts, one line each.
    ///
    /// # Errors
    /// Throws where the series cannot be examined.
    pub fn remarks(&self) -> Result<Vec<String>> {
        Ok(self.0.remarks.iter().cloned().chain(self.0.doubts().map_err(thrown)?).collect())
    }

    /// The values in f32.
    ///
    /// # Errors
    /// Throws where the object cannot be made.
    #[wasm_bindgen(unchecked_return_type = "Tensor")]
    pub fn values(&self) -> Result<Object> {
        tensor(&self.0.values.to_real::<f32>())
    }
}

/// A number for each row of a matrix without rows and columns of NaN: the nodes that are kept, and the matrix among them.
fn present(matrix: &[f32], n: usize) -> (Vec<u32>, Vec<f32>) {
    let kept: Vec<usize> = (0..n).filter(|i| !matrix[i * n..][..n].iter().all(|x| x.is_nan())).collect();
    let values = kept.iter().flat_map(|i| kept.iter().map(move |j| matrix[i * n + j])).collect();
    (kept.into_iter().map(|i| i as u32).collect(), values)
}

#[wasm_bindgen]
impl Engine {
    /// Connectomes `[.., n, n]` of series; `order` groups the regions of the first of them that are alike.
    ///
    /// # Errors
    /// Throws an `InputError` where the series do not suit the measure, and the fault of the device.
    #[wasm_bindgen(unchecked_return_type = "Connectome")]
    pub async fn connectivity(
        &self,
        series: &Series,
        #[wasm_bindgen(unchecked_optional_param_type = "ConnectivitySettings")] settings: JsValue,
    ) -> Result<Object> {
        let mut settings = Settings::of(&settings)?;
        let measure = measure(&mut settings)?;
        settings.end()?;
        let Series(series) = series;
        check_size(series.missing.len(), series.regions())?;
        let made = measure.compute_present_async(&self.device, &series.values, &series.missing).await.map_err(thrown)?;
        let warnings = made.rows.warnings(measure.kind, |row| series.row_name(row));
        let warnings = warnings.into_iter().chain(measure.doubt(&series.values));
        connectome(&made, series.names.as_deref(), warnings)
    }

    /// Connectomes `[subjects, n, n]` of subjects whose series `[n, time]` may differ in length; `order` is that of the first of them.
    ///
    /// # Errors
    /// Throws an `InputError` where the series do not suit the measure, and the fault of the device.
    #[wasm_bindgen(js_name = connectivityOfEach, unchecked_return_type = "Connectome")]
    pub async fn connectivity_of_each(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Tensor[]")] series: Vec<JsValue>,
        #[wasm_bindgen(unchecked_optional_param_type = "ConnectivitySettings")] settings: JsValue,
    ) -> Result<Object> {
        let mut settings = Settings::of(&settings)?;
        let measure = measure(&mut settings)?;
        settings.end()?;
        let series = series.iter().map(from_tensor).collect::<Result<Vec<_>>>()?;
        let regions = series.first().and_then(|one| one.shape().first().copied()).unwrap_or(0);
        check_size(series.len() * regions, regions)?;
        let made = measure.compute_each_async(&self.device, &series).await.map_err(thrown)?;
        let name = |row: usize| format!("subject {} region {} (counted from 0)", row / regions.max(1), row % regions.max(1));
        let warnings = made.rows.warnings(measure.kind, name);
        connectome(&made, None, warnings.into_iter().chain(series.iter().find_map(|one| measure.doubt(one))))
    }

    /// Births and deaths of a graph `[n, n]`: components appear and cycles disappear as the threshold rises. Nodes whose weights are all NaN
    /// are left out.
    ///
    /// # Errors
    /// Throws an `InputError` where the weights are not symmetric or not finite, and the fault of the device.
    #[wasm_bindgen(unchecked_return_type = "BirthsDeaths")]
    pub async fn topology(&self, #[wasm_bindgen(unchecked_param_type = "Tensor")] weights: JsValue) -> Result<Object> {
        let weights = from_tensor(&weights)?.to_real::<f32>();
        let [n, columns] = weights.shape()[..] else {
            return Err(thrown(Error::argument(format!("weights {}: [n, n] is expected", weights.shape()))));
        };
        let weights = match n == columns {
            true => {
                let (kept, values) = present(weights.elements::<f32>().map_err(thrown)?, n);
                HostTensor::f32([kept.len(), kept.len()], values).map_err(thrown)?
            }
            false => weights,
        };
        let made = Diagrams::new_async(&self.device, &weights).await.map_err(thrown)?;
        let edges: Vec<i32> = made.edges(0).flatten().map(|node| node as i32).collect();
        let object = Object::new();
        set(&object, "births", Float32Array::from(made.births(0)))?;
        set(&object, "deaths", Float32Array::from(made.deaths(0)))?;
        set(&object, "edges", Int32Array::from(&edges[..]))?;
        Ok(object)
    }

    /// Series of one run, cleaned of the confounds of a table as fMRIPrep writes it (`.tsv` or `.csv`).
    ///
    /// # Errors
    /// Throws an `InputError` where table and series do not fit, and the fault of the device.
    #[wasm_bindgen(unchecked_return_type = "Denoised")]
    pub async fn denoise(
        &self,
        series: &Series,
        name: String,
        table: Vec<u8>,
        #[wasm_bindgen(unchecked_optional_param_type = "DenoiseSettings")] settings: JsValue,
    ) -> Result<JsValue> {
        let denoise = denoising(Settings::of(&settings)?)?;
        let table = data::read_confounds_bytes(&name, &table).map_err(thrown)?;
        let made = denoise.run_async(&self.device, &series.0.values, &table).await.map_err(thrown)?;
        let kept = made.kept.iter().filter(|kept| **kept).count();
        let object = Object::from(value(&json!({ "rank": made.rank, "columns": made.columns, "frames": kept }))?);
        set(&object, "series", Series(data::Series { names: series.0.names.clone(), ..data::Series::new(made.series) }))?;
        Ok(object.into())
    }
}

/// Refuses matrices that a page has no memory for: while they are computed, each of them is held several times over.
fn check_size(rows: usize, regions: usize) -> Result<()> {
    const LARGEST: u64 = 1 << 28;
    let bytes = 4 * rows as u64 * regions as u64;
    if bytes <= LARGEST {
        return Ok(());
    }
    let what =
        format!("the matrices of {rows} rows and {regions} columns take {bytes} bytes, and at most {LARGEST} are possible in a browser");
    Err(thrown(Error::argument(format!("{what}: `edges` keeps a part of the matrix of one subject"))))
}

/// `{ shape, values, names, order, warnings }` of matrices.
fn connectome(made: &Matrices, names: Option<&[String]>, warnings: impl Iterator<Item = String>) -> Result<Object> {
    let n = made.values.shape().last().copied().unwrap_or(0);
    let (kept, matrix) = present(&made.values.elements::<f32>().map_err(thrown)?[..n * n], n);
    let order = cluster_order(kept.len(), &matrix).unwrap_or_else(|_| (0..kept.len()).collect());
    let order: Vec<u32> = order.into_iter().map(|i| kept[i]).collect();
    let object = tensor(&made.values)?;
    set(&object, "names", names.map_or(JsValue::UNDEFINED, |names| texts(names.iter().map(String::as_str)).into()))?;
    set(&object, "order", Uint32Array::from(&order[..]))?;
    set(&object, "warnings", texts(warnings.collect::<Vec<_>>().iter().map(String::as_str)))?;
    Ok(object)
}

/// The measure that settings describe; other keys are left.
pub(super) fn measure(settings: &mut Settings) -> Result<Connectivity> {
    let kinds = Kind::ALL.map(|kind| (kind.name(), kind));
    let shrinkages = [("none", Shrinkage::None), ("ledoit-wolf", Shrinkage::LedoitWolf), ("oas", Shrinkage::Oas)];
    let mut measure = Connectivity::new(settings.word("kind", &kinds)?.unwrap_or(Kind::Correlation));
    measure.shrinkage = settings.word("shrinkage", &shrinkages)?;
    measure.fisher_z = settings.flag("fisherZ")?.unwrap_or(false);
    Ok(measure)
}

fn denoising(mut settings: Settings) -> Result<Denoise> {
    let strategy = settings.word("strategy", &Strategy::ALL.map(|strategy| (strategy.name(), strategy)))?;
    let confounds = match (strategy, settings.texts("columns")?) {
        (None, None) => Selection::None,
        (Some(strategy), None) => Selection::Strategy(strategy),
        (None, Some(columns)) => Selection::Columns(columns),
        (Some(_), Some(_)) => return Err(thrown(Error::argument("`strategy` and `columns` both choose the confounds: leave one out"))),
    };
    let [low, high, step] = [settings.number("highPass")?, settings.number("lowPass")?, settings.number("repetitionTime")?];
    let band = match (low, high) {
        (None, None) => None,
        (Some(low), None) => Some(Band::High(low)),
        (None, Some(high)) => Some(Band::Low(high)),
        (Some(low), Some(high)) => Some(Band::Pass(low, high)),
    };
    let band = match (band, step) {
        (None, _) => None,
        (Some(band), Some(step)) => Some((band, step)),
        (Some(_), None) => return Err(thrown(Error::argument("a pass band needs `repetitionTime`, in seconds"))),
    };
    let denoise = Denoise {
        confounds,
        detrend: settings.flag("detrend")?.unwrap_or(false),
        band,
        censor_fd: settings.number("censorFd")?,
        keep_non_steady_state: false,
        keep_mean: settings.flag("keepMean")?.unwrap_or(false),
    };
    settings.end()?;
    Ok(denoise)
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface ConnectivitySettings {
  kind?: 'correlation' | 'covariance' | 'partial-correlation' | 'precision' | 'tangent';
  shrinkage?: 'none' | 'ledoit-wolf' | 'oas'; fisherZ?: boolean;
}
export interface Connectome extends Tensor { names?: string[]; order: Uint32Array; warnings: string[] }
export interface BirthsDeaths { births: Float32Array; deaths: Float32Array; edges: Int32Array }
export interface DenoiseSettings {
  /** Either a strategy, such as '36p', or the names of columns. */
  strategy?: string; columns?: string[]; detrend?: boolean; lowPass?: number; highPass?: number; repetitionTime?: number; censorFd?: number; keepMean?: boolean;
}
export interface Denoised { series: Series; rank: number; columns: string[]; frames: number }
"#;
