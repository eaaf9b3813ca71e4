//! The training loop: it runs some steps, reads the recorded losses, reports progress, and stops at a loss that is not finite.

use super::{Batch, LOSS, Reported, cause};
use crate::blocking::block_on;
use crate::tape::{Tape, Var};
use crate::{Device, Error, HostTensor, Program, Result, State};

/// The number of steps between two reports of progress.
const REPORT: u32 = 10;

/// The number of steps between two copies of the state where nothing is saved.
const KEEP: u32 = 100;

type Draw<'a> = Box<dyn FnMut(u32) -> Result<Batch> + 'a>;
type Save<'a> = Box<dyn FnMut(&Program) -> Result<()> + 'a>;

/// A recorded training step, compiled, and the number of steps to run.
///
/// The run stops at the first step whose loss is NaN or infinite, or that leaves NaN in a state. The error names the step and the value
/// that became NaN first. The state is restored to that before the step, and nothing is saved after it.
pub struct Training<'a> {
    tape: Tape,
    program: Program,
    state: State,
    steps: u32,
    /// Inputs that are the same at every step.
    fixed: Batch,
    /// Inputs that are drawn for each step.
    drawn: Option<Draw<'a>>,
    /// The number of steps between two calls of the saving function, and that function.
    save: Option<(u32, Save<'a>)>,
    names: Vec<(String, Var)>,
}

/// The state after a number of steps, on the host.
struct Kept {
    step: u32,
    values: Vec<(String, HostTensor)>,
}

impl std::fmt::Debug for Training<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Training").field("program", &self.program).field("steps", &self.steps).finish_non_exhaustive()
    }
}

impl<'a> Training<'a> {
    /// Compiles the step that [`Descent::record`](super::Descent::record) recorded on `tape`, and sets the total number of steps. Steps
    /// that `state` has already done count towards it.
    ///
    /// # Errors
    /// Returns an error where the tape keeps no loss, and in the cases of [`Device::compile_with`].
    pub fn new(device: &Device, tape: &Tape, state: &State, steps: u32) -> Result<Self> {
        block_on(Self::new_async(device, tape, state, steps))?
    }

    /// The asynchronous form of [`Training::new`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Training::new`].
    pub async fn new_async(device: &Device, tape: &Tape, state: &State, steps: u32) -> Result<Self> {
        if tape.lookup(LOSS).is_none() {
            return Err(Error::argument(format!(
                "a training needs a tape that keeps its losses in the state `{LOSS}`: see `Descent::record`"
            )));
        }
        let program = device.compile_async(tape, &[], state).await?;
        let (tape, state) = (tape.replica(), state.clone());
        Ok(Self { tape, program, state, steps, fixed: Vec::new(), drawn: None, save: None, names: Vec::new() })
    }

    /// Sets the inputs that are the same at every step.
    pub fn inputs(self, fixed: Batch) -> Self {
        Self { fixed, ..self }
    }

    /// Sets the function that draws the inputs of each step, counted from 0. The same step must always give the same values.
    pub fn batches(self, draw: impl FnMut(u32) -> Result<Batch> + 'a) -> Self {
        Self { drawn: Some(Box::new(draw)), ..self }
    }

    /// Calls `save` after every `every` steps and after the last, each time with a state that is free of NaN.
    pub fn saving(self, every: u32, save: impl FnMut(&Program) -> Result<()> + 'a) -> Self {
        Self { save: Some((every.max(1), Box::new(save))), ..self }
    }

    /// Sets the names of values, for the error that reports which of them became NaN.
    pub fn named(self, names: impl IntoIterator<Item = (String, Var)>) -> Self {
        Self { names: names.into_iter().collect(), ..self }
    }

    /// The compiled step.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The compiled step, for callers that run it themselves.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }

    /// The compiled step, without the loop.
    pub fn into_program(self) -> Program {
        self.program
    }

