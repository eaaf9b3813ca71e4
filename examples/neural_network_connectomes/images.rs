//! Images and their classes, divided into a training set and stimuli.

use std::path::{Path, PathBuf};
use tapetum::data::{read_idx, read_idx_bytes, read_npy};
use tapetum::tensor::Philox;
use tapetum::{DType, Error, HostTensor, Result};

/// The seed of the division into training images and stimuli.
const SEED: u64 = 42;

/// Images in [0, 1] and their classes.
pub struct Images {
    pub name: String,
    pixels: Vec<f32>,
    /// The number of channels, the height and the width.
    pub extents: [usize; 3],
    pub labels: Vec<u8>,
    /// The training images.
    pub training: Vec<usize>,
    /// The stimuli over which units are correlated.
    pub stimuli: Vec<usize>,
}

/// Images of a set with their labels.
struct Set {
    pixels: Vec<f32>,
    extents: [usize; 3],
    labels: Vec<u8>,
}

impl Images {
    /// Reads the digits that ship with the crate, or the images in a folder: idx files (MNIST, Fashion-MNIST), or `images.npy` `[images,
    /// channels, height, width]` with `labels.npy` beside it. All of them are training images and stimuli. If `divided`, as in the paper, a
    /// sixth of each class are stimuli, and the others and the test images (`t10k-..`, or `test_images.npy` and `test_labels.npy`) are for
    /// training.
    pub fn read(folder: Option<&Path>, divided: bool) -> Result<Self> {
        let (name, mut set) = match folder {
            None => ("5,000 digits of MNIST".into(), digits()?),
            Some(folder) => (folder.display().to_string(), Set::read(folder, ["images.npy", "labels.npy"], "train")?),
        };
        let count = set.labels.len();
        let (mut training, mut stimuli) = ((0..count).collect::<Vec<_>>(), (0..count).collect());
        if divided {
            (stimuli, training) = sixth(&set.labels);
            let tests = folder.map(|folder| Set::read(folder, ["test_images.npy", "test_labels.npy"], "t10k")).transpose()?;
            if let Some(tests) = tests {
                if tests.extents != set.extents {
                    let what = format!("test images {:?} beside {:?}: one size expected", tests.extents, set.extents);
                    return Err(Error::argument(what));
                }
                training.extend(count..count + tests.labels.len());
                set.pixels.extend(tests.pixels);
                set.labels.extend(tests.labels);
            }
        }
        Ok(Self { name, pixels: set.pixels, extents: set.extents, labels: set.labels, training, stimuli })
    }

    /// The number of classes; labels are 0, 1, ...
    pub fn classes(&self) -> usize {
        self.labels.iter().max().map_or(0, |&most| usize::from(most) + 1)
    }

    /// The images at these indices as rows, `[images, pixels]`.
    pub fn rows(&self, which: &[usize]) -> Result<HostTensor> {
        let width = self.extents.iter().product::<usize>();
        HostTensor::f32([which.len(), width], which.iter().flat_map(|&i| &self.pixels[i * width..][..width]).copied().collect())
    }

    /// A training batch and its labels.
    pub fn batch(&self, size: usize, seed: u64, step: usize) -> Result<(HostTensor, HostTensor)> {
        let draws = Philox::new(seed, u32::MAX, step as u32);
        let which: Vec<usize> = (0..size).map(|i| self.training[draws.word(i) as usize % self.training.len()]).collect();
        let labels = which.iter().map(|&i| self.labels[i].into()).collect();
        Ok((self.rows(&which)?, HostTensor::i32([size], labels)?))
    }

    /// The stimuli of a class, or an even selection of all: at most 10,000, as in the paper.
    pub fn shown(&self, class: Option<u8>) -> Vec<usize> {
        let all: Vec<usize> = self.stimuli.iter().copied().filter(|&i| class.is_none_or(|c| self.labels[i] == c)).collect();
        let most = if class.is_some() { 1000 } else { 10_000 };
        all.iter().copied().step_by(all.len().div_ceil(most).max(1)).collect()
    }
}

