//! `tapetum bench` in a browser, whose clocks are too coarse for one launch: whole batches of launches are timed.

use super::convert::{awaited, thrown, value};
use super::{Engine, Result, milliseconds};
use crate::kernel::{Cost, Target};
use crate::ops::case::Draw;
use crate::ops::work::{Instance, Size, Work};
use crate::{DType, Device, Error, Program, State, Tape, Var};
use js_sys::Function;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// A batch is long enough where it takes this many milliseconds: a thousand times what browsers round to.
const LONG_ENOUGH: f64 = 100.0;
/// The most launches in a batch.
const MOST: usize = 1 << 14;

#[wasm_bindgen]
impl Engine {
    /// Times the works whose names contain `filter`, forward with their gradients, at a size, and calls `each` with every row. It stops where
    /// `each` returns false, or a promise of it.
    ///
    /// # Errors
    /// Throws an `InputError` where no work has such a name, and where the device is lost.
    pub async fn bench(
        &self,
        filter: Option<String>,
        #[wasm_bindgen(unchecked_param_type = "'small' | 'medium' | 'large'")] size: String,
        #[wasm_bindgen(unchecked_param_type = "(row: BenchRow, at: number, works: number) => boolean | void | Promise<boolean | void>")]
        each: Function,
    ) -> Result<()> {
        let wanted = filter.unwrap_or_default().to_lowercase();
        let size = Size::ALL.into_iter().find(|s| s.name() == size);
        let size = size.ok_or_else(|| thrown(Error::argument("size: small, medium or large is expected")))?;
        let all = [crate::ops::works(), crate::connectome::works()].concat();
        let works: Vec<Work> = all.into_iter().filter(|work| work.name.to_lowercase().contains(&wanted)).collect();
        if works.is_empty() {
            return Err(thrown(Error::argument(format!("no work's name contains `{wanted}`"))));
        }
        for (at, work) in works.iter().enumerate() {
            let Some((_, instance)) = work.sizes.iter().find(|(of, _)| *of == size) else { continue };
            let row = match timed(&self.device, work, instance).await {
                Ok(row) => row,
                Err(lost @ Error::DeviceLost { .. }) => return Err(thrown(lost)),
                Err(e) => json!({ "name": work.name, "error": e.to_string() }),
            };
            let goes_on = each.call3(&JsValue::NULL, &value(&row)?, &(at as u32).into(), &(works.len() as u32).into())?;
            if awaited(goes_on).await?.as_bool() == Some(false) {
                break;
            }
        }
        Ok(())
    }
}

/// The median time of a launch over three batches, and what it computes and moves by definition.
async fn timed(device: &Device, work: &Work, instance: &Instance) -> crate::Result<Value> {
    let (mut program, shapes) = compiled(device, work, instance).await?;
    let mut launches = 1;
    let mut taken = batch(&mut program, launches).await?;
    while taken < LONG_ENOUGH && launches < MOST {
        let needed = LONG_ENOUGH * launches as f64 / taken.max(0.1);
        launches = (needed.ceil() as usize).clamp(launches + 1, 8 * launches).min(MOST);
        taken = batch(&mut program, launches).await?;
    }
    let mut times = [taken, batch(&mut program, launches).await?, batch(&mut program, launches).await?];
    times.sort_by(f64::total_cmp);
    let ms = times[1] / launches as f64;
    let cost = cost(&program)?;
    let direction = if work.differentiable { "with gradient" } else { "forward" };
    Ok(json!({
        "name": work.name, "shapes": shapes, "direction": direction, "ms": ms,
        "gflops": cost.flops / ms / 1e6, "gigabytes": cost.bytes / ms / 1e6,
    }))
}

/// The milliseconds of this many launches, submitted a few at a time.
async fn batch(program: &mut Program, launches: usize) -> crate::Result<f64> {
    const TOGETHER: usize = 64;
    program.wait_async().await?;
    let start = milliseconds();
    for first in (0..launches).step_by(TOGETHER) {
        program.steps_async(TOGETHER.min(launches - first)).await?;
    }
    program.wait_async().await?;
    Ok(milliseconds() - start)
}

/// The work and its gradients as a program that is filled and has run once, and the shapes of its operands.
async fn compiled(device: &Device, work: &Work, instance: &Instance) -> crate::Result<(Program, String)> {
    let mut tape = Tape::new();
    let mut inputs = Vec::new();
    for (i, &(ty, draw)) in instance.operands.iter().enumerate() {
        inputs.push((tape.input(&format!("operand {i}"), ty)?, draw.value(ty, i as u32)?));
    }
    let operands: Vec<Var> = inputs.iter().map(|(var, _)| *var).collect();
    let mut outputs = (instance.build)(&mut tape, &operands)?;
    if work.differentiable {
        let mut seeds = Vec::new();
        for (i, &result) in outputs.iter().enumerate() {
            let ty = tape.ty(result);
            inputs.push((tape.input(&format!("cotangent {i}"), ty)?, Draw::Normal.value(ty, 100 + i as u32)?));
            seeds.push((result, inputs[inputs.len() - 1].0));
        }
        let real: Vec<Var> = operands.iter().copied().filter(|&v| tape.ty(v).dtype == DType::F32).collect();
        outputs.extend(tape.vjp(&seeds, &real)?);
    }
    let shapes: Vec<String> = operands.iter().map(|&v| tape.shape(v).to_string()).collect();
    let mut program = device.compile_async(&tape, &outputs, &State::new(device)).await?;
    for (var, value) in &inputs {
        program.write(*var, value)?;
    }
    program.step_async().await?;
    Ok((program, shapes.join(" ")))
}

fn cost(program: &Program) -> crate::Result<Cost> {
    let on_host = match program.plan() {
        Some(_) => None,
        None => Some(program.plan_for(&Target { max_binding: u64::MAX, ..Target::portable() })?),
    };
    let steps = program.plan().or(on_host.as_ref()).map(|plan| &plan.steps).into_iter().flatten();
    Ok(steps
        .fold(Cost { flops: 0.0, bytes: 0.0 }, |sum, step| Cost { flops: sum.flops + step.cost.flops, bytes: sum.bytes + step.cost.bytes }))
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A work that could not be run has `error`, the reason. */
export interface BenchRow {
  name: string; shapes?: string; direction?: string; ms?: number; gflops?: number; gigabytes?: number; error?: string;
}
"#;
