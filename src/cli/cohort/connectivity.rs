//! Connectivity of the files of a BIDS tree.

use super::super::common::{Common, Done, progress};
use super::super::connectivity::{Connectivity, ended, precision, shrinkage_name};
use super::super::large::Written;
use super::found::{Fault, Found};
use super::notes::Said;
use super::results::{Made, Results, name, sidecar};
use crate::connectome::connectivity::measure::{Connectivity as Measure, GroupTangents, Kind, Matrices};
use crate::data::bids::{BidsFile, BidsName, derivative};
use crate::data::{Connectome, Series, connectome_text};
use crate::{Device, Error, HostTensor, Result};
use serde_json::{Value, json};

/// Computes and writes the matrices of each file, and for a tangent the mean of the group at which it is taken.
pub(in super::super) fn run(command: &Connectivity, mut found: Found, common: &Common) -> Result<Done> {
    let (of_group, of_files): (Vec<Measure>, Vec<Measure>) = command.measures().into_iter().partition(|m| m.kind == Kind::Tangent);
    let ready = || -> Result<_> {
        if !of_group.is_empty() {
            found.tree.one_each(&found.files)?;
        }
        Ok((Results::new(common, command.out(), &[&found.tree])?, common.device()?))
    };
    let (mut results, device) = common.ranks.agree(ready())?;
    common.ranks.same_device(&device)?;
    // The group first: it fails where one of its files does, and then nothing is written. All its files are needed for each of its
    // tangents, so that it is of rank 0, and the others go on with their files.
    let of_first = if common.ranks.is_first() { &of_group[..] } else { &[] };
    let group = of_first.iter().try_for_each(|measure| tangents(measure, (common, &device), &mut found, &mut results));
    if of_files.is_empty() {
        group?;
    } else {
        results.each(&mut found, group, |found, said, file, series| {
            of_files.iter().map(|measure| matrices(command, measure, (common, &device), (found, &mut *said), file, &series)).collect()
        })?;
    }
    common.say(&device);
    let kinds: Vec<&str> = command.measures().iter().map(|measure| measure.kind.name()).collect();
    let json = json!({ "device": device.name(), "cooperative": device.cooperative(), "kind": kinds });
    let statistics: Vec<String> = command.measures().iter().map(|m| format!(".._stat-{}_relmat.tsv", derivative::statistic(m))).collect();
    let (files, out) = (found.files.len(), command.out().display().to_string());
    results.finish(&found, json, |count| format!("files: {files}, matrices: {count} -> {out} ({})", statistics.join(", ")))
}

/// The matrix of a file.
fn matrices(
    command: &Connectivity,
    measure: &Measure,
    (common, device): (&Common, &Device),
    (found, said): (&Found, &mut Said),
    file: &BidsFile,
    series: &Series,
) -> Result<Made> {
    if series.values.shape()[1] < 2 {
        return Err(Error::argument(format!("1 frame: at least 2 are needed for a {}", measure.kind.name())));
    }
    let computed = common.compute_on(device, |device| measure.compute_present(device, &series.values, &series.missing))?;
    computed.refused().into_iter().for_each(|why| said.remarks.add(&file.path, why));
    let made = computed.value;
    for warning in command.warnings(measure, series, &Written::of(made.clone())) {
        said.warnings.add(&file.path, warning);
    }
    of_file(measure, found, file, series, &made)
}

/// The tangents of the group. All files are needed for each of them, so the first failure ends it.
fn tangents(measure: &Measure, (common, device): (&Common, &Device), found: &mut Found, results: &mut Results) -> Result<()> {
    let files = found.files.clone();
    let bar = progress(files.len() as u64, "files read")?;
    let mut said = Said::default();
    let all = files.iter().map(|file| {
        bar.next(None, file.name.to_string());
        found.read(file, &mut said).map_err(Fault::error)
    });
    let all: Result<Vec<Series>> = all.collect();
    bar.finish();
    let all = all?;
    found.said.join(said);
    let values: Vec<HostTensor> = all.iter().map(|series| series.values.clone()).collect();
    let missing: Vec<Vec<bool>> = all.iter().map(|series| series.missing.clone()).collect();
    let computed = common.compute_on(device, |device| measure.compute_group(device, &values, &missing));
    let computed = computed.map_err(|e| named(&files, &all, e))?;
    let root = found.tree.root.clone();
    computed.refused().into_iter().for_each(|why| found.said.remarks.add(&root, why));
    let group = computed.value;
    warn(measure, found, &files, &all, &group);
    let regions = group.present.len();
    let each = group.matrices.values.elements::<f32>()?.chunks_exact(regions * regions);
    for ((file, series), values) in files.iter().zip(&all).zip(each) {
        let values = HostTensor::f32([regions, regions], values.to_vec())?;
        let own = Matrices { values, ..group.matrices.clone() };
        let mut made = of_file(measure, found, file, series, &own)?;
        made.sidecar["GeometricMeanOf"] = json!(files.iter().map(|file| file.name.get("sub")).collect::<Vec<_>>());
        results.add(found, Some(file), made)?;
    }
    let made = of_group(measure, found, &files, &all, &group)?;
    results.add(found, None, made)
}

