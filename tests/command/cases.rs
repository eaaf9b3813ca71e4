//! Files that users of the field's tools met (`tests/cases/*/case.md` names the reports), read by the command and in workflows, on the host
//! and on an adapter.

use super::run::{Done, Folder, done};
use crate::common::gpu;
use std::fs;
use std::path::{Path, PathBuf};
use tapetum::check::error;
use tapetum::data::read_npy;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

/// A folder with the files of a case in it.
fn copy(name: &str) -> Folder {
    let folder = Folder::new(&format!("case-{name}"));
    for file in fs::read_dir(case(name)).unwrap().map(|e| e.unwrap().path()) {
        fs::copy(&file, folder.0.join(file.file_name().unwrap())).unwrap();
    }
    folder
}

fn devices() -> [String; 2] {
    ["cpu".into(), gpu().name().to_owned()]
}

impl Folder {
    fn on(&self, device: &str, line: &str) -> Done {
        done(self.command(line.split(' ').chain(["--device", device])).output().unwrap())
    }

    /// A workflow has an axis of subjects before those of the matrix.
    #[track_caller]
    fn holds(&self, found: &str, expected: &str) {
        let (found, wanted) = (read_npy(self.0.join(found)).unwrap(), read_npy(self.0.join(expected)).unwrap());
        let worst = error(&found.reshaped(wanted.shape()).unwrap(), &wanted);
        assert!(worst < 1e-5, "{worst:.1e} of {} and {}", found.ty(), wanted.ty());
    }
}

#[test]
fn a_header_of_label_numbers_is_no_frame() {
    let folder = copy("numeric-header");
    for device in devices() {
        for (line, expected) in [
            ("labels.csv", "expected.npy"),
            ("labels_small.csv", "expected.npy"),
            ("counted.csv", "expected.npy"),
            ("regions_by_time.csv --layout regions-time", "expected.npy"),
        ] {
            let done = folder.on(&device, &format!("connectivity {line} -o out.npy --json"));
            let table = &done.json()["table"];
            assert_eq!((&table["header"], table["recognised"].as_array().unwrap().len()), (&true.into(), 1), "{table}");
            assert!(done.stderr.contains("is a header and no frame"), "{done:?}");
            folder.holds("out.npy", expected);
        }
        let json = folder.on(&device, "connectivity two_regions.csv -o out.npy --json").json();
        assert_eq!((&json["frames"], &json["regions"]), (&60.into(), &2.into()));
        let json = folder.on(&device, "connectivity labels.csv --header no -o out.npy --json").json();
        assert_eq!(json["frames"], 61);
        folder.on(&device, "run workflow.json -o run --json").json();
        folder.holds("run/c.npy", "expected.npy");
    }
    folder.run("connectivity labels.csv --header maybe -o out.npy").misused("yes or no is expected");
    folder.run("connectivity labels.csv --index-column x -o out.npy --device cpu").failed(&["labels.csv", "--index-column x"]);
}

#[test]
fn surfaces_and_images_of_every_kind() {
    let read = [
        ("gifti-node-index", "full.func.gii", "expected_full.npy"),
        ("gifti-node-index", "sparse.func.gii", "expected_sparse.npy"),
        ("gzip-of-several-members", "bold.nii.gz --atlas atlas.nii.gz", "expected.npy"),
        ("gzip-of-several-members", "really_plain.nii.gz --atlas atlas.nii.gz", "expected.npy"),
        ("images-of-other-kinds", "nifti2.nii.gz --atlas atlas.nii.gz", "expected_nifti2_and_5d.npy"),
        ("images-of-other-kinds", "afni_5d.nii.gz --atlas atlas.nii.gz", "expected_nifti2_and_5d.npy"),
        ("images-of-other-kinds", "old_nibabel.func.gii", "expected_old_nibabel.npy"),
        ("images-of-other-kinds", "rest.dtseries.nii", "expected_cifti.npy"),
    ];
    for (name, line, expected) in read {
        let folder = copy(name);
        let (series, atlas) = line.split_once(" --atlas ").unwrap_or((line, ""));
        let atlas = if atlas.is_empty() { String::new() } else { format!(r#", "atlas": "{atlas}""#) };
        let entry = format!(r#"{{"series": ["{series}"]{atlas}}}"#);
        let text =
            r#"{"data": {"x": ENTRY}, "blocks": [{"name": "c", "block": "correlation", "series": "x"}], "results": [{"value": "c"}]}"#;
        folder.file("w.json", text.replace("ENTRY", &entry));
        for device in devices() {
            folder.on(&device, &format!("connectivity {line} -o out.npy --json")).json();
            folder.holds("out.npy", expected);
            folder.on(&device, "run w.json -o run --json").json();
            folder.holds("run/c.npy", expected);
        }
    }
    let folder = copy("images-of-other-kinds");
    let done = folder.run("connectivity rest.dtseries.nii --atlas atlas.nii.gz -o out.npy --device cpu");
    done.failed(&["atlas.nii.gz", "an atlas of vertices and voxels is expected"]);
}

#[test]
fn an_array_of_an_archive_is_chosen() {
    let folder = Folder::new("case-archive");
    let array = fs::read(case("output-through-a-link").join("series.npy")).unwrap();
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    for name in ["rest.npy", "task.npy"] {
        let (mut entry, config) = archive.new_file(name).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        std::io::Write::write_all(&mut writer, &array).unwrap();
        let descriptor = writer.finish().unwrap().1;
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    folder.file("two.npz", bytes);
    // Without a choice, arrays of the same regions are those of two subjects, and the command says which.
    let both = folder.run("connectivity two.npz -o out.npy --device cpu");
    assert!(both.stdout.contains("2 subjects, frames rest of 30, task of 30"), "{both:?}");
    folder.run("connectivity two.npz:nap -o out.npy --device cpu").failed(&["no array `nap`", "rest, task"]);
    folder.run("connectivity two.npz:task -o out.npy --device cpu --json").json();
}

#[test]
#[cfg(unix)]
fn an_output_goes_through_a_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = copy("output-through-a-link");
    fs::create_dir(folder.0.join("store")).unwrap();
    let stored = folder.file("store/result.npy", "old");
    fs::set_permissions(&stored, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("store/result.npy", folder.0.join("result.npy")).unwrap();
    folder.run("connectivity series.npy -o result.npy --device cpu --json").json();
    folder.run("connectivity series.npy -o plain.npy --device cpu --json").json();
    assert_eq!(fs::read(&stored).unwrap(), fs::read(folder.0.join("plain.npy")).unwrap());
    assert_eq!(fs::metadata(&stored).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(folder.0.join("result.npy").is_symlink());
    assert_eq!(fs::read_dir(folder.0.join("store")).unwrap().count(), 1);
}

#[test]
fn a_json_key_that_stands_twice_is_refused_with_its_place() {
    let folder = copy("json-keys-twice");
    for (file, key) in [("fisher.json", "`blocks[0].fisher_z` stands twice"), ("data.json", "`data.series` stands twice")] {
        folder.run(&format!("run {file} -o out --device cpu")).failed(&[file, key]);
    }
    folder.file("tuning.json", r#"{"adapter": "a", "variants": {}, "adapter": "b"}"#);
    let tuned = folder.run("connectivity series.npy -o out.npy --device cpu --tuning tuning.json");
    tuned.failed(&["tuning.json", "`adapter` stands twice"]);
    folder.file("bench.json", r#"{"machine": {}, "rows": [], "machine": {}}"#);
    let compared = folder.run("bench matmul/matmul --quick --compare bench.json --json");
    compared.failed(&["bench.json", "`machine` stands twice"]);
}
