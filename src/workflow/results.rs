//! Results of a run: losses, metrics, values.

use super::Workflow;
use super::block::Name;
use super::data::Standards;
use super::evaluate::{Evaluation, Values};
use super::form::{Form, text, words};
use super::metric::{Figure, Metric};
use super::object::object;
use super::record::Recording;
use super::rows::leading;
use crate::{DType, Error, HostTensor, Result, Var};
use std::collections::{BTreeMap, BTreeSet};

/// A value that is kept and shown.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) value: Name,
    title: String,
    picture: Picture,
    names: Option<Name>,
}

/// The picture of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Picture {
    /// No picture is drawn.
    None,
    /// A heat map of a matrix `[n, n]`.
    HeatMap,
    /// A line chart with a line for each row of `[lines, points]`, or one line for `[points]`.
    Lines,
}

/// The meaning of the first axis of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leading {
    /// The value has no such axis: all subjects share it, and there is one fold.
    None,
    /// The axis runs over subjects. The value of each comes from the fold that was tested on it.
    Subjects,
    /// The axis runs over folds. All subjects of a fold share the value.
    Folds,
}

/// A value of all subjects, or of each fold.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ValueResult {
    /// Its name in the workflow.
    pub name: String,
    /// Its title in the report.
    pub title: String,
    /// Its picture.
    pub picture: Picture,
    /// f32 `[subjects, ..]`, `[folds, ..]` or `[..]`, as `leading` says.
    pub value: HostTensor,
    /// Its first axis.
    pub leading: Leading,
    /// The names of the regions along each axis, after the first of subjects or folds, that has as many elements.
    pub names: Option<Vec<String>>,
}

/// The figures of a metric. Each is a number, or the reason why it is undefined.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MetricResult {
    /// Its name.
    pub name: String,
    /// For each fold, the figure over its training subjects.
    pub train: Vec<Figure>,
    /// For each fold, the figure over its test subjects.
    pub test: Vec<Figure>,
    /// The figure over all test subjects together, each predicted by the model of its own fold.
    pub pooled: Figure,
}

impl ValueResult {
    /// The mean over the leading axis, or the value itself where it has none.
    ///
    /// # Errors
    /// Returns an error where the value is not f32.
    pub fn mean(&self) -> Result<HostTensor> {
        if self.leading == Leading::None {
            return Ok(self.value.clone());
        }
        let each = self.value.shape().without(0);
        let rows = self.value.shape()[0].max(1) as f64;
        let mut sums = vec![0.0f64; each.elements()];
        for row in self.value.elements::<f32>()?.chunks_exact(each.elements().max(1)) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        HostTensor::f32(each, sums.into_iter().map(|sum| (sum / rows) as f32).collect())
    }
}

/// The mean and the standard deviation (divisor n − 1) over folds of the figures that are defined. There is no deviation where one figure
/// is defined; the result is `None` where no figure is.
pub fn over_folds(figures: &[Figure]) -> Option<(f64, Option<f64>)> {
    let defined: Vec<f64> = figures.iter().filter_map(|figure| figure.as_ref().ok().copied()).collect();
    let n = defined.len() as f64;
    let mean = defined.iter().sum::<f64>() / n;
    let squares = defined.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    match defined.len() {
        0 => None,
        1 => Some((mean, None)),
        _ => Some((mean, Some((squares / (n - 1.0)).sqrt()))),
    }
}

impl MetricResult {
    /// The figures that are undefined with the reasons, one line for each.
    pub fn undefined(&self) -> Vec<String> {
        let part = |part: &'static str, figures: &[Figure]| -> Vec<String> {
            let why = |(fold, figure): (usize, &Figure)| Some(format!("{}, {part} of fold {fold}: {}", self.name, figure.as_ref().err()?));
            figures.iter().enumerate().filter_map(why).collect()
        };
        let pooled = self.pooled.as_ref().err().map(|why| format!("{}, pooled: {why}", self.name));
        [part("train", &self.train), part("test", &self.test), pooled.into_iter().collect()].concat()
    }
}

