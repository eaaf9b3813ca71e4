//! Connectivity of the subjects of one file, which holds an array for each by name.

use super::common::{Common, Done, note};
use super::connectivity::{Connectivity, ended, precision, shrinkage_name};
use super::large::Written;
use super::ranks::{Frames, Ranks};
use crate::connectome::connectivity::measure::{Connectivity as Measure, Kind, Matrices, Rows};
use crate::data::{self, Cohort, Connectome, Series};
use crate::host::Precision;
use crate::{Device, Error, HostTensor, Result};
use serde_json::{Value, json};

/// Computes and writes the matrices of each subject, `[subjects, regions, regions]`. Subjects may have frames of their own.
pub(super) fn connectivity(command: &Connectivity, cohort: &Cohort, common: &Common) -> Result<Done> {
    let (path, measure) = (command.series(), command.only());
    let fail = |e: Error| Error::file(path, e);
    let ready = || -> Result<_> {
        check(command, cohort)?;
        Ok((names(cohort).map_err(fail)?, common.device()?))
    };
    let subjects: Vec<String> = cohort.subjects.iter().map(|(name, series)| format!("{name} {}", series.values.ty())).collect();
    common.ranks.same("other subjects", &subjects)?;
    let (names, device) = common.ranks.agree(ready())?;
    common.ranks.same_device(&device)?;
    let made = match measure.kind {
        // The group's mean needs all subjects, so that it is of rank 0.
        Kind::Tangent if !common.ranks.is_first() => return Ok(Done::Well),
        Kind::Tangent => of_group(&measure, &device, cohort),
        _ => of_each(&measure, &device, cohort, &common.ranks),
    };
    let made = made.map_err(fail)?;
    if !common.ranks.is_first() {
        return Ok(Done::Well);
    }
    let values = joined(cohort, &made)?;
    let subjects: Vec<String> = cohort.subjects.iter().map(|(name, _)| name.clone()).collect();
    data::write_connectomes(command.out(), &Connectome::new(values.clone(), names)?, &subjects)?;
    common.say(&device);
    let warnings = warnings(command, &measure, cohort, &made);
    warnings.iter().for_each(|warning| note(&format!("warning: {}: {warning}", path.display())));
    let described = cohort.subjects.iter().zip(made.iter().cycle()).map(|((name, series), made)| of_subject(name, series, made));
    let json = json!({
        "series": path.display().to_string(), "out": command.out().display().to_string(), "device": device.name(),
        "cooperative": device.cooperative(), "kind": measure.kind.name(), "shrinkage": shrinkage_name(measure.shrinkage()),
        "fisher_z": measure.fisher_z, "subjects": described.collect::<Vec<_>>(), "warnings": warnings,
    });
    common.print(&json, || {
        let each: Vec<String> = cohort.subjects.iter().take(16).map(|(name, series)| format!("{name} of {}", frames(series))).collect();
        let more = if subjects.len() > each.len() { ", ..".to_owned() } else { String::new() };
        format!("{} subjects, frames {}{more} -> {} {}", subjects.len(), each.join(", "), command.out().display(), values.ty())
    })?;
    Ok(Done::Well)
}

/// Checks that each subject can have a matrix.
fn check(command: &Connectivity, cohort: &Cohort) -> Result<()> {
    let path = command.series();
    if !command.is_plain() {
        return Err(Error::file(path, "--keep and --report are of one array, and this file has one for each subject: FILE:NAME takes one"));
    }
    for (name, series) in &cohort.subjects {
        if frames(series) < 2 {
            let what = format!("`{name}` has {} frame: at least 2 are needed for a {}", frames(series), command.only().kind.name());
            return Err(Error::file(path, what));
        }
    }
    Ok(())
}

fn frames(series: &Series) -> usize {
    series.values.shape().last().copied().unwrap_or(0)
}

/// The names of the regions, which all subjects share; `None` where no subject has names.
fn names(cohort: &Cohort) -> Result<Option<Vec<String>>> {
    let mut named = cohort.subjects.iter().filter_map(|(subject, series)| series.names.as_ref().map(|names| (subject, names)));
    let Some((first, names)) = named.next() else { return Ok(None) };
    match named.find(|(_, other)| *other != names) {
        Some((subject, _)) => Err(Error::argument(format!("`{subject}` has other names of regions than `{first}`: the same are expected"))),
        None => Ok(Some(names.clone())),
    }
}

