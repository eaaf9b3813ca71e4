//! Learning a confound model from a cohort, so that connectivity depends as little as possible on the motion of the subjects.
//!
//! The loss is the mean over edges of r², where r is the correlation over subjects of the connectivity of an edge with motion
//! ([`Tape::batch_correlation`]). Connectivity is computed from the residual of the series after regression on an intercept and the
//! regressors of the model. Neither the true connectome nor the shape of an artefact is given. The learnt parameters are shared by all
//! subjects, and are applied to other subjects unchanged.

use super::{ConfoundModel, ModelledConfounds};
use crate::blocking::block_on;
use crate::ops::confounds::Regression;
use crate::optim::{Adam, Schedule};
use crate::statistics::standardise::standardised;
use crate::tape::{Tape, Var};
use crate::tensor::{HostTensor, TensorType};
use crate::training::{Descent, Training};
use crate::{Device, Error, Result, State};

/// Settings of the training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The model that is trained.
    pub model: ConfoundModel,
    /// The number of steps of Adam, each over the whole cohort.
    pub steps: u32,
    /// The learning rate at the first step. It falls along half a cosine to 0.
    pub rate: f32,
    /// The seed of the initial parameters.
    pub seed: u64,
}

/// The subjects of the training set.
#[derive(Debug, Clone, Copy)]
pub struct Cohort<'a> {
    /// Series, f32 `[subjects, regions, time]`.
    pub series: &'a HostTensor,
    /// Confounds, f32 `[subjects, columns, time]`, standardised.
    pub confounds: &'a HostTensor,
    /// Motion, f32 `[subjects]`; for example mean framewise displacement.
    pub motion: &'a HostTensor,
}

/// A trained model on its device.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Learnt {
    /// The loss at each step.
    pub losses: Vec<f32>,
    settings: Settings,
    device: Device,
    state: State,
}

/// The name of the model's parameters.
const NAME: &str = "confounds";

/// Trains a model. `progress` is called after every few steps with the number of steps and the loss.
///
/// # Errors
/// Returns an error where the extents do not fit together, there are no steps, the rate is negative, the loss becomes NaN, or the device
/// reports a fault.
pub fn learn(device: &Device, cohort: &Cohort<'_>, settings: &Settings, progress: impl FnMut(u32, f32)) -> Result<Learnt> {
    block_on(learn_async(device, cohort, settings, progress))?
}

/// The asynchronous form of [`learn`], for callers that must not block.
///
/// # Errors
/// The same as those of [`learn`].
pub async fn learn_async(device: &Device, cohort: &Cohort<'_>, settings: &Settings, progress: impl FnMut(u32, f32)) -> Result<Learnt> {
    if settings.steps == 0 {
        return Err(Error::argument("a confound model in 0 steps: at least 1 is expected"));
    }
    let mut tape = Tape::new();
    let series = tape.input("series", cohort.series.ty())?;
    let confounds = tape.input("table", cohort.confounds.ty())?;
    let motion = tape.input("motion", cohort.motion.ty())?;
    let model = settings.model.record(&mut tape, NAME, confounds, settings.seed)?;
    let (_, connectomes) = cleaned(&mut tape, series, &model)?;
    let kept = tape.batch_correlation(connectomes, motion)?;
    let kept = tape.square(kept)?;
    let loss = tape.mean(kept, &[], false)?;
    let rate = Schedule::Cosine { start: settings.rate, end: 0.0, steps: settings.steps };
    Descent::new(Adam::new(rate)).record(&mut tape, (loss, &[]), &model.parameters, settings.steps)?;

    let state = State::new(device);
    let inputs = [(series, cohort.series), (confounds, cohort.confounds), (motion, cohort.motion)];
    let inputs = inputs.map(|(input, value)| (input, value.clone())).to_vec();
    let mut training = Training::new_async(device, &tape, &state, settings.steps).await?.inputs(inputs);
    training.run_until_async(settings.steps, progress).await?;
    Ok(Learnt { losses: training.losses_async().await?, settings: *settings, device: device.clone(), state })
}

/// The residual of series after regression on a model and an intercept, and the correlation of that residual.
fn cleaned(tape: &mut Tape, series: Var, model: &ModelledConfounds) -> Result<(Var, Var)> {
    let clean = tape.confound_regression(series, model.regressors, None, Regression::default())?;
    Ok((clean, tape.correlation(clean, None, false)?))
}

/// The series of subjects after cleaning by a trained model.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Cleaned {
    /// The residual series, f32 `[subjects, regions, time]`.
    pub series: HostTensor,
    /// The correlation of the residual series, f32 `[subjects, regions, regions]`.
    pub connectomes: HostTensor,
    /// The regressors that the model makes, f32 `[subjects, regressors, time]`.
    pub regressors: HostTensor,
}

impl Learnt {
    /// Cleans the series of any subjects, also of those not trained on, by their confounds. The shapes are those of [`Cohort`].
    ///
    /// # Errors
    /// Returns an error where the extents differ from those of the training set, or the device reports a fault.
    pub fn clean(&self, series: &HostTensor, confounds: &HostTensor) -> Result<Cleaned> {
        block_on(self.clean_async(series, confounds))?
    }

    /// The asynchronous form of [`Learnt::clean`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Learnt::clean`].
    pub async fn clean_async(&self, series: &HostTensor, confounds: &HostTensor) -> Result<Cleaned> {
        let mut tape = Tape::new();
        let x = tape.input("series", series.ty())?;
        let c = tape.input("table", confounds.ty())?;
        let model = self.settings.model.record(&mut tape, NAME, c, self.settings.seed)?;
        let (clean, connectomes) = cleaned(&mut tape, x, &model)?;
        let mut program = self.device.compile_async(&tape, &[clean, connectomes, model.regressors], &self.state).await?;
        let found = program.run_async(&[(x, series), (c, confounds)]).await?;
        let [series, connectomes, regressors] = <[HostTensor; 3]>::try_from(found)
            .map_err(|found| Error::argument(format!("three outputs expected of the program, found {}", found.len())))?;
        Ok(Cleaned { series, connectomes, regressors })
    }

    /// The trained parameters: names and values.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn parameters(&self) -> Result<Vec<(String, HostTensor)>> {
        block_on(self.parameters_async())?
    }

    /// The asynchronous form of [`Learnt::parameters`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Learnt::parameters`].
    pub async fn parameters_async(&self) -> Result<Vec<(String, HostTensor)>> {
        let mut found = Vec::new();
        for name in self.state.names().into_iter().filter(|n| n.starts_with(NAME) && !n.contains(".adam.")) {
            let value = self.state.read_async(&name).await?;
            found.push((name, value));
        }
        Ok(found)
    }
}

/// Confounds `[columns][time]` of subjects as f32 `[subjects, columns, time]`. Each column is scaled to mean 0 and standard deviation 1, or
/// set to 0 where it is constant.
///
/// # Errors
/// Returns an error where subjects differ in the number of columns or frames.
pub fn standardised_table(subjects: &[Vec<super::Column>]) -> Result<HostTensor> {
    let columns = subjects.first().map_or(0, Vec::len);
    let time = subjects.iter().flatten().next().map_or(0, |c| c.values.len());
    if subjects.iter().any(|s| s.len() != columns || s.iter().any(|c| c.values.len() != time)) {
        return Err(Error::argument(format!("{columns} confounds of {time} frames expected of every subject")));
    }
    let data = subjects.iter().flatten().flat_map(|c| standardised(&c.values)).map(|x| x as f32).collect();
    let ty = TensorType::f32([subjects.len(), columns, time]);
    HostTensor::f32(ty.shape, data)
}