/// An error of the group with the file in the place of the subject's number. Where series differ in length, subjects are taken in another
/// order, and a number names none.
fn named(files: &[BidsFile], all: &[Series], error: Error) -> Error {
    if all.windows(2).any(|pair| pair[0].values.shape() != pair[1].values.shape()) {
        return error;
    }
    let text = error.to_string();
    let number = text.split("subject ").nth(1).and_then(|rest| rest.split(' ').next()).and_then(|digits| digits.parse::<usize>().ok());
    match (number.and_then(|at| files.get(at)), error) {
        (Some(file), _) => Error::file(&file.path, text),
        (None, error) => error,
    }
}

fn warn(measure: &Measure, found: &mut Found, files: &[BidsFile], all: &[Series], group: &GroupTangents) {
    let regions = group.present.len().max(1);
    for (series, file) in all.iter().zip(files) {
        for what in measure.doubt(&series.values).into_iter().chain(series.missing_warning()) {
            found.said.warnings.add(&file.path, what);
        }
    }
    let file = |row: usize| files.get(row / regions);
    let name = |row: usize| match (file(row), all.get(row / regions)) {
        (Some(file), Some(series)) => format!("sub-{} {}", file.name.get("sub").unwrap_or_default(), series.row_name(row % regions)),
        _ => format!("row {row}"),
    };
    let mut of_group = group.matrices.rows.warnings(measure.kind, name);
    let left_out = group.present.iter().filter(|present| !**present).count();
    if left_out > 0 {
        of_group.push(format!("{left_out} of {regions} regions are left out of all tangents, for a participant lacks them"));
    }
    if let Some(mean) = group.matrices.mean.filter(|mean| !mean.converged) {
        of_group.push(format!("the geometric mean has not converged: a step of length {:.1e} is left", mean.residual));
    }
    let root = found.tree.root.clone();
    of_group.into_iter().for_each(|what| found.said.warnings.add(&root, what));
}

/// The matrix of a file, with its sidecar.
fn of_file(measure: &Measure, found: &Found, file: &BidsFile, series: &Series, made: &Matrices) -> Result<Made> {
    let mut described = sidecar(found, file, series);
    describe(&mut described, measure, made);
    let name = name(found, file).with("stat", derivative::statistic(measure)).ending("relmat", ".tsv");
    let table = connectome_text(&Connectome::new(made.values.clone(), series.names.clone())?, "\t")?;
    let shape = series.values.shape();
    let json = json!({
        "regions": shape[0], "frames": shape[1], "step": series.step, "missing": series.missing.iter().filter(|missing| **missing).count(),
        "precision": precision(made.precision), "condition": made.condition, "mean": made.mean.map(ended),
    });
    Ok(Made { path: derivative::path(&name), table, sidecar: described, json })
}

/// The geometric mean of the group. Its name has the entities that all files share.
fn of_group(measure: &Measure, found: &Found, files: &[BidsFile], all: &[Series], group: &GroupTangents) -> Result<Made> {
    let names = files.iter().map(|file| name(found, file));
    let shared = names.reduce(|a: BidsName, b| a.shared(&b)).ok_or_else(|| Error::argument("no files of a group"))?;
    let name = shared.without("sub").with("stat", "geometricmean").ending("relmat", ".tsv");
    let mut described =
        json!({ "Sources": files.iter().map(|file| derivative::source_uri(0, &found.tree, &file.path)).collect::<Vec<_>>() });
    describe(&mut described, measure, &group.matrices);
    described["RelationshipMeasure"] = "geometric mean of the covariances of the group".into();
    let names = all.first().and_then(|series| series.names.clone());
    let table = connectome_text(&Connectome::new(group.reference.clone(), names)?, "\t")?;
    Ok(Made {
        path: derivative::path(&name),
        table,
        sidecar: described,
        json: json!({ "participants": files.len(), "mean": group.matrices.mean.map(ended) }),
    })
}

/// Adds the settings of the measure to a sidecar, in the terms of BIDS extension proposal 17 where it has them.
fn describe(sidecar: &mut Value, measure: &Measure, made: &Matrices) {
    sidecar["RelationshipMeasure"] = derivative::relationship(measure).into();
    sidecar["Weighted"] = true.into();
    sidecar["Directed"] = false.into();
    sidecar["ValidDiagonal"] = (!measure.fisher_z).into();
    sidecar["StorageFormat"] = "Full".into();
    sidecar["Shrinkage"] = shrinkage_name(measure.shrinkage()).into();
    sidecar["FisherZ"] = measure.fisher_z.into();
    sidecar["Precision"] = precision(made.precision).into();
    if let Some(mean) = made.mean {
        sidecar["GeometricMean"] = ended(mean);
    }
}
