//! `tapetum bench --traffic`: the bytes that kernels load and store, counted.

use super::bench::{kernel_table, left_out, work};
use super::common::{Common, Done, progress};
use crate::bench::Bench;
use crate::bench::machine::Machine;
use crate::bench::report::LeftOut;
use crate::bench::traffic::{Row, Traffic};
use crate::file::OutputFolder;
use crate::{Device, Result};
use serde_json::json;

/// Counts the traffic of the works of a run, prints it, and writes it to a folder if there is one.
pub(super) fn run(bench: &Bench, device: &Device, folder: Option<OutputFolder>, common: &Common) -> Result<Done> {
    let bar = progress(bench.stages() as u64 - 1, "works")?;
    let traffic = bench.traffic(|work| bar.next(None, work))?;
    bar.finish();
    if let Some(mut folder) = folder {
        folder.add("traffic.tsv", traffic.tsv().as_bytes())?;
        folder.commit()?;
    }
    let rows: Vec<_> = traffic.rows.iter().map(Row::json).collect();
    let left_out: Vec<_> = traffic.left_out.iter().map(LeftOut::json).collect();
    let json = json!({ "machine": Machine::of(device).json(), "traffic": rows, "left_out": left_out });
    common.print(&json, || text(&traffic))?;
    Ok(Done::Well)
}

fn text(traffic: &Traffic) -> String {
    let figures = |r: &Row| {
        let c = &r.counts;
        vec![
            r.launches.to_string(),
            c.loaded.to_string(),
            c.stored.to_string(),
            r.compulsory.to_string(),
            format!("{:.2}", r.ratio()),
            c.shared_loaded.to_string(),
            c.shared_stored.to_string(),
            format!("{:.1}", r.barriers()),
        ]
    };
    let header = ["launches", "B loaded", "B stored", "compulsory", "ratio", "workgroup loaded", "stored", "barriers"];
    let names = |r: &Row| [work(&r.work, r.direction.name()), r.shape.clone(), r.size.name().into(), r.kernel.clone()];
    let rows: Vec<_> = traffic.rows.iter().map(|r| (names(r), figures(r), &*r.variant)).collect();
    let mut parts = vec![kernel_table(&header, &rows)];
    if !traffic.left_out.is_empty() {
        parts.push(left_out(&traffic.left_out));
    }
    parts.join("\n\n")
}
