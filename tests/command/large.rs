//! `tapetum connectivity --keep`, and matrices that are written in panels of rows.

use super::run::{DEVICES, Folder, f32s, npy, read_f32};
use serde_json::json;
use std::fs;
use tapetum::data::read_npz;

const FRAMES: usize = 31;

/// The series of a region, and their correlation by the definition in f64.
fn series(region: usize) -> Vec<f32> {
    (0..FRAMES).map(|t| 7.0 + ((region * 7919 + t * 104_729 + region * t * 31) % 1009) as f32 / 64.0).collect()
}

fn correlation(a: usize, b: usize) -> f64 {
    let centred = |region: usize| {
        let x: Vec<f64> = series(region).into_iter().map(f64::from).collect();
        let mean = x.iter().sum::<f64>() / FRAMES as f64;
        x.into_iter().map(|x| x - mean).collect::<Vec<_>>()
    };
    let (x, y) = (centred(a), centred(b));
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt()
}

/// A `.npy` file of n regions by time.
fn write(folder: &Folder, n: usize) {
    let values: Vec<f32> = (0..n).flat_map(series).collect();
    folder.file("in.npy", npy("<f4", &[n, FRAMES], &f32s(&values)));
}

/// The edges of a table.
fn edges(text: &str) -> Vec<(String, String, f64)> {
    let edge = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        (cells[0].to_owned(), cells[1].to_owned(), cells[2].parse().unwrap())
    };
    assert!(text.starts_with("source\ttarget\tweight\n"), "{text}");
    text.lines().skip(1).map(edge).collect()
}

#[test]
fn the_strongest_edges_and_those_above_a_threshold() {
    const N: usize = 65;
    let folder = Folder::new("keep");
    write(&folder, N);
    for device in DEVICES {
        let line = format!("connectivity in.npy --layout regions-time -o out.tsv --keep top-k=3 --device {device} --json");
        let json = folder.run(&line).json();
        assert_eq!((&json["keep"], &json["edges"], &json["regions"]), (&json!("top-k=3"), &json!(3 * N), &json!(N)));
        assert_eq!(json["warnings"], json!([]));
        let found = edges(&fs::read_to_string(folder.0.join("out.tsv")).unwrap());
        for (i, found) in found.chunks(3).enumerate() {
            let mut others: Vec<usize> = (0..N).filter(|&j| j != i).collect();
            others.sort_by(|&a, &b| correlation(i, b).total_cmp(&correlation(i, a)));
            others.truncate(3);
            others.sort_unstable();
            for ((source, target, weight), wanted) in found.iter().zip(others) {
                assert_eq!((source.as_str(), target.as_str()), (i.to_string().as_str(), wanted.to_string().as_str()), "{device}");
                assert!((weight - correlation(i, wanted)).abs() < 1e-6);
            }
        }
        let line = format!("connectivity in.npy --layout regions-time -o out.npz --keep threshold=0.25 --device {device}");
        let done = folder.run(&line);
        let count = (0..N).flat_map(|i| (i + 1..N).map(move |j| correlation(i, j))).filter(|r| *r >= 0.25).count();
        assert!(done.stdout.ends_with(&format!("out.npz {count} edges\n")), "{done:?}");
        let array = |name: &str| read_npz(folder.0.join("out.npz"), Some(name)).unwrap().to_f64_vec();
        let (data, indices, begins) = (array("data"), array("indices"), array("indptr"));
        for i in 0..N {
            for at in begins[i] as usize..begins[i + 1] as usize {
                assert!((data[at] - correlation(i, indices[at] as usize)).abs() < 1e-6);
            }
        }
        folder.run(&format!("connectivity in.npy --layout regions-time -o out.npy --keep degree=0.25 --device {device} --json")).json();
        let degree = |i: usize| (0..N).filter(|&j| j != i && correlation(i, j) >= 0.25).count() as f64;
        assert_eq!(read_f32(folder.0.join("out.npy"), &[N]), (0..N).map(degree).collect::<Vec<_>>());
    }
}

#[test]
fn names_and_missing_regions_come_out_again() {
    let folder = Folder::new("keep-names");
    let mut text = "left V1\tright V1\tgone\tA\n".to_owned();
    for t in 0..FRAMES {
        text += &format!("{}\t{}\tn/a\t{}\n", series(0)[t], series(1)[t], series(3)[t]);
    }
    folder.file("in.tsv", text);
    folder.run("connectivity in.tsv -o out.tsv --keep threshold=-1 --device cpu --json").json();
    let found = edges(&fs::read_to_string(folder.0.join("out.tsv")).unwrap());
    let ends: Vec<(&str, &str)> = found.iter().map(|(a, b, _)| (a.as_str(), b.as_str())).collect();
    assert_eq!(ends, [("left V1", "right V1"), ("left V1", "A"), ("right V1", "A")]);
    assert!((found[2].2 - correlation(1, 3)).abs() < 1e-6);
    folder.run("connectivity in.tsv -o out.tsv --keep degree=-1 --device cpu --json").json();
    assert_eq!(fs::read_to_string(folder.0.join("out.tsv")).unwrap(), "Node\tdegree\nleft V1\t2\nright V1\t2\ngone\tn/a\nA\t2\n");
    folder.run("connectivity in.tsv -o out.npy --keep degree=0.9 --device cpu --json").json();
    assert_eq!(fs::read_to_string(folder.0.join("out.names.txt")).unwrap(), "left V1\nright V1\ngone\nA\n");
}

