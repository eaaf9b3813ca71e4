//! A workflow on a tape.

use super::Workflow;
use super::block::{Name, Scope, Step};
use super::data::{kept_of, present_of};
use super::form::Placed;
use super::parameter::Parameter;
use super::place::not_a_name;
use super::rows::leading;

use crate::connectome::loss::Objective;
use crate::tensor::TensorType;
use crate::training::Divided;
use crate::{Error, HostTensor, Result, Shape, Tape, Var};
use std::collections::{BTreeMap, BTreeSet};

/// The name of the input that holds the index of each subject of the batch. Workflows with parameters for each subject have this input.
pub(super) const SUBJECT: &str = "subject";

/// A recorded workflow.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) tape: Tape,
    pub(super) values: BTreeMap<String, Var>,
    /// Inputs that are filled for every batch: entries of the data, and [`SUBJECT`].
    pub(super) inputs: Vec<(String, Var)>,
    /// The step in parts, where it is divided; the tape is then that of a part.
    pub(super) divided: Option<Divided>,
    learnt: Vec<Var>,
}

struct Recorder<'a> {
    workflow: &'a Workflow,
    batch: usize,
    made: Recording,
    /// The parameters whose shapes are being resolved, so that a shape that depends on itself is refused.
    making: Vec<String>,
}

impl Recording {
    /// Records every block over a batch of `batch` subjects.
    pub(super) fn forward(workflow: &Workflow, batch: usize) -> Result<Self> {
        let made = Self { tape: Tape::new(), values: BTreeMap::new(), inputs: Vec::new(), divided: None, learnt: Vec::new() };
        let mut recorder = Recorder { workflow, batch, made, making: Vec::new() };
        for step in &workflow.steps {
            recorder.step(step)?;
        }
        for name in workflow.requests.iter().map(|request| &request.value).chain(workflow.metrics.iter().flat_map(|m| m.value.values())) {
            recorder.value(name)?;
        }
        if let Some(unused) = workflow.parameters.iter().find(|p| !recorder.made.values.contains_key(&p.name)) {
            return Err(Error::argument(format!("{}: nothing uses it", unused.at)));
        }
        let made = |name: &str| recorder.made.values.contains_key(name);
        if let Some(name) = workflow.data.censoring().find(|name| made(name) && !made(&kept_of(name))) {
            let what = "scrubbing censors frames, which the confounds alone do not";
            let how = format!("give `{}` as weights to the regression and to the correlation after it", kept_of(name));
            return Err(Error::argument(format!("data.{name}: {what}: {how}")));
        }
        Ok(recorder.made)
    }

    /// Records a training step over a batch of `batch` subjects; `None` where there is nothing to learn.
    pub(super) fn training(workflow: &Workflow, batch: usize) -> Result<Option<Self>> {
        let parts = workflow.train.microbatches;
        let mut made = Self::forward(workflow, batch / parts)?;
        if made.learnt.is_empty() || workflow.terms.is_empty() {
            return Ok(None);
        }
        let tape = &mut made.tape;
        let mut objective = Objective::new();
        for term in &workflow.terms {
            let Placed { value: term, at } = term;
            let Some(&score) = made.values.get(&term.score.value) else {
                return Err(term.score.error(format!("no value is called `{}`", term.score.value)));
            };
            let wrong = |e: Error| Error::argument(format!("{at}: {e}"));
            objective.term(tape, &term.name, term.weight.over(workflow.train.steps), score, term.reduce.clone()).map_err(wrong)?;
        }
        let total = objective.total(tape)?;
        let (descent, steps) = (&workflow.train.descent, workflow.train.steps);
        match parts {
            1 => descent.record(tape, (total, objective.terms()), &made.learnt, steps)?,
            _ => made.divided = Some(descent.divide(tape, (total, objective.terms()), &made.learnt, steps)?),
        }
        Ok(Some(made))
    }

    /// The shape of a value by its name.
    pub(super) fn shape(&self, name: &Name) -> Result<Shape> {
        match self.values.get(&name.value) {
            Some(&var) => Ok(self.tape.shape(var)),
            None => Err(name.error(format!("no value is called `{}`", name.value))),
        }
    }

    /// True where the first axis of a value is as long as the batch.
    pub(super) fn leads(&self, name: &str, batch: usize) -> bool {
        self.tape.shape(self.values[name]).first() == Some(&batch)
    }

    /// Warnings about entries that are used, in which a region has no value, and whose weights of regions are not used.
    pub(super) fn unused_weights(&self, workflow: &Workflow) -> Vec<String> {
        let made = |name: &str| self.values.contains_key(name);
        let unused = workflow.data.with_missing().filter(|name| made(name) && !made(&present_of(name)));
        let warning = |name: &str| {
            let weights = present_of(name);
            format!(
                "warning: data.{name}: regions without values are 0, and so is what is computed of them alone; nothing uses `{weights}`"
            )
        };
        unused.map(warning).collect()
    }

    /// The inputs that a value depends on.
    pub(super) fn inputs_of(&self, var: Var) -> BTreeSet<Var> {
        let mut needed = BTreeSet::from([var]);
        for node in self.tape.nodes().iter().rev() {
            if node.outputs.clone().any(|index| needed.contains(&self.tape.var(index))) {
                needed.extend(node.inputs.iter().copied());
            }
        }
        needed
    }

