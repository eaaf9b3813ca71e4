//! What a trained workflow says of subjects, and how well.

use super::Workflow;
use super::data::{Standards, leading};
use super::metric::Metric;
use super::place::Place;
use super::record::{Recording, SUBJECT};
use super::split::Fold;
use crate::training::Batch;
use crate::{DType, Device, Error, HostTensor, Result, State};
use std::collections::BTreeMap;

/// A value that is kept and shown.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) value: String,
    title: String,
    picture: Picture,
    at: String,
}

/// How a value is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// Not at all.
    None,
    /// A matrix `[n, n]`.
    HeatMap,
    /// A line for each row `[lines, points]`, or one `[points]`.
    Lines,
}

/// A value of all subjects, or of each fold.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its name in the workflow.
    pub name: String,
    /// What to call it.
    pub title: String,
    /// How to draw it.
    pub picture: Picture,
    /// f32 `[subjects, ..]`, each subject's from the fold that judged it; or `[folds, ..]` of a value that all subjects share, without that
    /// axis where there is one fold.
    pub value: HostTensor,
    /// How many of its axes, from the front, are subjects or folds.
    pub leading: usize,
}

/// A metric's figures.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Of each fold, over the subjects learnt from; `None` where it has no meaning.
    pub train: Vec<Option<f64>>,
    /// Of each fold, over the subjects judged.
    pub test: Vec<Option<f64>>,
    /// Over all subjects judged, each by its own fold.
    pub pooled: Option<f64>,
}

/// All that a run found.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Of each fold, the loss and its terms by name, at each step.
    pub losses: Vec<Vec<(String, Vec<f32>)>>,
    /// Metrics.
    pub metrics: Vec<Measured>,
    /// Values.
    pub values: Vec<Shown>,
}

/// A value over some subjects.
#[derive(Debug, Clone)]
struct Found {
    value: HostTensor,
    of_subjects: bool,
}

/// What one fold's model says, by value.
#[derive(Debug)]
pub(super) struct Judged {
    train: BTreeMap<String, Found>,
    test: BTreeMap<String, Found>,
    standards: Standards,
}

impl Wanted {
    pub(super) fn parse(place: &Place<'_>) -> Result<Self> {
        place.only(&["value", "title", "picture"])?;
        let value = place.get("value")?.text()?;
        let picture = match place.find("picture").map_or(Ok("none"), |p| p.choice(&["none", "heat_map", "lines"]))? {
            "heat_map" => Picture::HeatMap,
            "lines" => Picture::Lines,
            _ => Picture::None,
        };
        let title = place.find("title").map_or(Ok(value), |p| p.text())?;
        Ok(Self { value: value.to_owned(), title: title.to_owned(), picture, at: place.at().to_owned() })
    }
}

/// That every value that is asked for can be had: of real numbers, and with a row a subject where subjects are read in batches.
pub(super) fn check(workflow: &Workflow, made: &Recording) -> Result<()> {
    let of_subjects = made.of_subjects();
    for wanted in &workflow.results {
        let Some(&var) = made.values.get(&wanted.value) else {
            return Err(Error::argument(format!("{}: no value is called `{}`", wanted.at, wanted.value)));
        };
        let shape = made.tape.shape(var);
        let drawn = shape.rank() - usize::from(of_subjects.contains(&var)).min(shape.rank());
        let fits = match wanted.picture {
            Picture::None => true,
            Picture::HeatMap => drawn >= 2 && shape[shape.rank() - 1] == shape[shape.rank() - 2],
            Picture::Lines => drawn >= 1,
        };
        if !fits {
            let what = if wanted.picture == Picture::HeatMap { "a heat map is of a matrix [n, n]" } else { "lines are of [lines, points]" };
            return Err(Error::argument(format!("{}: {what}, and `{}` is {shape}", wanted.at, wanted.value)));
        }
    }
    for name in workflow.wanted() {
        let var = made.values[&name];
        if made.tape.ty(var).dtype != DType::F32 {
            return Err(Error::argument(format!("`{name}` is {}: values of f32 are reported", made.tape.ty(var))));
        }
        if workflow.train.batch.is_some() && of_subjects.contains(&var) && !leads(made, &name, workflow.batch_of(&[])) {
            let what = "is of a whole batch, and not of each subject: leave `train.batch` out, so that the batch is all subjects";
            return Err(Error::argument(format!("`{name}` {what}")));
        }
    }
    Ok(())
}

fn leads(made: &Recording, name: &str, batch: usize) -> bool {
    made.tape.shape(made.values[name]).first() == Some(&batch)
}

/// Runs a fold's model over the subjects it learnt from and those it is judged by.
pub(super) fn judge(workflow: &Workflow, device: &Device, state: &State, fold: &Fold) -> Result<Judged> {
    let standards = workflow.data.standards(&fold.train)?;
    let of = |subjects: &[usize]| evaluate(workflow, device, state, subjects, &standards);
    let test = of(&fold.test)?;
    let train = if fold.train == fold.test { test.clone() } else { of(&fold.train)? };
    Ok(Judged { train, test, standards })
}

