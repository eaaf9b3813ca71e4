//! Training, fold by fold, with checkpoints.

use super::Workflow;
use super::evaluate::{condition_of_losses, evaluate, inputs};
use super::ranks::Site;
use super::record::Recording;
use super::results::{RunResult, gather};
use super::split::Fold;
use crate::blocking::block_on;
use crate::communicator::{Alone, Communicator};
use crate::connectome::connectivity::condition::{beyond_single, largest};
use crate::tensor::Philox;
use crate::training::{LOSS, Reported, Spread, Training, ring_of};
use crate::{Device, Error, Result, State};
use std::fs;
use std::path::PathBuf;

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

    /// True where a run resumes from the checkpoints that it finds.
    pub(super) fn resumes(&self) -> bool {
        self.resume
    }

    /// The file of a fold.
    pub(super) fn file(&self, fold: usize) -> PathBuf {
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

    /// Runs as [`Workflow::run_with`] does, on several ranks: all of them call this function, and all return the same result. The ranks share
    /// the parts of each step (`train.microbatches`, which their number must divide) and the subjects of evaluations. The bits of the result are
    /// those of one rank with the same `train.microbatches`, where all devices are of one kind. Of `models`, only those of rank 0 are
    /// looked at: rank 0 alone writes and reads checkpoints, and a run may resume on another number of ranks.
    ///
    /// ```
    /// use tapetum::Device;
    /// use tapetum::communicator::Threads;
    /// use tapetum::workflow::Workflow;
    /// use tapetum::HostTensor;
    /// use serde_json::json;
    ///
    /// let workflow = json!({
    ///     "data": { "x": { "input": "x", "as": "subjects" } },
    ///     "parameters": { "centre": { "shape": [3] } },
    ///     "blocks": [{ "name": "apart", "block": "subtract", "of": "x", "with": "centre" }],
    ///     "losses": [{ "name": "spread", "score": "apart", "reduce": "mean_square" }],
    ///     "train": { "steps": 50, "rate": 0.1, "microbatches": 2 },
    ///     "results": [{ "value": "centre" }]
    /// });
    /// let x = HostTensor::f32([4, 3], (0..12).map(|i| i as f32).collect())?;
    /// let workflow = Workflow::options().array("x", x).build(workflow, "")?;
    /// let alone = workflow.run(&Device::cpu())?;
    /// let both = std::thread::scope(|scope| {
    ///     let run = |rank: Threads| workflow.run_over(&Device::cpu(), None, &rank, |_| {});
    ///     let ranks: Vec<_> = Threads::new(2).into_iter().map(|rank| scope.spawn(move || run(rank))).collect();
    ///     ranks.into_iter().map(|rank| rank.join().unwrap()).collect::<tapetum::Result<Vec<_>>>()
    /// })?;
    /// assert!(both.iter().all(|found| found.values[0].value == alone.values[0].value));
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns the errors of [`Workflow::run_with`] and of [`Workflow::check_over`], and an error where a rank has ended.
    pub fn run_over<R: Reported>(
        &self,
        device: &Device,
        models: Option<&Checkpoints>,
        ranks: &dyn Communicator,
        progress: impl FnMut(Progress) -> R,
    ) -> Result<RunResult> {
        block_on(self.run_over_async(device, models, ranks, progress))?
    }

    /// The asynchronous form of [`Workflow::run_with`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Workflow::run_with`].
    pub async fn run_async<R: Reported>(
        &self,
        device: &Device,
        models: Option<&Checkpoints>,
        progress: impl FnMut(Progress) -> R,
    ) -> Result<RunResult> {
        self.run_over_async(device, models, &Alone, progress).await
    }

    async fn run_over_async<R: Reported>(
        &self,
        device: &Device,
        models: Option<&Checkpoints>,
        ranks: &dyn Communicator,
        mut progress: impl FnMut(Progress) -> R,
    ) -> Result<RunResult> {
        self.check_over(device, ranks)?;
        let mut progress = |at| progress(at).reported();
        match self.run_on(Site { device, ranks }, models, &mut progress).await? {
            Outcome::Done(found) => Ok(found),
            Outcome::Beyond(condition) => match self.run_on(Site { device: &Device::cpu(), ranks }, models, &mut progress).await? {
                Outcome::Done(found) => Ok(RunResult { on_host: true, ..found }),
                Outcome::Beyond(_) => Err(Error::argument(beyond(condition, device))),
            },
        }
    }

    async fn run_on(
        &self,
        site: Site<'_>,
        models: Option<&Checkpoints>,
        progress: &mut dyn FnMut(Progress) -> Result<()>,
    ) -> Result<Outcome> {
        let device = site.device;
        let single = matches!(device, Device::Gpu(_));
        let trains = Recording::training(self, self.batch_of(&self.folds[0].train))?.is_some();
        let (mut evaluations, mut losses) = (Vec::new(), Vec::new());
        for (i, fold) in self.folds.iter().enumerate() {
            let state = State::new(device);
            // Every rank gets the conditions of all, and decides alike.
            if single
                && trains
                && let Some(condition) = condition_of_losses(self, site, &State::new(device), fold).await?
                && beyond_single(condition)
            {
                return Ok(Outcome::Beyond(condition));
            }
            self.learn(site, &state, i, models, progress).await?;
            let evaluation = evaluate(self, site, &state, fold).await?;
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
        site: Site<'_>,
        state: &State,
        at: usize,
        models: Option<&Checkpoints>,
        progress: &mut dyn FnMut(Progress) -> Result<()>,
    ) -> Result<()> {
        let (fold, steps) = (&self.folds[at], self.train.steps);
        let batch = self.batch_of(&fold.train);
        let Some(mut made) = Recording::training(self, batch)? else { return Ok(()) };
        let divided = made.divided.take();
        let made = &made;
        let standards = self.data.standards(&fold.train)?;
        let parts = self.train.microbatches;
        let part = |subjects: &[usize], part: usize| {
            let each = subjects.len() / parts;
            inputs(self, made, &subjects[part * each..(part + 1) * each], &standards)
        };
        let mut training = match divided {
            None => Training::new_async(site.device, &made.tape, state, steps).await?,
            Some(divided) => {
                let spread = Spread { parts, ranks: site.ranks };
                Training::divided_async(site.device, &made.tape, divided, state, steps, spread).await?
            }
        };
        training = training.named(made.values.clone());
        training = match (self.train.batch, parts) {
            (None, 1) => training.inputs(part(&fold.train, 0)?),
            (Some(_), 1) => training.batches(|step| part(&self.batch(fold, batch, step), 0)),
            (None, _) => training.inputs_in_parts(|p| part(&fold.train, p)),
            (Some(_), _) => training.batches_in_parts(|step, p| part(&self.batch(fold, batch, step), p)),
        };
        self.resume(site, state, at, models, &training.programs())?;
        // All ranks pause at the same steps, to compare their states; rank 0 saves.
        if models.is_some() || site.ranks.size() > 1 {
            let path = models.filter(|_| site.ranks.rank() == 0).map(|models| models.file(at));
            training =
                training.saving_all(self.train.checkpoint, move |programs| path.iter().try_for_each(|path| state.save(path, programs)));
        }
        training.run_until_async(steps, |step, loss| progress(Progress { fold: at, step, loss })).await
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
