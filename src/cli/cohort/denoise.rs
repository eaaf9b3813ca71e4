//! Denoising of the files of a BIDS tree, each by the confounds beside it.

use super::super::common::{Common, Done};
use super::super::denoise::{Cleaned, Denoise};
use super::found::Found;
use super::notes::Said;
use super::results::{Made, Results, name, sidecar};
use crate::connectome::confounds::Confounds;
use crate::data::bids::{BidsFile, BidsTree, derivative};
use crate::data::{self, Layout, Series, series_text};
use crate::{Device, Result};
use serde_json::{Value, json};
use std::path::Path;

/// Denoises and writes the series of each file.
pub(in super::super) fn run(command: &Denoise, mut found: Found, common: &Common) -> Result<Done> {
    // Confounds of another tree, where the series are of one that has none.
    let ready = command.confounds().map(BidsTree::open).transpose().and_then(|other| {
        let results = Results::new(common, command.out(), &std::iter::once(&found.tree).chain(&other).collect::<Vec<_>>())?;
        Ok((other, results, common.device()?))
    });
    let (other, mut results, device) = common.ranks.agree(ready)?;
    common.ranks.same_device(&device)?;
    results.each(&mut found, Ok(()), |found, said, file, series| {
        Ok(vec![of_file(command, (common, &device), (found, said), other.as_ref(), file, series)?])
    })?;
    common.say(&device);
    let json = json!({ "device": device.name() });
    results.finish(&found, json, |count| format!("files: {count} -> {} (.._desc-denoised_timeseries.tsv)", command.out().display()))
}

fn of_file(
    command: &Denoise,
    (common, device): (&Common, &Device),
    (found, said): (&Found, &mut Said),
    other: Option<&BidsTree>,
    file: &BidsFile,
    series: Series,
) -> Result<Made> {
    let beside = match command.is_without_confounds() {
        true => None,
        false => Some(other.unwrap_or(&found.tree).confounds(file)?.path.clone()),
    };
    let table = beside.as_deref().map_or_else(|| Ok(Confounds::default()), data::read_confounds)?;
    let about = beside.clone().unwrap_or_else(|| file.path.clone());
    let computed = common.compute_on(device, |device| command.clean(device, &series, &table, [&about, &file.path]))?;
    computed.refused().into_iter().for_each(|why| said.remarks.add(&file.path, why));
    let cleaned = computed.value;
    for what in series.doubts()?.into_iter().chain(command.differs(&series)) {
        said.warnings.add(&file.path, what);
    }
    if !cleaned.early.is_empty() {
        let what = format!("{} volumes before the steady state were left out; --keep-non-steady-state keeps them", cleaned.early.len());
        said.remarks.add(&file.path, what);
    }
    if command.is_without_confounds() {
        said.remarks.add(&found.tree.root, "--none: no confounds were regressed out");
    }
    let mut described = sidecar(found, file, &series);
    describe(&mut described, command, found, other, beside.as_deref(), &cleaned);
    let name = name(found, file).with("stat", "mean").with("desc", "denoised").ending("timeseries", ".tsv");
    let written = Series { values: cleaned.clean.series.clone(), ..series.clone() };
    let json = json!({
        "confounds": beside.map(|path| path.display().to_string()), "columns": cleaned.clean.columns,
        "regions": series.regions(), "frames": series.values.shape()[1], "kept": cleaned.frames(), "step": series.step,
        "censored": cleaned.censored(), "non_steady_state": cleaned.early, "rank": cleaned.clean.rank,
        "degrees_of_freedom": cleaned.frames() - cleaned.clean.rank,
    });
    Ok(Made { path: derivative::path(&name), table: series_text(&written, Layout::TimeRegions, "\t")?, sidecar: described, json })
}

/// Adds to a sidecar what was done to the series.
fn describe(sidecar: &mut Value, command: &Denoise, found: &Found, other: Option<&BidsTree>, confounds: Option<&Path>, cleaned: &Cleaned) {
    if let (Some(path), Some(sources)) = (confounds, sidecar["Sources"].as_array_mut()) {
        sources.push(match other {
            Some(tree) => derivative::source_uri(1, tree, path).into(),
            None => derivative::source_uri(0, &found.tree, path).into(),
        });
    }
    if let Some(seconds) = command.seconds() {
        sidecar["RepetitionTime"] = seconds.into();
    }
    sidecar["FramesKept"] = cleaned.frames().into();
    sidecar["CensoredFrames"] = json!(cleaned.censored());
    sidecar["NonSteadyStateFrames"] = json!(cleaned.early);
    sidecar["ConfoundColumns"] = json!(cleaned.clean.columns);
    sidecar["Rank"] = cleaned.clean.rank.into();
    sidecar["Denoising"] = command.described();
}
