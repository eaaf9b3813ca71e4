//! Compiled pipelines in a file, from one run to the next.
//!
//! wgpu gives the pipelines of a device as bytes on Vulkan alone ([`wgpu::PipelineCache`]), and drivers may keep pipelines on their own
//! besides. A file is used only by the version of the crate, on the adapter and under the driver that its first line names, and only where
//! its checksum holds. Nothing here fails a run: without a file, pipelines are compiled.

use super::fault::guarded;
use crate::Result;
use crate::file::write_file;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most bytes of a file that is read. wgpu removes no pipeline from a cache, so that one that has grown beyond is begun anew.
const MOST: u64 = 256 << 20;

/// The pipelines of one device, opened when the first one is made.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    /// The folder of the files; `None` where none are kept.
    folder: Option<PathBuf>,
    /// The adapter's name, its back end and its driver.
    identity: [String; 3],
    opened: OnceLock<Option<Kept>>,
}

impl Keeper {
    pub(super) fn new(folder: Option<PathBuf>, identity: [String; 3]) -> Self {
        Self { folder, identity, opened: OnceLock::new() }
    }

    /// The cache from which the device takes pipelines, and to which it adds them.
    pub(super) async fn cache(&self, device: &wgpu::Device) -> Option<&wgpu::PipelineCache> {
        let folder = self.folder.as_deref()?;
        if self.opened.get().is_none() {
            let kept = Kept::open(device, folder, &self.identity).await;
            // One of two that are opened by two threads at once is dropped, and has made nothing yet.
            let _ = self.opened.set(kept);
        }
        self.opened.get()?.as_ref().map(|kept| &kept.cache)
    }

    /// Writes the pipelines that were made since the file was read or written.
    pub(super) fn save(&self) -> Result<()> {
        self.opened.get().and_then(Option::as_ref).map_or(Ok(()), Kept::save)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The next run compiles its pipelines where the file cannot be written.
        let _ = self.save();
    }
}

/// A cache and its file.
#[derive(Debug)]
struct Kept {
    file: PathBuf,
    /// The first line of the file.
    header: String,
    cache: wgpu::PipelineCache,
    /// The checksum of the data that the file holds.
    held: AtomicU64,
}

impl Kept {
    /// The cache with the pipelines of the file, or an empty one where the file is missing, of something else, or damaged. `None` where the
    /// device has no caches.
    async fn open(device: &wgpu::Device, folder: &Path, identity: &[String; 3]) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let header = header(identity);
        let file = folder.join(file_name(identity));
        let bytes = fs::metadata(&file).ok().filter(|about| about.len() <= MOST).and_then(|_| fs::read(&file).ok());
        let data = bytes.as_deref().and_then(|bytes| data(bytes, &header));
        let mut cache = create(device, data).await;
        if cache.is_err() && data.is_some() {
            cache = create(device, None).await;
        }
        let held = AtomicU64::new(checksum(data.unwrap_or_default()));
        Some(Self { file, header, cache: cache.ok()?, held })
    }

    fn save(&self) -> Result<()> {
        let Some(data) = self.cache.get_data().filter(|data| !data.is_empty()) else { return Ok(()) };
        let sum = checksum(&data);
        if self.held.load(Ordering::Relaxed) == sum {
            return Ok(());
        }
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder).map_err(|e| crate::Error::io(folder, "the folder cannot be made", &e))?;
        }
        write_file(&self.file, &[self.header.as_bytes(), &sum.to_le_bytes(), &data].concat())?;
        self.held.store(sum, Ordering::Relaxed);
        Ok(())
    }
}

async fn create(device: &wgpu::Device, data: Option<&[u8]>) -> Result<wgpu::PipelineCache> {
    let descriptor = wgpu::PipelineCacheDescriptor { label: Some("tapetum"), data, fallback: true };
    // SAFETY: the data stand in a file behind the line that only `save` writes, which took them from `get_data` on this adapter under this
    // driver, and their checksum holds, so that they are not damaged. wgpu checks its own header of them besides.
    guarded(device, "pipelines of an earlier run", || unsafe { device.create_pipeline_cache(&descriptor) }).await
}

/// The first line of a file: what its pipelines are for.
fn header(identity: &[String; 3]) -> String {
    let line = identity.join(", ").replace(['\n', '\r'], " ");
    format!("pipelines of tapetum {} on {line}\n", env!("CARGO_PKG_VERSION"))
}

/// The data of a file with this first line; `None` where it has another, or the data are not those whose checksum stands before them.
fn data<'a>(bytes: &'a [u8], header: &str) -> Option<&'a [u8]> {
    let (sum, data) = bytes.strip_prefix(header.as_bytes())?.split_first_chunk()?;
    (u64::from_le_bytes(*sum) == checksum(data)).then_some(data)
}

/// A checksum. Another version of the standard library may compute another one, and then does not use the file.
fn checksum(data: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    hasher.finish()
}

/// The file's name: the adapter, the driver and the version, in the letters that every file system has.
fn file_name(identity: &[String; 3]) -> String {
    let [adapter, backend, driver] = identity;
    let whole = format!("{adapter} {backend} {driver} {}", env!("CARGO_PKG_VERSION"));
    let plain: String = whole.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let words = plain.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    // Two that differ only where the name was cut or plain share a file, whose first line then says whose it is.
    format!("{}.pipelines", words.chars().take(120).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{checksum, data, file_name, header};

    const IDENTITY: [&str; 3] = ["An Adapter/(X, 8 GiB)", "vulkan", "driver 1.2\n3"];

    #[test]
    fn a_file_is_named_by_adapter_driver_and_version() {
        let name = file_name(&IDENTITY.map(String::from));
        assert_eq!(name, format!("An-Adapter-X-8-GiB-vulkan-driver-1.2-3-{}.pipelines", env!("CARGO_PKG_VERSION")));
        assert!(file_name(&["é".repeat(500), "a/".repeat(500), String::new()]).len() < 140);
        assert_eq!(header(&IDENTITY.map(String::from)).matches('\n').count(), 1);
    }

    #[test]
    fn only_a_whole_file_of_the_same_device_is_used() {
        let header = header(&IDENTITY.map(String::from));
        let held = [1u8, 2, 3, 250];
        let file = [header.as_bytes(), &checksum(&held).to_le_bytes(), &held].concat();
        assert_eq!(data(&file, &header), Some(&held[..]));
        for end in 0..file.len() {
            assert_eq!(data(&file[..end], &header), None, "cut at {end}");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert_eq!(data(&changed, &header), None, "changed at {at}");
        }
        assert_eq!(data(&[&file[..], b"more"].concat(), &header), None);
        assert_eq!(data(&file, &header.replace("vulkan", "metal")), None);
    }
}
