//! Images that are read frame by frame.

use super::super::gzip::{Members, is_gzip};
use super::header::{Header, LONGEST};
use crate::error::Reason;
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::iter;
use std::path::{Path, PathBuf};

/// The bytes of a file that are read at once.
const BUFFER: usize = 1 << 18;

/// An image of voxels that is read frame by frame, from the first to the last, so that one frame of it is in memory at a time. Frames are
/// volumes over time, or maps.
pub struct NiftiReader {
    path: PathBuf,
    header: Header,
    source: Source,
    /// The frame that is read next.
    next: usize,
}

/// The bytes of a file, decompressed where it is gzipped.
struct Source {
    bytes: Box<dyn Read + Send>,
    packed: bool,
    /// True where the length of the file is known to be that which its header states.
    whole: bool,
}

impl std::fmt::Debug for NiftiReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NiftiReader").field("path", &self.path).field("header", &self.header).field("next", &self.next).finish()
    }
}

impl NiftiReader {
    /// Opens an image of three or four axes, of real or whole numbers, in NIfTI-1 or NIfTI-2, and reads its header. A gzipped file is
    /// recognised by its bytes, not by its name. A fourth axis of one element before a fifth is ignored, as in images that AFNI writes,
    /// where the fifth axis is time.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be read, is cut short, or is of another kind; the message says of which.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let fail = |e: io::Error| Error::io(path, "cannot be read", &e);
        let file = File::open(path).map_err(fail)?;
        let about = file.metadata().map_err(fail)?;
        if about.is_dir() {
            return Err(Error::file(path, "cannot be read: it is a folder"));
        }
        // A pipe, or another file that is none of its own, has no length.
        let length = about.is_file().then_some(about.len());
        Self::of(path, BufReader::with_capacity(BUFFER, file), length)
    }

    /// An image from the bytes of a file; `path` stands for the file in errors.
    pub(super) fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let length = bytes.len() as u64;
        Self::of(path, Cursor::new(bytes), Some(length))
    }

    fn of(path: &Path, file: impl Read + Send + 'static, length: Option<u64>) -> Result<Self> {
        let (header, source) = begin(file, length).map_err(|what| Error::file(path, what))?;
        Ok(Self { path: path.to_owned(), header, source, next: 0 })
    }

    /// The numbers of voxels along x, y and z, and of frames (or maps).
    pub fn extents(&self) -> [usize; 4] {
        self.header.extents
    }

    /// The affine map from voxel indices to millimetres: the first three rows of a 4 × 4 matrix, taken from the sform, else the qform, else
    /// the voxels' sizes.
    pub fn affine(&self) -> [[f64; 4]; 3] {
        self.header.affine
    }

    /// The frames that are left, in double precision and scaled as the header says; x runs fastest. After the last of a gzipped file, the
    /// rest of the file is read, so that every checksum is checked: an image is whole where the last frame is no error.
    ///
    /// # Errors
    /// A frame is [`Error::File`] where the file cannot be read on, or is damaged or cut short; it is the last then.
    pub fn frames(&mut self) -> impl Iterator<Item = Result<Vec<f64>>> {
        let mut stored = Vec::new();
        iter::from_fn(move || self.read_frame(&mut stored).map(|there| there.then(|| self.header.decoded(&stored))).transpose())
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the next frame as it is stored, and returns false where there is none.
    pub(super) fn read_frame(&mut self, into: &mut Vec<u8>) -> Result<bool> {
        let frames = self.header.extents[3];
        if self.next == frames {
            return Ok(false);
        }
        let read = self.read_stored(into, self.header.frame_bytes());
        self.next = if read.is_ok() { self.next + 1 } else { frames };
        let whole = read.and_then(|()| if self.next == frames { self.source.finish() } else { Ok(()) });
        whole.map(|()| true).map_err(|what| Error::file(&self.path, what))
    }

    /// Reads all frames that are left as they are stored.
    pub(super) fn into_stored(mut self) -> Result<(Header, Vec<u8>)> {
        let mut bytes = Vec::new();
        let rest = self.header.frame_bytes() * (self.header.extents[3] - self.next);
        if self.source.whole {
            bytes.reserve_exact(rest);
        }
        let read = self.read_stored(&mut bytes, rest).and_then(|()| self.source.finish());
        read.map_err(|what| Error::file(&self.path, what))?;
        Ok((self.header, bytes))
    }

    /// Reads so many bytes. A buffer grows with what the file holds, whatever its header states.
    fn read_stored(&mut self, into: &mut Vec<u8>, bytes: usize) -> Result<(), Reason> {
        into.clear();
        let read = self.source.bytes.by_ref().take(bytes as u64).read_to_end(into);
        read.map_err(|e| self.source.fault(&e))?;
        if into.len() < bytes {
            return Err(cut_short(&self.header, (self.next * self.header.frame_bytes() + into.len()) as u64).into());
        }
        Ok(())
    }
}

impl Source {
    /// Reads a gzipped file to its end, so that its checksums are checked.
    fn finish(&mut self) -> Result<(), Reason> {
        if !self.packed {
            return Ok(());
        }
        io::copy(&mut self.bytes, &mut io::sink()).map(drop).map_err(|e| self.fault(&e))
    }

    /// The first bytes, as many as the longest header has; they are read again afterwards.
    fn peek(&mut self) -> Result<Vec<u8>, Reason> {
        let mut first = Vec::new();
        self.bytes.by_ref().take(LONGEST as u64).read_to_end(&mut first).map_err(|e| self.fault(&e))?;
        let rest = std::mem::replace(&mut self.bytes, Box::new(io::empty()));
        self.bytes = Box::new(Cursor::new(first.clone()).chain(rest));
        Ok(first)
    }

    fn fault(&self, e: &io::Error) -> Reason {
        Reason::io(if self.packed { "a gzipped NIfTI image expected" } else { "cannot be read" }, e)
    }
}

fn cut_short(header: &Header, held: u64) -> String {
    let (extents, need) = (header.extents, header.bytes());
    format!("a NIfTI image expected: cut short: {held} bytes of values where extents {extents:?} take {need}")
}

/// The header, and the bytes from the first value on. `length` is that of the file, where it is known.
fn begin(file: impl Read + Send + 'static, length: Option<u64>) -> Result<(Header, Source), Reason> {
    let mut source = Source { bytes: Box::new(file), packed: false, whole: false };
    let first = source.peek()?;
    if is_gzip(&first) {
        let members = Members::new(BufReader::with_capacity(BUFFER, source.bytes));
        source = Source { bytes: Box::new(members), packed: true, whole: false };
    }
    let header = Header::parse(&source.peek()?)?;
    if let (false, Some(length)) = (source.packed, length) {
        let held = length.saturating_sub(header.start as u64);
        if held < header.bytes() as u64 {
            return Err(cut_short(&header, held).into());
        }
        source.whole = true;
    }
    let before = io::copy(&mut source.bytes.by_ref().take(header.start as u64), &mut io::sink()).map_err(|e| source.fault(&e))?;
    if before < header.start as u64 { Err(cut_short(&header, 0).into()) } else { Ok((header, source)) }
}
