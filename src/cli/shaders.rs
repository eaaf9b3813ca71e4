//! The arguments of `tapetum shaders` and what it prints.

use super::common::{Common, Done};
use super::misused;
use crate::Result;
use crate::registry::{Entry, Format, Wanted, emit, list};
use crate::report::table;
use clap::ValueEnum;
use clap::error::ErrorKind;
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(crate) struct Shaders {
    /// Only the kernels whose `family/kernel/variant` contains this.
    filter: Option<String>,
    /// Leave out the variants that are chosen on software adapters alone.
    #[arg(long)]
    hardware: bool,
    /// Write the kernels into a folder, one file for each.
    #[arg(long, num_args = 2, value_names = ["spirv|msl|hlsl|wgsl", "DIR"])]
    emit: Option<Vec<String>>,
}

impl Shaders {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let wanted = Wanted { filter: self.filter.as_deref(), hardware: self.hardware };
        match self.emit.as_deref() {
            Some([format, dir]) => {
                let written = emit(wanted, parse(format), dir.as_ref())?;
                common.print(&json!({ "written": written, "folder": dir }), || format!("{written} kernels written to {dir}"))?;
            }
            _ => {
                let entries = list(wanted)?;
                let all: Vec<_> = entries.iter().map(Entry::json).collect();
                common.print(&json!({ "kernels": all }), || text(&entries))?;
            }
        }
        Ok(Done::Well)
    }
}

/// An unknown format is a usage error.
fn parse(format: &str) -> Format {
    Format::from_str(format, true).unwrap_or_else(|_| {
        let what = format!("--emit: one of spirv, msl, hlsl, wgsl expected, found `{format}`\n");
        misused("shaders", ErrorKind::InvalidValue, what)
    })
}

fn text(entries: &[Entry]) -> String {
    let row = |e: &Entry| {
        let [x, y, z] = e.workgroup;
        vec![e.kernel.clone(), e.variant.clone(), format!("{x} x {y} x {z}"), e.bindings.to_string(), format!("{} B", e.memory)]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    format!("{}\n{} kernels", table(&["kernel", "variant", "workgroup", "bindings", "memory"], &rows), entries.len())
}
