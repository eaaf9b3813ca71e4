//! Training, fold by fold, with checkpoints.

use super::Workflow;
use super::evaluate::{condition_of_losses, evaluate, inputs};
use super::record::Recording;
use super::results::{RunResult, gather};
use super::split::Fold;
use crate::blocking::block_on;
use crate::connectome::connectivity::condition::{beyond_single, largest};
use crate::tensor::Philox;
use crate::training::{LOSS, Reported, Training, ring_of};
use crate::{Device, Error, Result, State};
use std::fs;
use std::path::{Path, PathBuf};

/// The random stream from which batches are drawn.
const STREAM: u32 = 0xba7c;

/// The progress of a run.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The number of the fold, counted from 0.
    pub fold: usize,
    /// The number of steps of this fold that are done.
    pub step: u32,
    /// The loss at the last of these steps.
    pub loss: f32,
}

/// The folder in which a run keeps its models, one checkpoint for each fold. A run may resume from checkpoints that it finds there.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    resume: bool,
}

impl Checkpoints {
    /// Checkpoints for a run that begins. Checkpoints of an earlier run are removed from the folder.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the folder cannot be made or written in.
    pub fn begin(folder: impl Into<PathBuf>, workflow: &Workflow, device: &Device) -> Result<Self> {
        let made = Self { folder: folder.into(), resume: false };
        let error = |e: std::io::Error| Error::io(&made.folder, "cannot be written in", &e);
        fs::create_dir_all(&made.folder).map_err(error)?;
        for fold in 0.. {
            match fs::remove_file(made.file(fold)) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => break,
                Err(e) => return Err(error(e)),
            }
        }
        crate::file::write_file(made.begun(), made.mark(workflow, device).as_bytes())?;
        Ok(made)
    }

    /// Checkpoints for a run that resumes where an earlier run with the same workflow, inputs, seed, version and device was stopped. Where
    /// there is no earlier run, it begins.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the folder holds the checkpoints of a different run.
    pub fn resume(folder: impl Into<PathBuf>, workflow: &Workflow, device: &Device) -> Result<Self> {
        let made = Self { folder: folder.into(), resume: true };
        match fs::read_to_string(made.begun()) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Self::begin(made.folder, workflow, device),
            Err(e) => Err(Error::io(made.begun(), "cannot be read", &e)),
            Ok(mark) if mark == made.mark(workflow, device) => Ok(made),
            Ok(mark) => {
                let device = mark.lines().nth(1).unwrap_or_default();
                let what = "another run was begun here: the workflow, what was set, an input, the seed, or the version is not the same";
                Err(Error::file(made.begun(), format!("{what}, or the device, which was {device}; leave --resume out to begin anew")))
            }
        }
    }

    fn begun(&self) -> PathBuf {
        self.folder.join("begun.txt")
    }

    fn mark(&self, workflow: &Workflow, device: &Device) -> String {
        format!("{}\n{}\n", workflow.identity(), device.name())
    }

    fn file(&self, fold: usize) -> PathBuf {
        self.folder.join(format!("fold-{fold}.safetensors"))
    }
}

/// The outcome of running all folds on a device.
enum Outcome {
    Done(RunResult),
    /// A matrix of this condition number is inverted, which f32 on the device does not hold.
    Beyond(f64),
}

/// The message about a condition number that rose in the course of a training.
fn beyond(condition: f64, device: &Device) -> String {
    format!(
        "a matrix of condition {condition:.1e} is inverted, which f32 on {} does not hold: run it on the host, which computes in f64 \
         (--device cpu)",
        device.name()
    )
}

impl Workflow {
    /// Trains a model for each fold and evaluates it. Where a matrix is inverted whose condition number is above
    /// [`CONDITION_IN_SINGLE`](crate::connectome::connectivity::measure::CONDITION_IN_SINGLE), a GPU in f32 would give wrong numbers: the
    /// run is then made on the host, which computes in f64, and [`RunResult::on_host`] says so.
    ///
    /// # Errors
    /// Returns an error where a condition number rises above that limit in the course of a training on a GPU. Returns an error where the device refuses or fails, a file has changed, the loss is no longer finite, or a parameter becomes NaN.
    pub fn run(&self, device: &Device) -> Result<RunResult> {
        self.run_with(device, None, |_| {})
    }

    /// Runs as [`Workflow::run`] does, and calls `progress` after steps. With `models`, checkpoints are written to its folder and, if it
    /// was made by [`Checkpoints::resume`], the run resumes from them. A run that was stopped and resumed has the same results as one that
    /// was not.
    ///
    /// # Errors
    /// Returns the errors of [`Workflow::run`], an error where a checkpoint cannot be read or written, and the error that `progress` returns,
    /// if it returns one.
    pub fn run_with<R: Reported>(
        &self,
        device: &Device,
        models: Option<&Checkpoints>,
        progress: impl FnMut(Progress) -> R,
    ) -> Result<RunResult> {
        block_on(self.run_async(device, models, progress))?
    }

