//! `tapetum check`.

use super::common::{Common, Done, progress};
use crate::Result;
use crate::check::{self, Outcome};
use crate::ops::case::Case;
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Only the ops whose names contain this.
    filter: Option<String>,
}

/// The outcomes and errors so far.
#[derive(Default)]
struct Found {
    outcomes: Vec<Outcome>,
    /// The cases that could not be run, with the reasons.
    errors: Vec<(String, String)>,
    /// The number of outcomes that have been printed.
    printed: usize,
}

/// The largest errors of one op and variant over all shapes.
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
        let widths = [cases.iter().map(|c| op(&c.name).chars().count()).max().unwrap_or(0), 24];
        common.print_ahead(&line(widths, &HEADER.map(String::from)))?;
        let mut found = Found::default();
        let (mut printed, mut through) = (Ok(()), 0);
        check::all(&cases, &device, |case, outcomes| {
            found.add(case, outcomes);
            through += 1;
            bar.next(None, case.name.clone());
            // An op is printed once all its cases have been run.
            let whole = cases.get(through).is_none_or(|next| op(&next.name) != op(&case.name));
            if whole && printed.is_ok() {
                printed = bar.aside(|| found.print(common, widths));
            }
        });
        bar.finish();
        printed?;
        let failed = found.failures().len();
        let checked = found.outcomes.len() + found.errors.len();
        let json = json!({
            "device": device.name(), "checked": checked, "failed": failed,
            "outcomes": found.outcomes.iter().map(object).collect::<Vec<_>>(),
            "errors": found.errors.iter().map(|(case, error)| json!({ "case": case, "error": error })).collect::<Vec<_>>(),
        });
        common.print(&json, || {
            let failures = found.failures().iter().map(|f| format!("FAILED {f}\n")).collect::<String>();
            format!("\n{failures}{} passed, {failed} failed", checked - failed)
        })?;
        Ok(if failed == 0 { Done::Well } else { Done::Missed })
    }
}

/// The op of a case: its name before the shapes.
fn op(case: &str) -> &str {
    case.split(" [").next().unwrap_or(case)
}

impl Found {
    fn add(&mut self, case: &Case, outcomes: Result<Vec<Outcome>>) {
        match outcomes {
            Ok(outcomes) => self.outcomes.extend(outcomes),
            Err(e) => self.errors.push((case.name.clone(), e.to_string())),
        }
    }

    /// Prints a row for each variant of the outcomes that are new.
    fn print(&mut self, common: &Common, widths: [usize; 2]) -> Result<()> {
        let rows = summary(&self.outcomes[self.printed..]);
        self.printed = self.outcomes.len();
        rows.iter().try_for_each(|((op, variant), row)| common.print_ahead(&line(widths, &cells(op, variant, row))))
    }

    /// The cases that missed their tolerance or could not be run.
    fn failures(&self) -> Vec<String> {
        let missed = |o: &Outcome| {
            let reverse = o.reverse.map(|e| format!(", reverse {e:.1e} ({:.0e})", o.reverse_tolerance)).unwrap_or_default();
            format!("{}, {}: error {:.1e} (tolerance {:.0e}){reverse}", o.case, o.variant, o.forward, o.tolerance)
        };
        let failed = self.outcomes.iter().filter(|o| !o.passed()).map(missed);
        failed.chain(self.errors.iter().map(|(case, error)| format!("{case}: {error}"))).collect()
    }
}

/// For each op and variant, the outcome whose error is largest relative to its tolerance.
fn summary(outcomes: &[Outcome]) -> BTreeMap<(String, String), Row> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for o in outcomes {
        let key = (op(&o.case).to_owned(), o.variant.clone());
        let row = rows.entry(key).or_insert_with(|| Row { shapes: 0, failed: 0, worst: o.clone() });
        row.shapes += 1;
        row.failed += usize::from(!o.passed());
        row.worst.forward = row.worst.forward.max(o.forward);
        row.worst.reverse = row.worst.reverse.zip(o.reverse).map(|(a, b)| a.max(b));
    }
    rows
}

const HEADER: [&str; 8] = ["op", "variant", "shapes", "error", "tolerance", "reverse", "tolerance", ""];

fn cells(op: &str, variant: &str, r: &Row) -> [String; 8] {
    let reverse = r.worst.reverse.map(|e| [format!("{e:.1e}"), format!("{:.0e}", r.worst.reverse_tolerance)]);
    let [error, tolerance] = reverse.unwrap_or(["-".to_owned(), "-".to_owned()]);
    let verdict = if r.failed == 0 { "ok".to_owned() } else { format!("{} FAILED", r.failed) };
    let (forward, allowed) = (format!("{:.1e}", r.worst.forward), format!("{:.0e}", r.worst.tolerance));
    [op.to_owned(), variant.to_owned(), r.shapes.to_string(), forward, allowed, error, tolerance, verdict]
}

/// A line of the table, whose rows are printed before all are known.
fn line([op, variant]: [usize; 2], cells: &[String; 8]) -> String {
    let [a, b, rest @ ..] = cells;
    let rest: Vec<String> = rest.iter().map(|cell| format!("{cell:>9}")).collect();
    format!("{a:<op$}  {b:<variant$}  {}", rest.join("  ")).trim_end().to_owned()
}

fn object(o: &Outcome) -> serde_json::Value {
    json!({
        "case": o.case, "variant": o.variant, "forward": o.forward, "tolerance": o.tolerance,
        "reverse": o.reverse, "reverse_tolerance": o.reverse_tolerance, "passed": o.passed(),
    })
}