    /// The losses of the steps so far.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn losses(&self) -> Result<Vec<f32>> {
        block_on(self.losses_async())?
    }

    /// The asynchronous form of [`Training::losses`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Training::losses`].
    pub async fn losses_async(&self) -> Result<Vec<f32>> {
        self.ring(self.done().await?).await
    }

    /// Runs all remaining steps. `progress` is called after every few with the number of steps and the loss at the last of them.
    ///
    /// # Errors
    /// Returns an error where a loss or a state becomes NaN or a loss infinite; where the device, a batch or the saving fails; and the error
    /// that `progress` returns, if it returns one.
    pub fn run<R: Reported>(&mut self, progress: impl FnMut(u32, f32) -> R) -> Result<()> {
        self.run_until(self.steps, progress)
    }

    /// Runs until this total number of steps is done, otherwise like [`run`](Self::run).
    ///
    /// # Errors
    /// The same as those of [`run`](Self::run).
    pub fn run_until<R: Reported>(&mut self, steps: u32, progress: impl FnMut(u32, f32) -> R) -> Result<()> {
        block_on(self.run_until_async(steps, progress))?
    }

    /// The asynchronous form of [`run_until`](Self::run_until), for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`run`](Self::run).
    pub async fn run_until_async<R: Reported>(&mut self, steps: u32, mut progress: impl FnMut(u32, f32) -> R) -> Result<()> {
        let steps = steps.min(self.steps);
        let mut step = self.done().await?;
        if step >= steps {
            return Ok(());
        }
        let keep = self.save.as_ref().map_or(KEEP, |(every, _)| *every);
        let mut kept = self.keep(step).await?;
        self.fixed.iter().try_for_each(|(input, value)| self.program.write(*input, value))?;
        while step < steps {
            let next = |every: u32| step - step % every + every;
            let to = next(REPORT).min(next(keep)).min(steps);
            for s in step..to {
                self.step(s).await?;
            }
            let losses = self.ring(to).await?;
            if let Some(at) = (step..to).find(|&s| !losses[s as usize].is_finite()) {
                return Err(self.fault(kept, at, losses[at as usize]).await?);
            }
            step = to;
            if step.is_multiple_of(keep) || step == steps {
                let now = self.keep(step).await?;
                if now.values.iter().any(|(_, value)| cause::has_nan(value)) {
                    return Err(self.fault(kept, step, f32::NAN).await?);
                }
                kept = now;
                if let Some((_, save)) = &mut self.save {
                    save(&self.program)?;
                }
            }
            progress(step, losses[step as usize - 1]).reported()?;
        }
        Ok(())
    }

    /// Runs one step, counted from 0.
    async fn step(&mut self, step: u32) -> Result<()> {
        if let Some(draw) = &mut self.drawn {
            for (input, value) in draw(step)? {
                self.program.write(input, &value)?;
            }
        }
        self.program.step_async().await
    }

    /// The number of steps so far.
    async fn done(&self) -> Result<u32> {
        Ok(self.state.read_async("step").await?.as_u32().and_then(|s| s.first().copied()).unwrap_or(0))
    }

    /// The losses of the first `done` steps.
    async fn ring(&self, done: u32) -> Result<Vec<f32>> {
        let ring = self.state.read_async(LOSS).await?;
        let losses =
            ring.elements::<f32>().map(<[f32]>::to_vec).or_else(|_| Ok::<_, Error>(ring.to_real::<f32>().elements::<f32>()?.to_vec()))?;
        match losses.get(..done as usize) {
            Some(done) => Ok(done.to_vec()),
            None => Err(Error::tensor(LOSS, format!("keeps {} losses, and {done} steps are done: record the step for more", losses.len()))),
        }
    }

    async fn keep(&self, step: u32) -> Result<Kept> {
        let mut values = Vec::new();
        for name in self.state.names() {
            values.push((name.clone(), self.state.read_async(&name).await?));
        }
        Ok(Kept { step, values })
    }

    /// The error of the step `at`, counted from 0, whose loss is not finite, or of a step before it that left NaN in a state. The steps
    /// since the last good state are run again, which gives the same bits. The state is restored to that before the step at fault.
    async fn fault(&mut self, good: Kept, at: u32, loss: f32) -> Result<Error> {
        self.restore(&good).await?;
        let mut before = good;
        while before.step < at {
            self.step(before.step).await?;
            let after = self.keep(before.step + 1).await?;
            if after.values.iter().any(|(_, value)| cause::has_nan(value)) {
                self.restore(&before).await?;
                break;
            }
            before = after;
        }
        let mut batch = self.fixed.clone();
        if let Some(draw) = &mut self.drawn {
            batch.extend(draw(before.step)?);
        }
        let what = match cause::find(&self.tape, &before.values, &batch, &self.names, loss).await {
            Ok(Some(what)) => what,
            Ok(None) => format!("the loss is {loss} on this device, and not where the host repeats the step"),
            Err(e) => format!("the loss is {loss}; which value became so first is not known: {e}"),
        };
        Ok(Error::NotFinite { step: before.step + 1, steps: self.steps, what })
    }

    async fn restore(&self, kept: &Kept) -> Result<()> {
        for (name, value) in &kept.values {
            self.state.write_async(name, value).await?;
        }
        Ok(())
    }
}
