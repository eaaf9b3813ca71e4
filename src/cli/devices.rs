//! `tapetum devices`.

use super::common::{Common, Done};
use crate::Result;
use crate::gpu::{Adapter, adapters, best};
use crate::report::table;
use serde_json::json;

pub(super) fn run(common: &Common) -> Result<Done> {
    let all = pollster::block_on(adapters());
    // The rule of `auto`: a real GPU, the best kind first, else the host executor.
    let auto = best(&all, false).map_or("cpu".to_owned(), |i| i.to_string());
    let of = |(i, a): (usize, &Adapter)| {
        let (least, most) = a.subgroups();
        json!({
            "index": i, "name": a.name(), "backend": a.backend().to_string(), "kind": a.kind(), "driver": a.driver(),
            "usable": a.usable(), "subgroup_size": [least, most], "features": a.features(),
            "limits": a.limits().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        })
    };
    let listed: Vec<_> = all.iter().enumerate().map(of).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    common.print(&json!({ "adapters": listed, "cpu": { "cores": cores }, "auto": auto }), || {
        let row = |(i, a): (usize, &Adapter)| {
            let (least, most) = a.subgroups();
            let limit = |name: &str| a.limits().iter().find(|(n, _)| *n == name).map_or(0, |(_, v)| *v);
            vec![
                format!("{i}  {}", a.name()),
                a.backend().to_string(),
                a.kind().to_owned(),
                format!("{} MiB", limit("storage_binding_bytes") >> 20),
                format!("{} KiB", limit("workgroup_memory_bytes") >> 10),
                if least == most { least.to_string() } else { format!("{least}-{most}") },
                a.features().join(" "),
                a.driver(),
            ]
        };
        let mut rows: Vec<_> = all.iter().enumerate().map(row).collect();
        rows.push(["cpu".to_owned(), "host".into(), format!("{cores} cores")].into_iter().chain((0..5).map(|_| String::new())).collect());
        let header = ["device", "back end", "kind", "binding", "workgroup", "subgroups", "features", "driver"];
        format!("{}\n`auto` takes: {auto}", table(&header, &rows))
    })?;
    Ok(Done::Well)
}
