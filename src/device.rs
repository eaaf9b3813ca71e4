//! The interface to all devices: a device, programs on it, and the state that programs share.

use crate::blocking::block_on;
use crate::gpu::{self, Context, Counts, Options, Profile};
use crate::host::{self, Precision};
use crate::kernel::Target;
use crate::plan::Plan;
use crate::tape::{Tape, Var};
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};
#[cfg(not(target_arch = "wasm32"))]
use std::time::Duration;

mod proof;
mod state;

pub use state::State;
use state::Store;

/// A device on which programs run: a GPU, or the host's CPU.
///
/// ```
/// use tapetum::{Device, Tape};
///
/// let mut tape = Tape::new();
/// let half = tape.full([2], 0.5)?;
/// for device in [Device::cpu(), Device::oracle()] {
///     assert_eq!(device.compile(&tape, &[half])?.run(&[])?[0].to_f64_vec(), [0.5, 0.5]);
/// }
/// // On a GPU where there is one: Device::auto(), or by name: Device::named("nvidia")?
/// # Ok::<(), tapetum::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Device {
    /// A GPU, or a CPU under a graphics API.
    Gpu(Context),
    /// The host's cores, by the ops' definitions.
    Cpu(Precision),
}

impl Device {
    /// The host executor in f32.
    pub fn cpu() -> Self {
        Self::Cpu(Precision::F32)
    }

    /// The host executor in f64: the oracle.
    pub fn oracle() -> Self {
        Self::Cpu(Precision::F64)
    }

    /// The GPU that `options` choose.
    ///
    /// # Errors
    /// The same as those of [`Context::new`].
    pub fn gpu(options: &Options) -> Result<Self> {
        block_on(Self::gpu_async(options))?
    }

    /// The asynchronous form of [`Device::gpu`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Context::new`].
    pub async fn gpu_async(options: &Options) -> Result<Self> {
        Context::new_async(options).await.map(Self::Gpu)
    }

