//! Workflows described in JSON, on arrays in memory.

use super::convert::{from_tensor, json, set, tensor, thrown, value};
use super::settings::Settings;
use super::{Engine, Result};
use crate::Error;
use crate::workflow::{MetricResult, Progress, RunResult, ValueResult, Workflow};
use js_sys::{Array, Float32Array, Function, Object};
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
impl Engine {
    /// Runs a workflow, whose data are the arrays of `arrays` by name: an entry `{ "input": NAME }` takes one. `each` is called every few
    /// steps; the run ends where it throws.
    ///
    /// # Errors
    /// Throws an `InputError` that names the place in the workflow, and the fault of the device.
    #[wasm_bindgen(unchecked_return_type = "WorkflowResult")]
    pub async fn workflow(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] workflow: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Record<string, Tensor>")] arrays: Object,
        #[wasm_bindgen(unchecked_optional_param_type = "{ seed?: number }")] settings: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "(fold: number, step: number, loss: number) => void")] each: Option<Function>,
    ) -> Result<Object> {
        let mut settings = Settings::of(&settings)?;
        let mut options = Workflow::options().seed(settings.whole("seed", 0)?.map_or(0, u64::from));
        settings.end()?;
        for entry in Object::entries(&arrays).iter() {
            let entry = Array::from(&entry);
            let name = entry.get(0).as_string().ok_or_else(|| thrown(Error::argument("an array without a name")))?;
            options = options.array(name, from_tensor(&entry.get(1))?);
        }
        let workflow = options.build(json(&workflow)?, "").map_err(thrown)?;
        let progress = |Progress { fold, step, loss }| match &each {
            None => Ok(()),
            Some(each) => match each.call3(&JsValue::NULL, &(fold as u32).into(), &step.into(), &loss.into()) {
                Ok(_) => Ok(()),
                Err(_) => Err(Error::argument("the run ends here, for the function that is told of its steps threw an error")),
            },
        };
        result(&workflow.run_async(&self.device, None, progress).await.map_err(thrown)?)
    }
}

fn result(found: &RunResult) -> Result<Object> {
    let object = Object::from(value(&json!({
        "metrics": found.metrics.iter().map(metric).collect::<Vec<_>>(), "warnings": found.warnings(), "onHost": found.on_host,
    }))?);
    let losses = Array::new();
    for fold in &found.losses {
        let of_fold = Object::new();
        for (name, values) in fold {
            set(&of_fold, name, Float32Array::from(&values[..]))?;
        }
        losses.push(&of_fold);
    }
    set(&object, "losses", losses)?;
    let values = Object::new();
    for ValueResult { name, value, .. } in &found.values {
        set(&values, name, tensor(value)?)?;
    }
    set(&object, "values", values)?;
    Ok(object)
}

/// The figures of a metric; null where one is undefined, with the reasons in `undefined`.
fn metric(metric: &MetricResult) -> serde_json::Value {
    let figures = |figures: &[crate::workflow::Figure]| figures.iter().map(|figure| figure.as_ref().ok().copied()).collect::<Vec<_>>();
    json!({
        "name": metric.name, "train": figures(&metric.train), "test": figures(&metric.test), "pooled": metric.pooled.as_ref().ok(),
        "undefined": metric.undefined(),
    })
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface WorkflowMetric { name: string; train: (number | null)[]; test: (number | null)[]; pooled: number | null; undefined: string[] }
/** `losses` has, for each fold, the loss and its terms by name; `values` the results that the workflow asks for. */
export interface WorkflowResult {
  metrics: WorkflowMetric[]; warnings: string[]; onHost: boolean; losses: Record<string, Float32Array>[]; values: Record<string, Tensor>;
}
"#;
