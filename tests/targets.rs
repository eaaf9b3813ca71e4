//! Every file under `tests/` belongs to a target. A file that no `mod` names would never run, and nobody would notice. The documentation
//! names the major version of wgpu that the manifest asks for.

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            found.push(entry);
        }
    }
}

/// True where a line of `text` is `mod name;`.
fn names(text: &str, name: &str) -> bool {
    text.lines().any(|line| line.trim_start_matches("pub ") == format!("mod {name};"))
}

#[test]
fn every_file_belongs_to_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (tests, manifest) = (root.join("tests"), fs::read_to_string(root.join("Cargo.toml")).unwrap());
    let mut found = Vec::new();
    files(&tests, &mut found);
    let text = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    let is_target = |name: &str| manifest.contains(&format!("[[test]]\nname = \"{name}\"\n"));
    let roots: Vec<_> = found.iter().filter(|f| f.parent() == Some(&tests)).cloned().collect();
    let of_a_target = |name: &str| roots.iter().any(|r| names(&text(r.clone()), name));
    for file in &found {
        let (folder, stem) = (file.parent().unwrap(), file.file_stem().unwrap().to_str().unwrap());
        let folder_name = folder.file_name().unwrap().to_str().unwrap();
        let belongs = match stem {
            "main" => is_target(folder_name),
            "mod" if folder.parent() == Some(&tests) => of_a_target(folder_name),
            "mod" => names(&text(folder.parent().unwrap().join("mod.rs")), folder_name),
            _ if folder == tests => is_target(stem) || of_a_target(stem),
            _ => names(&text(folder.join("mod.rs")), stem) || names(&text(folder.join("main.rs")), stem),
        };
        assert!(belongs, "{} belongs to no target: name it in a `mod` line", file.display());
    }
    assert!(found.len() > 60, "only {} files", found.len());
}

#[test]
fn the_documentation_names_the_version_of_wgpu() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let manifest = text("Cargo.toml");
    let wgpu = manifest.lines().find_map(|line| line.strip_prefix("wgpu = { version = \"")).expect("a dependency on wgpu");
    let major: String = wgpu.chars().take_while(char::is_ascii_digit).collect();
    let (release, _) = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap();
    let row = format!("//! | {release} | {major} |");
    assert_eq!(text("src/lib.rs").lines().filter(|line| *line == row).count(), 1, "`{row}` is expected in src/lib.rs");
}
