//! Every reader of files is run on mutated real files. It must return a value or an error of one line, must not panic, and must take no
//! more memory than a bound that grows with the file. TAPETUM_FUZZ_SECONDS is the time for all readers together (20 where it is not set),
//! and TAPETUM_FUZZ names the one to try alone.

mod descriptions;
mod files;
mod graphs;
mod memory;
mod mutate;
mod target;

use memory::{Counting, most};
use mutate::{Random, mutated};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};
use target::Target;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Tries mutated files until the time is over, and returns how many there were and how many were read.
fn tried(target: &Target, time: Duration, folder: &Path) -> (u64, u64) {
    let begun = Instant::now();
    let (mut count, mut read) = (0, 0);
    for seed in 0.. {
        if begun.elapsed() >= time {
            break;
        }
        let bytes = match seed {
            // The unchanged files come first.
            _ if seed < target.seeds.len() as u64 => target.seeds[seed as usize].clone(),
            _ => mutated(&target.seeds, &mut Random(seed)),
        };
        let mut outcome = None;
        let held = most(|| outcome = Some(catch_unwind(AssertUnwindSafe(|| (target.read)(&bytes)))));
        let fault = match outcome.unwrap() {
            Err(_) => Some("a panic".to_owned()),
            Ok(Err(e)) if e.to_string().contains(['\n', '\r']) => Some(format!("an error of several lines: {e}")),
            Ok(Err(e)) if e.to_string().len() > 8192 => Some(format!("an error of {} bytes: {e}", e.to_string().len())),
            Ok(result) => {
                read += u64::from(result.is_ok());
                let limit = target.floor + target.by_byte * bytes.len();
                (held > limit).then(|| format!("{held} bytes held of a file of {}, where {limit} are the limit", bytes.len()))
            }
        };
        if let Some(fault) = fault {
            let kept = folder.with_file_name(format!("tapetum-fuzz-{}-{seed}", target.name));
            fs::write(&kept, &bytes).unwrap();
            panic!("{} of seed {seed}: {fault}; the file is kept as {}", target.name, kept.display());
        }
        count += 1;
    }
    (count, read)
}

#[test]
fn readers_give_a_value_or_an_error_of_one_line() {
    let folder = std::env::temp_dir().join(format!("tapetum-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let seconds = std::env::var("TAPETUM_FUZZ_SECONDS").map_or(20.0, |s| s.parse().expect("TAPETUM_FUZZ_SECONDS: a number of seconds"));
    let groups = [
        graphs::connectomes(),
        files::arrays_and_tables(),
        files::hdf5_and_matlab(&folder),
        files::images(&folder),
        files::surfaces(&folder),
        descriptions::confounds(&folder),
        descriptions::trees(&folder),
        descriptions::descriptions(&folder),
    ];
    let mut targets: Vec<Target> = groups.into_iter().flatten().collect();
    if let Ok(name) = std::env::var("TAPETUM_FUZZ") {
        targets.retain(|t| t.name == name);
        assert!(!targets.is_empty(), "TAPETUM_FUZZ={name}: no such reader");
    }
    let each = Duration::from_secs_f64(seconds / targets.len() as f64);
    for target in &targets {
        let (count, read) = tried(target, each, &folder);
        println!("{:<12} {count:>9} files, {read} of them read", target.name);
        // Unchanged, at least some of the real files are read.
        assert!(count > target.seeds.len() as u64 && read > 0, "{}: {count} files and {read} read", target.name);
    }
    fs::remove_dir_all(&folder).unwrap();
}
