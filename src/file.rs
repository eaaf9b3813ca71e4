//! Files that are written whole or not at all.
//!
//! Writing follows symbolic links, as other programs do: the link stays, and the file it leads to is replaced by a new one of the same mode
//! and owner. A pipe or a device is written into directly. So is a file with several names (hard links), because it cannot be replaced
//! under all its names at once.

mod stream;

pub use stream::FileWriter;
#[cfg(feature = "data")]
pub(crate) use stream::Spool;

use crate::{Error, Result};
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// A lock that every writer holds for reading while it has files under temporary names.
static WRITING: RwLock<()> = RwLock::new(());

fn writing() -> RwLockReadGuard<'static, ()> {
    WRITING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no file has a temporary name, and keeps new ones from being written as long as the returned guard lives. A program that ends
/// meanwhile, for example because of a signal, then leaves no temporary file behind. Files that are still being written piece by piece
/// ([`FileWriter`]) are given up and removed, because they may take minutes. The crate itself handles no signals.
pub fn hold_writes() -> impl Drop {
    let held = WRITING.write().unwrap_or_else(PoisonError::into_inner);
    stream::give_up();
    held
}

/// Writes `bytes` to a temporary file beside `path` and renames it into place: a reader sees the old file or the new one, never a part.
///
/// # Errors
/// Returns [`Error::File`] where the folder is missing or not writable, the disk is full, or `path` is a folder or a file that may not be
/// written.
pub fn write_file(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let write = || match Place::of(path)? {
        Place::Within => write_into(path, bytes),
        Place::Beside { path, before } => {
            let _writing = writing();
            let staged = Temporary::new(&path, bytes, before.as_ref())?;
            fs::rename(&staged.0, &path)
        }
    };
    write().map_err(|e| Error::io(path, "cannot be written", &e))
}

/// A set of new files for a folder, which appear together on [`OutputFolder::commit`]. As long as it lives, no other process can use the
/// same folder for its output, provided that the file system supports locks.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    files: Vec<(PathBuf, Vec<u8>)>,
    /// The folders that were made. Those that are empty in the end are removed, so that a failure leaves nothing behind.
    made: Vec<PathBuf>,
    /// The lock on the folder, where the file system has locks.
    _lock: Option<Lock>,
}

impl OutputFolder {
    /// Makes the folder, and those above it, where they are missing. Files already in it stay, except those that a commit replaces. The
    /// call checks at once that the folder can be written in, because the contents of its files may take minutes to compute.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the folder cannot be made or written in, or is the output folder of another process at this time.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let lacking = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let made = lacking.map(Path::to_owned).collect::<Vec<_>>().into_iter().rev().collect();
        fs::create_dir_all(&path).map_err(|e| Error::io(&path, "the folder cannot be made", &e))?;
        let folder = Self { files: Vec::new(), made, _lock: Lock::new(&path)?, path };
        let _writing = writing();
        let probed = Temporary::new(&folder.path.join("probe"), &[], None);
        probed.map_err(|e| Error::io(&folder.path, "the folder cannot be written in", &e))?;
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a file of the given name and contents, which stay in memory until the commit. Of several files with one name the last counts. A
    /// name may be a path below the folder, whose folders the commit makes.
    ///
    /// # Errors
    /// Returns [`Error::File`] where a folder has that name.
    pub fn add(&mut self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        if path.is_dir() {
            return Err(Error::file(path, "cannot be written: a folder, where the name of a file is expected"));
        }
        self.files.retain(|(other, _)| *other != path);
        self.files.push((path, bytes.to_vec()));
        Ok(())
    }

    /// Puts every file in its place and returns their paths, in the order they were added.
    ///
    /// # Errors
    /// Returns [`Error::File`] where a file cannot be written or put in place. The files before it are then removed, and the files they
    /// replaced are restored.
    pub fn commit(mut self) -> Result<Vec<PathBuf>> {
        self.make_folders()?;
        write_files(&self.files)?;
        Ok(self.files.iter().map(|(path, _)| path.clone()).collect())
    }

