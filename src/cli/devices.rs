//! `tapetum devices`.

use super::cache;
use super::common::{Common, Done};
use crate::Device;
use crate::Result;
use crate::gpu::{Adapter, Choice, Options, adapters, best};
use crate::report::table;
use serde_json::json;

pub(super) fn run(common: &Common) -> Result<Done> {
    let all = pollster::block_on(adapters());
    // The rule of `auto`: a real GPU, the best kind first, else the host executor.
    let auto = best(&all, false).map_or("cpu".to_owned(), |i| i.to_string());
    let cooperative: Vec<_> = all.iter().enumerate().map(|(i, a)| cooperative(common, i, a)).collect();
    let of = |(i, a): (usize, &Adapter)| {
        let (least, most) = a.subgroups();
        json!({
            "index": i, "name": a.name(), "backend": a.backend().to_string(), "kind": a.kind(), "driver": a.driver(),
            "usable": a.usable(), "subgroup_size": [least, most], "features": a.features(),
            "cooperative": cooperative[i].is_ok(), "not_cooperative": cooperative[i].as_ref().err(),
            "limits": a.limits().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        })
    };
    let listed: Vec<_> = all.iter().enumerate().map(of).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kept = cache::folder().filter(|_| keeps(&all));
    common.print(&json!({ "adapters": listed, "cpu": { "cores": cores }, "auto": auto, "pipelines": kept }), || {
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
        let said = |(a, c): (&Adapter, &Cooperative)| match c {
            Ok(error) => format!("{}: products on cooperative matrices: yes (error {error:.1e})", a.name()),
            Err(why) => format!("{}: products on cooperative matrices: no ({why})", a.name()),
        };
        let cooperative: Vec<_> = all.iter().zip(&cooperative).map(said).collect();
        let header = ["device", "back end", "kind", "binding", "workgroup", "subgroups", "features", "driver"];
        let kept = kept.map(|folder| format!("compiled pipelines are kept in {} (not where TAPETUM_CACHE=none)", folder.display()));
        let said = cooperative.into_iter().chain([format!("`auto` takes: {auto}")]).chain(kept).collect::<Vec<_>>().join("\n");
        format!("{}\n{said}", table(&header, &rows))
    })?;
    Ok(Done::Well)
}

/// True where an adapter gives its compiled pipelines.
fn keeps(all: &[Adapter]) -> bool {
    all.iter().any(|adapter| adapter.features().contains(&"pipeline-cache"))
}

/// The largest error of products on an adapter's cooperative matrices, relative to their root mean square, or why none run on them.
type Cooperative = std::result::Result<f64, String>;

/// Proves them where the adapter has some.
fn cooperative(common: &Common, index: usize, adapter: &Adapter) -> Cooperative {
    adapter.cooperative()?;
    let options = Options { choice: Choice::Index(index), products: common.products(), ..Options::default() };
    let device = Device::gpu(&options).map_err(|e| e.to_string())?;
    device.prove_cooperative()
}
