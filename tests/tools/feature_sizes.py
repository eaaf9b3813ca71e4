#!/usr/bin/env python3
"""What each set of features costs a program that embeds the crate: the size of the stripped binary, and the time to build it.

    feature_sizes.py FOLDER [SET...]     FOLDER is where targets are built, one after the other; a SET is features joined by commas, `-` is none

Prints the rows of the table in the crate's documentation. Each set is built in release from nothing, with the features that it names and no
default ones; the time is that of all processors together. The program trains a parcellation, and uses what each of its features brings.
"""

import os
import resource
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETS = ["-", "host", "checkpoint,data", "checkpoint,host,report,workflow", "cli,host"]

MANIFEST = """[package]
name = "embedder"
version = "0.0.0"
edition = "2024"

[features]
{features}

[dependencies]
tapetum = {{ path = "{root}", default-features = false }}

[profile.release]
strip = true

[workspace]
"""

PROGRAM = """use tapetum::optim::Adam;
use tapetum::{Device, Init, Tape, TensorType};

fn main() -> tapetum::Result<()> {
    #[cfg(feature = "cli")]
    if std::env::args().count() > 1 {
        tapetum::cli::main();
        return Ok(());
    }
    let mut tape = Tape::new();
    let series = tape.input("series", TensorType::f32([90, 120]))?;
    let logits = tape.parameter("logits", [3, 90], Init::Normal { mean: 0.0, std: 0.1, seed: 0, stream: 0 })?;
    let parcels = tape.soft_parcellation(logits, series)?;
    let rebuilt = tape.matmul_with(parcels.memberships, parcels.series, true, false)?;
    let loss = tape.mean_squared_error(rebuilt, series)?;
    let gradient = tape.gradient(loss, &[logits])?;
    Adam::new(0.1).apply(&mut tape, &[(logits, gradient[0])])?;
    let device = Device::auto();
    let mut program = device.compile(&tape, &[loss])?;
    let values = tapetum::HostTensor::full([90, 120], 0.5);
    #[cfg(feature = "data")]
    let values = tapetum::data::read_series("series.tsv", tapetum::data::Layout::TimeRegions).map_or(values, |read| read.values);
    program.write(series, &values)?;
    program.steps(60)?;
    println!("{:?}", program.read(loss)?.to_f64_vec());
    #[cfg(feature = "checkpoint")]
    program.state().save("state.safetensors", &[&program])?;
    #[cfg(feature = "workflow")]
    for value in tapetum::workflow::Workflow::read("workflow.json")?.run(&device)?.values {
        println!("{}", value.name);
    }
    #[cfg(feature = "report")]
    println!("{}", tapetum::report::picture::heat_map("", "", "", 1, &[1.0], (0.0, 1.0))?);
    Ok(())
}
"""


def implied(features):
    """The features, and those that they take with them."""
    known = tomllib.loads((ROOT / "Cargo.toml").read_text())["features"]
    found, left = set(), list(features)
    while left:
        feature = left.pop()
        if feature in known and feature not in found:
            found.add(feature)
            left += known[feature]
    return sorted(found)


def row(folder, chosen):
    features = [] if chosen == "-" else chosen.split(",")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "src").mkdir(parents=True)
    listed = "\n".join(f'{name} = ["tapetum/{name}"]' for name in implied(["cli", "host"]))
    (folder / "Cargo.toml").write_text(MANIFEST.format(root=ROOT, features=listed))
    (folder / "src/main.rs").write_text(PROGRAM)
    shutil.copy(ROOT / "Cargo.lock", folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["cargo", "build", "--release", "--quiet", "--offline", "--features", ",".join(implied(features))]
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "CARGO_TARGET_DIR": str(folder / "target")})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = sum(getattr(after, key) - getattr(before, key) for key in ("ru_utime", "ru_stime"))
    bytes = (folder / "target/release/embedder").stat().st_size
    tree = subprocess.run(
        ["cargo", "tree", "--offline", "--prefix", "none", "--edges", "normal", "--features", ",".join(implied(features))],
        cwd=folder, check=True, capture_output=True, text=True,
    )
    crates = len({line.split(" (")[0] for line in tree.stdout.splitlines() if line}) - 1
    shutil.rmtree(folder)
    named = ", ".join(f"`{name}`" for name in features) or "none"
    print(f"| {named} | {crates} | {bytes / 1e6:.1f} | {seconds:.0f} |", flush=True)


def main():
    folder = Path(sys.argv[1]).resolve()
    print("| features | crates | MB | processor seconds |\n|---|---|---|---|", flush=True)
    for chosen in sys.argv[2:] or SETS:
        row(folder, chosen)


if __name__ == "__main__":
    main()
