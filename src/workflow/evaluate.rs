//! Evaluation: the values that a trained model computes for subjects.

use super::Workflow;
use super::data::Standards;
use super::record::{Recording, SUBJECT};
use super::rows::leading;
use super::split::Fold;
use crate::connectome::connectivity::condition::largest;
use crate::training::Batch;
use crate::{Device, HostTensor, Result, State};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The largest condition number of what is inverted for the values; `None` where nothing is.
    pub(super) condition: Option<f64>,
}

/// Runs the model of a fold over the subjects that it was trained on and those that it is tested on.
pub(super) async fn evaluate(workflow: &Workflow, device: &Device, state: &State, fold: &Fold) -> Result<Evaluation> {
    let standards = workflow.data.standards(&fold.train)?;
    let requested = workflow.requested();
    let (test, of_test) = over(workflow, device, state, &requested, &fold.test, &standards).await?;
    let (train, of_train) = match fold.train == fold.test {
        true => (test.clone(), of_test),
        false => over(workflow, device, state, &requested, &fold.train, &standards).await?,
    };
    let conditions: Vec<f64> = of_test.into_iter().chain(of_train).collect();
    let condition = (!conditions.is_empty()).then(|| largest(&conditions));
    Ok(Evaluation { train, test, standards, condition })
}

/// The largest condition number of what is inverted for the losses of the training subjects, in the given state.
pub(super) async fn condition_of_losses(workflow: &Workflow, device: &Device, state: &State, fold: &Fold) -> Result<Option<f64>> {
    let standards = workflow.data.standards(&fold.train)?;
    let scores = workflow.terms.iter().map(|term| term.value.score.value.clone()).collect();
    Ok(over(workflow, device, state, &scores, &fold.train, &standards).await?.1)
}

/// The values of these names over some subjects, and the largest condition number of what is inverted for them.
async fn over(
    workflow: &Workflow,
    device: &Device,
    state: &State,
    names: &BTreeSet<String>,
    subjects: &[usize],
    standards: &Standards,
) -> Result<(Values, Option<f64>)> {
    if names.is_empty() {
        return Ok((Values::new(), None));
    }
    let batch = workflow.batch_of(subjects);
    let mut recording = Recording::forward(workflow, batch)?;
    let of_subjects = recording.of_subjects();
    let outputs: Vec<_> = names.iter().map(|name| recording.values[name]).collect();
    // A training may bring regressors together, of which the residual then loses little; a result without a training is to lose none.
    let conditions = match workflow.terms.is_empty() {
        true => recording.tape.conditions_and_rows(&outputs)?,
        false => recording.tape.conditions(&outputs)?,
    };
    let mut program = device.compile_async(&recording.tape, &[&outputs[..], &conditions].concat(), state).await?;
    let mut found = Vec::new();
    let mut rows: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    let mut values = Values::new();
    for some in subjects.chunks(batch) {
        // The last batch is filled up with its last subject.
        let filled: Vec<usize> = (0..batch).map(|i| some[i.min(some.len() - 1)]).collect();
        for (input, value) in inputs(workflow, &recording, &filled, standards)? {
            program.write(input, &value)?;
        }
        program.step_async().await?;
        for &condition in &conditions {
            found.extend(program.read_async(condition).await?.to_f64_vec());
        }
        for (name, &var) in names.iter().zip(&outputs) {
            let value = program.read_async(var).await?.to_real::<f32>();
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
    Ok((values, (!found.is_empty()).then(|| largest(&found))))
}

/// The inputs of a recording, filled with the data of some subjects.
pub(super) fn inputs(workflow: &Workflow, recording: &Recording, subjects: &[usize], standards: &Standards) -> Result<Batch> {
    let value = |name: &str| match name {
        SUBJECT => HostTensor::i32([subjects.len()], subjects.iter().map(|&s| s as i32).collect()),
        name => workflow.data.read(name, subjects, standards),
    };
    recording.inputs.iter().map(|(name, var)| Ok((*var, value(name)?))).collect()
}
