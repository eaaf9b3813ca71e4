//! Files that are there whole or not at all.

use crate::{Error, Result};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes `bytes` to a temporary file beside `path` and renames it into place: a reader sees the old file or the new one, never a part.
///
/// # Errors
/// [`Error::File`] where the folder is missing or not writable, the disk is full, or `path` is a folder.
pub fn write_file(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    Staged::new(path.as_ref(), bytes)?.rename()
}

/// A folder's new files, which appear together: each is written under a temporary name when added, and all are renamed by
/// [`OutputFolder::commit`]. Dropped without it, nothing is left but the folder.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    files: Vec<Staged>,
}

impl OutputFolder {
    /// Makes the folder, and those above it, where they are missing. Files already in it stay, but for those that a commit replaces.
    /// That it can be written in is tried at once: what its files hold may take minutes to compute.
    ///
    /// # Errors
    /// [`Error::File`] where the folder cannot be made, or not written in.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        fs::create_dir_all(&path).map_err(|e| Error::file(&path, format!("the folder cannot be made: {e}")))?;
        let probe = beside(&path.join("probe"));
        let probed = write_new(&probe, &[]).and_then(|()| fs::remove_file(&probe));
        probed.map_err(|e| Error::file(&path, format!("the folder cannot be written in: {e}")))?;
        Ok(Self { path, files: Vec::new() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a file of the given name; the last one of a name counts.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub fn add(&mut self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
        let staged = Staged::new(&self.path.join(name), bytes)?;
        self.files.retain(|other| other.path != staged.path);
        self.files.push(staged);
        Ok(())
    }

    /// Puts every file in its place and returns their paths, in the order they were added.
    ///
    /// # Errors
    /// [`Error::File`] where one cannot be put in place: then those before it are taken back, and what they replaced is restored.
    pub fn commit(mut self) -> Result<Vec<PathBuf>> {
        for i in 0..self.files.len() {
            if let Err(e) = self.files[i].place() {
                self.files[..=i].iter_mut().rev().for_each(Staged::take_back);
                return Err(e);
            }
        }
        Ok(self.files.iter().map(|file| file.path.clone()).collect())
    }
}

/// A file under a temporary name beside its place. Dropped, it leaves nothing under temporary names.
#[derive(Debug)]
struct Staged {
    path: PathBuf,
    temporary: PathBuf,
    /// Where the file that `path` named before is kept until the outcome is known.
    replaced: Option<PathBuf>,
    placed: bool,
}

impl Staged {
    fn new(path: &Path, bytes: &[u8]) -> Result<Self> {
        let error = |e| Error::file(path, format!("cannot be written: {e}"));
        if path.is_dir() || path.file_name().is_none() {
            return Err(Error::file(path, "cannot be written: a folder, where the name of a file is expected"));
        }
        let staged = Self { path: path.into(), temporary: beside(path), replaced: None, placed: false };
        write_new(&staged.temporary, bytes).map_err(error)?;
        Ok(staged)
    }

    fn rename(&self) -> Result<()> {
        fs::rename(&self.temporary, &self.path).map_err(|e| Error::file(&self.path, format!("cannot be written: {e}")))
    }

    fn place(&mut self) -> Result<()> {
        let kept = beside(&self.path);
        match fs::rename(&self.path, &kept) {
            Ok(()) => self.replaced = Some(kept),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::file(&self.path, format!("cannot be replaced: {e}"))),
        }
        self.rename()?;
        self.placed = true;
        Ok(())
    }

    /// Nothing better can be done where undoing fails as well: the error that led here is the one reported.
    fn take_back(&mut self) {
        if self.placed {
            let _ = fs::remove_file(&self.path);
        }
        if let Some(kept) = self.replaced.take() {
            let _ = fs::rename(kept, &self.path);
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
        if let Some(kept) = &self.replaced {
            let _ = fs::remove_file(kept);
        }
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    // Without it, some file systems put the name in place before the bytes, and a power cut leaves an empty file.
    file.sync_all()
}

/// A name in the same folder that nobody else uses: a rename is whole only within one file system.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()))
}
