//! Workflows over ranks: the same bits on any number of them, the same checkpoints, and what is refused.

use crate::common::folder::Folder;
use crate::common::gpu;
use serde_json::{Value, json};
use std::sync::Mutex;
use tapetum::communicator::{Communicator, Threads};
use tapetum::workflow::{Checkpoints, RunResult, Workflow};
use tapetum::{Device, Error, HostTensor, Result};

const SUBJECTS: usize = 36;

/// Twenty-four subjects are trained on and twelve are tested on, in three folds.
fn workflow(set: &[(&str, Value)], seed: u64) -> Result<Workflow> {
    let json = json!({
        "data": { "rest": { "input": "rest" }, "age": { "input": "age", "as": "subjects", "standardise": true } },
        "parameters": {
            "frames": { "shape": ["rest[2]"], "init": { "constant": 1.0 }, "domain": "positive" },
            "slopes": { "shape": ["edges[1]", 1], "init": { "normal": 0.05 } }
        },
        "blocks": [
            { "name": "connectome", "block": "correlation", "series": "rest", "weights": "frames" },
            { "name": "edges", "block": "upper_triangle", "of": "connectome" },
            { "name": "years", "block": "linear", "of": "edges", "weights": "slopes" },
            { "name": "off", "block": "square_error", "predicted": "years", "target": "age" },
            { "name": "size", "block": "function", "of": "slopes", "apply": "square" }
        ],
        "losses": [
            { "name": "age", "score": "off", "weight": { "linear": [0.5, 1.0] } },
            { "name": "ridge", "score": "size", "weight": 0.1 }
        ],
        "train": { "steps": 12, "rate": { "cosine": [0.1, 0.01] }, "clip": 1.0, "checkpoint": 5, "microbatches": 12 },
        "split": { "folds": 3 },
        "metrics": [{ "name": "years", "metric": "mean_absolute_error", "predicted": "years", "target": "age" }],
        "results": [{ "value": "connectome" }, { "value": "frames" }, { "value": "slopes" }]
    });
    let noise = |i: usize| (i as f32 * 78.233).sin() * 43_758.547 % 1.0;
    let rest = HostTensor::f32([SUBJECTS, 30, 5], (0..SUBJECTS * 150).map(noise).collect())?;
    let age = HostTensor::f32([SUBJECTS], (0..SUBJECTS).map(|s| 20.0 + (s * 7 % 31) as f32).collect())?;
    let options = Workflow::options().seed(seed).array("rest", rest).array("age", age);
    set.iter().fold(options, |options, (place, value)| options.set(*place, value.clone())).build(json, "")
}

