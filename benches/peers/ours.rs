//! Our side of `compare.py`: reads `WORK<tab>RUNS` a line, runs the work once to warm up and RUNS times in earnest on the host
//! executor, and answers with the median in one line of JSON. Ends at the end of input.

#[path = "../work/mod.rs"]
mod work;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::time::Instant;
use tapetum::{Device, Error, Result};
use work::Job;

fn median_seconds(job: &mut Job, runs: usize) -> Result<f64> {
    job.run()?;
    let mut seconds = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        job.run()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[runs / 2])
}

fn main() -> Result<()> {
    let device = Device::cpu();
    let mut jobs: BTreeMap<String, Job> = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| Error::argument(e.to_string()))?;
        let (name, runs) = line.split_once('\t').unwrap_or((&line, "3"));
        let runs = runs.trim().parse::<usize>().map_or(3, |n| n.max(1));
        if !jobs.contains_key(name) {
            let job = Job::new(name, &device)?.ok_or_else(|| Error::argument(format!("no work `{name}`")))?;
            jobs.insert(name.to_owned(), job);
        }
        if let Some(job) = jobs.get_mut(name) {
            let seconds = median_seconds(job, runs)?;
            println!("{}", serde_json::json!({ "work": name, "seconds": seconds }));
        }
    }
    Ok(())
}