    /// The values that depend on which subjects are in the batch.
    pub(super) fn of_subjects(&self) -> BTreeSet<Var> {
        let mut found: BTreeSet<Var> = self.inputs.iter().map(|(_, var)| *var).collect();
        for node in self.tape.nodes() {
            if node.inputs.iter().any(|var| found.contains(var)) {
                found.extend(node.outputs.clone().map(|index| self.tape.var(index)));
            }
        }
        found
    }
}

impl Scope for Recorder<'_> {
    fn tape(&mut self) -> &mut Tape {
        &mut self.made.tape
    }

    fn value(&mut self, name: &Name) -> Result<Var> {
        self.named(&name.value).map_err(|e| name.error(e))
    }

    fn array(&self, name: &Name) -> Result<HostTensor> {
        let found = self.workflow.data.shared(&name.value);
        found.cloned().ok_or_else(|| name.error("an array of the data that all subjects share is expected"))
    }
}

impl Recorder<'_> {
    fn step(&mut self, step: &Placed<Step>) -> Result<()> {
        let Placed { value: step, at } = step;
        let name = &step.name;
        if self.made.values.contains_key(&name.value) || self.known(&name.value) {
            return Err(name.error(format!("another value is called `{}`", name.value)));
        }
        let made = step.on(self, at)?;
        self.made.values.extend(made);
        Ok(())
    }

    /// True where a parameter or an entry of the data is called so.
    fn known(&self, name: &str) -> bool {
        name == SUBJECT || self.workflow.parameters.iter().any(|p| p.name == name) || self.workflow.data.names().any(|n| n == name)
    }

    /// A value by its name: of a block before, or a parameter or an entry of the data, recorded when first asked for.
    fn named(&mut self, name: &str) -> Result<Var> {
        if let Some(&var) = self.made.values.get(name) {
            return Ok(var);
        }
        let workflow = self.workflow;
        let var = if name == SUBJECT {
            self.input(name, TensorType::i32([self.batch]))?
        } else if let Some((dtype, each)) = workflow.data.each(name) {
            let shape = leading(self.batch, &each)?;
            let input = self.input(name, TensorType { dtype, shape })?;
            if workflow.data.is_centred(name) { self.moved_back(input)? } else { input }
        } else if let Some(value) = workflow.data.shared(name) {
            self.made.tape.constant(value.clone())?
        } else if let Some(parameter) = workflow.parameters.iter().find(|p| p.name == name) {
            self.parameter(parameter)?
        } else {
            let known = workflow.data.names().chain(workflow.parameters.iter().map(|p| p.name.as_str()));
            let known: Vec<&str> = known.chain(self.made.values.keys().map(String::as_str)).collect::<BTreeSet<_>>().into_iter().collect();
            return Err(Error::argument(format!("no value is called `{name}` here: there are {}", known.join(", "))));
        };
        self.made.values.insert(name.to_owned(), var);
        Ok(var)
    }

    /// Restores the original series from centred series, whose last frame is the mean.
    fn moved_back(&mut self, input: Var) -> Result<Var> {
        let tape = &mut self.made.tape;
        let time = tape.shape(input).last().copied().unwrap_or(1) - 1;
        let (series, means) = (tape.slice(input, -1, 0, time, 1)?, tape.slice(input, -1, time, time + 1, 1)?);
        tape.with_means(series, means)
    }

    fn input(&mut self, name: &str, ty: TensorType) -> Result<Var> {
        let var = self.made.tape.input(name, ty)?;
        self.made.inputs.push((name.to_owned(), var));
        Ok(var)
    }

    fn parameter(&mut self, parameter: &Parameter) -> Result<Var> {
        let wrong = |e: Error| Error::argument(format!("{}.shape: {e}", parameter.at));
        if self.making.contains(&parameter.name) {
            return Err(wrong(Error::argument("it depends on itself")));
        }
        self.making.push(parameter.name.clone());
        let extents = parameter.extents(|name, axis| {
            let var = self.named(name)?;
            Ok(self.made.tape.shape(var)[self.made.tape.axis("shape", var, axis)?])
        })?;
        self.making.pop();
        let subject = if parameter.per_subject { Some((self.named(SUBJECT)?, self.workflow.data.subjects())) } else { None };
        let (free, image) = parameter.record(&mut self.made.tape, &extents, subject, self.workflow.seed)?;
        if parameter.learn {
            self.made.learnt.push(free);
        }
        Ok(image)
    }
}

/// Checks that the names of data and parameters are valid and distinct.
pub(super) fn distinct_names(workflow: &Workflow) -> Result<()> {
    let mut seen: BTreeSet<&str> = workflow.data.names().collect();
    if seen.contains(SUBJECT) {
        return Err(Error::argument(format!("data.{SUBJECT}: the name is taken by the index of each subject")));
    }
    for parameter in &workflow.parameters {
        if !super::place::is_name(&parameter.name) {
            return Err(Error::argument(format!("parameters: {}", not_a_name(&parameter.name))));
        }
        if parameter.name == SUBJECT || !seen.insert(&parameter.name) {
            return Err(Error::argument(format!("{}: another value is called `{}`", parameter.at, parameter.name)));
        }
    }
    Ok(())
}
