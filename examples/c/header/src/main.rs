//! Writes the C header of tapetum: `cargo run -- ../include/tapetum.h`.

use std::path::Path;
use std::process::ExitCode;

/// The files of the C interface, in the order of the header.
const FILES: [&str; 14] = [
    "border",
    "handle",
    "array",
    "results",
    "device",
    "connectivity",
    "signal",
    "progress",
    "parcels",
    "topology",
    "workflow",
    "tape",
    "state",
    "program",
];

fn header() -> Result<String, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(here.join("cbindgen.toml"))?;
    let sources = here.join("../../../src/bindings/c");
    let files = FILES.into_iter().map(|name| sources.join(name).with_extension("rs"));
    let builder = files.fold(cbindgen::Builder::new().with_config(config), cbindgen::Builder::with_src);
    let mut bytes = Vec::new();
    builder.generate().map_err(|e| e.to_string())?.write(&mut bytes);
    let text = String::from_utf8(bytes).map_err(|e| e.to_string())?;
    // Types that cbindgen is told of as text stand one space too far from their names.
    Ok(text
        .replace("char * ", "char *")
        .replace("char *const * ", "char *const *")
        .replace("array * ", "array *")
        .replace("void * ", "void *"))
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("the path of the header is expected");
        return ExitCode::FAILURE;
    };
    match header().and_then(|text| std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}
