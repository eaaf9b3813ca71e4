//! Files that are written piece by piece, for contents that do not fit in memory, and still appear whole or not at all.

use super::{Place, Temporary, beside, create, writing};
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions};
#[cfg(feature = "data")]
use std::io::Read;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The bytes that are collected before they are handed to the system.
const BUFFER: usize = 1 << 20;

/// The temporary files that are being written piece by piece.
static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn open() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the files that are being written piece by piece. Their writers report an error when they end.
pub(super) fn give_up() {
    for path in std::mem::take(&mut *open()) {
        // A file that is gone already, or that the system keeps while it is open, cannot be helped.
        let _ = fs::remove_file(path);
    }
}

/// A writer of a file that appears whole when [`FileWriter::finish`] succeeds. Dropped before that, it leaves the file that was there as it
/// was, and nothing new. A pipe or a device is written into directly. The bytes are buffered.
#[derive(Debug)]
pub struct FileWriter {
    path: PathBuf,
    file: BufWriter<Held>,
    place: Destination,
}

/// The way in which the written bytes get to their place.
#[derive(Debug)]
enum Destination {
    /// The temporary file is renamed to `path`.
    Renamed { temporary: Staging, path: PathBuf, before: Option<Metadata> },
    /// The temporary file is copied into an existing file that has several names.
    Copied { temporary: Staging },
    /// The bytes went there directly.
    Direct,
}

impl FileWriter {
    /// Begins a file at `path`.
    ///
    /// # Errors
    /// Returns [`Error::File`] in the cases of [`write_file`](super::write_file).
    pub fn new(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (file, place) = Destination::of(path).map_err(|e| fault(path, &e))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::with_capacity(BUFFER, Held(file)), place })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written, for example because the disk is full.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| fault(&self.path, &e))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be written or put in place.
    pub fn finish(self) -> Result<()> {
        let path = self.path;
        let file = self.file.into_inner().map_err(|e| fault(&path, e.error()))?;
        self.place.finish(&path, &file.0).map_err(|e| fault(&path, &e))
    }
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn fault(path: &Path, e: &io::Error) -> Error {
    Error::io(path, "cannot be written", e)
}

impl Destination {
    fn of(path: &Path) -> io::Result<(File, Self)> {
        match Place::of(path)? {
            Place::Beside { path, before } => {
                let (temporary, file) = Staging::new(&path, before.as_ref())?;
                Ok((file, Self::Renamed { temporary, path, before }))
            }
            Place::Within if fs::metadata(path)?.is_file() => {
                // A file that cannot be written is refused before its bytes are computed.
                OpenOptions::new().write(true).open(path)?;
                let (temporary, file) = Staging::new(path, None)?;
                Ok((file, Self::Copied { temporary }))
            }
            Place::Within => Ok((OpenOptions::new().write(true).open(path)?, Self::Direct)),
        }
    }

    fn finish(self, given: &Path, file: &File) -> io::Result<()> {
        match self {
            Self::Renamed { temporary, path, before } => {
                temporary.0.complete(file, before.as_ref())?;
                let _writing = writing();
                fs::rename(&temporary.0.0, path)
            }
            Self::Copied { temporary } => {
                let _writing = writing();
                let mut to = OpenOptions::new().write(true).truncate(true).open(given)?;
                io::copy(&mut File::open(&temporary.0.0)?, &mut to)?;
                to.sync_all()
            }
            Self::Direct => Ok(()),
        }
    }
}

/// A file that is written only while no [`hold_writes`](super::hold_writes) holds.
#[derive(Debug)]
struct Held(File);

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _writing = writing();
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A temporary file among those that are given up when the program ends.
#[derive(Debug)]
struct Staging(Temporary);

impl Staging {
    fn new(path: &Path, before: Option<&Metadata>) -> io::Result<(Self, File)> {
        let _writing = writing();
        let temporary = Temporary(beside(path));
        let file = create(&temporary.0, before)?;
        open().insert(temporary.0.clone());
        Ok((Self(temporary), file))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        open().remove(&self.0.0);
    }
}

/// Bytes on the disk beside a file that is being made, until their number is known and they are copied into it.
#[cfg(feature = "data")]
#[derive(Debug)]
pub(crate) struct Spool {
    /// The path of the file that is being made, for messages.
    path: PathBuf,
    file: BufWriter<Held>,
    temporary: Staging,
}

#[cfg(feature = "data")]
impl Spool {
    /// An empty spool beside `path`.
    ///
    /// # Errors
    /// Returns [`Error::File`] where no file can be made there.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let (temporary, file) = Staging::new(path, None).map_err(|e| fault(path, &e))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::with_capacity(BUFFER, Held(file)), temporary })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Returns [`Error::File`] where they cannot be written.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| fault(&self.path, &e))
    }

    /// Reads all bytes from the first on.
    ///
    /// # Errors
    /// Returns [`Error::File`] where they cannot be written or read.
    pub(crate) fn read(&mut self) -> Result<impl Read> {
        let opened = self.file.flush().and_then(|()| File::open(&self.temporary.0.0));
        opened.map_err(|e| fault(&self.path, &e))
    }
}