    /// A hardware GPU where there is one, else the host executor in f32. In a browser only [`Device::auto_async`] can look for a GPU.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn auto() -> Self {
        pollster::block_on(Self::auto_async())
    }

    /// The asynchronous form of `Device::auto`, for callers that must not block.
    pub async fn auto_async() -> Self {
        Self::gpu_async(&Options::default()).await.unwrap_or_else(|_| Self::cpu())
    }

    /// The device of a name: `cpu`, `auto` ([`Device::auto_async`]), or an adapter by its index or part of its name, software ones too.
    ///
    /// # Errors
    /// Returns an error where no adapter has this name.
    pub fn named(name: &str) -> Result<Self> {
        block_on(Self::named_async(name))?
    }

    /// The asynchronous form of [`Device::named`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Device::named`].
    pub async fn named_async(name: &str) -> Result<Self> {
        match name {
            "cpu" => Ok(Self::cpu()),
            "auto" => Ok(Self::auto_async().await),
            name => Self::gpu_async(&Options { choice: gpu::Choice::parse(name), software: true, ..Options::default() }).await,
        }
    }

    /// The adapter's name, or `cpu`.
    pub fn name(&self) -> &str {
        match self {
            Self::Gpu(context) => context.adapter().name(),
            Self::Cpu(_) => "cpu",
        }
    }

    /// The most bytes of a tensor: what the device binds at once. The host has no such limit.
    pub fn max_binding(&self) -> u64 {
        match self {
            Self::Gpu(context) => context.target().max_binding,
            Self::Cpu(_) => u64::MAX,
        }
    }

    /// Runs products on the device's cooperative matrices, unless that has been done: what compiling the first program that would take
    /// them does as well. Returns the largest error, relative to the root mean square of the products.
    ///
    /// # Errors
    /// The reason why products do not run on them.
    pub fn prove_cooperative(&self) -> std::result::Result<f64, String> {
        match self {
            Self::Gpu(context) => block_on(proof::prove(context)).map_err(|e| e.to_string())?,
            Self::Cpu(_) => Err("the host has none".into()),
        }
    }

    /// True where a program was compiled on this device whose products run on cooperative matrices.
    pub fn cooperative(&self) -> bool {
        matches!(self, Self::Gpu(context) if matches!(context.cooperative(), Some(Ok(_))))
    }

    /// The same device, with kernels pinned to variants: pairs of kernel and variant. The host has none.
    pub fn with_variants(&self, variants: impl IntoIterator<Item = (String, String)>) -> Self {
        match self {
            Self::Gpu(context) => Self::Gpu(context.with_variants(variants)),
            Self::Cpu(precision) => Self::Cpu(*precision),
        }
    }

    /// Compiles the parts of the tape that `outputs` and the tape's assignments need. The program has state of its own.
    ///
    /// # Errors
    /// Returns an error where a var is of another tape, a tensor is larger than the device binds, a shader does not compile, or memory runs
    /// out.
    pub fn compile(&self, tape: &Tape, outputs: &[Var]) -> Result<Program> {
        self.compile_with(tape, outputs, &State::new(self))
    }

    /// [`Device::compile`] on state that other programs share. States that `state` does not hold yet are initialised; those that it holds
    /// must have this tape's types.
    ///
    /// ```
    /// use tapetum::{Device, Init, State, Tape, TensorType};
    ///
    /// // One program counts, another looks at the count.
    /// let counter = |advance: bool| {
    ///     let mut tape = Tape::new();
    ///     let count = tape.state("count", TensorType::f32([1]), Init::Zeros)?;
    ///     if advance {
    ///         let one = tape.scalar(1.0)?;
    ///         let next = tape.add(count, one)?;
    ///         tape.assign(count, next)?;
    ///     }
    ///     Ok::<_, tapetum::Error>((tape, count))
    /// };
    /// let (device, ((counting, _), (looking, count))) = (Device::cpu(), (counter(true)?, counter(false)?));
    /// let state = State::new(&device);
    /// device.compile_with(&counting, &[], &state)?.steps(3)?;
    /// let mut program = device.compile_with(&looking, &[count], &state)?;
    /// assert_eq!(program.run(&[])?[0].to_f64_vec(), [3.0]);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns the errors of [`Device::compile`], and an error where `state` belongs to another device or holds a state of another type.
    pub fn compile_with(&self, tape: &Tape, outputs: &[Var], state: &State) -> Result<Program> {
        block_on(self.compile_async(tape, outputs, state))?
    }

    /// The asynchronous form of [`Device::compile_with`], for callers that must not block.
    pub async fn compile_async(&self, tape: &Tape, outputs: &[Var], state: &State) -> Result<Program> {
        let engine = match self {
            Self::Cpu(precision) => {
                let program = host::Executor::new(tape, outputs, *precision)?;
                for (name, ty, init) in program.states() {
                    state.begin(name, ty, init).await?;
                }
                Engine::Host(Box::new(program))
            }
            Self::Gpu(context) => Engine::Gpu(Box::new(bind(context, proof::plan(context, tape, outputs).await?, state).await?)),
        };
        let inputs = tape.nodes().iter().filter_map(|n| match &n.origin {
            crate::tape::Origin::Input(name) => Some((name.clone(), tape.var(n.outputs.start), tape.ty(tape.var(n.outputs.start)))),
            _ => None,
        });
        let names = (0..tape.len()).map(|i| tape.describe(tape.var(i)).into_boxed_str()).collect();
        let first = (!tape.is_empty()).then(|| tape.var(0));
        Ok(Program { engine, state: state.clone(), inputs: inputs.collect(), outputs: outputs.to_vec(), names, first })
    }
}

/// Binds a plan to a device, and to the state that it reads and updates; states that `state` does not hold yet are initialised.
///
/// # Errors
/// Returns an error where `state` belongs to another device or holds a state of another type, a shader does not compile, or memory runs
/// out.
#[allow(clippy::await_holding_lock, reason = "the store is this thread's while its buffers are bound: a browser has one thread")]
pub(crate) async fn bind(context: &Context, plan: Plan, state: &State) -> Result<gpu::GpuProgram> {
    for (name, ty, init) in &plan.states {
        state.begin(name, *ty, init).await?;
    }
    let store = state.lock();
    let Store::Gpu(buffers) = &*store else { return Err(elsewhere()) };
    gpu::GpuProgram::new(context.clone(), plan, buffers).await
}

fn elsewhere() -> Error {
    Error::argument("the state belongs to another device than the program")
}

/// A tape compiled for a device.
#[derive(Debug)]
pub struct Program {
    engine: Engine,
    state: State,
    inputs: Vec<(String, Var, TensorType)>,
    outputs: Vec<Var>,
    /// The name of each value in messages.
    names: Vec<Box<str>>,
    /// The tape's first value, by which values of another tape are recognised.
    first: Option<Var>,
}

#[derive(Debug)]
enum Engine {
    Host(Box<host::Executor>),
    Gpu(Box<gpu::GpuProgram>),
}

/// An output on its way from a device.
#[derive(Debug)]
pub(crate) enum Reading {
    Host(HostTensor),
    Gpu(gpu::Reading),
}

impl Reading {
    /// The output, as soon as it is there.
    pub(crate) async fn value(self) -> Result<HostTensor> {
        match self {
            Self::Host(value) => Ok(value),
            Self::Gpu(reading) => reading.value().await,
        }
    }
}