/// The results of a run.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RunResult {
    /// For each fold, the loss and its terms by name, with one number for each step.
    pub losses: Vec<Vec<(String, Vec<f32>)>>,
    /// The metrics.
    pub metrics: Vec<MetricResult>,
    /// The values that the workflow asks for.
    pub values: Vec<ValueResult>,
    /// The largest condition number of the matrices that are inverted for metrics and values, with variables scaled to variance 1; `None`
    /// where nothing is inverted. It is infinite where a variable is a combination of others, which then gets zeros.
    pub condition: Option<f64>,
    /// True where the run was made on the host in f64, because f32 on the device that was asked for does not hold that condition.
    pub on_host: bool,
}

impl RunResult {
    /// Warnings that a user should read before trusting the numbers, one line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut found = Vec::new();
        let condition = self.condition.unwrap_or(0.0);
        if self.on_host {
            found.push(format!("a matrix of condition {condition:.1e} is inverted, which f32 does not hold: computed on the host, in f64"));
        }
        if condition.is_infinite() {
            found.push("a matrix that is inverted is singular: variables that are combinations of others get zeros".to_owned());
        }
        if condition.is_nan() {
            found.push("the condition of what is inverted is no number: what is inverted is not either".to_owned());
        }
        found
    }
}

/// A value that is kept and shown.
pub(super) fn request() -> Form<Request> {
    let pictures = [("none", Picture::None), ("heat_map", Picture::HeatMap), ("lines", Picture::Lines)];
    let parts = (
        text().refers("value").placed().field("value", "the value; it is written to NAME.npy"),
        text().maybe("title", "what to call it; its name where it is not given"),
        words(pictures).or("picture", "none", "how it is drawn in the report: a heat map of [n, n], lines of [lines, points]"),
        text().refers("value").placed().maybe(
            "names",
            "the entry of the data whose regions name the value's axes of as many elements; for a matrix [regions, regions] that is made of the \
             only entry that has names, and of no number in the workflow that could be taken for theirs, that entry where it is not given",
        ),
    );
    object("", parts, |(value, title, picture, names): (Name, Option<String>, Picture, Option<Name>)| {
        let title = title.unwrap_or_else(|| value.value.clone());
        Ok(Request { value, title, picture, names })
    })
    .form()
}

/// Checks that every requested value can be given: it is real, it has a row for each subject where subjects are read in batches, and it is
/// not requested twice.
pub(super) fn check(workflow: &Workflow, recording: &Recording) -> Result<()> {
    let (of_subjects, chunk) = (recording.of_subjects(), workflow.chunk_of(&workflow.folds[0].test));
    for (i, request) in workflow.requests.iter().enumerate() {
        let name = &request.value;
        if workflow.requests[..i].iter().any(|before| before.value.value == name.value) {
            return Err(name.error(format!("`{}` is a result already", name.value)));
        }
        let shape = recording.shape(name)?;
        let drawn = shape.rank() - rows_of_subjects(workflow, recording, &of_subjects, &name.value);
        let expected = match request.picture {
            Picture::HeatMap if drawn < 2 || shape[shape.rank() - 1] != shape[shape.rank() - 2] => "a heat map is of a matrix [n, n]",
            Picture::Lines if drawn < 1 => "lines are of [lines, points]",
            Picture::None | Picture::HeatMap | Picture::Lines => continue,
        };
        return Err(name.error(format!("{expected}, and `{}` is {shape}", name.value)));
    }
    for (i, metric) in workflow.metrics.iter().enumerate() {
        if workflow.metrics[..i].iter().any(|before| before.value.name == metric.value.name) {
            return Err(metric.error(format!("another metric is called `{}`", metric.value.name)));
        }
        metric.value.check(recording)?;
    }
    for name in workflow.requested() {
        let var = recording.values[&name];
        if recording.tape.ty(var).dtype != DType::F32 {
            return Err(Error::argument(format!("`{name}` is {}: values of f32 are reported", recording.tape.ty(var))));
        }
        if workflow.train.batch.is_some() && of_subjects.contains(&var) && !recording.leads(&name, chunk) {
            let what = "is of a whole batch, and not of each subject: leave `train.batch` out, so that the batch is all subjects";
            return Err(Error::argument(format!("`{name}` {what}")));
        }
    }
    if workflow.train.microbatches > 1 { check_parts(workflow, recording, chunk) } else { Ok(()) }
}

