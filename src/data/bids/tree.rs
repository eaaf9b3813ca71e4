//! The files of a tree.

use super::super::sidecar;
use super::BidsName;
use crate::error::Reason;
use crate::{Error, Result};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::path::{Component, Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// A file below a participant's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BidsFile {
    /// The path, with the folder of the tree before it.
    pub path: PathBuf,
    /// The name taken apart; it has the entity `sub`.
    pub name: BidsName,
}

/// A tree of BIDS derivatives: the files below its folders `sub-..`.
#[derive(Debug, Clone)]
pub struct BidsTree {
    /// The folder of the tree.
    pub root: PathBuf,
    /// The contents of `dataset_description.json`, where there is one.
    pub description: Option<Value>,
    /// The files whose names are those of BIDS and say whose they are, in the order of their paths.
    pub files: Vec<BidsFile>,
    /// The labels of the participants' folders, `01` for `sub-01`, in the order of their names.
    pub participants: Vec<String>,
    /// The end of the files of each participant's folder among all files.
    ends: Vec<usize>,
    /// Warnings to the user about the tree, one line each: a description that is missing, names that are not text, links in circles.
    pub warnings: Vec<String>,
}

impl BidsTree {
    /// Lists the files below the folders `sub-..` of a tree. Links are followed; one that leads back to a folder above itself is left out
    /// with a warning, and so are names that are not UTF-8. Hidden folders are not entered. A link to nowhere (a file whose content was not
    /// fetched) is listed: reading it says that it is not there.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the folder is none, a folder in it cannot be read (a participant would be missing in silence), or no
    /// folder `sub-..` is there; the message says what is there instead.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        let mut tree =
            Self { root, description: None, files: Vec::new(), participants: Vec::new(), ends: Vec::new(), warnings: Vec::new() };
        let names = folders(&tree.root)?;
        let own: Vec<&String> = names.iter().filter(|name| name.strip_prefix("sub-").is_some_and(|label| !label.is_empty())).collect();
        if own.is_empty() {
            return Err(Error::file(&tree.root, no_participants(&tree.root, &names)));
        }
        tree.describe();
        for name in own {
            tree.participants.push(name["sub-".len()..].to_owned());
            tree.list(&tree.root.join(name))?;
            tree.ends.push(tree.files.len());
        }
        Ok(tree)
    }

    /// The path of a file below the folder of the tree, with `/` between its parts on every system.
    pub fn relative(&self, file: &Path) -> String {
        let below = file.strip_prefix(&self.root).unwrap_or(file);
        let parts = below.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy()),
            _ => None,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// The files in the folder of the same participant.
    pub(super) fn beside(&self, file: &Path) -> &[BidsFile] {
        let below = self.relative(file);
        let label = below.split('/').next().and_then(|folder| folder.strip_prefix("sub-")).unwrap_or_default();
        let Some(at) = self.participants.iter().position(|participant| participant == label) else { return &[] };
        let from = if at == 0 { 0 } else { self.ends[at - 1] };
        self.files.get(from..self.ends[at]).unwrap_or(&[])
    }

    /// Reads `dataset_description.json`. The files are what they are without it, so its absence and its faults are warnings.
    fn describe(&mut self) {
        let path = self.root.join("dataset_description.json");
        match sidecar::read(&path) {
            Ok(stated) => self.description = Some(Value::Object(stated)),
            Err(_) if !path.exists() => {
                self.warnings.push(format!("{}: no dataset_description.json, which BIDS asks for: is this the tree?", self.root.display()));
            }
            Err(fault) => self.warnings.push(fault.to_string()),
        }
    }

    /// Lists the files below a folder.
    fn list(&mut self, folder: &Path) -> Result<()> {
        let (mut unnamed, mut unlike) = (Vec::new(), Vec::new());
        let circles = RefCell::new(Vec::new());
        let whole = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        let leads_above = |entry: &DirEntry| entry.path_is_symlink() && entry.path().canonicalize().is_ok_and(|to| whole.starts_with(to));
        let enters = |entry: &DirEntry| {
            let hidden = entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
            let circle = leads_above(entry);
            if circle {
                circles.borrow_mut().push(entry.path().display().to_string());
            }
            !hidden && !circle
        };
        for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().filter_entry(enters) {
            let path = match entry {
                Ok(entry) if entry.file_type().is_dir() => continue,
                Ok(entry) => entry.into_path(),
                Err(e) if e.loop_ancestor().is_some() => {
                    circles.borrow_mut().extend(e.path().map(|path| path.display().to_string()));
                    continue;
                }
                Err(e) => match e.path().filter(|path| path.is_symlink()) {
                    Some(path) => path.to_owned(),
                    None => {
                        let why = e.io_error().map_or_else(|| "cannot be read".into(), |e| Reason::io("cannot be read", e));
                        return Err(Error::file(e.path().unwrap_or(folder), why));
                    }
                },
            };
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                unnamed.push(path.display().to_string());
                continue;
            };
            match BidsName::parse(name).filter(|name| name.get("sub").is_some()) {
                Some(name) => self.files.push(BidsFile { path, name }),
                None if may_hold_series(name) => unlike.push(path.display().to_string()),
                None => {}
            }
        }
        if let Some(first) = unnamed.first() {
            self.warnings.push(format!("{first}: names that are not text in UTF-8 are left out ({} in all)", unnamed.len()));
        }
        if let Some(first) = unlike.first() {
            let what = "names that are not of the form sub-LABEL_key-value_suffix are left out";
            self.warnings.push(format!("{first}: {what} ({} in all)", unlike.len()));
        }
        if let Some(first) = circles.borrow().first() {
            self.warnings.push(format!("{first}: a link that leads back to a folder above it is left out"));
        }
        Ok(())
    }
}

/// True for the extensions of series.
fn may_hold_series(name: &str) -> bool {
    let name = name.to_lowercase();
    [".tsv", ".nii", ".nii.gz"].iter().any(|end| name.ends_with(end))
}

/// The names of the folders in a folder, sorted. Names that are not text are left out: none of them is a participant's.
fn folders(root: &Path) -> Result<Vec<String>> {
    let failed = |e: std::io::Error| match root.is_file() {
        true => Error::file(root, "a file, where the folder of a BIDS tree is expected"),
        false => Error::io(root, "the folder of a BIDS tree is expected", &e),
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(root).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.path().is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

/// The reason for which a folder is no tree, with the folder in it that is one.
fn no_participants(root: &Path, names: &[String]) -> String {
    let has_participants = |folder: &Path| folders(folder).is_ok_and(|names| names.iter().any(|name| name.starts_with("sub-")));
    let below = names.iter().map(|name| root.join(name));
    let candidates = below.flat_map(|folder| {
        let deeper = folders(&folder).unwrap_or_default().into_iter().map(|name| folder.join(name)).collect::<Vec<_>>();
        std::iter::once(folder).chain(deeper)
    });
    let hint = match candidates.into_iter().find(|folder| has_participants(folder)) {
        Some(tree) => format!("; {} has them", tree.display()),
        None if names.is_empty() => "; there is no folder in it".to_owned(),
        None => format!("; there are {}", names.iter().take(5).cloned().collect::<Vec<_>>().join(", ")),
    };
    format!("no folder sub-.. of a participant{hint}")
}
