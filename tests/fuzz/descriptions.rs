//! Confounds, trees of BIDS, formulas, workflows, tunings, benchmarks and checkpoints.

use super::target::{PLAIN, Target, by_file, done, files, root, target};
use std::fs;
use std::path::{Component, Path};
use tapetum::bench::compare::Baseline;
use tapetum::checkpoint::Checkpoint;
use tapetum::connectome::confounds::formula;
use tapetum::data::bids::{BidsName, BidsTree, Participants, derivative};
use tapetum::workflow::Workflow;
use tapetum::{Error, Tuning, data};

/// The first lines of a text.
fn head(bytes: &[u8], lines: usize) -> Vec<u8> {
    bytes.split_inclusive(|b| *b == b'\n').take(lines).flatten().copied().collect()
}

pub fn confounds(folder: &Path) -> Vec<Target> {
    let table = head(&files(&["examples/data/hypercoil_desc-confounds_timeseries.tsv"])[0], 6);
    let beside = files(&["examples/data/hypercoil_desc-confounds_timeseries.json"]);
    fs::write(folder.join("sidecar.tsv"), &table).unwrap();
    let path = folder.join("table.tsv");
    fs::write(&path, &table).unwrap();
    let columns = data::read_confounds(&path).unwrap();
    let formulas =
        ["dd1((rps + wm + csf + gsr)^^2)", "(rps)^^2 + d1(wm)", "trans_x + rot_z + 1.5 * csf", "cc + fd"].map(|f| f.as_bytes().to_vec());
    let tsv = folder.join("sidecar.tsv");
    vec![
        target("confounds", vec![table], PLAIN, by_file(folder, "table.tsv", |path| done(data::read_confounds(path)))),
        target("sidecar", beside, PLAIN, by_file(folder, "sidecar.json", move |_| done(data::read_confounds(&tsv)))),
        target("formula", formulas.to_vec(), 1 << 16, move |b| done(formula::columns(&String::from_utf8_lossy(b), &columns))),
    ]
}

pub fn trees(folder: &Path) -> Vec<Target> {
    let table = b"participant_id\tage\tgroup\nsub-01\t23\ta\nsub-02\tn/a\tb\nsub-03\t31\tn/a\n".to_vec();
    let sidecar =
        br#"{"RepetitionTime": 0.8, "TaskName": "rest", "SliceTiming": [0, 0.4], "Mask": NaN, "SamplingFrequency": "TR"}"#.to_vec();
    let func = folder.join("tree/sub-01/func");
    fs::create_dir_all(&func).unwrap();
    fs::write(func.join("sub-01_task-rest_bold.nii.gz"), "").unwrap();
    let tree = BidsTree::open(folder.join("tree")).unwrap();
    let image = tree.files[0].clone();
    let names =
        ["sub-01_task-rest_run-1_space-A_desc-x_bold.nii.gz", "sub-01_seg-Tian_stat-mean_timeseries.tsv"].map(|n| n.as_bytes().to_vec());
    vec![
        target("participants", vec![table], PLAIN, by_file(folder, "participants.tsv", |path| done(Participants::read(path)))),
        target(
            "inherited",
            vec![sidecar],
            PLAIN,
            by_file(&func, "sub-01_task-rest_bold.json", move |_| {
                let time = tree.repetition_time(&image);
                assert!(time.seconds.is_none_or(|s| s > 0.0 && s.is_finite()) && time.warnings.iter().all(|w| !w.contains('\n')));
                done(tree.sidecar(&image))
            }),
        ),
        target("bids name", names.to_vec(), PLAIN, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let name = BidsName::parse(&text).ok_or_else(|| Error::argument("no name in BIDS"))?;
            // A name that is read is written as it was, but for capitals in its extension, and names a path below the folder of results.
            assert!(name.to_string().eq_ignore_ascii_case(&text), "{name} {text}");
            assert!(derivative::path(&name).components().all(|part| matches!(part, Component::Normal(_))), "{text}");
            Ok(())
        }),
    ]
}

pub fn descriptions(folder: &Path) -> Vec<Target> {
    for name in ["counted.csv", "labels.csv"] {
        fs::copy(root().join("tests/cases/numeric-header").join(name), folder.join(name)).unwrap();
    }
    let trained = r#"{"title": "t", "data": {"x": {"series": ["counted.csv", "labels.csv"]}}, "train": {"steps": 3, "rate": 0.01},
        "parameters": {"w": {"shape": [4, 4], "init": 0.1}}, "blocks": [{"name": "c", "block": "correlation", "series": "x"}],
        "results": [{"value": "c"}]}"#;
    let workflows =
        [files(&["tests/cases/numeric-header/workflow.json"]), vec![trained.as_bytes().to_vec()], files(&["examples/prediction.json"])]
            .concat();
    let tuning = br#"{"adapter": "llvmpipe", "backend": "vulkan", "driver": "Mesa", "version": "0.1.0", "variants": {}}"#;
    let stats = r#""median_ns": 1e3, "q1_ns": 9e2, "q3_ns": 2e3, "min_ns": 8e2, "samples": 9"#;
    let bench = r#"{"format": 2, "machine": {"adapter": "x", "backend": "vulkan", "driver": "d", "kind": "cpu", "version": "0.1.0",
        "date": "2026-01-01"}, "timing": "wall", "control": {STATS, "bytes": 1e6},
        "rows": [{"kernel": "copy", "variant": "a", "work": "w", "direction": "forward", "shape": "[1]", STATS,
            "steady": true, "control": {STATS}}]}"#;
    let bench = bench.replace("STATS", stats).into_bytes();
    vec![
        target("workflow", workflows, 1 << 14, by_file(folder, "w.json", |path| done(Workflow::read(path)))),
        target("tuning", vec![tuning.to_vec()], 1 << 14, by_file(folder, "tuning.json", |path| done(Tuning::open(path)))),
        target("bench", vec![bench], PLAIN, by_file(folder, "bench.json", |path| done(Baseline::read(path)))),
        target("checkpoint", vec![checkpoint()], PLAIN, by_file(folder, "x.safetensors", |path| done(Checkpoint::open(path)))),
    ]
}

/// Two tensors as safetensors has them: the length of a header in JSON, the header, the bytes.
fn checkpoint() -> Vec<u8> {
    let header = r#"{"__metadata__":{"tapetum.version":"0.1.0","tapetum.device":"cpu","tapetum.variants":"{}"},"#.to_owned()
        + r#""adam.step":{"dtype":"U32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[1; 28]].concat()
}