/// Checks that every requested value has a row for each subject of a part, or does not depend on which subjects these are. A part may have as
/// few subjects as an axis has elements by chance, so that the axis must grow with the part.
fn check_parts(workflow: &Workflow, recording: &Recording, chunk: usize) -> Result<()> {
    let (of_subjects, larger) = (recording.of_subjects(), Recording::forward(workflow, chunk + 1)?);
    for name in workflow.requested() {
        let leads = recording.leads(&name, chunk) && larger.leads(&name, chunk + 1);
        if of_subjects.contains(&recording.values[&name]) && !leads {
            let what = "is of a whole batch, and not of each subject: leave `train.microbatches` out, so that there is one part";
            return Err(Error::argument(format!("`{name}` {what}")));
        }
    }
    Ok(())
}

/// 1 where the first axis of a value is of subjects, 0 where it is of something else: a value may be made of all subjects together.
fn rows_of_subjects(workflow: &Workflow, recording: &Recording, of_subjects: &BTreeSet<Var>, name: &str) -> usize {
    let chunk = workflow.chunk_of(&workflow.folds[0].test);
    usize::from(of_subjects.contains(&recording.values[name]) && recording.leads(name, chunk))
}

/// The names of regions along the axes of results, by the results' names.
pub(super) type RegionNames = BTreeMap<String, Vec<String>>;

/// The names of regions along the axes of the requested values, by value.
pub(super) fn region_names(workflow: &Workflow, recording: &Recording) -> Result<RegionNames> {
    let of_subjects = recording.of_subjects();
    let mut found = BTreeMap::new();
    for request in &workflow.requests {
        let name = &request.value.value;
        let var = recording.values[name];
        let axes = recording.tape.shape(var)[rows_of_subjects(workflow, recording, &of_subjects, name)..].to_vec();
        let names = match &request.names {
            Some(entry) => Some(said_names(workflow, entry, &axes)?),
            None => own_names(workflow, recording, var, &axes),
        };
        found.extend(names.map(|names| (name.clone(), names)));
    }
    Ok(found)
}

/// The names of the entry that a request names.
fn said_names(workflow: &Workflow, entry: &Name, axes: &[usize]) -> Result<Vec<String>> {
    let names = workflow.data.regions(&entry.value).ok_or_else(|| entry.error("an entry of the data with names of regions is expected"))?;
    if axes.contains(&names.len()) {
        return Ok(names.to_vec());
    }
    Err(entry.error(format!("{} names, and no axis of {axes:?} has as many elements", names.len())))
}

/// The names of the regions of a matrix `[.., regions, regions]`: those of the only entry with names that the value is made of. There are
/// none where the same extent may be another's: of frames, of a shared array, or of a parameter.
fn own_names(workflow: &Workflow, recording: &Recording, var: Var, axes: &[usize]) -> Option<Vec<String>> {
    let &[.., n, m] = axes else { return None };
    let needed = recording.inputs_of(var);
    let made_of = |name: &str| recording.values.get(name).is_some_and(|var| needed.contains(var));
    let entries = recording.inputs.iter().filter(|(_, input)| needed.contains(input));
    let mut named = entries.filter_map(|(name, _)| Some((name, workflow.data.regions(name)?)));
    let (name, names) = named.next()?;
    if n != m || names.len() != n || named.any(|(_, other)| other != names) {
        return None;
    }
    let is_of_matrices = workflow.json["data"][name].get("matrices").is_some();
    let frames = recording.values.get(name).and_then(|var| recording.tape.shape(*var).last().copied());
    let parameter = workflow.parameters.iter().any(|parameter| parameter.has_extent(n) && made_of(&parameter.name));
    let array = |name: &str| workflow.data.shared(name).is_some_and(|array| array.shape().contains(&n));
    let shared = workflow.data.names().any(|name| array(name) && made_of(name));
    (!parameter && !shared && (is_of_matrices || frames != Some(n))).then(|| names.to_vec())
}

