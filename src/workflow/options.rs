//! Settings, in JSON, of what is computed outside workflows. They are read by the same forms, and have schemas of the same kind.

use super::blocks::shrinkages;
use super::form::{Form, flag, number, positive, text, whole, words};
use super::object::object;
use super::place::{Files, Place};
use super::schema as of_workflows;
use crate::connectome::confounds::denoise::Denoise;
use crate::connectome::confounds::{Selection, Strategy};
use crate::connectome::connectivity::measure::{Connectivity, Diagonal, Kind};
use crate::connectome::parcels::learn_parcels as parcels;
use crate::connectome::signal::butterworth::Band;
use crate::topology::Dimension;
use crate::topology::clustering::Top;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Reads settings from text; none where it is absent.
fn read<T: 'static>(form: &Form<T>, text: Option<&str>) -> Result<T> {
    let value = match text {
        None => json!({}),
        Some(text) => crate::json::parse(text).map_err(|e| Error::argument(format!("options: no JSON: {e}")))?,
    };
    form.read(&Place::called(&value, "options", &Files::of(PathBuf::new(), None)))
}

/// The JSON Schema of what a function takes as text.
pub(crate) fn schema(of: &str) -> Result<Value> {
    Ok(match of {
        "connectivity" => connectivity_form().schema(),
        "denoise" => denoise_form().schema(),
        "parcellate" => parcels_form().schema(),
        "distance" => distance_form().schema(),
        "cluster" => cluster_form().schema(),
        "workflow" => of_workflows(),
        "parameter" => super::parameter::parameter().schema(),
        "block" => super::blocks::step().schema(),
        "train" => super::settings::descent().schema(),
        _ => {
            let known = "connectivity, denoise, parcellate, distance, cluster, workflow, parameter, block or train";
            return Err(Error::argument(format!("of: one of {known} is expected, found `{of}`")));
        }
    })
}

/// A measure of connectivity.
pub(crate) fn connectivity(text: Option<&str>) -> Result<Connectivity> {
    read(&connectivity_form(), text)
}

fn connectivity_form() -> Form<Connectivity> {
    let parts = (
        words(Kind::ALL.map(|kind| (kind.name(), kind))).or("kind", "correlation", "the kind of connectivity"),
        shrinkages().maybe("shrinkage", "of the covariance towards a multiple of the identity; for tangents ledoit-wolf by itself"),
        flag().or("fisher_z", false, "Fisher's z, atanh of a correlation; its diagonal is 0"),
        words([("kept", Diagonal::Kept), ("dropped", Diagonal::Dropped)])
            .maybe("vectorise", "the upper triangle row by row, with or without its diagonal"),
        positive().maybe("tolerance", "the norm at which the geometric mean of tangents has converged"),
        flag().or("unconverged", false, "whether a geometric mean that has not converged is used"),
    );
    object("", parts, |(kind, shrinkage, fisher_z, vectorise, tolerance, unconverged)| {
        let measure = Connectivity { shrinkage, fisher_z, vectorise, tolerance, unconverged, ..Connectivity::new(kind) };
        measure.check()?;
        Ok(measure)
    })
    .form()
}

/// A denoising, and the names of the columns of its confounds where they are given. Without a selection all columns are taken.
pub(crate) struct Denoising {
    denoise: Denoise,
    names: Option<Vec<String>>,
    selection: Option<Selection>,
}

impl Denoising {
    pub(crate) fn read(text: Option<&str>) -> Result<Self> {
        read(&denoise_form(), text)
    }

    /// The denoising of a table of this many columns, and their names.
    pub(crate) fn of_columns(self, columns: usize) -> Result<(Denoise, Vec<String>)> {
        let names = self.names.unwrap_or_else(|| (0..columns).map(|i| format!("column {i}")).collect());
        if names.len() != columns {
            return Err(Error::argument(format!(
                "options.names: a name for each of {columns} confounds is expected, found {}",
                names.len()
            )));
        }
        let all = || if columns == 0 { Selection::None } else { Selection::Columns(names.clone()) };
        let confounds = self.selection.unwrap_or_else(all);
        Ok((Denoise { confounds, ..self.denoise }, names))
    }
}

