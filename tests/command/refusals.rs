//! Inputs that the command refuses, with a message of one line and without leaving a file behind.

use super::run::{Folder, done, f32s, npy, read_f32};
use serde_json::json;
use std::process::Stdio;

/// A row per bad file: its name, its bytes, more arguments, and what must be said.
fn bad_files() -> Vec<(&'static str, Vec<u8>, &'static str, Vec<&'static str>)> {
    let good = f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let mut hole = [0.5f32; 12];
    hole[7] = f32::NAN;
    let nan = npy("<f4", &[2, 3, 2], &f32s(&hole));
    hole[7] = f32::NEG_INFINITY;
    let infinite = npy("<f4", &[2, 3, 2], &f32s(&hole));
    let claims = [&b"\x93NUMPY\x02\x00\xff\xff\xff\xff"[..], b"{'descr'"].concat();
    vec![
        ("complex.npy", npy("<c8", &[3, 2], &[0; 48]), "", vec!["'<c8'", "f16, f32, f64"]),
        ("text.npy", npy("<U2", &[3, 2], &[0; 48]), "", vec!["'<U2'"]),
        ("flat.npy", npy("<f4", &[6], &good), "", vec!["shape [6]", "[time, regions] or [subjects, time, regions]"]),
        ("deep.npy", npy("<f4", &[1, 1, 3, 2], &good), "", vec!["[1, 1, 3, 2]"]),
        ("scalar.npy", npy("<f4", &[], &good), "", vec!["shape []"]),
        ("nan.npy", nan.clone(), "", vec!["subject 1, frame 0, region 1", "NaN"]),
        ("nan.npy", nan, "--layout regions-time", vec!["subject 1, frame 1, region 0", "NaN"]),
        ("infinite.npy", infinite, "", vec!["subject 1, frame 0, region 1", "-inf", "finite"]),
        ("zero.npy", npy("<f4", &[0, 4], &[]), "", vec!["no frames"]),
        ("one.npy", npy("<f4", &[1, 4], &f32s(&[1.0; 4])), "", vec!["1 frame", "at least 2", "correlation"]),
        ("one.npy", npy("<f4", &[1, 4], &f32s(&[1.0; 4])), "--kind covariance", vec!["1 frame", "covariance"]),
        ("one.npy", npy("<f4", &[3, 1], &f32s(&[1.0; 3])), "--layout regions-time", vec!["1 frame"]),
        ("no_regions.npy", npy("<f4", &[4, 0], &[]), "", vec!["no regions"]),
        ("no_subjects.npy", npy("<f4", &[0, 4, 4], &[]), "", vec!["no subjects"]),
        ("short.npy", npy("<f4", &[4, 2], &good), "", vec!["cut short", "24 bytes", "32"]),
        ("cut.npy", npy("<f4", &[3, 2], &good)[..20].to_vec(), "", vec!["cut short"]),
        ("claims.npy", claims, "", vec!["cut short"]),
        ("vast.npy", npy("<f4", &[1 << 40, 1 << 40], &[]), "", vec!["does not fit in memory"]),
        ("large.npy", npy("<f4", &[1 << 30, 1 << 20], &good), "", vec!["cut short"]),
        ("far.npy", npy("<f8", &[1, 2], &[1e300f64, 0.0].map(f64::to_le_bytes).concat()), "", vec!["[0, 0]", "f32"]),
        ("empty.npy", vec![], "", vec!["not a .npy"]),
        ("picture.npy", b"\x89PNG\r\n\x1a\n".to_vec(), "", vec!["not a .npy"]),
        ("ragged.csv", b"a,b\n1,2\n3\n".to_vec(), "", vec!["line 3", "1 columns", "2"]),
        ("word.csv", b"a,b\n1,2\n3,four\n".to_vec(), "", vec!["line 3, column 2 (`b`)", "`four`", "a number is expected"]),
        ("nan.csv", b"1,2\n3,NaN\n".to_vec(), "", vec!["line 2, column 2", "NaN"]),
        ("infinite.tsv", b"1\t2\n-inf\t4\n".to_vec(), "", vec!["line 2, column 1", "-inf"]),
        ("empty.csv", vec![], "", vec!["no rows"]),
        ("header.csv", b"a,b\n".to_vec(), "", vec!["no rows"]),
        ("one.csv", b"a,b\n1,2\n".to_vec(), "", vec!["1 frame", "at least 2"]),
        ("utf16.csv", b"\xff\xfe1\0,\x002\0\n\x003\0,\x004\0\n\0".to_vec(), "", vec!["line"]),
        ("image.nii.gz", vec![0; 9], "", vec!["by an atlas"]),
        ("no_extension", good, "", vec![".npy, .npz, .csv, .tsv"]),
    ]
}

