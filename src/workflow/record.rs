//! A workflow on a tape.

use super::Workflow;
use super::block::Given;
use super::blocks;
use super::data::leading;
use super::parameter::{Extent, Parameter};
use super::place::{Place, not_a_name};
use crate::connectome::loss::Objective;
use crate::tensor::TensorType;
use crate::{Error, Result, Tape, Var};
use std::collections::{BTreeMap, BTreeSet};

/// The index of each subject of the batch, an input of workflows with parameters of their own for each.
pub(super) const SUBJECT: &str = "subject";

/// A recorded workflow.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) tape: Tape,
    pub(super) values: BTreeMap<String, Var>,
    /// What is filled for every batch: entries of the data, and [`SUBJECT`].
    pub(super) inputs: Vec<(String, Var)>,
    learnt: Vec<Var>,
}

struct Recorder<'a> {
    workflow: &'a Workflow,
    batch: usize,
    made: Recording,
    /// Parameters whose shapes are being found, so that one that needs its own is told.
    making: Vec<String>,
}

impl Recording {
    /// Every block over a batch of so many subjects.
    pub(super) fn forward(workflow: &Workflow, batch: usize) -> Result<Self> {
        let made = Self { tape: Tape::new(), values: BTreeMap::new(), inputs: Vec::new(), learnt: Vec::new() };
        let mut recorder = Recorder { workflow, batch, made, making: Vec::new() };
        for place in Place::root(&workflow.json).find("blocks").map_or(Ok(Vec::new()), |p| p.items())? {
            recorder.block(&place)?;
        }
        for name in workflow.wanted() {
            if !recorder.made.values.contains_key(&name) {
                recorder.named(&name)?;
            }
        }
        if let Some(unused) = workflow.parameters.iter().find(|p| !recorder.made.values.contains_key(&p.name)) {
            return Err(Error::argument(format!("{}: nothing uses it", unused.at)));
        }
        Ok(recorder.made)
    }

    /// A training step; `None` where there is nothing to learn.
    pub(super) fn training(workflow: &Workflow, batch: usize) -> Result<Option<Self>> {
        let mut made = Self::forward(workflow, batch)?;
        if made.learnt.is_empty() || workflow.terms.is_empty() {
            return Ok(None);
        }
        let tape = &mut made.tape;
        let mut objective = Objective::new();
        for term in &workflow.terms {
            let Some(&score) = made.values.get(&term.score) else {
                return Err(Error::argument(format!("{}.score: no value is called `{}`", term.at, term.score)));
            };
            let wrong = |e: Error| Error::argument(format!("{}: {e}", term.at));
            objective.term(tape, &term.name, term.weight.clone(), score, term.reduce.clone()).map_err(wrong)?;
        }
        let total = objective.total(tape)?;
        workflow.train.descent.record(tape, (total, objective.terms()), &made.learnt, workflow.train.steps)?;
        Ok(Some(made))
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

impl Recorder<'_> {
    fn block(&mut self, place: &Place<'_>) -> Result<()> {
        let kind = place.get("block")?;
        let name = place.get("name")?;
        let result = name.name()?;
        if self.made.values.contains_key(result) || self.known(result) {
            return Err(name.error(format!("another value is called `{result}`")));
        }
        let wanted = kind.text()?;
        let block = blocks::all().find(|b| b.name == wanted).ok_or_else(|| {
            let names: Vec<&str> = blocks::all().map(|b| b.name).collect();
            kind.error(format!("no block is called `{wanted}`: there are {}", names.join(", ")))
        })?;
        let data = &self.workflow.data;
        let array = |at: &Place<'_>| {
            let found = data.shared(at.text()?);
            found.cloned().ok_or_else(|| at.error("an array of the data that all subjects share is expected"))
        };
        let given = Given::read(block.arguments, place, &mut |at| self.named(at.text()?).map_err(at.wrap()), &array)?;
        let made = (block.build)(&mut self.made.tape, &given).map_err(place.wrap())?;
        for (part, var) in made {
            let name = if part.is_empty() { result.to_owned() } else { format!("{result}.{part}") };
            self.made.values.insert(name, var);
        }
        Ok(())
    }

    /// Whether a parameter or an entry of the data is called so.
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
            self.input(name, TensorType { dtype, shape })?
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
        let mut extents = Vec::with_capacity(parameter.shape.len());
        for extent in &parameter.shape {
            extents.push(match extent {
                Extent::Number(n) => *n,
                Extent::Of(name, axis) => {
                    let var = self.named(name).map_err(wrong)?;
                    let axis = self.made.tape.axis("shape", var, *axis).map_err(wrong)?;
                    self.made.tape.shape(var)[axis]
                }
            });
        }
        self.making.pop();
        let subject = if parameter.per_subject { Some((self.named(SUBJECT)?, self.workflow.data.subjects())) } else { None };
        let (free, image) = parameter.record(&mut self.made.tape, &extents, subject, self.workflow.seed)?;
        if parameter.learn {
            self.made.learnt.push(free);
        }
        Ok(image)
    }
}

/// That names of data and parameters are names, and no two the same.
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
