//! `tapetum run`.

mod report;

use super::common::{Common, Done, note, progress};
use crate::data::npy_bytes;
use crate::file::OutputFolder;
use crate::report::table;
use crate::workflow::{Checkpoints, Figure, MetricResult, RunResult, ValueResult, Workflow, over_folds, page, schema, setting};
use crate::{Device, Result};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// The workflow; `examples/WORKFLOWS.md` says what can stand in one.
    #[arg(required_unless_present_any = ["schema", "blocks"])]
    workflow: Option<PathBuf>,
    /// The folder for results, the record of the run, models and the report.
    #[arg(short, long, default_value = "tapetum-run", value_name = "DIR")]
    out: PathBuf,
    /// Resume from the checkpoints of a run that was stopped; the results are the same as without the stop.
    #[arg(long)]
    resume: bool,
    /// Set a value of the workflow by its place, such as train.steps=300 or parameters.gains.learn=false; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, Value)>,
    /// Check the workflow, its data and its shapes, and run nothing.
    #[arg(long)]
    check: bool,
    /// Print the JSON Schema of workflows.
    #[arg(long, conflicts_with_all = ["workflow", "resume", "set", "check", "blocks"])]
    schema: bool,
    /// Print the reference of workflows and their blocks, in Markdown.
    #[arg(long, conflicts_with_all = ["workflow", "resume", "set", "check"])]
    blocks: bool,
}

impl Run {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let Some(path) = &self.workflow else {
            match self.blocks {
                true => common.print(&json!({ "page": page() }), || page().trim_end().to_owned())?,
                false => common.print(&schema(), || format!("{:#}", schema()))?,
            }
            return Ok(Done::Well);
        };
        let options = Workflow::options().seed(common.seed);
        let workflow = self.set.iter().fold(options, |options, (place, value)| options.set(place, value.clone())).read(path)?;
        if self.check {
            let json = json!({ "workflow": path.display().to_string(), "subjects": workflow.subjects(), "folds": workflow.folds().len() });
            common.print(&json, || format!("{}: {}", path.display(), report::size(&workflow)))?;
            return Ok(Done::Well);
        }
        let (device, ranks) = (common.device()?, common.communicator());
        workflow.check_over(&device, ranks)?;
        if ranks.rank() > 0 {
            // Rank 0 writes what all have computed.
            return workflow.run_over(&device, None, ranks, |_| {}).map(|_| Done::Well);
        }
        let mut folder = OutputFolder::new(&self.out)?;
        let models = self.out.join("models");
        let models =
            if self.resume { Checkpoints::resume(models, &workflow, &device) } else { Checkpoints::begin(models, &workflow, &device) }?;
        common.say(&device);
        common.ranks.say();
        workflow.notes().for_each(note);
        let started = Instant::now();
        let folds = workflow.folds().len() as u64;
        let bar = progress(folds * u64::from(workflow.steps()), "steps")?;
        let found = workflow.run_over(&device, Some(&models), ranks, |p| {
            bar.at(p.fold as u64 * u64::from(workflow.steps()) + u64::from(p.step), format!("fold {}, loss {:.5}", p.fold, p.loss));
        })?;
        bar.finish();
        let device = if found.on_host { Device::cpu() } else { device };
        let result = self.result(&workflow, &device, &found);
        let record = record(&workflow, &device, ranks.size(), started.elapsed().as_secs_f64());
        for shown in &found.values {
            folder.add(format!("{}.npy", shown.name), &npy_bytes(&shown.value)?)?;
            let beside = format!("{}.names.txt", shown.name);
            if let Some(names) = names_beside(shown, folder.path().join(&beside).exists()) {
                folder.add(beside, names.as_bytes())?;
            }
        }
        folder.add("losses.csv", losses(&found).as_bytes())?;
        folder.add("result.json", format!("{result:#}\n").as_bytes())?;
        folder.add("run.json", format!("{record:#}\n").as_bytes())?;
        folder.add("report.html", report::page(&workflow, &device, &found)?.as_bytes())?;
        folder.commit()?;
        common.print(&result, || {
            let header = ["metric", "train", "test", "pooled"];
            let metrics = if found.metrics.is_empty() { String::new() } else { table(&header, &rows(&found.metrics)) + "\n" };
            format!("{metrics}everything is in {}", self.out.join("report.html").display())
        })?;
        found.warnings().iter().for_each(|what| note(&format!("warning: {}: {what}", path.display())));
        found.metrics.iter().flat_map(MetricResult::undefined).for_each(|why| note(&format!("undefined: {why}")));
        if workflow.steps() > 0 && found.losses.iter().all(Vec::is_empty) {
            note("nothing was learnt: no parameter is to be, or there are no losses");
        }
        Ok(Done::Well)
    }

    fn result(&self, workflow: &Workflow, device: &Device, found: &RunResult) -> Value {
        let figures = |figures: &[Figure]| figures.iter().map(|figure| figure.clone().ok()).collect::<Vec<Option<f64>>>();
        let metric = |m: &MetricResult| {
            let pooled = m.pooled.clone().ok();
            json!({ "train": figures(&m.train), "test": figures(&m.test), "pooled": pooled, "undefined": m.undefined() })
        };
        let metrics: serde_json::Map<String, Value> = found.metrics.iter().map(|m| (m.name.clone(), metric(m))).collect();
        let last = |fold: &Vec<(String, Vec<f32>)>| {
            let terms = fold.iter().map(|(name, curve)| (name.clone(), json!({ "first": curve.first(), "last": curve.last() })));
            Value::Object(terms.collect())
        };
        json!({
            "title": workflow.title(), "device": device.name(), "cooperative": device.cooperative(), "seed": workflow.seed(), "subjects": workflow.subjects(),
            "folds": workflow.folds().iter().map(|f| json!({ "train": f.train, "test": f.test })).collect::<Vec<_>>(),
            "steps": workflow.steps(), "losses": found.losses.iter().map(last).collect::<Vec<_>>(), "metrics": metrics,
            "values": found.values.iter().map(|v| json!({ "name": v.name, "shape": v.value.shape().to_vec(), "names": v.names })).collect::<Vec<_>>(),
            "condition": found.condition, "on_host": found.on_host,
            "notes": workflow.notes().map(str::to_owned).chain(found.warnings()).collect::<Vec<_>>(), "out": self.out.display().to_string(),
        })
    }
}

