//! burn's side of `compare.py`: the works of `benches/work`, as a burn user would write them, on wgpu with Vulkan, fusion and autotune.
//! Answers `WORK<tab>RUNS` and `CHECK<tab>WORK`, a line of JSON each; ends at the end of input.
//!
//!     cargo build --release --manifest-path benches/peers/burn/Cargo.toml
//!     tapetum-peer-burn [--device auto|NAME]

mod adapter;
mod work;

use std::error::Error;
use std::io::BufRead;
use std::time::Instant;
use work::{Backend, Job};

/// Runs before the first that is timed: autotune tries its kernels, fusion learns the stream.
const WARM_UP: usize = 3;

/// Seconds of `runs` runs, each until the device is done; the median.
fn median_seconds(job: &Job, runs: usize) -> Result<f64, Box<dyn Error>> {
    job.run()?;
    let mut seconds = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        let made = job.run()?;
        seconds.push(start.elapsed().as_secs_f64());
        drop(made);
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[runs / 2])
}

/// Of each result: its elements, Σy, ‖y‖, and Σ y h, h the ninth operand.
fn sums(job: &Job) -> Result<Vec<[f64; 4]>, Box<dyn Error>> {
    let of = |y: Vec<f32>| {
        let h = work::numbers(y.len(), 9);
        let pairs = || y.iter().zip(&h).map(|(&y, &h)| (f64::from(y), f64::from(h)));
        let norm = pairs().map(|(y, _)| y * y).sum::<f64>().sqrt();
        [y.len() as f64, pairs().map(|(y, _)| y).sum(), norm, pairs().map(|(y, h)| y * h).sum()]
    };
    Ok(job.run()?.values()?.into_iter().map(of).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = match &arguments[..] {
        [] => "auto",
        [flag, name] if flag == "--device" => name,
        _ => return Err("usage: tapetum-peer-burn [--device auto|NAME]".into()),
    };
    let (device, name) = adapter::choose(asked)?;
    burn::backend::wgpu::init_setup::<burn::backend::wgpu::graphics::Vulkan>(&device, Default::default());
    println!("{}", serde_json::json!({ "side": "burn 0.21.0 (wgpu, Vulkan, fusion, autotune)", "device": name }));
    let mut made: Option<(String, Job)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (first, second) = line.split_once('\t').ok_or("WORK<tab>RUNS or CHECK<tab>WORK expected")?;
        let name = if first == "CHECK" { second } else { first };
        // One work at a time holds memory on the device.
        if made.as_ref().is_none_or(|(known, _)| known != name) {
            drop(made.take());
            let job = Job::new::<Backend>(name, &device)?;
            (0..WARM_UP).try_for_each(|_| job.run().map(drop))?;
            made = Some((name.to_owned(), job));
        }
        let Some((_, job)) = &made else { continue };
        if first == "CHECK" {
            println!("{}", serde_json::json!({ "work": name, "sums": sums(job)? }));
        } else {
            let runs = second.parse::<usize>()?.max(1);
            println!("{}", serde_json::json!({ "work": name, "seconds": median_seconds(job, runs)?, "runs": runs + 1 }));
        }
    }
    Ok(())
}
