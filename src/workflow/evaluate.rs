//! Evaluation: the values that a trained model computes for subjects.

use super::Workflow;
use super::data::{Standards, leading};
use super::record::{Recording, SUBJECT};
use super::split::Fold;
use crate::training::Batch;
use crate::{Device, HostTensor, Result, State};
use std::collections::BTreeMap;

/// Values over some subjects, by name.
pub(super) type Values = BTreeMap<String, Evaluated>;

/// A value over some subjects.
#[derive(Debug, Clone)]
pub(super) struct Evaluated {
    pub(super) value: HostTensor,
    /// True where the value has a row for each subject.
    pub(super) of_subjects: bool,
}

/// The values of the model of one fold.
#[derive(Debug)]
pub(super) struct Evaluation {
    pub(super) train: Values,
    pub(super) test: Values,
    pub(super) standards: Standards,
}

/// Runs the model of a fold over the subjects that it was trained on and those that it is tested on.
pub(super) fn evaluate(workflow: &Workflow, device: &Device, state: &State, fold: &Fold) -> Result<Evaluation> {
    let standards = workflow.data.standards(&fold.train)?;
    let of = |subjects: &[usize]| over(workflow, device, state, subjects, &standards);
    let test = of(&fold.test)?;
    let train = if fold.train == fold.test { test.clone() } else { of(&fold.train)? };
    Ok(Evaluation { train, test, standards })
}

fn over(workflow: &Workflow, device: &Device, state: &State, subjects: &[usize], standards: &Standards) -> Result<Values> {
    let requested = workflow.requested();
    if requested.is_empty() {
        return Ok(Values::new());
    }
    let batch = workflow.batch_of(subjects);
    let recording = Recording::forward(workflow, batch)?;
    let of_subjects = recording.of_subjects();
    let outputs: Vec<_> = requested.iter().map(|name| recording.values[name]).collect();
    let mut program = device.compile_with(&recording.tape, &outputs, state)?;
    let mut rows: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    let mut values = Values::new();
    for some in subjects.chunks(batch) {
        // The last batch is filled up with its last subject.
        let filled: Vec<usize> = (0..batch).map(|i| some[i.min(some.len() - 1)]).collect();
        for (input, value) in inputs(workflow, &recording, &filled, standards)? {
            program.write(input, &value)?;
        }
        program.step()?;
        for (name, &var) in requested.iter().zip(&outputs) {
            let value = program.read(var)?;
            if of_subjects.contains(&var) && recording.leads(name, batch) {
                let each = value.shape().without(0).elements();
                rows.entry(name.clone()).or_default().extend_from_slice(&value.elements::<f32>()?[..some.len() * each]);
            } else {
                values.entry(name.clone()).or_insert(Evaluated { value, of_subjects: false });
            }
        }
    }
    for (name, found) in rows {
        let each = recording.tape.shape(recording.values[&name]).without(0);
        let value = HostTensor::f32(leading(subjects.len(), &each)?, found)?;
        values.insert(name, Evaluated { value, of_subjects: true });
    }
    Ok(values)
}

/// The inputs of a recording, filled with the data of some subjects.
pub(super) fn inputs(workflow: &Workflow, recording: &Recording, subjects: &[usize], standards: &Standards) -> Result<Batch> {
    let value = |name: &str| match name {
        SUBJECT => HostTensor::i32([subjects.len()], subjects.iter().map(|&s| s as i32).collect()),
        name => workflow.data.read(name, subjects, standards),
    };
    recording.inputs.iter().map(|(name, var)| Ok((*var, value(name)?))).collect()
}
