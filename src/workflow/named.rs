//! Blocks on a tape whose values have names, for programs that compose and train a model by themselves.

use super::block::{Name, Scope};
use super::blocks::step;
use super::parameter::{Parameter, parameter};
use super::place::{Files, Place, is_name, not_a_name};
use super::settings::descent;
use crate::tape::Init;
use crate::{Error, HostTensor, Result, Tape, TensorType, Var};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A tape whose values have names. The blocks of workflows are recorded on it one by one, described as in a workflow:
/// `examples/WORKFLOWS.md` lists them.
///
/// ```
/// use serde_json::json;
/// use tapetum::workflow::NamedTape;
/// use tapetum::{Device, HostTensor, TensorType};
///
/// // The slope of y = 2 x.
/// let mut named = NamedTape::new(0);
/// named.input("x", TensorType::f32([4]))?;
/// named.input("y", TensorType::f32([4]))?;
/// named.parameter("slope", &json!({ "shape": [1] }))?;
/// named.block(&json!({ "name": "line", "block": "multiply", "of": "x", "with": "slope" }))?;
/// named.block(&json!({ "name": "error", "block": "square_error", "predicted": "line", "target": "y" }))?;
/// named.block(&json!({ "name": "mean", "block": "reduce", "of": "error" }))?;
/// named.descend("mean", &json!({ "steps": 200, "rate": 0.1 }))?;
///
/// let mut program = Device::cpu().compile(named.tape(), &[named.var("slope")?])?;
/// program.write(named.var("x")?, &HostTensor::f32([4], vec![1.0, 2.0, 3.0, 4.0])?)?;
/// program.write(named.var("y")?, &HostTensor::f32([4], vec![2.0, 4.0, 6.0, 8.0])?)?;
/// program.steps(200)?;
/// assert!((program.read(named.var("slope")?)?.item()? - 2.0).abs() < 1e-2);
/// # Ok::<(), tapetum::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct NamedTape {
    tape: Tape,
    seed: u64,
    values: BTreeMap<String, Var>,
    /// Arrays that are recorded as constants when a block first names them as values.
    arrays: BTreeMap<String, HostTensor>,
    learnt: Vec<Var>,
    /// The parameters so far, which tells their draws apart.
    parameters: u32,
}

