//! The repetition time of an image, by its header and by the `.json` beside it.

use super::NiftiReader;
use super::header::Unit;
use crate::data::sidecar;
use std::path::{Path, PathBuf};

/// A time without a unit from which on it is taken for milliseconds by some and for seconds by others, and so is not taken.
const DOUBTFUL: f64 = 60.0;

/// The repetition time in seconds, where the image states one, and remarks about it. `RepetitionTime` in a `.json` of the same name (BIDS)
/// goes before the header's.
pub(super) fn step(image: &NiftiReader) -> (Option<f64>, Vec<String>) {
    if image.extents()[3] == 1 {
        return (None, Vec::new());
    }
    let mut remarks = Vec::new();
    let (stated, doubt) = of_header(image);
    let sidecar = beside(image.path()).and_then(|path| match of_sidecar(&path) {
        Ok(step) => step.map(|step| (path, step)),
        Err(what) => {
            remarks.push(format!("no repetition time is read from {}: {what}", path.display()));
            None
        }
    });
    match sidecar {
        Some((path, step)) => {
            if let Some(other) = stated.filter(|other| (other - step).abs() > 1e-3 * step) {
                remarks.push(format!("the repetition time is {other} s by the header and {step} s by {}, which is taken", path.display()));
            }
            (Some(step), remarks)
        }
        None => {
            remarks.extend(doubt);
            (stated, remarks)
        }
    }
}

/// The repetition time of the header, and what is doubtful about it. Many programs write 1 without a unit where they know of no time.
fn of_header(image: &NiftiReader) -> (Option<f64>, Option<String>) {
    let header = image.header();
    let x = header.spacing;
    let not_taken =
        || Some(format!("the header states the repetition time {x} without a unit, which is not taken: say --tr where it matters"));
    match header.unit {
        _ if x <= 0.0 => (None, None),
        Unit::Seconds if x >= DOUBTFUL => (Some(x), Some(format!("the repetition time is {x} s by the header: milliseconds, perhaps"))),
        Unit::Seconds => (Some(x), None),
        Unit::Milliseconds => (Some(x / 1e3), None),
        Unit::Microseconds => (Some(x / 1e6), None),
        Unit::Unstated if x == 1.0 || x >= DOUBTFUL => (None, not_taken()),
        Unit::Unstated => (Some(x), Some(format!("the header states the repetition time {x} without a unit: it is taken as seconds"))),
        Unit::Other => (None, None),
    }
}

/// The `.json` of the same name, where there is one.
fn beside(image: &Path) -> Option<PathBuf> {
    let name = image.file_name()?.to_str()?;
    let lower = name.to_lowercase();
    let stem = [".nii.gz", ".nii"].iter().find_map(|end| lower.ends_with(end).then(|| &name[..name.len() - end.len()]))?;
    let path = image.with_file_name(format!("{stem}.json"));
    path.is_file().then_some(path)
}

/// The seconds from frame to frame by a sidecar.
fn of_sidecar(path: &Path) -> Result<Option<f64>, String> {
    sidecar::frame_step(&sidecar::read(path).map_err(|e| e.to_string())?)
}
