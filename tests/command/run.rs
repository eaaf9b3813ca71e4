//! The built command, run as a user would, and small files made and read by hand.

pub use crate::common::folder::{Folder, names};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// The host, and the first adapter there is.
pub const DEVICES: [&str; 2] = ["cpu", "0"];

/// The outcome of a command.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Folder {
    /// The command, not run yet, in this folder and in an environment that chooses no device.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tapetum"));
        // Mesa complains on standard error where XDG_RUNTIME_DIR is not set; the command keeps it quiet.
        command
            .args(arguments)
            .current_dir(&self.0)
            .env_remove("TAPETUM_DEVICE")
            .env_remove("TAPETUM_TUNING")
            .env("TAPETUM_CACHE", "none")
            .env_remove("XDG_RUNTIME_DIR");
        command
    }

    /// Runs a line of arguments that hold no spaces.
    pub fn run(&self, line: &str) -> Done {
        done(self.command(line.split_whitespace()).output().unwrap())
    }
}

pub fn done(output: Output) -> Done {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Done {
    /// Asserts that the command succeeded, and returns the one JSON object that it printed.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        let json: serde_json::Value = serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        assert!(json.is_object(), "{self:?}");
        json
    }

    /// Asserts that the command failed with one line on standard error that contains each of `parts`.
    #[track_caller]
    pub fn failed(&self, parts: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(1), ""), "{self:?}");
        assert_eq!((self.stderr.lines().count(), self.stderr.starts_with("tapetum: ")), (1, true), "{self:?}");
        parts.iter().for_each(|part| assert!(self.stderr.contains(part), "no `{part}`: {self:?}"));
    }

    /// Asserts that the command refused its arguments with a message that contains `part`.
    #[track_caller]
    pub fn misused(&self, part: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(2), ""), "{self:?}");
        assert!(self.stderr.contains(part), "no `{part}`: {self:?}");
    }
}

/// A `.npy` file of version 1.
pub fn npy(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let extents: String = shape.iter().map(|n| format!("{n},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({extents}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

pub fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The four-byte elements of a `.npy` file that must be of this type and shape.
#[track_caller]
fn words(path: &Path, descr: &str, shape: &[usize]) -> Vec<[u8; 4]> {
    let bytes = fs::read(path).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text: String = String::from_utf8_lossy(&bytes[10..header]).split_whitespace().collect();
    let text = text.replace(",)", ")");
    let extents = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    for part in [format!("'descr':'{descr}'"), "'fortran_order':False".into(), format!("'shape':({extents})")] {
        assert!(text.contains(&part), "{}: {text} where {part} is expected", path.display());
    }
    assert_eq!(bytes.len() - header, 4 * shape.iter().product::<usize>(), "{}", path.display());
    bytes[header..].chunks_exact(4).map(|b| b.try_into().unwrap()).collect()
}

#[track_caller]
pub fn read_f32(path: impl AsRef<Path>, shape: &[usize]) -> Vec<f64> {
    words(path.as_ref(), "<f4", shape).into_iter().map(|b| f32::from_le_bytes(b).into()).collect()
}

#[track_caller]
pub fn read_i32(path: impl AsRef<Path>, shape: &[usize]) -> Vec<i32> {
    words(path.as_ref(), "<i4", shape).into_iter().map(i32::from_le_bytes).collect()
}