impl NamedTape {
    /// An empty tape; the seed is that of the parameters' first values.
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The tape.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The names of the values that are recorded, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The value of a name.
    ///
    /// # Errors
    /// Returns an error where there is none of that name.
    pub fn var(&self, name: &str) -> Result<Var> {
        self.values.get(name).copied().ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> Error {
        let known: Vec<&str> = self.values.keys().chain(self.arrays.keys()).map(String::as_str).collect();
        let known = if known.is_empty() { "there is none so far".to_owned() } else { format!("there are {}", known.join(", ")) };
        Error::argument(format!("no value is called `{name}` here: {known}"))
    }

    /// Checks that a new value may be called so.
    fn free(&self, name: &str) -> Result<()> {
        if !is_name(name) {
            return Err(Error::argument(not_a_name(name)));
        }
        if self.values.contains_key(name) || self.arrays.contains_key(name) {
            return Err(Error::argument(format!("another value is called `{name}`")));
        }
        Ok(())
    }

    fn insert(&mut self, name: &str, var: Var) {
        self.values.insert(name.to_owned(), var);
    }

    /// An input, which the caller fills before a step.
    ///
    /// # Errors
    /// Returns an error where the name is taken or is none, or the type is larger than this system addresses.
    pub fn input(&mut self, name: &str, ty: TensorType) -> Result<()> {
        self.free(name)?;
        let var = self.tape.input(name, ty)?;
        self.insert(name, var);
        Ok(())
    }

    /// A parameter, described as in a workflow: `{ "shape": [3, "series[0]"], "init": { "normal": 0.1 } }`. Its state is called
    /// `parameters.NAME`.
    ///
    /// # Errors
    /// Returns an error where the name is taken or is none, or the description is not one of a parameter of all subjects.
    pub fn parameter(&mut self, name: &str, described: &Value) -> Result<()> {
        self.free(name)?;
        let files = no_files();
        let described = parameter().read(&Place::called(described, &format!("parameters.{name}"), &files))?;
        let parameter = Parameter::new(name.to_owned(), described, self.parameters);
        if parameter.per_subject {
            return Err(Error::argument(format!("{}.per: `all` is expected, for a tape knows no subjects", parameter.at)));
        }
        let extents = parameter.extents(|name, axis| {
            let var = self.var(name)?;
            Ok(self.tape.shape(var)[self.tape.axis("shape", var, axis)?])
        })?;
        let (free, image) = parameter.record(&mut self.tape, &extents, None, self.seed)?;
        self.parameters += 1;
        if parameter.learn {
            self.learnt.push(free);
        }
        self.insert(name, image);
        Ok(())
    }

    /// A state with its first value, which lasts between steps; [`NamedTape::assign`] says what it is after one.
    ///
    /// # Errors
    /// Returns an error where the name is taken or is none.
    pub fn state(&mut self, name: &str, first: HostTensor) -> Result<()> {
        self.free(name)?;
        let var = self.tape.state(name, first.ty(), Init::Value(first))?;
        self.insert(name, var);
        Ok(())
    }

    /// Says what a state is after a step.
    ///
    /// # Errors
    /// Returns an error where `state` is no state, or the value has another type.
    pub fn assign(&mut self, state: &str, value: &str) -> Result<()> {
        let (state, value) = (self.var(state)?, self.var(value)?);
        self.tape.assign(state, value)
    }

    /// An array that does not change, for blocks that take a value or an array.
    ///
    /// # Errors
    /// Returns an error where the name is taken or is none.
    pub fn array(&mut self, name: &str, values: HostTensor) -> Result<()> {
        self.free(name)?;
        self.arrays.insert(name.to_owned(), values.to_real::<f32>());
        Ok(())
    }

    /// Records a block, described as in a workflow: `{ "name": "connectome", "block": "correlation", "series": "series" }`.
    ///
    /// # Errors
    /// Returns an error where the name is taken or is none, the description is not that of a block, or a value does not suit it.
    pub fn block(&mut self, described: &Value) -> Result<()> {
        let files = no_files();
        let place = Place::called(described, "block", &files);
        let read = step().read(&place)?;
        self.free(&read.value.name.value).map_err(|e| read.value.name.error(e))?;
        let made = read.value.on(self, &read.at)?;
        self.values.extend(made);
        Ok(())
    }

    /// Records the gradient of a scalar with respect to values. `wrt` has the name of each value, and the name of its gradient.
    ///
    /// # Errors
    /// Returns an error where a name is taken or is none, `of` has more than one element, or an op in between has no gradient.
    pub fn gradient(&mut self, of: &str, wrt: &[(&str, &str)]) -> Result<()> {
        let of = self.var(of)?;
        for (i, (_, name)) in wrt.iter().enumerate() {
            self.free(name)?;
            if wrt[..i].iter().any(|(_, other)| other == name) {
                return Err(Error::argument(format!("two gradients are called `{name}`")));
            }
        }
        let vars = wrt.iter().map(|(value, _)| self.var(value)).collect::<Result<Vec<_>>>()?;
        let found = self.tape.gradient(of, &vars)?;
        wrt.iter().zip(found).for_each(|((_, name), var)| self.insert(name, var));
        Ok(())
    }

    /// Records the descent of every learnt parameter along the gradient of a loss, described as `train` of a workflow is, without what
    /// concerns subjects: `{ "steps": 150, "rate": 0.1, "optimiser": "adam", "clip": 1 }`. The state `loss` keeps the loss of each step.
    ///
    /// # Errors
    /// Returns an error where the description is another, there is no parameter to learn, or as
    /// [`Descent::record`](crate::training::Descent::record).
    pub fn descend(&mut self, loss: &str, described: &Value) -> Result<()> {
        let files = no_files();
        let (descent, steps) = descent().read(&Place::called(described, "train", &files))?;
        if self.learnt.is_empty() {
            return Err(Error::argument("train: there is no parameter to learn"));
        }
        let loss = self.var(loss)?;
        descent.record(&mut self.tape, (loss, &[]), &self.learnt, steps)
    }
}

/// Files are looked for from the folder that the process is in.
fn no_files() -> Files {
    Files::of(PathBuf::new(), None)
}

impl Scope for NamedTape {
    fn tape(&mut self) -> &mut Tape {
        &mut self.tape
    }

    fn value(&mut self, name: &Name) -> Result<Var> {
        if !self.values.contains_key(&name.value)
            && let Some(values) = self.arrays.get(&name.value)
        {
            let var = self.tape.constant(values.clone())?;
            self.insert(&name.value, var);
        }
        self.var(&name.value).map_err(|e| name.error(e))
    }

    fn array(&self, name: &Name) -> Result<HostTensor> {
        self.arrays.get(&name.value).cloned().ok_or_else(|| name.error(format!("no array is called `{}`", name.value)))
    }
}