fn denoise_form() -> Form<Denoising> {
    let confounds = (
        text().list(1).maybe("names", "the names of the confounds, one a column, as fMRIPrep has them"),
        words(Strategy::ALL.map(|strategy| (strategy.name(), strategy)))
            .maybe("strategy", "the columns of a strategy, and the frames that it censors"),
        text().list(1).maybe("columns", "columns by name; all where no selection is made"),
        text().maybe("formula", "columns by a formula such as dd1(rps) + wm"),
    );
    let filter = (
        positive().maybe("high_pass", "hertz: slower oscillations are removed"),
        positive().maybe("low_pass", "hertz: faster oscillations are removed"),
        positive().maybe("tr", "seconds from one frame to the next, which a filter needs"),
    );
    let rest = (
        flag().or("detrend", false, "whether a linear trend is removed"),
        positive().maybe("censor_fd", "millimetres: frames of a greater framewise displacement are left out"),
        flag().or("keep_non_steady_state", false, "whether frames before the steady state are kept"),
        flag().or("keep_mean", false, "whether the mean of each region is added back"),
    );
    object("", (confounds, filter, rest), |(confounds, filter, (detrend, censor_fd, keep_non_steady_state, keep_mean))| {
        let (names, strategy, columns, formula) = confounds;
        let chosen = [strategy.map(Selection::Strategy), columns.map(Selection::Columns), formula.map(Selection::Formula)];
        let mut chosen = chosen.into_iter().flatten();
        let selection = chosen.next();
        if chosen.next().is_some() {
            return Err(Error::argument("`strategy`, `columns` and `formula` each choose the confounds: one of them is expected"));
        }
        let band = band(filter)?;
        let confounds = Selection::None;
        Ok(Denoising { denoise: Denoise { confounds, detrend, band, censor_fd, keep_non_steady_state, keep_mean }, names, selection })
    })
    .form()
}

fn band((high_pass, low_pass, tr): (Option<f64>, Option<f64>, Option<f64>)) -> Result<Option<(Band, f64)>> {
    let band = match (high_pass, low_pass) {
        (None, None) => return Ok(None),
        (Some(low), None) => Band::High(low),
        (None, Some(high)) => Band::Low(high),
        (Some(low), Some(high)) => Band::Pass(low, high),
    };
    let tr = tr.ok_or_else(|| Error::argument("a filter needs `tr`, the seconds from one frame to the next"))?;
    Ok(Some((band, tr)))
}

/// The settings by which parcels are learnt.
pub(crate) fn parcels(text: Option<&str>) -> Result<parcels::Settings> {
    read(&parcels_form(), text)
}

fn parcels_form() -> Form<parcels::Settings> {
    let parts = (
        whole(1).field("parcels", "the number of parcels"),
        whole(1).or("steps", parcels::Settings::default().steps, "the steps of Adam"),
        whole(0).or("seed", 0, "the seed of the first centres"),
    );
    object("", parts, |(parcels, steps, seed)| {
        Ok(parcels::Settings { steps: steps as u32, seed: seed as u64, ..parcels::Settings::of(parcels) })
    })
    .form()
}

/// A distance between graphs: of what, its order, and whether the root is taken.
pub(crate) fn distance(text: Option<&str>) -> Result<(Dimension, f64, bool)> {
    read(&distance_form(), text)
}

fn distance_form() -> Form<(Dimension, f64, bool)> {
    let dimensions = [("components", Dimension::Components), ("cycles", Dimension::Cycles), ("both", Dimension::Both)];
    let parts = (
        words(dimensions).or("dimension", "both", "of births (components), of deaths (cycles), or of both"),
        number().checked("a number of 1 or more", |order| *order >= 1.0).or("order", 2, "the power r of |x - y|"),
        flag().or("root", false, "whether the r-th root of the sum is taken"),
    );
    object("", parts, Ok).form()
}

/// A clustering of graphs.
pub(crate) fn cluster(text: Option<&str>) -> Result<Top> {
    read(&cluster_form(), text)
}

fn cluster_form() -> Form<Top> {
    let share = number().checked("a number from 0 to 1", |share| (0.0..=1.0).contains(share));
    let parts = (
        whole(1).field("clusters", "the number of clusters"),
        share.or("topology", 1, "the weight of topology: 1 for it alone, 0 for the weights of edges alone"),
        whole(0).or("seed", 0, "the seed of the first centres"),
        whole(1).or("rounds", 300, "the greatest number of rounds"),
        whole(0).list(1).maybe("initial", "the graphs that are the first centres, counted from 0; drawn where they are not given"),
    );
    object("", parts, |(clusters, topology, seed, rounds, initial)| {
        Ok(Top { weight: topology as f32, rounds, initial: initial.unwrap_or_default(), ..Top::new(clusters, seed as u64) })
    })
    .form()
}
