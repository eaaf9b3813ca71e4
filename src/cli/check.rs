//! `tapetum check`.

use super::common::{Common, Done, progress};
use crate::check::{self, Outcome};
use crate::report::table;
use crate::{Error, Result};
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Only the ops whose names contain this.
    filter: Option<String>,
}

/// The worst of one op and variant over its shapes.
struct Row {
    shapes: usize,
    failed: usize,
    worst: Outcome,
}

impl Check {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let cases = check::select(self.filter.as_deref())?;
        let device = common.adapter()?;
        common.say(&device);
        let bar = progress(cases.len() as u64, "cases")?;
        let mut outcomes = Vec::new();
        for case in &cases {
            bar.set_message(case.name.clone());
            outcomes.extend(check::kernels(case, &device).map_err(|e| Error::op(&case.name, e.to_string()))?);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let rows = summary(&outcomes);
        let failed = outcomes.iter().filter(|o| !o.passed()).count();
        let json = json!({
            "device": device.name(), "checked": outcomes.len(), "failed": failed,
            "outcomes": outcomes.iter().map(object).collect::<Vec<_>>(),
        });
        common.print(&json, || text(&rows, outcomes.len(), failed))?;
        Ok(if failed == 0 { Done::Well } else { Done::Missed })
    }
}

/// By op and variant, the outcome that comes nearest to its tolerance or passes it the furthest.
fn summary(outcomes: &[Outcome]) -> BTreeMap<(String, String), Row> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for o in outcomes {
        let op = o.case.split(" [").next().unwrap_or(&o.case).to_owned();
        let row = rows.entry((op, o.variant.clone())).or_insert_with(|| Row { shapes: 0, failed: 0, worst: o.clone() });
        row.shapes += 1;
        row.failed += usize::from(!o.passed());
        row.worst.forward = row.worst.forward.max(o.forward);
        row.worst.reverse = row.worst.reverse.zip(o.reverse).map(|(a, b)| a.max(b));
    }
    rows
}

fn text(rows: &BTreeMap<(String, String), Row>, checked: usize, failed: usize) -> String {
    let row = |((op, variant), r): (&(String, String), &Row)| {
        let reverse = r
            .worst
            .reverse
            .map_or(["-".to_owned(), "-".to_owned()], |e| [format!("{e:.1e}"), format!("{:.0e}", r.worst.reverse_tolerance)]);
        let [error, tolerance] = reverse;
        let verdict = if r.failed == 0 { "ok".to_owned() } else { format!("{} FAILED", r.failed) };
        let forward = [format!("{:.1e}", r.worst.forward), format!("{:.0e}", r.worst.tolerance)];
        vec![op.clone(), variant.clone(), r.shapes.to_string(), forward[0].clone(), forward[1].clone(), error, tolerance, verdict]
    };
    let header = ["op", "variant", "shapes", "forward", "held to", "reverse", "held to", ""];
    format!("{}\n{} passed, {failed} failed", table(&header, &rows.iter().map(row).collect::<Vec<_>>()), checked - failed)
}

fn object(o: &Outcome) -> serde_json::Value {
    json!({
        "case": o.case, "variant": o.variant, "forward": o.forward, "tolerance": o.tolerance,
        "reverse": o.reverse, "reverse_tolerance": o.reverse_tolerance, "passed": o.passed(),
    })
}
