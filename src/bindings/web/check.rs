//! `tapetum check` in a browser: each op's kernels held to the op's definition in f64.

use super::convert::{awaited, thrown, value};
use super::{Engine, Result};
use crate::check::{self, Outcome};
use js_sys::Function;
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
impl Engine {
    /// Checks the ops whose names contain `filter`, and calls `each` with the outcomes of every case. It stops where `each`
    /// returns false, or a promise of it.
    ///
    /// # Errors
    /// Throws an `InputError` where no op has such a name, and where the device is lost.
    #[wasm_bindgen(unchecked_return_type = "CheckSummary")]
    pub async fn check(
        &self,
        filter: Option<String>,
        #[wasm_bindgen(
            unchecked_param_type = "(outcomes: CheckOutcome[], name: string, at: number, cases: number) => boolean | void | Promise<boolean | void>"
        )]
        each: Function,
    ) -> Result<JsValue> {
        let cases = check::select(filter.as_deref()).map_err(thrown)?;
        let (mut checked, mut failed, mut run) = (0, 0, 0);
        for (at, case) in cases.iter().enumerate() {
            let outcomes = match check::kernels_async(case, &self.device).await {
                Ok(outcomes) => outcomes.iter().map(object).collect(),
                Err(lost @ crate::Error::DeviceLost { .. }) => return Err(thrown(lost)),
                Err(e) => vec![json!({ "case": case.name, "variant": "default", "error": e.to_string(), "passed": false })],
            };
            (checked, run) = (checked + outcomes.len(), run + 1);
            failed += outcomes.iter().filter(|outcome| outcome["passed"] != true).count();
            let outcomes = value(&outcomes.into())?;
            let goes_on =
                each.call4(&JsValue::NULL, &outcomes, &case.name.as_str().into(), &(at as u32).into(), &(cases.len() as u32).into())?;
            if awaited(goes_on).await?.as_bool() == Some(false) {
                break;
            }
        }
        value(&json!({ "cases": run, "checked": checked, "failed": failed }))
    }
}

fn object(o: &Outcome) -> serde_json::Value {
    json!({
        "case": o.case, "variant": o.variant, "forward": o.forward, "tolerance": o.tolerance,
        "reverse": o.reverse, "reverseTolerance": o.reverse_tolerance, "passed": o.passed(),
    })
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** An error is null where it is not a number. A case that could not be run has `error`, the reason. */
export interface CheckOutcome {
  case: string; variant: string; passed: boolean; forward?: number | null; tolerance?: number; reverse?: number | null;
  reverseTolerance?: number; error?: string;
}
export interface CheckSummary { cases: number; checked: number; failed: number }
"#;