#[test]
fn bad_files_are_one_line_and_leave_nothing() {
    let folder = Folder::new("bad");
    for (name, bytes, more, parts) in bad_files() {
        let path = folder.file(name, bytes);
        let done = folder.run(&format!("connectivity {name} -o out.npy --device cpu --json {more}"));
        done.failed(&parts);
        assert!(done.stderr.starts_with(&format!("tapetum: {name}: ")), "{done:?}");
        assert_eq!(folder.names(), [name], "nothing is left behind");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn bad_arguments_are_one_line_and_leave_nothing() {
    let folder = Folder::new("arguments");
    let x = [1.0, 2.0, 2.0, 1.0, 4.0, 0.0];
    let good = npy("<f4", &[3, 2], &f32s(&x));
    folder.file("in.npy", &good);
    std::fs::create_dir(folder.0.join("folder.npy")).unwrap();
    let fails = |line: &str, parts: &[&str]| {
        let done = folder.run(&format!("connectivity {line}"));
        done.failed(parts);
        assert_eq!(folder.names(), ["folder.npy", "in.npy"], "{line}");
    };
    fails("missing.npy -o out.npy", &["missing.npy", "cannot be read"]);
    fails("missing.csv -o out.npy", &["missing.csv", "cannot be read"]);
    fails("folder.npy -o out.npy", &["folder.npy", "cannot be read"]);
    fails("in.npy -o out.nii", &["out.nii", ".npy, .npz, .csv, .tsv and .pconn.nii"]);
    fails("in.npy -o out", &["out", ".npy, .npz, .csv, .tsv and .pconn.nii"]);
    fails("in.npy -o folder.npy --device cpu", &["folder.npy", "cannot be written"]);
    fails("in.npy -o nowhere/out.npy --device cpu", &["nowhere/out.npy", "cannot be written"]);
    fails("in.npy -o in.npy/out.npy --device cpu", &["in.npy/out.npy", "cannot be written"]);
    fails(
        "in.npy -o ../NAME/in.npy".replace("NAME", folder.0.file_name().unwrap().to_str().unwrap()).as_str(),
        &["would replace in.npy, which is read"],
    );
    fails("in.npy -o out.npy --device nosuch", &["--device nosuch", "none is called `nosuch`", "`cpu`"]);
    fails("in.npy -o out.npy --device 4096", &["--device 4096", "no row 4096"]);
    #[cfg(target_os = "linux")]
    fails("in.npy -o /proc/out.npy --device cpu", &["/proc/out.npy", "cannot be written"]);
    assert_eq!(std::fs::read(folder.0.join("in.npy")).unwrap(), good, "the series is as it was");
}

#[test]
fn usage_errors_leave_with_2() {
    let folder = Folder::new("usage");
    folder.file("in.npy", npy("<f4", &[3, 2], &f32s(&[1.0, 2.0, 2.0, 1.0, 4.0, 0.0])));
    let misused = |line: &str, part: &str| folder.run(line).misused(part);
    misused("connectivity in.npy", "--out");
    misused("connectivity -o out.npy", "SERIES");
    misused("connectivity in.npy -o out.npy --kind partial", "partial");
    misused("connectivity in.npy -o out.npy --layout sideways", "sideways");
    misused("connectivity in.npy -o out.npy --kind covariance --fisher-z", "--fisher-z");
    misused("connectivity in.npy -o out.npy --seed -1", "-1");
    misused("connectivity in.npy -o out.npy --seed 18446744073709551616", "18446744073709551616");
    misused("demo --steps 0", "--steps");
    misused("demo --steps many", "--steps");
    misused("nosuch", "nosuch");
    misused("", "Usage");
    let empty = folder.command(["connectivity", "in.npy", "-o", "out.npy", "--device", ""]).output().unwrap();
    done(empty).misused("--device");
    assert_eq!(folder.names(), ["in.npy"]);
}

#[test]
fn readers_that_go_away_and_full_disks() {
    let folder = Folder::new("stdout");
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let gone = folder.command(["devices"]).stdout(write).output().unwrap();
    assert_eq!((gone.status.code(), gone.stderr.len()), (Some(0), 0), "{gone:?}");
    #[cfg(target_os = "linux")]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        done(folder.command(["devices"]).stdout(full).output().unwrap()).failed(&["standard output"]);
    }
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let unheard = folder.command(["connectivity", "missing.npy", "-o", "out.npy"]).stderr(write).stdout(Stdio::null()).status().unwrap();
    assert_eq!(unheard.code(), Some(1));
}

/// Names need not be text.
#[cfg(target_os = "linux")]
#[test]
fn paths_that_are_not_unicode() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new("unicode");
    let name = |text: &[u8]| std::ffi::OsStr::from_bytes(text).to_owned();
    std::fs::write(folder.0.join(name(b"in\xff.npy")), npy("<f4", &[3, 2], &f32s(&[1.0, 2.0, 2.0, 1.0, 4.0, 0.0]))).unwrap();
    let arguments = ["connectivity", "--json", "--device", "cpu", "-o"].map(|a| name(a.as_bytes()));
    let run = |input: &[u8]| {
        let mut command = folder.command(&arguments);
        done(command.args([name(b"out\xff.npy"), name(input)]).output().unwrap())
    };
    assert_eq!(run(b"in\xff.npy").json()["regions"], json!(2));
    read_f32(folder.0.join(name(b"out\xff.npy")), &[2, 2]);
    run(b"no\xff\n.npy").failed(&["cannot be read"]);
}
