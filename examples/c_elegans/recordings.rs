//! The neurons that all worms share, standardised and in windows; the wiring and the functional atlas between them.

use std::path::Path;
use tapetum::data::{Worm, read_npz, read_worms, shared_neurons};
use tapetum::statistics::standardise;
use tapetum::tensor::Philox;
use tapetum::{Error, HostTensor, Result};

/// The number of frames in the input of a model.
pub const WINDOW: usize = 16;
/// The number of frames that a model must predict.
pub const HORIZON: usize = 16;
/// The shared neurons of a worm, each minus its mean and divided by its standard deviation.
pub struct Recording {
    /// The series, `[neuron][frame]`.
    pub series: Vec<Vec<f32>>,
    pub states: Vec<i32>,
}

/// The augmentation of windows in training: each neuron is multiplied by a random log-normal gain, whose logarithm has standard deviation
/// `gain`, and shifted by a normal offset with standard deviation `shift`, in standard deviations of the series. The neurons of different
/// worms differ in this way: in brightness and in baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variation {
    pub gain: f32,
    pub shift: f32,
}

pub struct Recordings {
    pub worms: Vec<Recording>,
    pub neurons: Vec<String>,
    pub states: Vec<String>,
}

/// Windows, each given by worm and first frame.
pub type Starts = Vec<(usize, usize)>;

impl Recordings {
    /// Reads a file or a folder of worms, or those in a folder of data: `WT_NoStim.mat`, or the folder `kato2015`.
    pub fn read(data: &Path) -> Result<Self> {
        let published = data.join("WT_NoStim.mat");
        let (worms, states) = match () {
            () if data.is_file() => read_worms(data)?,
            () if published.exists() => read_worms(published)?,
            () => read_worms(data.join("kato2015"))?,
        };
        let neurons = shared_neurons(&worms);
        if neurons.len() < 2 {
            return Err(Error::file(data, "two neurons or more that are identified in every worm expected"));
        }
        let worms = worms.iter().map(|w| standardised(w, &neurons)).collect::<Result<_>>()?;
        Ok(Self { worms, neurons, states })
    }

    /// The windows as an array, `[windows, neurons, length]`.
    ///
    /// # Errors
    /// Returns an error where a window extends beyond its recording.
    pub fn windows(&self, starts: &[(usize, usize)], length: usize) -> Result<HostTensor> {
        let mut elements = Vec::with_capacity(starts.len() * self.neurons.len() * length);
        for &(worm, first) in starts {
            for series in &self.worms[worm].series {
                let window = series
                    .get(first..first + length)
                    .ok_or_else(|| Error::argument(format!("worm {worm}: frames {first} to {} of {}", first + length, series.len())))?;
                elements.extend_from_slice(window);
            }
        }
        HostTensor::f32([starts.len(), self.neurons.len(), length], elements)
    }

    /// A training batch of `count` windows drawn from these, with their starts; augmented where that is set.
    ///
    /// # Errors
    /// Returns an error where a window extends beyond its recording.
    pub fn batch(
        &self,
        from: &Starts,
        [count, length]: [usize; 2],
        variation: Option<Variation>,
        (seed, step): (u64, u32),
    ) -> Result<(Starts, HostTensor)> {
        let draws = Philox::new(seed, u32::MAX, step);
        let starts: Starts = (0..count).map(|i| from[draws.word(i) as usize % from.len()]).collect();
        let windows = self.windows(&starts, length)?;
        let Some(variation) = variation else { return Ok((starts, windows)) };
        let draws = Philox::new(seed, u32::MAX - 1, step);
        let mut elements = windows.elements::<f32>()?.to_vec();
        for (i, window) in elements.chunks_exact_mut(length).enumerate() {
            let [gain, shift] = [draws.normal(2 * i) as f32, draws.normal(2 * i + 1) as f32];
            let (gain, shift) = ((variation.gain * gain).exp(), variation.shift * shift);
            window.iter_mut().for_each(|x| *x = gain * *x + shift);
        }
        Ok((starts, HostTensor::f32(windows.shape(), elements)?))
    }

    /// Windows of `length` frames of every worm but those left out.
    pub fn without(&self, left_out: &[usize], length: usize) -> Starts {
        (0..self.worms.len()).filter(|w| !left_out.contains(w)).flat_map(|w| self.of(w, length, 1)).collect()
    }

    /// The windows of one worm that start every `every` frames.
    pub fn of(&self, worm: usize, length: usize, every: usize) -> Starts {
        let windows = (self.worms[worm].states.len() + 1).saturating_sub(length);
        (0..windows).step_by(every).map(|s| (worm, s)).collect()
    }
}

fn standardised(worm: &Worm, neurons: &[String]) -> Result<Recording> {
    let z = |x: &&[f32]| {
        let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        standardise::standardised(&wide).into_iter().map(|x| x as f32).collect()
    };
    Ok(Recording { series: worm.of(neurons)?.iter().map(z).collect(), states: worm.states.clone() })
}

/// True where a sender has a synapse on a receiver, `[receiver × sender]`.
pub fn wiring(folder: &Path, neurons: &[String]) -> Result<Vec<bool>> {
    let path = folder.join("connectome/herm_full_edgelist.csv");
    let text = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, format!("cannot be read: {e}")))?;
    let mut edges = vec![false; neurons.len() * neurons.len()];
    for line in text.lines().skip(1) {
        let mut ends = line.split(',').map(|name| neurons.iter().position(|n| n == name.trim()));
        if let (Some(Some(sender)), Some(Some(receiver))) = (ends.next(), ends.next()) {
            edges[receiver * neurons.len() + sender] = true;
        }
    }
    Ok(edges)
}

/// True where a receiver responds to stimulation of a sender with q < 0.05 (Randi et al. 2023), `[receiver × sender]`; `None` where this
/// was not measured.
pub fn atlas(folder: &Path, neurons: &[String]) -> Result<Vec<Option<bool>>> {
    let folder = folder.join("connectome");
    let path = folder.join("functional_atlas_neurons.txt");
    let names = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, format!("cannot be read: {e}")))?;
    let names: Vec<&str> = names.lines().map(str::trim).collect();
    let q = read_npz(folder.join("functional_atlas_wt.npz"), Some("q"))?;
    let (q, n) = (q.elements::<f32>()?, names.len());
    let place = |name: &String| names.iter().position(|n| n == name);
    let pairs = neurons.iter().flat_map(|i| neurons.iter().map(move |j| place(i).zip(place(j))));
    Ok(pairs.map(|at| at.and_then(|(i, j)| q.get(i * n + j)).filter(|q| q.is_finite()).map(|q| *q < 0.05)).collect())
}