impl Program {
    /// The state it reads and updates.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Fills an input, which keeps its value until it is filled again. A value held in double precision is rounded to the precision of the
    /// device.
    ///
    /// # Errors
    /// Returns an error where `input` is not an input of the tape, or the value has another type.
    pub fn write(&mut self, input: Var, value: &HostTensor) -> Result<()> {
        let found = self.inputs.iter().find(|(_, v, _)| *v == input);
        let (name, _, ty) = found.ok_or_else(|| Error::argument(format!("value %{} is no input of this program", input.index())))?;
        if value.ty() != *ty {
            return Err(Error::tensor(name, format!("is {ty}, written with {}", value.ty())));
        }
        match &mut self.engine {
            Engine::Host(program) => {
                program.write(input, value);
                Ok(())
            }
            // An input of the tape that the outputs do not need is ignored, here as on the host.
            Engine::Gpu(program) if !program.plan().inputs.iter().any(|(_, _, v)| *v == input) => Ok(()),
            Engine::Gpu(program) if value.is_f64() => program.write(input, &value.to_real::<f32>()),
            Engine::Gpu(program) => program.write(input, value),
        }
    }

    /// Runs one step. On a GPU the call returns when the step is submitted.
    ///
    /// # Errors
    /// Returns an error where an input was never written, or the device reports a fault.
    pub fn step(&mut self) -> Result<()> {
        self.steps(1)
    }

    /// The asynchronous form of [`Program::step`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Program::step`].
    pub async fn step_async(&mut self) -> Result<()> {
        self.steps_async(1).await
    }

    /// Runs `n` steps; on a GPU, in one submission.
    ///
    /// ```
    /// use tapetum::{Device, Init, Tape, TensorType};
    ///
    /// // Twice as much every step.
    /// let mut tape = Tape::new();
    /// let x = tape.state("x", TensorType::f32([1]), Init::Full(1.0))?;
    /// let twice = tape.scale(x, 2.0)?;
    /// tape.assign(x, twice)?;
    /// let mut program = Device::cpu().compile(&tape, &[])?;
    /// program.step()?;
    /// program.steps(9)?;
    /// assert_eq!(program.state().read("x")?.to_f64_vec(), [1024.0]);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// The same as those of [`Program::step`].
    pub fn steps(&mut self, n: usize) -> Result<()> {
        block_on(self.steps_async(n))?
    }

    /// The asynchronous form of [`Program::steps`], for callers that must not block. On a GPU it is done when the steps are submitted and
    /// no more than three submissions are in flight.
    ///
    /// # Errors
    /// The same as those of [`Program::step`].
    pub async fn steps_async(&mut self, n: usize) -> Result<()> {
        match &mut self.engine {
            Engine::Gpu(program) => program.steps_async(n).await,
            Engine::Host(program) => {
                let mut store = self.state.lock();
                let Store::Host(_, values) = &mut *store else { return Err(elsewhere()) };
                (0..n).try_for_each(|_| program.step(values))
            }
        }
    }

