//! Parcels of a cortex, learnt step by step.

use super::convert::{tensor, thrown, value};
use super::settings::Settings;
use super::{Cortex, Engine, Result};
use crate::connectome::parcels::cortex;
use crate::connectome::parcels::learn_parcels::{self as learning, Learnt};
use crate::{Device, Error};
use js_sys::{Float32Array, Int32Array, Object};
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// A training that a page advances. The calls are made one after the other: the next when the promise of the last is fulfilled.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Learner {
    device: Device,
    cortex: cortex::Cortex,
    settings: learning::Settings,
    train: usize,
    learner: learning::Learner,
    done: u32,
}

#[wasm_bindgen]
impl Engine {
    /// Compiles the training of parcels from the first half of a cortex's frames. The settings are those of `tapetum demo` unless they are
    /// given.
    ///
    /// # Errors
    /// Throws an `InputError` where the settings do not suit the cortex, and the fault of the device.
    pub async fn learner(
        &self,
        cortex: &Cortex,
        #[wasm_bindgen(unchecked_optional_param_type = "LearnerSettings")] settings: JsValue,
    ) -> Result<Learner> {
        let cortex = cortex.0.clone();
        let train = cortex.frames() / 2;
        let settings = described(Settings::of(&settings)?)?;
        let surface = cortex.surface(0..train).map_err(thrown)?;
        let learner = learning::Learner::new_async(&self.device, &surface, &settings).await.map_err(thrown)?;
        Ok(Learner { device: self.device.clone(), cortex, settings, train, learner, done: 0 })
    }
}

fn described(mut settings: Settings) -> Result<learning::Settings> {
    let default = learning::Settings::default();
    let described = learning::Settings {
        parcels: settings.whole("parcels", 1)?.map_or(default.parcels, |parcels| parcels as usize),
        steps: settings.whole("steps", 1)?.unwrap_or(default.steps),
        seed: settings.whole("seed", 0)?.map_or(default.seed, u64::from),
        ..default
    };
    settings.end()?;
    Ok(described)
}

#[wasm_bindgen]
impl Learner {
    /// The number of steps that are done.
    #[wasm_bindgen(getter)]
    pub fn done(&self) -> u32 {
        self.done
    }

    /// The number of steps of the whole training.
    #[wasm_bindgen(getter)]
    pub fn steps(&self) -> u32 {
        self.settings.steps
    }

    /// Runs up to `steps` more steps, and waits until they are done.
    ///
    /// # Errors
    /// Throws the fault of the device.
    pub async fn advance(&mut self, steps: u32) -> Result<()> {
        let steps = steps.min(self.settings.steps - self.done);
        self.learner.steps_async(steps as usize).await.map_err(thrown)?;
        self.learner.program().wait_async().await.map_err(thrown)?;
        self.done += steps;
        Ok(())
    }

    /// The loss at each step so far.
    ///
    /// # Errors
    /// Throws where a loss is NaN or infinite, and the fault of the device.
    pub async fn losses(&self) -> Result<Float32Array> {
        let losses = self.learner.losses_async().await.map_err(thrown)?;
        match losses.iter().position(|loss| !loss.is_finite()) {
            None => Ok(Float32Array::from(&losses[..])),
            Some(at) => {
                let what = format!("the loss is {}", losses[at]);
                Err(thrown(Error::NotFinite { step: at as u32 + 1, steps: self.settings.steps, what }))
            }
        }
    }

    /// The parcel of greatest membership at each vertex, −1 where there is no series.
    ///
    /// # Errors
    /// Throws the fault of the device.
    pub async fn labels(&mut self) -> Result<Int32Array> {
        let learnt = self.learnt().await?;
        Ok(Int32Array::from(&self.cortex.spread(&learnt.labels)[..]))
    }

    /// The memberships `[parcels, vertices]`, 0 where there is no series.
    ///
    /// # Errors
    /// Throws the fault of the device.
    #[wasm_bindgen(unchecked_return_type = "Tensor")]
    pub async fn memberships(&mut self) -> Result<Object> {
        let learnt = self.learnt().await?;
        tensor(&self.cortex.spread_memberships(&learnt.memberships).map_err(thrown)?)
    }

    /// The correlation `[parcels, parcels]` of the parcels' series over the frames that were not learnt from.
    ///
    /// # Errors
    /// Throws the fault of the device.
    #[wasm_bindgen(unchecked_return_type = "Tensor")]
    pub async fn connectome(&mut self) -> Result<Object> {
        let learnt = self.learnt().await?;
        let frames = self.cortex.test_frames(self.train);
        tensor(&self.cortex.parcel_correlation_async(&self.device, &learnt.memberships, frames).await.map_err(thrown)?)
    }

    /// The homogeneity of the parcels on the frames that were not learnt from, beside other parcellations, as `tapetum demo` prints it. It is
    /// computed on the cores.
    ///
    /// # Errors
    /// Throws the fault of the device.
    #[wasm_bindgen(unchecked_return_type = "Homogeneity")]
    pub async fn homogeneity(&mut self) -> Result<JsValue> {
        let learnt = self.learnt().await?;
        let scores = self.cortex.judge(&learnt, &self.settings, self.train).map_err(thrown)?;
        value(&json!({
            "learnt": scores.learnt, "kMeans": scores.k_means, "atlas": scores.atlas,
            "bestRandom": scores.random_best(), "meanRandom": scores.random_mean(), "random": scores.random,
        }))
    }

    async fn learnt(&mut self) -> Result<Learnt> {
        self.learner.learnt_async().await.map_err(thrown)
    }
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface LearnerSettings { parcels?: number; steps?: number; seed?: number }
/** Mean correlation of the series of two vertices of one parcel, from -1 to 1. */
export interface Homogeneity {
  learnt: number; kMeans: number; atlas: number | null; bestRandom: number; meanRandom: number; random: number[];
}
"#;