/// The matrices of each subject, spread over ranks: of all at rank 0. Every rank has read the file.
fn of_each(measure: &Measure, device: &Device, cohort: &Cohort, ranks: &Ranks) -> Result<Vec<Matrices>> {
    let work = |at: usize| {
        let (name, series) = &cohort.subjects[at];
        let made = measure.compute_present(device, &series.values, &series.missing);
        made.map_err(|e| Error::argument(format!("`{name}`: {e}")))
    };
    ranks.spread(cohort.subjects.len(), work, add, next)
}

/// Carries the matrix of a subject to another rank. Its condition number may be infinite, which JSON is not, so that its bits are written.
fn add(frames: &mut Frames, made: &Matrices) -> Result<()> {
    let rows = &made.rows;
    frames.add_json(&json!({
        "regions": made.values.shape().last(), "double": made.precision == Precision::F64, "condition": made.condition.map(f64::to_bits),
        "constant": rows.constant, "dependent": rows.dependent, "far": rows.far,
    }));
    frames.add_f32(made.values.elements::<f32>()?);
    Ok(())
}

/// The matrix that [`add`] added.
fn next(frames: &mut Frames) -> Result<Matrices> {
    let record = frames.next_json()?;
    let malformed = || Error::argument("the record of a matrix cannot be read");
    let number = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(malformed);
    let list = |key: &str| record[key].as_array().ok_or_else(malformed)?.iter().map(number).collect::<Result<Vec<_>>>();
    let regions = number(&record["regions"])?;
    let entries = regions.checked_mul(regions).ok_or_else(malformed)?;
    Ok(Matrices {
        values: HostTensor::f32([regions, regions], frames.next_f32(entries)?)?,
        precision: if record["double"] == true { Precision::F64 } else { Precision::F32 },
        condition: record["condition"].as_u64().map(f64::from_bits),
        mean: None,
        rows: Rows { constant: list("constant")?, dependent: list("dependent")?, far: list("far")? },
    })
}

/// The tangents of the group.
fn of_group(measure: &Measure, device: &Device, cohort: &Cohort) -> Result<Vec<Matrices>> {
    let values: Vec<HostTensor> = cohort.subjects.iter().map(|(_, series)| series.values.clone()).collect();
    let missing: Vec<Vec<bool>> = cohort.subjects.iter().map(|(_, series)| series.missing.clone()).collect();
    Ok(vec![measure.compute_group(device, &values, &missing)?.matrices])
}

/// The matrices of all subjects, one after the other.
fn joined(cohort: &Cohort, made: &[Matrices]) -> Result<HostTensor> {
    let regions = cohort.subjects.first().map_or(0, |(_, series)| series.regions());
    let values = made.iter().map(|of| of.values.elements::<f32>()).collect::<Result<Vec<_>>>()?;
    HostTensor::f32([cohort.subjects.len(), regions, regions], values.concat())
}

/// The warnings of each subject, with its name; those of a group name the subjects of their rows.
fn warnings(command: &Connectivity, measure: &Measure, cohort: &Cohort, made: &[Matrices]) -> Vec<String> {
    let regions = cohort.subjects.first().map_or(1, |(_, series)| series.regions().max(1));
    let mut found = Vec::new();
    for (i, (name, series)) in cohort.subjects.iter().enumerate() {
        let of_matrices = match made.get(i).filter(|_| made.len() == cohort.subjects.len()) {
            Some(made) => command.warnings(measure, series, &Written::of(made.clone())),
            None => measure.doubt(&series.values).into_iter().chain(series.missing_warning()).collect(),
        };
        found.extend(series.remarks.iter().chain(&of_matrices).map(|what| format!("`{name}`: {what}")));
    }
    if let Some(group) = made.first().filter(|_| made.len() < cohort.subjects.len()) {
        found.extend(group.rows.warnings(measure.kind, |row| {
            let of = cohort.subjects.get(row / regions);
            of.map_or_else(String::new, |(name, series)| format!("`{name}` {}", series.row_name(row % series.regions().max(1))))
        }));
        let unconverged = group.mean.filter(|mean| !mean.converged);
        found.extend(
            unconverged.map(|mean| format!("the geometric mean has not converged: a step of length {:.1e} is left", mean.residual)),
        );
    }
    found
}

fn of_subject(name: &str, series: &Series, made: &Matrices) -> Value {
    let missing: Vec<usize> = (0..series.missing.len()).filter(|row| series.missing[*row]).collect();
    json!({
        "name": name, "frames": frames(series), "regions": series.regions(), "names": series.names, "missing": missing, "step": series.step,
        "precision": precision(made.precision), "condition": made.condition, "mean": made.mean.map(ended),
    })
}
