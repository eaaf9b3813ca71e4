//! The training loop: it runs some steps, reads the recorded losses, reports progress, and stops at a loss that is not finite.

use super::divided::Divided;
use super::draws::Draws;
use super::parts::{Parts, Spread};
use super::{Batch, LOSS, Reported, cause};
use crate::blocking::block_on;
use crate::tape::{Tape, Var};
use crate::{Device, Error, HostTensor, Program, Result, State};

/// The number of steps between two reports of progress.
const REPORT: u32 = 10;

/// The number of steps between two copies of the state where nothing is saved.
const KEEP: u32 = 100;

type Save<'a> = Box<dyn FnMut(&[&Program]) -> Result<()> + 'a>;

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
    /// Inputs that are drawn.
    drawn: Draws<'a>,
    /// The parts of a step that is divided: `program` then computes one.
    parts: Option<Parts<'a>>,
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

/// The programs of a step.
fn programs<'p>(program: &'p Program, parts: Option<&'p Parts<'_>>) -> Vec<&'p Program> {
    [program].into_iter().chain(parts.map(Parts::update)).collect()
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
        Ok(Self::of(tape, program, None, state, steps))
    }

    /// Compiles the step in parts that [`Descent::divide`](super::Descent::divide) recorded with `tape`, the tape of a part, and sets the
    /// number of parts, the ranks that share them, and the total number of steps. Each rank computes its [`share`](crate::communicator::share)
    /// of the parts one after the other, reads the gradients of each while the device computes the next, and all ranks change the parameters alike. The bits
    /// depend on the number of parts, on what each part's inputs are and on the device, and not on the number of ranks.
    ///
    /// All ranks call the same functions; [`batches_in_parts`](Self::batches_in_parts) draws the inputs.
    ///
    /// ```
    /// use tapetum::communicator::Alone;
    /// use tapetum::optim::Adam;
    /// use tapetum::training::{Descent, Spread, Training};
    /// use tapetum::{Device, HostTensor, Init, State, Tape, TensorType};
    /// # fn main() -> tapetum::Result<()> {
    /// // A batch of four numbers, in two parts of two.
    /// let mut tape = Tape::new();
    /// let x = tape.input("x", TensorType::f32([2]))?;
    /// let slope = tape.parameter("slope", [1], Init::Zeros)?;
    /// let made = tape.mul(x, slope)?;
    /// let apart = tape.sub(made, x)?;
    /// let square = tape.square(apart)?;
    /// let loss = tape.mean(square, &[], false)?;
    /// let divided = Descent::new(Adam::new(0.1)).divide(&mut tape, (loss, &[]), &[slope], 100)?;
    ///
    /// let (device, spread) = (Device::cpu(), Spread { parts: 2, ranks: &Alone });
    /// let state = State::new(&device);
    /// let part = |part: usize| HostTensor::f32([2], vec![1.0 + 2.0 * part as f32, 2.0 + 2.0 * part as f32]);
    /// let mut training = Training::divided(&device, &tape, divided, &state, 100, spread)?.inputs_in_parts(|p| Ok(vec![(x, part(p)?)]));
    /// training.run(|_, _| {})?;
    /// assert!((state.read("slope")?.to_f64_vec()[0] - 1.0).abs() < 0.05);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error where the number of ranks does not divide that of the parts, and in the cases of [`Device::compile_with`].
    pub fn divided(device: &Device, tape: &Tape, divided: Divided, state: &State, steps: u32, spread: Spread<'a>) -> Result<Self> {
        block_on(Self::divided_async(device, tape, divided, state, steps, spread))?
    }

    /// The asynchronous form of [`Training::divided`], for callers that must not block. The calls of the ranks block nevertheless.
    ///
    /// # Errors
    /// The same as those of [`Training::divided`].
    pub async fn divided_async(
        device: &Device,
        tape: &Tape,
        divided: Divided,
        state: &State,
        steps: u32,
        spread: Spread<'a>,
    ) -> Result<Self> {
        let (program, parts) = Parts::new(device, tape, divided, state, spread).await?;
        Ok(Self::of(tape, program, Some(parts), state, steps))
    }

    fn of(tape: &Tape, program: Program, parts: Option<Parts<'a>>, state: &State, steps: u32) -> Self {
        let (tape, state) = (tape.replica(), state.clone());
        Self { tape, program, state, steps, fixed: Vec::new(), drawn: Draws::None, parts, save: None, names: Vec::new() }
    }

    /// Sets the inputs that are the same at every step.
    pub fn inputs(self, fixed: Batch) -> Self {
        Self { fixed, ..self }
    }

    /// Sets the function that draws the inputs of each step, counted from 0. The same step must always give the same values.
    pub fn batches(self, draw: impl FnMut(u32) -> Result<Batch> + 'a) -> Self {
        Self { drawn: Draws::Steps(Box::new(draw)), ..self }
    }

    /// Sets the function that draws the inputs of each part of a step in parts: of the step and of the part, both counted from 0. The same
    /// step and part must always give the same values, on every rank.
    pub fn batches_in_parts(self, draw: impl FnMut(u32, usize) -> Result<Batch> + 'a) -> Self {
        Self { drawn: Draws::StepsAndParts(Box::new(draw)), ..self }
    }

    /// Sets the function that gives the inputs of each part of a step in parts, counted from 0, which are the same at every step. They are
    /// kept in the host's memory.
    pub fn inputs_in_parts(self, draw: impl FnMut(usize) -> Result<Batch> + 'a) -> Self {
        Self { drawn: Draws::Parts(Box::new(draw), Default::default()), ..self }
    }

    /// Calls `save` after every `every` steps and after the last, each time with a state that is free of NaN.
    pub fn saving(self, every: u32, mut save: impl FnMut(&Program) -> Result<()> + 'a) -> Self {
        self.saving_all(every, move |programs| programs.first().map_or(Ok(()), |program| save(program)))
    }

    /// Saves as [`saving`](Self::saving) does, and gives `save` all [`programs`](Self::programs) of the step.
    pub fn saving_all(self, every: u32, save: impl FnMut(&[&Program]) -> Result<()> + 'a) -> Self {
        Self { save: Some((every.max(1), Box::new(save))), ..self }
    }

    /// Sets the names of values, for the error that reports which of them became NaN.
    pub fn named(self, names: impl IntoIterator<Item = (String, Var)>) -> Self {
        Self { names: names.into_iter().collect(), ..self }
    }

    /// The programs of a step: one, or that of a part and the update of a step in parts.
    pub fn programs(&self) -> Vec<&Program> {
        programs(&self.program, self.parts.as_ref())
    }

    /// The compiled step, or a part of it.
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
        self.drawn.check(self.parts.is_some())?;
        let mut step = self.done().await?;
        if step >= steps {
            return Ok(());
        }
        let keep = self.save.as_ref().map_or(KEEP, |(every, _)| *every);
        let mut kept = self.keep(step).await?;
        self.compare(&kept)?;
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
                self.compare(&now)?;
                kept = now;
                if let Some((_, save)) = &mut self.save {
                    save(&programs(&self.program, self.parts.as_ref()))?;
                }
            }
            progress(step, losses[step as usize - 1]).reported()?;
        }
        Ok(())
    }

    /// Runs one step, counted from 0.
    async fn step(&mut self, step: u32) -> Result<()> {
        if let Some(parts) = &mut self.parts {
            let mean = parts.mean(&mut self.program, &mut self.drawn, step).await?;
            return parts.change(mean).await;
        }
        for (input, value) in self.drawn.of(step, 0)? {
            self.program.write(input, &value)?;
        }
        self.program.step_async().await
    }

    /// Refuses ranks whose states differ.
    fn compare(&self, kept: &Kept) -> Result<()> {
        self.parts.as_ref().map_or(Ok(()), |parts| parts.compare(kept.step, &kept.values))
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
        let what = match self.cause(&before, loss).await {
            Ok(Some(what)) => what,
            Ok(None) => format!("the loss is {loss} on this device, and not where the host repeats the step"),
            Err(e) => format!("the loss is {loss}; which value became so first is not known: {e}"),
        };
        Ok(Error::NotFinite { step: before.step + 1, steps: self.steps, what })
    }

    /// The value that became NaN or infinite first in the step after `before`.
    async fn cause(&mut self, before: &Kept, loss: f32) -> Result<Option<String>> {
        let Some(parts) = &mut self.parts else {
            let mut batch = self.fixed.clone();
            batch.extend(self.drawn.of(before.step, 0)?);
            return cause::Search { tape: &self.tape, names: &self.names, loss }.in_states(&before.values, &batch).await;
        };
        // Every rank looks through the parts of all, and finds the same.
        for part in 0..parts.count() {
            let mut batch = self.fixed.clone();
            batch.extend(self.drawn.of(before.step, part)?);
            batch.extend(parts.draw(before.step, part)?);
            let search = cause::Search { tape: &self.tape, names: &self.names, loss };
            if let Some(what) = search.among(&parts.results, &before.values, &batch).await? {
                return Ok(Some(format!("part {} of {}: {what}", part + 1, parts.count())));
            }
        }
        let mean = parts.mean(&mut self.program, &mut self.drawn, before.step).await?;
        cause::Search { tape: &parts.update_tape, names: &[], loss }.in_states(&before.values, &vec![mean]).await
    }

    async fn restore(&self, kept: &Kept) -> Result<()> {
        for (name, value) in &kept.values {
            self.state.write_async(name, value).await?;
        }
        Ok(())
    }
}