    /// Makes the folders of the files.
    fn make_folders(&mut self) -> Result<()> {
        for (file, _) in &self.files {
            let lacking = file.ancestors().skip(1).take_while(|folder| !folder.exists()).collect::<Vec<_>>();
            for folder in lacking.into_iter().rev() {
                fs::create_dir(folder).map_err(|e| Error::io(folder, "the folder cannot be made", &e))?;
                self.made.push(folder.to_owned());
            }
        }
        Ok(())
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        // A folder that holds anything is not removed by this call.
        self.made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

/// Writes several files, which appear together or not at all.
///
/// # Errors
/// Returns [`Error::File`] where a file cannot be written or put in place. The files before it are then removed, and the files they replaced
/// are restored.
pub fn write_files(files: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    let _writing = writing();
    let error = |path: &Path, e: io::Error| Error::io(path, "cannot be written", &e);
    let staged = files.iter().map(|(path, bytes)| Staged::new(path, bytes).map_err(|e| error(path, e)));
    let mut staged = staged.collect::<Result<Vec<_>>>()?;
    for i in 0..staged.len() {
        if let Err(e) = staged[i].place() {
            staged[..=i].iter_mut().rev().for_each(Staged::take_back);
            return Err(error(staged[i].path, e));
        }
    }
    Ok(())
}

/// A lock on a folder, which ends with the value.
#[derive(Debug)]
struct Lock {
    _handle: File,
    /// The file that was made for the lock, on systems that lock no folder. It is removed with the lock.
    own: Option<PathBuf>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            // A file that stays is locked by nobody, and the next run locks it again.
            let _ = fs::remove_file(own);
        }
    }
}

impl Lock {
    /// Locks a folder; `None` on file systems without locks.
    fn new(folder: &Path) -> Result<Option<Self>> {
        match File::open(folder) {
            Ok(handle) => Self::of(folder, handle, None),
            Err(_) => Self::by_file(folder),
        }
    }

    /// Locks a folder by a file in it. Windows opens no folder as a file.
    fn by_file(folder: &Path) -> Result<Option<Self>> {
        let own = folder.join(".tapetum-lock");
        match OpenOptions::new().write(true).create(true).truncate(false).open(&own) {
            Ok(handle) => Self::of(folder, handle, Some(own)),
            Err(_) => Ok(None),
        }
    }

    fn of(folder: &Path, handle: File, own: Option<PathBuf>) -> Result<Option<Self>> {
        match handle.try_lock() {
            Ok(()) => Ok(Some(Self { _handle: handle, own })),
            Err(TryLockError::Error(_)) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                Err(Error::file(folder, "another run has this folder for its output: another folder, or its end, is expected"))
            }
        }
    }
}

/// The destination of a file's bytes.
enum Place {
    /// A new file beside `path`, which is then renamed to `path`. `path` is not a link; `before` describes the file that was there.
    Beside { path: PathBuf, before: Option<Metadata> },
    /// The existing file, pipe or device, which is written into.
    Within,
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder, where the name of a file is expected"))
            }
            Ok(found) if found.is_file() && names(&found) == 1 => {
                // A file that this user may not write is not replaced either.
                OpenOptions::new().write(true).open(path)?;
                Ok(Self::Beside { path: fs::canonicalize(path)?, before: Some(found) })
            }
            Ok(_) => Ok(Self::Within),
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            Err(_) if path.file_name().is_none() => Err(io::Error::other("the name of a file is expected")),
            Err(_) => Ok(Self::Beside { path: end_of_links(path), before: None }),
        }
    }
}

/// The number of names (hard links) that a file has.
#[cfg(unix)]
fn names(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

/// The path to which symbolic links lead, where no file exists there yet.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // Linux follows at most 40 links as well.
    for _ in 0..40 {
        let Ok(to) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or_else(|| Path::new("")).join(to);
    }
    path
}

fn write_into(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_file = fs::metadata(path)?.is_file();
    let mut file = OpenOptions::new().write(true).truncate(is_file).open(path)?;
    file.write_all(bytes)?;
    if is_file { file.sync_all() } else { Ok(()) }
}