fn evaluate(
    workflow: &Workflow,
    device: &Device,
    state: &State,
    subjects: &[usize],
    standards: &Standards,
) -> Result<BTreeMap<String, Found>> {
    let wanted = workflow.wanted();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let batch = workflow.batch_of(subjects);
    let made = Recording::forward(workflow, batch)?;
    let of_subjects = made.of_subjects();
    let outputs: Vec<_> = wanted.iter().map(|name| made.values[name]).collect();
    let mut program = device.compile_with(&made.tape, &outputs, state)?;
    let mut rows: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for some in subjects.chunks(batch) {
        // The last batch is filled up with its last subject.
        let filled: Vec<usize> = (0..batch).map(|i| some[i.min(some.len() - 1)]).collect();
        for (input, value) in inputs(workflow, &made, &filled, standards)? {
            program.write(input, &value)?;
        }
        program.step()?;
        for (name, &var) in wanted.iter().zip(&outputs) {
            let value = program.read(var)?;
            if of_subjects.contains(&var) && leads(&made, name, batch) {
                let each = value.shape().without(0).elements();
                rows.entry(name.clone()).or_default().extend_from_slice(&value.elements::<f32>()?[..some.len() * each]);
            } else {
                found.entry(name.clone()).or_insert(Found { value, of_subjects: false });
            }
        }
    }
    for (name, values) in rows {
        let each = made.tape.shape(made.values[&name]).without(0);
        let value = HostTensor::f32(leading(subjects.len(), &each)?, values)?;
        found.insert(name, Found { value, of_subjects: true });
    }
    Ok(found)
}

/// The inputs of a recording, with what is known of some subjects.
pub(super) fn inputs(workflow: &Workflow, made: &Recording, subjects: &[usize], standards: &Standards) -> Result<Batch> {
    let value = |name: &str| match name {
        SUBJECT => HostTensor::i32([subjects.len()], subjects.iter().map(|&s| s as i32).collect()),
        name => workflow.data.read(name, subjects, standards),
    };
    made.inputs.iter().map(|(name, var)| Ok((*var, value(name)?))).collect()
}

/// What all folds found.
pub(super) fn gather(workflow: &Workflow, judged: &[Judged], losses: Vec<Vec<(String, Vec<f32>)>>) -> Result<Outcome> {
    let metrics = workflow.metrics.iter().map(|metric| measured(metric, judged)).collect::<Result<_>>()?;
    let values = workflow.results.iter().map(|wanted| shown(workflow, judged, wanted)).collect::<Result<_>>()?;
    Ok(Outcome { losses, metrics, values })
}

fn measured(metric: &Metric, judged: &[Judged]) -> Result<Measured> {
    let train = judged.iter().map(|j| Pair::of(metric, &j.train, &j.standards)).collect::<Result<Vec<_>>>()?;
    let test = judged.iter().map(|j| Pair::of(metric, &j.test, &j.standards)).collect::<Result<Vec<_>>>()?;
    let figure = |pair: &Pair| metric.of(&pair.predicted, pair.target.as_ref());
    let predicted: Vec<HostTensor> = test.iter().map(|pair| pair.predicted.clone()).collect();
    let targets: Vec<HostTensor> = test.iter().filter_map(|pair| pair.target.clone()).collect();
    let target = if targets.is_empty() { None } else { Some(joined(&targets)?) };
    let pooled = figure(&Pair { predicted: joined(&predicted)?, target });
    Ok(Measured { name: metric.name.clone(), train: train.iter().map(figure).collect(), test: test.iter().map(figure).collect(), pooled })
}

/// What is judged and what it is judged against, in the target's own units.
struct Pair {
    predicted: HostTensor,
    target: Option<HostTensor>,
}

impl Pair {
    fn of(metric: &Metric, found: &BTreeMap<String, Found>, standards: &Standards) -> Result<Self> {
        let own_units = |name: &String| match metric.target.as_ref().and_then(|target| standards.get(target)) {
            Some([mean, deviation]) => {
                let value = &found[name].value;
                let values = value.to_f64_vec().into_iter().map(|x| (x * deviation + mean) as f32).collect();
                HostTensor::f32(value.shape(), values)
            }
            None => Ok(found[name].value.clone()),
        };
        Ok(Self { predicted: own_units(&metric.predicted)?, target: metric.target.as_ref().map(own_units).transpose()? })
    }
}

/// Values one after the other along their first axis; scalars become a row.
fn joined(parts: &[HostTensor]) -> Result<HostTensor> {
    let each = parts[0].shape();
    let values = parts.iter().map(|p| p.elements::<f32>()).collect::<Result<Vec<_>>>()?.concat();
    if each.rank() == 0 {
        return HostTensor::f32([parts.len()], values);
    }
    let rows = parts.iter().map(|p| p.shape()[0]).sum();
    HostTensor::f32(each.with(0, rows), values)
}

fn shown(workflow: &Workflow, judged: &[Judged], wanted: &Wanted) -> Result<Shown> {
    let first = &judged[0].test[&wanted.value];
    let made = |value: HostTensor, leading: usize| Shown {
        name: wanted.value.clone(),
        title: wanted.title.clone(),
        picture: wanted.picture,
        value,
        leading,
    };
    if !first.of_subjects {
        if judged.len() == 1 {
            return Ok(made(first.value.clone(), 0));
        }
        let parts = judged.iter().map(|j| j.test[&wanted.value].value.elements::<f32>()).collect::<Result<Vec<_>>>()?;
        return Ok(made(HostTensor::f32(leading(parts.len(), &first.value.shape())?, parts.concat())?, 1));
    }
    let each = first.value.shape().without(0);
    let mut all = vec![0.0; workflow.subjects() * each.elements()];
    let mut put = |found: &Found, subjects: &[usize]| -> Result<()> {
        for (row, &s) in found.value.elements::<f32>()?.chunks_exact(each.elements().max(1)).zip(subjects) {
            all[s * each.elements()..][..each.elements()].copy_from_slice(row);
        }
        Ok(())
    };
    // Who is judged by no fold is shown as the first says, which learnt from them; who is judged, by theirs.
    put(&judged[0].train[&wanted.value], &workflow.folds()[0].train)?;
    for (judged, fold) in judged.iter().zip(workflow.folds()) {
        put(&judged.test[&wanted.value], &fold.test)?;
    }
    Ok(made(HostTensor::f32(leading(workflow.subjects(), &each)?, all)?, 1))
}
