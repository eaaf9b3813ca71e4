//! Our side of `compare.py`: a line in, a line of JSON out, until the end of input.
//!
//! `WORK<tab>RUNS` runs the work once to warm up, unless it is known to take long, and RUNS times in earnest, each time until the device is
//! done, and answers with the median of the seconds and the number of all runs; `CHECK<tab>WORK` answers with sums of the results, by which the sides are held to one another. The works are
//! those of `benches/work`. `--device cpu|auto|NAME|INDEX` is as the command's; `auto` where it is not given.

#[path = "../work/mod.rs"]
mod work;

use std::io::BufRead;
use std::time::Instant;
use tapetum::gpu::{Choice, Options};
use tapetum::{Device, Error, HostTensor, Result};
use work::Job;

/// Seconds: what takes longer is warm after one run.
const LONG: f64 = 2.0;

fn seconds(job: &mut Job) -> Result<f64> {
    let start = Instant::now();
    job.run()?;
    Ok(start.elapsed().as_secs_f64())
}

fn timed(job: &mut Job, runs: usize, long: &mut bool) -> Result<serde_json::Value> {
    let warm_up = !*long;
    if warm_up {
        *long = seconds(job)? > LONG;
    }
    let mut taken = (0..runs).map(|_| seconds(job)).collect::<Result<Vec<_>>>()?;
    taken.sort_by(f64::total_cmp);
    Ok(serde_json::json!({ "seconds": taken[runs / 2], "runs": runs + usize::from(warm_up) }))
}

/// The runs before the results are read: as many as `answer.py` makes, for a training step changes its weights.
const RUNS_BEFORE: usize = 4;

/// Of each result: its elements, Σy, ‖y‖, and Σ y h, h the ninth operand.
fn sums(job: &mut Job) -> Result<Vec<[f64; 4]>> {
    (0..RUNS_BEFORE).try_for_each(|_| job.run())?;
    let of = |y: &HostTensor| {
        let y = y.to_f64_vec();
        let weighted = y.iter().zip(work::numbers(y.len(), 9)).map(|(y, h)| y * f64::from(h)).sum();
        [y.len() as f64, y.iter().sum(), y.iter().map(|y| y * y).sum::<f64>().sqrt(), weighted]
    };
    Ok(job.values()?.iter().map(of).collect())
}

/// The device that `--device` names. Cargo's own `--bench` is passed over.
fn device() -> Result<Device> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match &arguments[..] {
        [] => Ok(Device::auto()),
        [flag, name] if flag == "--device" => match name.as_str() {
            "cpu" => Ok(Device::cpu()),
            "auto" => Ok(Device::auto()),
            name => Device::gpu(&Options { choice: Choice::parse(name), ..Options::from_env() }),
        },
        _ => Err(Error::argument("usage: ours [--device cpu|auto|NAME|INDEX]")),
    }
}

fn main() -> Result<()> {
    let device = device()?;
    println!("{}", serde_json::json!({ "side": concat!("tapetum ", env!("CARGO_PKG_VERSION")), "device": device.name() }));
    let mut made: Option<(String, Job, bool)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| Error::argument(e.to_string()))?;
        let (first, second) = line.split_once('\t').unwrap_or((&line, "3"));
        let name = if first == "CHECK" { second } else { first };
        // One work at a time holds memory on the device.
        if made.as_ref().is_none_or(|(known, ..)| known != name) {
            drop(made.take());
            made = Some((name.to_owned(), Job::new(name, &device)?, false));
        }
        let Some((_, job, long)) = &mut made else { continue };
        if first == "CHECK" {
            println!("{}", serde_json::json!({ "work": name, "sums": sums(job)? }));
        } else {
            let runs = second.trim().parse::<usize>().map_or(3, |n| n.max(1));
            println!("{}", timed(job, runs, long)?);
        }
    }
    Ok(())
}