    /// The asynchronous form of [`Workflow::run_with`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Workflow::run_with`].
    pub async fn run_async<R: Reported>(
        &self,
        device: &Device,
        models: Option<&Checkpoints>,
        mut progress: impl FnMut(Progress) -> R,
    ) -> Result<RunResult> {
        let mut progress = |at| progress(at).reported();
        match self.run_on(device, models, &mut progress).await? {
            Outcome::Done(found) => Ok(found),
            Outcome::Beyond(condition) => match self.run_on(&Device::cpu(), models, &mut progress).await? {
                Outcome::Done(found) => Ok(RunResult { on_host: true, ..found }),
                Outcome::Beyond(_) => Err(Error::argument(beyond(condition, device))),
            },
        }
    }

    async fn run_on(
        &self,
        device: &Device,
        models: Option<&Checkpoints>,
        progress: &mut dyn FnMut(Progress) -> Result<()>,
    ) -> Result<Outcome> {
        let single = matches!(device, Device::Gpu(_));
        let trains = Recording::training(self, self.batch_of(&self.folds[0].train))?.is_some();
        let (mut evaluations, mut losses) = (Vec::new(), Vec::new());
        for (i, fold) in self.folds.iter().enumerate() {
            let file = models.map(|m| (m.file(i), m.resume));
            let state = State::new(device);
            let file = file.as_ref().map(|(path, resume)| (path.as_path(), *resume));
            if single
                && trains
                && let Some(condition) = condition_of_losses(self, device, &State::new(device), fold).await?
                && beyond_single(condition)
            {
                return Ok(Outcome::Beyond(condition));
            }
            self.learn(device, &state, fold, file, &mut |step, loss| progress(Progress { fold: i, step, loss })).await?;
            let evaluation = evaluate(self, device, &state, fold).await?;
            if let Some(condition) = evaluation.condition.filter(|c| single && beyond_single(*c)) {
                return if trains { Err(Error::argument(beyond(condition, device))) } else { Ok(Outcome::Beyond(condition)) };
            }
            evaluations.push(evaluation);
            losses.push(self.losses(&state).await?);
        }
        let conditions: Vec<f64> = evaluations.iter().filter_map(|evaluation| evaluation.condition).collect();
        let condition = (!conditions.is_empty()).then(|| largest(&conditions));
        Ok(Outcome::Done(RunResult { condition, ..gather(self, &evaluations, losses)? }))
    }

    async fn learn(
        &self,
        device: &Device,
        state: &State,
        fold: &Fold,
        file: Option<(&Path, bool)>,
        progress: &mut dyn FnMut(u32, f32) -> Result<()>,
    ) -> Result<()> {
        let batch = self.batch_of(&fold.train);
        let Some(made) = Recording::training(self, batch)? else { return Ok(()) };
        let standards = self.data.standards(&fold.train)?;
        let mut training = Training::new_async(device, &made.tape, state, self.train.steps).await?.named(made.values.clone());
        training = match self.train.batch {
            None => training.inputs(inputs(self, &made, &fold.train, &standards)?),
            Some(_) => training.batches(|step| inputs(self, &made, &self.batch(fold, batch, step), &standards)),
        };
        if let Some((path, resume)) = file {
            if resume && path.exists() {
                state.load(path, &[training.program()])?;
            }
            training = training.saving(self.train.checkpoint, move |program| state.save(path, &[program]));
        }
        training.run_until_async(self.train.steps, progress).await
    }

    /// The subjects of a step. Each epoch takes every subject at most once, in an order drawn for the epoch; subjects left over from the
    /// last full batch wait for the next epoch.
    fn batch(&self, fold: &Fold, batch: usize, step: u32) -> Vec<usize> {
        let each = (fold.train.len() / batch) as u32;
        let order = Philox::new(self.seed, STREAM, step / each).shuffled(fold.train.len());
        let from = (step % each) as usize * batch;
        order[from..from + batch].iter().map(|&i| fold.train[i]).collect()
    }

    async fn losses(&self, state: &State) -> Result<Vec<(String, Vec<f32>)>> {
        if state.ty(LOSS).is_none() {
            return Ok(Vec::new());
        }
        let terms = self.terms.iter().map(|term| (term.value.name.clone(), ring_of(&term.value.name)));
        let mut losses = Vec::new();
        for (name, ring) in [(LOSS.to_owned(), LOSS.to_owned())].into_iter().chain(terms) {
            losses.push((name, state.read_async(&ring).await?.elements::<f32>()?.to_vec()));
        }
        Ok(losses)
    }
}