/// The record of a run, with everything needed to repeat it: the workflow, versions, device, seed, inputs and their hashes.
fn record(workflow: &Workflow, device: &Device, ranks: usize, seconds: f64) -> Value {
    let adapter = match device {
        Device::Gpu(context) => {
            let adapter = context.adapter();
            json!({ "name": adapter.name(), "backend": adapter.backend().to_string(), "kind": adapter.kind().to_string(), "driver": adapter.driver(),
                "cooperative": device.cooperative() })
        }
        Device::Cpu(_) => json!({ "name": device.name(), "target": std::env::consts::ARCH }),
    };
    let inputs: serde_json::Map<String, Value> =
        workflow.inputs().iter().map(|(path, hash)| (path.display().to_string(), json!(format!("sha256:{hash}")))).collect();
    json!({
        "tapetum": env!("CARGO_PKG_VERSION"), "device": adapter, "ranks": ranks, "seed": workflow.seed(), "seconds": seconds, "inputs": inputs,
        "identity": workflow.identity(), "workflow": workflow.json(),
    })
}

/// The file beside an array whose last axis is of regions with names, a name on each line. Where it is not, and the file of an earlier run is
/// there, the numbers from 0, so that the array is not read with names of others.
fn names_beside(shown: &ValueResult, is_there: bool) -> Option<String> {
    let last = shown.value.shape().last().copied().unwrap_or(0);
    match shown.names.as_ref().filter(|names| names.len() == last) {
        Some(names) => Some(names.iter().map(|name| name.replace(['\n', '\r'], " ") + "\n").collect()),
        None => is_there.then(|| (0..last).map(|i| format!("{i}\n")).collect()),
    }
}

fn losses(found: &RunResult) -> String {
    let names: Vec<&str> = found.losses.first().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let mut text = format!("fold,step,{}\n", names.join(","));
    for (fold, curves) in found.losses.iter().enumerate() {
        let steps = curves.first().map_or(0, |(_, curve)| curve.len());
        for step in 0..steps {
            let values: Vec<String> = curves.iter().map(|(_, curve)| curve[step].to_string()).collect();
            text += &format!("{fold},{step},{}\n", values.join(","));
        }
    }
    text
}

/// Table rows of metrics: mean and standard deviation over folds, and the pooled figure; a dash where a figure is undefined.
fn rows(metrics: &[MetricResult]) -> Vec<Vec<String>> {
    let cell = |figures: &[Figure]| {
        let defined = figures.iter().filter(|figure| figure.is_ok()).count();
        let of = if defined == figures.len() { String::new() } else { format!(" ({defined} of {} folds)", figures.len()) };
        match over_folds(figures) {
            None => "–".to_owned(),
            Some((mean, None)) => format!("{mean:.4}{of}"),
            Some((mean, Some(deviation))) => format!("{mean:.4} ± {deviation:.4}{of}"),
        }
    };
    let pooled = |m: &MetricResult| m.pooled.as_ref().map_or("–".to_owned(), |x| format!("{x:.4}"));
    metrics.iter().map(|m| vec![m.name.clone(), cell(&m.train), cell(&m.test), pooled(m)]).collect()
}
