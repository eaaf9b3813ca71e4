//! Evaluation: the values that a trained model computes for subjects.

use super::Workflow;
use super::data::Standards;
use super::ranks::Site;
use super::record::{Recording, SUBJECT};
use super::rows::leading;
use super::split::Fold;
use crate::communicator::{Communicator, share};
use crate::connectome::connectivity::condition::largest;
use crate::training::Batch;
use crate::{Error, HostTensor, Result, State};
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
pub(super) async fn evaluate(workflow: &Workflow, site: Site<'_>, state: &State, fold: &Fold) -> Result<Evaluation> {
    let standards = workflow.data.standards(&fold.train)?;
    let requested = workflow.requested();
    let (test, of_test) = over(workflow, site, state, &requested, &fold.test, &standards).await?;
    let (train, of_train) = match fold.train == fold.test {
        true => (test.clone(), of_test),
        false => over(workflow, site, state, &requested, &fold.train, &standards).await?,
    };
    let conditions: Vec<f64> = of_test.into_iter().chain(of_train).collect();
    let condition = (!conditions.is_empty()).then(|| largest(&conditions));
    Ok(Evaluation { train, test, standards, condition })
}

/// The largest condition number of what is inverted for the losses of the training subjects, in the given state.
pub(super) async fn condition_of_losses(workflow: &Workflow, site: Site<'_>, state: &State, fold: &Fold) -> Result<Option<f64>> {
    let standards = workflow.data.standards(&fold.train)?;
    let scores = workflow.terms.iter().map(|term| term.value.score.value.clone()).collect();
    Ok(over(workflow, site, state, &scores, &fold.train, &standards).await?.1)
}

/// The values of these names over some subjects, and the largest condition number of what is inverted for them. The ranks share the
/// subjects, chunk by chunk, and all of them get the whole.
async fn over(
    workflow: &Workflow,
    site: Site<'_>,
    state: &State,
    names: &BTreeSet<String>,
    subjects: &[usize],
    standards: &Standards,
) -> Result<(Values, Option<f64>)> {
    if names.is_empty() {
        return Ok((Values::new(), None));
    }
    let chunk = workflow.chunk_of(subjects);
    let mut recording = Recording::forward(workflow, chunk)?;
    let of_subjects = recording.of_subjects();
    let outputs: Vec<_> = names.iter().map(|name| recording.values[name]).collect();
    // A training may bring regressors together, of which the residual then loses little; a result without a training is to lose none.
    let conditions = match workflow.terms.is_empty() {
        true => recording.tape.conditions_and_rows(&outputs)?,
        false => recording.tape.conditions(&outputs)?,
    };
    let mut program = site.device.compile_async(&recording.tape, &[&outputs[..], &conditions].concat(), state).await?;
    let leads: Vec<bool> =
        names.iter().zip(&outputs).map(|(name, var)| of_subjects.contains(var) && recording.leads(name, chunk)).collect();
    let mut found: Vec<f64> = Vec::new();
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); names.len()];
    let chunks: Vec<&[usize]> = subjects.chunks(chunk).collect();
    for at in share(chunks.len(), site.ranks.rank(), site.ranks.size()) {
        let some = chunks[at];
        // The last chunk is filled up with its last subject.
        let filled: Vec<usize> = (0..chunk).map(|i| some[i.min(some.len() - 1)]).collect();
        for (input, value) in inputs(workflow, &recording, &filled, standards)? {
            program.write(input, &value)?;
        }
        program.step_async().await?;
        for &condition in &conditions {
            found.extend(program.read_async(condition).await?.to_f64_vec());
        }
        for ((values, &var), leads) in values.iter_mut().zip(&outputs).zip(&leads) {
            // A value without a row for each subject is that of the first chunk.
            if !leads && at > 0 {
                continue;
            }
            let value = program.read_async(var).await?.to_real::<f32>();
            let rows = if *leads { some.len() * value.shape().without(0).elements() } else { value.shape().elements() };
            values.extend_from_slice(&value.elements::<f32>()?[..rows]);
        }
    }
    let found = gathered(site.ranks, found)?;
    let mut whole = Values::new();
    for (((name, var), own), of_subjects) in names.iter().zip(&outputs).zip(values).zip(leads) {
        let shape = recording.tape.shape(*var);
        let shape = if of_subjects { leading(subjects.len(), &shape.without(0))? } else { shape };
        let value = HostTensor::f32(shape, gathered(site.ranks, own)?)?;
        whole.insert(name.clone(), Evaluated { value, of_subjects });
    }
    Ok((whole, (!found.is_empty()).then(|| largest(&found))))
}

/// The numbers of all ranks, one rank's after the other's.
fn gathered<T: bytemuck::Pod>(ranks: &dyn Communicator, own: Vec<T>) -> Result<Vec<T>> {
    if ranks.size() == 1 {
        return Ok(own);
    }
    let mut all = Vec::new();
    for (rank, bytes) in ranks.gather(bytemuck::cast_slice(&own))?.iter().enumerate() {
        if !bytes.len().is_multiple_of(size_of::<T>()) {
            return Err(Error::argument(format!(
                "ranks: rank {rank} sent {} bytes, a multiple of {} expected",
                bytes.len(),
                size_of::<T>()
            )));
        }
        all.extend(bytemuck::pod_collect_to_vec::<u8, T>(bytes));
    }
    Ok(all)
}

/// The inputs of a recording, filled with the data of some subjects.
pub(super) fn inputs(workflow: &Workflow, recording: &Recording, subjects: &[usize], standards: &Standards) -> Result<Batch> {
    let value = |name: &str| match name {
        SUBJECT => HostTensor::i32([subjects.len()], subjects.iter().map(|&s| s as i32).collect()),
        name => workflow.data.read(name, subjects, standards),
    };
    recording.inputs.iter().map(|(name, var)| Ok((*var, value(name)?))).collect()
}