/// A matrix of 5,800 regions takes more than the 128 MiB that a software adapter binds; on others it is computed as a whole.
#[test]
fn a_matrix_larger_than_a_binding_is_written_row_by_row() {
    const N: usize = 5800;
    let folder = Folder::new("panels");
    write(&folder, N);
    for device in DEVICES {
        let done = folder.run(&format!("connectivity in.npy --layout regions-time -o out.npy --device {device}"));
        assert_eq!(done.stdout, format!("{FRAMES} frames, {N} regions -> out.npy f32[{N}, {N}]\n"), "{done:?}");
        let found = read_f32(folder.0.join("out.npy"), &[N, N]);
        for at in (0..N * N).step_by(99_991).chain([0, N * N - 1]) {
            assert!((found[at] - correlation(at / N, at % N)).abs() < 1e-6, "{at}");
        }
        assert_eq!(folder.names(), ["in.npy", "out.npy"]);
    }
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let folder = Folder::new("keep-refused");
    write(&folder, 5);
    let run = |rest: &str| folder.run(&format!("connectivity in.npy --layout regions-time --device cpu {rest}"));
    run("-o out.npz --keep top-k=5").failed(&["in.npy", "a number from 1 to 4 is expected for 5 regions"]);
    run("-o out.npy --keep top-k=2").failed(&["out.npy", "edges of a connectome", ".npz"]);
    run("-o out.npz --keep degree=0.5").failed(&["out.npz", "values of regions", ".npy"]);
    for (keep, part) in [
        ("top-k=0", "above 0"),
        ("top-k=-1", "above 0"),
        ("threshold=nan", "a finite number"),
        ("degree=inf", "a finite number"),
        ("threshold", "top-k=N, threshold=R or degree=R"),
        ("most", "top-k=N"),
    ] {
        run(&format!("-o out.npz --keep {keep}")).misused(part);
    }
    run("-o out.npz --keep top-k=2 --kind precision").misused("--keep is of --kind correlation or covariance");
    run("-o out.npz --keep top-k=2 --shrinkage oas").misused("without --shrinkage");
    run("-o out.npy --keep degree=0.5 --fisher-z").misused("a degree keeps none");
    let two = npy("<f4", &[2, 3, FRAMES], &f32s(&(0..6).flat_map(series).collect::<Vec<f32>>()));
    folder.file("in.npy", two);
    run("-o out.npz --keep top-k=2").failed(&["in.npy", "one subject", "[2, 3, 31]"]);
    assert_eq!(folder.names(), ["in.npy"]);
}

/// A matrix that would be inverted is refused by name before anything is computed, and so is a table that no program would read.
#[test]
fn matrices_past_memory_are_refused_by_name() {
    let folder = Folder::new("past-memory");
    folder.file("in.npy", npy("<f4", &[2, 20_000], &f32s(&(0..40_000).map(|x| (x % 97) as f32).collect::<Vec<_>>())));
    let run = |rest: &str| folder.run(&format!("connectivity in.npy --device cpu {rest}"));
    run("-o out.npy --kind precision").failed(&["in.npy", "a precision of 20000 regions", "12.8 GB", "at most 16384"]);
    run("-o out.npy --kind covariance --shrinkage oas").failed(&["a covariance of 20000 regions"]);
    run("-o out.npz").failed(&["out.npz", "1600000000 bytes", ".npy"]);
    assert_eq!(folder.names(), ["in.npy"]);
}

/// A signal that comes while a large file is being written ends the command at once and leaves nothing of the file.
#[test]
#[cfg(unix)]
fn an_interrupted_matrix_leaves_nothing() {
    let folder = Folder::new("interrupted");
    folder.file("in.npy", npy("<f4", &[2, 40_000], &f32s(&(0..80_000).map(|x| (x % 997 * (x % 991)) as f32).collect::<Vec<_>>())));
    let mut child =
        folder.command("connectivity in.npy -o out.npy --device cpu".split(' ')).stderr(std::process::Stdio::null()).spawn().unwrap();
    let begun = || fs::read_dir(&folder.0).unwrap().any(|file| file.unwrap().metadata().is_ok_and(|found| found.len() > 1 << 20));
    for _ in 0..6000 {
        if begun() || child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(begun(), "{:?}", folder.names());
    let killed = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert!(!child.wait().unwrap().success());
    assert_eq!(folder.names(), ["in.npy"]);
}
