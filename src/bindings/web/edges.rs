//! Connectomes of many regions: the edges that are kept of a matrix that is never held, and degrees.

use super::convert::{awaited, set, texts, thrown};
use super::series::measure;
use super::settings::Settings;
use super::{Engine, Result, Series, milliseconds};
use crate::Error;
use crate::connectome::connectivity::large::Edges;
use crate::connectome::connectivity::measure::Connectivity;
use js_sys::{Float32Array, Function, Object, Uint32Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// The most edges that are kept, which take half a gigabyte.
const MOST: usize = 1 << 26;
/// The milliseconds between two calls of a function that is told how far a computation is.
const OFTEN: f64 = 150.0;

/// Edges in order of their regions.
#[derive(Default)]
struct Kept {
    /// The place in the lists at which each region's edges end.
    ends: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl Kept {
    fn add(&mut self, columns: &[usize], values: &[f32]) -> crate::Result<()> {
        if self.values.len() + values.len() > MOST {
            let what = format!("more than {MOST} edges are kept: a higher `threshold` or a smaller `topK` is expected");
            return Err(Error::argument(what));
        }
        self.columns.extend(columns.iter().map(|&column| column as u32));
        self.values.extend(values);
        self.ends.push(self.values.len() as u32);
        Ok(())
    }
}

/// A request about the series of one subject.
struct Asked {
    measure: Connectivity,
    subject: usize,
    top_k: Option<u32>,
    threshold: Option<f64>,
}

impl Asked {
    fn of(series: &Series, settings: &JsValue) -> Result<Self> {
        let mut settings = Settings::of(settings)?;
        let measure = measure(&mut settings)?;
        let (subject, top_k) = (settings.whole("subject", 0)?, settings.whole("topK", 1)?);
        let threshold = settings.number("threshold")?;
        settings.end()?;
        let several = matches!(series.0.values.shape()[..], [subjects, _, _] if subjects > 1);
        match subject {
            None if several => Err(thrown(Error::argument("series of several subjects: `subject`, counted from 0, is expected"))),
            _ => Ok(Self { measure, subject: subject.unwrap_or(0) as usize, top_k, threshold }),
        }
    }

    /// The marks of the subject's regions that have no values.
    fn missing<'a>(&self, series: &'a Series) -> &'a [bool] {
        &series.0.missing[self.subject * series.0.regions()..][..series.0.regions()]
    }
}

#[wasm_bindgen]
impl Engine {
    /// The edges that are kept of the correlations or covariances of one subject's series: of each region the `topK` greatest, or every pair
    /// i < j of `threshold` or greater. The whole matrix is never held. `each` is called now and then with the number of regions that are done,
    /// and the computation waits for its promise; it ends where `each` throws.
    ///
    /// # Errors
    /// Throws an `InputError` where the series or the settings do not fit, what `each` throws, and the fault of the device.
    #[wasm_bindgen(unchecked_return_type = "KeptEdges")]
    pub async fn edges(
        &self,
        series: &Series,
        #[wasm_bindgen(unchecked_param_type = "EdgesSettings")] settings: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "(done: number, regions: number) => void | Promise<void>")] each: Option<Function>,
    ) -> Result<Object> {
        let asked = Asked::of(series, &settings)?;
        let which = match (asked.top_k, asked.threshold) {
            (Some(k), None) => Edges::TopK(k as usize),
            (None, Some(threshold)) => Edges::Threshold(threshold as f32),
            _ => return Err(thrown(Error::argument("either `topK` or `threshold` is expected"))),
        };
        let n = series.0.regions();
        let values = series.0.subject(asked.subject).map_err(thrown)?;
        let (mut kept, mut told, mut refused) = (Kept::default(), milliseconds(), None);
        let take = async |region: usize, columns: &[usize], values: &[f32]| {
            if let Some(each) = each.as_ref().filter(|_| milliseconds() - told > OFTEN) {
                if let Err(thrown) = tell(each, region, n).await {
                    refused = Some(thrown);
                    return Err(Error::argument("the function that is told how far the computation is threw an error"));
                }
                told = milliseconds();
            }
            kept.add(columns, values)
        };
        let rows = asked.measure.edges_async(&self.device, &values, asked.missing(series), which, take).await;
        let rows = rows.map_err(|e| refused.unwrap_or_else(|| thrown(e)))?;
        let warnings = rows.warnings(asked.measure.kind, |row| series.0.row_name(asked.subject * n + row));
        let object = Object::new();
        let offsets: Vec<u32> = std::iter::once(0).chain(kept.ends).collect();
        set(&object, "regions", n as u32)?;
        set(&object, "offsets", Uint32Array::from(&offsets[..]))?;
        set(&object, "columns", Uint32Array::from(&kept.columns[..]))?;
        set(&object, "values", Float32Array::from(&kept.values[..]))?;
        set(&object, "names", series.names().map_or(JsValue::UNDEFINED, |names| texts(names.iter().map(String::as_str)).into()))?;
        set(&object, "warnings", texts(warnings.iter().map(String::as_str)))?;
        Ok(object)
    }

    /// The number of others with which each region of one subject has a correlation or covariance of `threshold` or greater; NaN where a
    /// region has no values. The whole matrix is never held.
    ///
    /// # Errors
    /// Throws an `InputError` where the series or the settings do not fit, and the fault of the device.
    pub async fn degrees(
        &self,
        series: &Series,
        #[wasm_bindgen(unchecked_param_type = "DegreesSettings")] settings: JsValue,
    ) -> Result<Float32Array> {
        let asked = Asked::of(series, &settings)?;
        let (None, Some(threshold)) = (asked.top_k, asked.threshold) else {
            return Err(thrown(Error::argument("`threshold`, and no `topK`, is expected")));
        };
        let values = series.0.subject(asked.subject).map_err(thrown)?;
        let made = asked.measure.degrees_async(&self.device, &values, asked.missing(series), threshold as f32).await;
        let (degrees, _) = made.map_err(thrown)?;
        Ok(Float32Array::from(degrees.elements::<f32>().map_err(thrown)?))
    }
}

async fn tell(each: &Function, done: usize, regions: usize) -> Result<()> {
    let given = each.call2(&JsValue::NULL, &(done as u32).into(), &(regions as u32).into())?;
    awaited(given).await.map(|_| ())
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** `subject`, counted from 0, is needed where there are several. */
export interface DegreesSettings { threshold: number; subject?: number; kind?: 'correlation' | 'covariance' }
export type EdgesSettings = { subject?: number; kind?: 'correlation' | 'covariance'; fisherZ?: boolean } & ({ topK: number } | { threshold: number });
/** The edges of region i are `columns` and `values` from `offsets[i]` to `offsets[i + 1]`, as of a sparse matrix by rows. */
export interface KeptEdges { regions: number; offsets: Uint32Array; columns: Uint32Array; values: Float32Array; names?: string[]; warnings: string[] }
"#;