/// The results of all folds.
pub(super) fn gather(workflow: &Workflow, folds: &[Evaluation], losses: Vec<Vec<(String, Vec<f32>)>>) -> Result<RunResult> {
    let metrics = workflow.metrics.iter().map(|metric| measured(&metric.value, folds)).collect::<Result<_>>()?;
    let values = workflow.requests.iter().map(|request| gathered(workflow, folds, request)).collect::<Result<_>>()?;
    Ok(RunResult { losses, metrics, values, ..RunResult::default() })
}

fn measured(metric: &Metric, folds: &[Evaluation]) -> Result<MetricResult> {
    let pairs =
        |of: fn(&Evaluation) -> &Values| folds.iter().map(|fold| Pair::of(metric, of(fold), &fold.standards)).collect::<Result<Vec<_>>>();
    let (train, test) = (pairs(|fold| &fold.train)?, pairs(|fold| &fold.test)?);
    let figure = |pair: &Pair| metric.of(&pair.predicted, pair.target.as_ref());
    let predicted: Vec<HostTensor> = test.iter().map(|pair| pair.predicted.clone()).collect();
    let targets: Vec<HostTensor> = test.iter().filter_map(|pair| pair.target.clone()).collect();
    let target = if targets.is_empty() { None } else { Some(joined(&targets)?) };
    let pooled = figure(&Pair { predicted: joined(&predicted)?, target });
    Ok(MetricResult {
        name: metric.name.clone(),
        train: train.iter().map(figure).collect(),
        test: test.iter().map(figure).collect(),
        pooled,
    })
}

/// Predictions and the truth, in the units of the target.
struct Pair {
    predicted: HostTensor,
    target: Option<HostTensor>,
}

impl Pair {
    fn of(metric: &Metric, values: &Values, standards: &Standards) -> Result<Self> {
        let own_units = |name: &Name| match metric.target.as_ref().and_then(|target| standards.get(&target.value)) {
            Some([mean, deviation]) => {
                let value = &values[&name.value].value;
                let values = value.to_f64_vec().into_iter().map(|x| (x * deviation + mean) as f32).collect();
                HostTensor::f32(value.shape(), values)
            }
            None => Ok(values[&name.value].value.clone()),
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

fn gathered(workflow: &Workflow, folds: &[Evaluation], request: &Request) -> Result<ValueResult> {
    let name = &request.value.value;
    let first = &folds[0].test[name];
    let result = |value: HostTensor, leading: Leading| ValueResult {
        name: name.clone(),
        title: request.title.clone(),
        picture: request.picture,
        value,
        leading,
        names: workflow.names.get(name).cloned(),
    };
    if !first.of_subjects {
        if folds.len() == 1 {
            return Ok(result(first.value.clone(), Leading::None));
        }
        let parts = folds.iter().map(|fold| fold.test[name].value.elements::<f32>()).collect::<Result<Vec<_>>>()?;
        let value = HostTensor::f32(leading(parts.len(), &first.value.shape())?, parts.concat())?;
        return Ok(result(value, Leading::Folds));
    }
    let each = first.value.shape().without(0);
    let mut all = vec![0.0; workflow.subjects() * each.elements()];
    let mut put = |values: &Values, subjects: &[usize]| -> Result<()> {
        for (row, &s) in values[name].value.elements::<f32>()?.chunks_exact(each.elements().max(1)).zip(subjects) {
            all[s * each.elements()..][..each.elements()].copy_from_slice(row);
        }
        Ok(())
    };
    // Subjects that are in no test set get the value of the first fold, which was trained on them; the others get the value of the fold
    // that was tested on them.
    put(&folds[0].train, &workflow.folds()[0].train)?;
    for (evaluation, fold) in folds.iter().zip(workflow.folds()) {
        put(&evaluation.test, &fold.test)?;
    }
    Ok(result(HostTensor::f32(leading(workflow.subjects(), &each)?, all)?, Leading::Subjects))
}