/// The value that each of `size` ranks returns.
fn over<T: Send>(size: usize, run: impl Fn(&Threads) -> Result<T> + Sync) -> Vec<Result<T>> {
    let run = &run;
    std::thread::scope(|scope| {
        let rank = |rank: Threads| {
            scope.spawn(move || {
                let found = run(&rank);
                if let Err(e) = &found {
                    rank.abort(&e.to_string());
                }
                found
            })
        };
        let ranks: Vec<_> = Threads::new(size).into_iter().map(rank).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

/// All numbers of a result, as bits.
fn bits(found: &RunResult) -> Vec<u64> {
    let values = found.values.iter().flat_map(|v| v.value.to_f64_vec());
    let losses = found.losses.iter().flatten().flat_map(|(_, curve)| curve.iter().map(|x| f64::from(*x)));
    let metrics =
        found.metrics.iter().flat_map(|m| m.train.iter().chain(&m.test).chain([&m.pooled]).map(|f| f.clone().unwrap_or(f64::NAN)));
    values.chain(losses).chain(metrics).map(f64::to_bits).collect()
}

#[test]
fn any_number_of_ranks_finds_the_same_bits() {
    for (device, batch) in [(Device::cpu(), None), (Device::cpu(), Some(12)), (gpu(), None)] {
        let set: Vec<(&str, Value)> = batch.iter().map(|batch| ("train.batch", json!(batch))).collect();
        let workflow = workflow(&set, 3).unwrap();
        let alone = bits(&workflow.run(&device).unwrap());
        for size in 1..=4 {
            for found in over(size, |rank| workflow.run_over(&device, None, rank, |_| {})) {
                assert_eq!(bits(&found.unwrap()), alone, "{size} ranks on {}", device.name());
            }
        }
    }
}

/// Parts change bits and not what is computed: the loss is a mean over subjects, and each part has as many.
#[test]
fn parts_compute_what_the_whole_batch_does() {
    let whole = workflow(&[("train.microbatches", json!(1))], 3).unwrap().run(&Device::cpu()).unwrap();
    let parts = workflow(&[], 3).unwrap().run(&Device::cpu()).unwrap();
    for (a, b) in whole.losses.iter().flatten().zip(parts.losses.iter().flatten()) {
        assert!(a.0 == b.0 && a.1.iter().zip(&b.1).all(|(a, b)| (a - b).abs() < 1e-4 * (1.0 + a.abs())), "{a:?} {b:?}");
    }
    for (a, b) in whole.values.iter().zip(&parts.values) {
        let worst = a.value.to_f64_vec().iter().zip(b.value.to_f64_vec()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(a.value.shape() == b.value.shape() && worst < 1e-3, "{} {worst}", a.name);
    }
}

/// A run that four ranks begin is stopped in its second fold, and one, two or three ranks finish it.
#[test]
fn a_run_resumes_on_another_number_of_ranks() {
    let (workflow, device) = (workflow(&[], 3).unwrap(), Device::cpu());
    let alone = bits(&workflow.run(&device).unwrap());
    for size in [1, 2, 3] {
        let folder = Folder::new(&format!("resumes_on_{size}_ranks"));
        let models = folder.0.join("models");
        let stopped = over(4, |rank| {
            let begun = if rank.rank() == 0 { Some(Checkpoints::begin(&models, &workflow, &device)?) } else { None };
            workflow.run_over(&device, begun.as_ref(), rank, |at| match (at.fold, at.step) {
                (1, 10..) => Err(Error::argument("stopped")),
                _ => Ok(()),
            })
        });
        assert!(stopped.into_iter().all(|found| found.unwrap_err().to_string().contains("stopped")));
        assert!(models.join("fold-1.safetensors").exists() && !models.join("fold-2.safetensors").exists());
        let first = Mutex::new(Vec::new());
        let found = over(size, |rank| {
            // The checkpoints are on the machine of rank 0 alone.
            let begun = if rank.rank() == 0 { Some(Checkpoints::resume(&models, &workflow, &device)?) } else { None };
            workflow.run_over(&device, begun.as_ref(), rank, |at| first.lock().unwrap().push((at.fold, at.step)))
        });
        assert!(found.into_iter().all(|found| bits(&found.unwrap()) == alone), "{size} ranks");
        assert_eq!(first.lock().unwrap()[0], (1, 12), "the first fold was done, and the second after ten steps");
    }
}

#[test]
fn numbers_that_do_not_divide_are_refused_with_those_that_would() {
    let message = workflow(&[("train.microbatches", json!(5))], 0).unwrap_err().to_string();
    assert_eq!(message, "train.microbatches: 5 does not divide the 24 subjects of a step: 1, 2, 3, 4, 6, 8, 12 or 24 would");
    let refused = |size: usize, parts: usize, batch: Option<usize>| {
        let mut set = vec![("train.microbatches", json!(parts))];
        set.extend(batch.map(|batch| ("train.batch", json!(batch))));
        let workflow = workflow(&set, 0).unwrap();
        let found = over(size, |rank| workflow.run_over(&Device::cpu(), None, rank, |_| {}));
        found.into_iter().map(|found| found.unwrap_err().to_string()).collect::<Vec<_>>()
    };
    let message = "train.microbatches: 1 parts of a step do not spread over 4 ranks: 4, 8, 12 or 24 would do: --set train.microbatches=4";
    assert_eq!(refused(4, 1, None), [message; 4]);
    let message = "train.microbatches: 2 parts of a step do not spread over 3 ranks: no multiple of 3 divides the 8 subjects of a step: another \
                   number of ranks, or another `train.batch`";
    assert_eq!(refused(3, 2, Some(8)), [message; 3]);
}

/// The mean over the subjects of a part is not that over all, however many subjects a part has.
#[test]
fn a_value_of_a_whole_batch_is_refused_where_there_are_parts() {
    let json = |parts: usize| {
        json!({
            "data": { "x": { "input": "x", "as": "subjects" } },
            "parameters": { "centre": { "shape": [3] } },
            "blocks": [
                { "name": "apart", "block": "subtract", "of": "x", "with": "centre" },
                { "name": "mean", "block": "reduce", "of": "apart", "by": "mean", "axes": [0] }
            ],
            "losses": [{ "name": "spread", "score": "apart", "reduce": "mean_square" }],
            "train": { "steps": 2, "rate": 0.1, "microbatches": parts },
            "results": [{ "value": "mean" }]
        })
    };
    let build = |parts| {
        let x = HostTensor::f32([12, 3], (0..36).map(|i| i as f32).collect()).unwrap();
        Workflow::options().array("x", x).build(json(parts), "")
    };
    build(1).unwrap();
    for parts in [2, 4, 12] {
        let message = build(parts).unwrap_err().to_string();
        assert!(message.starts_with("`mean` is of a whole batch") && message.contains("train.microbatches"), "{parts}: {message}");
    }
}

#[test]
fn a_rank_with_another_run_is_named_before_the_first_step() {
    let found = |other: &(dyn Fn() -> Workflow + Sync)| {
        let found = over(3, |rank| {
            let workflow = if rank.rank() == 1 { other() } else { workflow(&[], 3)? };
            workflow.run_over(&Device::cpu(), None, rank, |_| -> () { panic!("a step was run") })
        });
        found.into_iter().map(|found| found.unwrap_err().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(&|| workflow(&[], 4).unwrap()), ["rank 1: its seed is 4, and that of rank 0 is 3"; 3]);
    let set = found(&|| workflow(&[("train.clip", json!(2.0))], 3).unwrap());
    assert_eq!(set, ["rank 1: its workflow, or what was set of it, is not that of rank 0"; 3]);
}

#[test]
fn a_workflow_that_learns_nothing_runs_on_any_number_of_ranks() {
    let json = json!({
        "data": { "rest": { "input": "rest" } },
        "blocks": [{ "name": "connectome", "block": "correlation", "series": "rest" }],
        "results": [{ "value": "connectome" }]
    });
    let rest = HostTensor::f32([2, 5, 3], (0..30).map(|i| ((i * i) % 11) as f32).collect()).unwrap();
    let workflow = Workflow::options().array("rest", rest).build(json, "").unwrap();
    let alone = bits(&workflow.run(&Device::cpu()).unwrap());
    for found in over(3, |rank| workflow.run_over(&Device::cpu(), None, rank, |_| {})) {
        assert_eq!(bits(&found.unwrap()), alone);
    }
}