    /// Waits until the steps submitted so far are done.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn wait(&self) -> Result<()> {
        block_on(self.wait_async())?
    }

    /// The asynchronous form of [`Program::wait`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Program::wait`].
    pub async fn wait_async(&self) -> Result<()> {
        match self.gpu() {
            Some(program) => program.wait_async().await,
            None => Ok(()),
        }
    }

    /// An output as the last step left it.
    ///
    /// # Errors
    /// Returns an error where `output` is not an output of this program, no step has run, or the device reports a fault.
    pub fn read(&self, output: Var) -> Result<HostTensor> {
        block_on(self.read_async(output))?
    }

    /// The asynchronous form of [`Program::read`], for callers that must not block.
    pub async fn read_async(&self, output: Var) -> Result<HostTensor> {
        self.begin_read(output).await?.value().await
    }

    /// Begins to read an output as the last step so far leaves it. Steps that are run before the value is taken do not change it, and a GPU
    /// computes them meanwhile.
    pub(crate) async fn begin_read(&self, output: Var) -> Result<Reading> {
        match &self.engine {
            Engine::Gpu(program) if program.counts().steps > 0 && self.outputs.contains(&output) => {
                Ok(Reading::Gpu(program.begin_read(output).await?))
            }
            Engine::Gpu(_) => Err(self.unreadable(output)),
            Engine::Host(program) => program.read(output).cloned().map(Reading::Host).ok_or_else(|| self.unreadable(output)),
        }
    }

    fn unreadable(&self, output: Var) -> Error {
        let name = match self.names.get(output.index()) {
            Some(name) if self.first.is_some_and(|first| first.is_of_the_tape_of(output)) => name,
            _ => return Error::argument(format!("value %{} is of another tape than this program", output.index())),
        };
        if self.outputs.contains(&output) {
            return Error::argument(format!("`{name}` has no value yet: no step of this program has run"));
        }
        Error::argument(format!("`{name}` is no output of this program: name it among the outputs that it is compiled for"))
    }

    /// Fills inputs, runs once, and reads every output in the order they were given to `compile`.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// let mut tape = Tape::new();
    /// let (a, b) = (tape.input("a", TensorType::f32([2, 2]))?, tape.input("b", TensorType::f32([2, 1]))?);
    /// let product = tape.matmul(a, b)?;
    /// let mut program = Device::cpu().compile(&tape, &[product])?;
    /// let (a_is, b_is) = (HostTensor::f32([2, 2], vec![1.0, 2.0, 3.0, 4.0])?, HostTensor::f32([2, 1], vec![1.0, -1.0])?);
    /// assert_eq!(program.run(&[(a, &a_is), (b, &b_is)])?[0].to_f64_vec(), [-1.0, -1.0]);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns the errors of [`Program::write`], [`Program::step`] and [`Program::read`].
    pub fn run(&mut self, inputs: &[(Var, &HostTensor)]) -> Result<Vec<HostTensor>> {
        block_on(self.run_async(inputs))?
    }

    /// The asynchronous form of [`Program::run`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Program::run`].
    pub async fn run_async(&mut self, inputs: &[(Var, &HostTensor)]) -> Result<Vec<HostTensor>> {
        for (var, value) in inputs {
            self.write(*var, value)?;
        }
        self.step_async().await?;
        let mut values = Vec::with_capacity(self.outputs.len());
        for &output in &self.outputs {
            values.push(self.read_async(output).await?);
        }
        Ok(values)
    }

    /// The numbers of submissions, dispatches and uploads so far; all are zero on the host.
    pub fn counts(&self) -> Counts {
        self.gpu().map(gpu::GpuProgram::counts).unwrap_or_default()
    }

    /// The plan, where the program runs on a GPU.
    pub fn plan(&self) -> Option<&Plan> {
        self.gpu().map(gpu::GpuProgram::plan)
    }

    /// The plan that a program on the host would have on the GPU `target`.
    ///
    /// # Errors
    /// Returns an error where the program runs on a GPU, whose plan [`Program::plan`] gives; and as [`Plan::new`].
    pub fn plan_for(&self, target: &Target) -> Result<Plan> {
        match &self.engine {
            Engine::Host(program) => program.plan(target),
            Engine::Gpu(_) => Err(Error::argument("a program on a GPU has a plan already")),
        }
    }

    /// The program on the GPU, for applications that encode it themselves; `None` on the host.
    pub fn gpu(&self) -> Option<&gpu::GpuProgram> {
        if let Engine::Gpu(program) = &self.engine { Some(program) } else { None }
    }

    /// The program on the GPU, to bind buffers and to encode; `None` on the host.
    pub fn gpu_mut(&mut self) -> Option<&mut gpu::GpuProgram> {
        if let Engine::Gpu(program) = &mut self.engine { Some(program) } else { None }
    }

    /// Runs one step on the host. The result holds, for each value of the tape by its index, true where an element meets `test`.
    pub(crate) fn flawed(&mut self, test: impl Fn(f64) -> bool + Sync) -> Result<Vec<bool>> {
        let Engine::Host(program) = &mut self.engine else {
            return Err(Error::argument("a GPU runs dispatches, not nodes of the tape"));
        };
        match &mut *self.state.lock() {
            Store::Host(_, values) => program.flawed(values, test),
            Store::Gpu(_) => Err(elsewhere()),
        }
    }

    /// Runs one step on the host and returns the time of each node of the tape, by its index: zero for nodes that do not run.
    ///
    /// # Errors
    /// Returns an error on a GPU, where [`profile`](Self::profile) serves instead, and as [`Program::step`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn profile_nodes(&mut self) -> Result<Vec<Duration>> {
        let Engine::Host(program) = &mut self.engine else {
            return Err(Error::argument("a GPU runs dispatches, not nodes of the tape"));
        };
        match &mut *self.state.lock() {
            Store::Host(_, values) => program.profile(values),
            Store::Gpu(_) => Err(elsewhere()),
        }
    }

    /// Runs one step on the GPU with a timestamp before and after every dispatch.
    ///
    /// # Errors
    /// Returns an error on the host executor, and where the device has no timestamps.
    pub fn profile(&mut self) -> Result<Profile> {
        match &mut self.engine {
            Engine::Gpu(program) => block_on(program.profile())?,
            Engine::Host(_) => Err(Error::argument("the host executor has no GPU timestamps")),
        }
    }
}
