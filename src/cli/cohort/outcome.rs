//! The outcome of a file: its results, or the reason why it has none. A rank works on its share of the files, and rank 0 gets what came of all.

use super::found::{Fault, Regions};
use super::notes::{Notes, Said};
use super::results::Made;
use crate::cli::ranks::Frames;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The outcome of a file.
pub(super) struct Outcome {
    /// Its regions, where they could be read.
    pub(super) regions: Option<Regions>,
    pub(super) said: Said,
    pub(super) made: Result<Vec<Made>, Fault>,
}

impl Outcome {
    /// True where the files after this one need not be worked on, because nothing will be written.
    pub(super) fn ends_all(&self) -> bool {
        matches!(&self.made, Err(Fault::OfAll(_) | Fault::Regions(..)))
    }

    /// Adds a record of it, and the tables that it made.
    pub(super) fn add_to(&self, frames: &mut Frames) {
        let (made, fault) = match &self.made {
            Ok(made) => (made.as_slice(), Value::Null),
            Err(Fault::OfOne(error)) => (&[][..], json!({ "of_all": false, "what": error.to_string() })),
            Err(Fault::OfAll(error) | Fault::Regions(_, error)) => (&[][..], json!({ "of_all": true, "what": error.to_string() })),
        };
        let result = |made: &Made| json!({ "path": made.path.to_string_lossy(), "sidecar": made.sidecar, "json": made.json });
        frames.add_json(&json!({
            "regions": self.regions.as_ref().map(|regions| json!({ "count": regions.count, "names": regions.names })),
            "remarks": self.said.remarks.json(), "warnings": self.said.warnings.json(), "fault": fault,
            "made": made.iter().map(result).collect::<Vec<_>>(),
        }));
        made.iter().for_each(|made| frames.add(made.table.as_bytes()));
    }

    /// Reads what [`add_to`](Self::add_to) added.
    pub(super) fn next_of(frames: &mut Frames) -> Result<Self> {
        let mut record = frames.next_json()?;
        let regions = regions(&record["regions"])?;
        let said = Said { remarks: Notes::parse(&record["remarks"])?, warnings: Notes::parse(&record["warnings"])? };
        if let Some(what) = record["fault"]["what"].as_str() {
            let error = Error::argument(what);
            let fault = if record["fault"]["of_all"] == json!(false) { Fault::OfOne(error) } else { Fault::OfAll(error) };
            return Ok(Self { regions, said, made: Err(fault) });
        }
        let results = record["made"].as_array_mut().map(std::mem::take).ok_or_else(malformed)?;
        let made = results.into_iter().map(|mut result| -> Result<Made> {
            let path = PathBuf::from(result["path"].as_str().ok_or_else(malformed)?);
            Ok(Made { path, table: frames.next_text()?, sidecar: result["sidecar"].take(), json: result["json"].take() })
        });
        let made = made.collect::<Result<_>>()?;
        Ok(Self { regions, said, made: Ok(made) })
    }
}

fn regions(record: &Value) -> Result<Option<Regions>> {
    if record.is_null() {
        return Ok(None);
    }
    let count = record["count"].as_u64().and_then(|count| usize::try_from(count).ok()).ok_or_else(malformed)?;
    let name = |name: &Value| name.as_str().map(str::to_owned).ok_or_else(malformed);
    let names = match &record["names"] {
        Value::Null => None,
        names => Some(names.as_array().ok_or_else(malformed)?.iter().map(name).collect::<Result<_>>()?),
    };
    Ok(Some(Regions { count, names }))
}

fn malformed() -> Error {
    Error::argument("what came of a file cannot be read")
}