fn digits() -> Result<Set> {
    let images = read_idx_bytes("mnist_5k_images_idx3.gz", include_bytes!("../data/mnist_5k_images_idx3.gz"))?;
    let labels = read_idx_bytes("mnist_5k_labels_idx1.gz", include_bytes!("../data/mnist_5k_labels_idx1.gz"))?;
    Ok(Set { pixels: images.elements.iter().map(|&b| f32::from(b) / 255.0).collect(), extents: [1, 28, 28], labels: labels.elements })
}

/// A random sixth of each class, and all others.
fn sixth(labels: &[u8]) -> (Vec<usize>, Vec<usize>) {
    let draws = Philox::new(SEED, 0, 0);
    let (mut drawn, mut others) = (Vec::new(), Vec::new());
    for class in 0..=labels.iter().max().copied().unwrap_or(0) {
        let mut members: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == class).collect();
        members.sort_by_key(|&i| draws.word(i));
        let rest = members.split_off(members.len().div_ceil(6));
        drawn.extend(members);
        others.extend(rest);
    }
    drawn.sort_unstable();
    others.sort_unstable();
    (drawn, others)
}

impl Set {
    /// Reads the arrays of a folder if the first exists, otherwise its idx files whose names contain `part`.
    fn read(folder: &Path, arrays: [&str; 2], part: &str) -> Result<Self> {
        let [images, labels] = arrays.map(|name| folder.join(name));
        if images.exists() { Self::arrays(&images, &labels) } else { Self::idx(folder, part) }
    }

    fn arrays(images: &Path, labels: &Path) -> Result<Self> {
        let (x, of) = (read_npy(images)?, read_npy(labels)?);
        let [count, channels, height, width] = *x.shape() else {
            return Err(Error::file(images, format!("an array of shape {}: [images, channels, height, width] expected", x.shape())));
        };
        if *of.shape() != [count] || of.to_f64_vec().iter().any(|l| !(0.0..=255.0).contains(l) || l.fract() != 0.0) {
            let what = format!("{count} labels, whole numbers from 0 to 255, expected, found an array of shape {}", of.shape());
            return Err(Error::file(labels, what));
        }
        // Integers are bytes.
        let most = if matches!(x.dtype(), DType::I32 | DType::U32) { 255.0 } else { 1.0 };
        let pixels = x.to_f64_vec().into_iter().map(|p| (p / most) as f32).collect();
        Ok(Self { pixels, extents: [channels, height, width], labels: of.to_f64_vec().into_iter().map(|l| l as u8).collect() })
    }

    fn idx(folder: &Path, part: &str) -> Result<Self> {
        let listed = std::fs::read_dir(folder).map_err(|e| Error::file(folder, format!("cannot be read: {e}")))?;
        let paths: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
        let find = |what: &str| {
            let found = paths.iter().find(|p| p.file_name().is_some_and(|name| name.to_string_lossy().contains(what)));
            found.ok_or_else(|| {
                Error::file(
                    folder,
                    format!("no file `*{what}*`: the four idx files of a data set, or images.npy and labels.npy, are expected"),
                )
            })
        };
        let (images, labels) = (read_idx(find(&format!("{part}-images"))?)?, read_idx(find(&format!("{part}-labels"))?)?);
        let (shape, count) = (images.shape, labels.elements.len());
        if shape.rank() != 3 || shape[0] != count {
            let what = format!("images {shape} and {count} labels: [images, height, width] and as many labels expected");
            return Err(Error::file(folder, what));
        }
        let pixels = images.elements.iter().map(|&b| f32::from(b) / 255.0).collect();
        Ok(Self { pixels, extents: [1, shape[1], shape[2]], labels: labels.elements })
    }
}