/// A file under a temporary name in the same folder, because a rename is atomic only within one file system. It is removed when dropped.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Temporary {
    /// Writes a file that will replace another, with the mode and the owner of that file.
    fn new(path: &Path, bytes: &[u8], before: Option<&Metadata>) -> io::Result<Self> {
        let temporary = Self(beside(path));
        let mut file = create(&temporary.0, before)?;
        file.write_all(bytes)?;
        temporary.complete(&file, before)?;
        Ok(temporary)
    }

    /// Gives the written file the mode and the owner of the file that it will replace, and has the system store its bytes.
    fn complete(&self, file: &File, before: Option<&Metadata>) -> io::Result<()> {
        if let Some(before) = before {
            keep_owner(&self.0, before);
            file.set_permissions(before.permissions())?;
        }
        // Without this, some file systems store the new name before the bytes, and a power cut leaves an empty file.
        file.sync_all()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Creates a file that is readable at most by those who could read the file before.
fn create(path: &Path, before: Option<&Metadata>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if before.is_some() {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let _ = before;
    options.open(path)
}

/// Gives the file the owner it had before. Only privileged users may do so; for others the file becomes their own.
#[cfg(unix)]
fn keep_owner(path: &Path, before: &Metadata) {
    use std::os::unix::fs::{MetadataExt, chown};
    let _ = chown(path, Some(before.uid()), Some(before.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &Metadata) {}

/// A temporary name in the same folder that no other process uses and that is not longer than file systems allow.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name: String = path.file_name().unwrap_or_default().to_string_lossy().chars().take(16).collect();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()))
}

/// A file of a commit.
struct Staged<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    /// The path to which links lead, and the new file beside it; `None` where the bytes go into the existing file.
    beside: Option<(PathBuf, Temporary)>,
    before: Before,
}

/// The file that stood in the output's place before, kept until the outcome is known.
enum Before {
    Unplaced,
    Nothing,
    File(Temporary),
    Bytes(Vec<u8>),
}

impl<'a> Staged<'a> {
    fn new(path: &'a Path, bytes: &'a [u8]) -> io::Result<Self> {
        let beside = match Place::of(path)? {
            Place::Within => None,
            Place::Beside { path, before } => {
                let temporary = Temporary::new(&path, bytes, before.as_ref())?;
                Some((path, temporary))
            }
        };
        Ok(Self { path, bytes, beside, before: Before::Unplaced })
    }

    fn place(&mut self) -> io::Result<()> {
        let Some((path, new)) = &self.beside else {
            let is_file = fs::metadata(self.path)?.is_file();
            self.before = if is_file { Before::Bytes(fs::read(self.path)?) } else { Before::Nothing };
            return write_into(self.path, self.bytes);
        };
        let kept = Temporary(beside(path));
        // The existing file gets a second name, so that the path is never without a file; where the file system has no hard links, it is
        // renamed.
        let moved = fs::hard_link(path, &kept.0).or_else(|_| fs::rename(path, &kept.0));
        let before = match moved {
            Ok(()) => Before::File(kept),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Before::Nothing,
            Err(e) => return Err(e),
        };
        self.before = before;
        fs::rename(&new.0, path)
    }

    /// Undoes the placement. Where undoing fails as well, nothing better can be done, and the error that led here is reported.
    fn take_back(&mut self) {
        let place = self.beside.as_ref().map_or(self.path, |(path, _)| path);
        let _ = match (std::mem::replace(&mut self.before, Before::Unplaced), &self.beside) {
            (Before::Unplaced, _) | (Before::Nothing, None) => Ok(()),
            (Before::Nothing, Some(_)) => fs::remove_file(place),
            (Before::File(kept), _) => fs::rename(&kept.0, place),
            (Before::Bytes(bytes), _) => write_into(place, &bytes),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_by_a_file_where_it_cannot_be_opened() {
        let folder = std::env::temp_dir().join(format!("tapetum-lock-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let first = Lock::by_file(&folder).unwrap();
        assert!(first.is_some() && Lock::by_file(&folder).unwrap_err().to_string().contains("another run"));
        drop(first);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        assert!(Lock::by_file(&folder).unwrap().is_some());
        fs::remove_dir_all(&folder).unwrap();
    }
}
