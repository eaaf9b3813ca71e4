//! Comparison of learnt parcels with other parcellations by homogeneity, on frames outside the training set.

use super::cortex::Cortex;
use super::homogeneity::homogeneity;
use super::learn_parcels::{Learnt, Settings, features, k_means};
use super::sphere;
use crate::blocking::block_on;
use crate::statistics::standardise::unit_rows;
use crate::tape::Tape;
use crate::tensor::HostTensor;
use crate::{Device, Result, State};
use std::ops::Range;

/// The number of random parcellations with which learnt parcels are compared.
pub const RANDOM: usize = 20;

/// The greatest number of rounds of spherical k-means for each random parcellation.
const ROUNDS: usize = 50;

/// Homogeneity (see [`homogeneity`]) on the test frames, from −1 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The homogeneity of the learnt parcels.
    pub learnt: f64,
    /// The homogeneity of [`RANDOM`] random parcellations by spherical k-means from random starts.
    pub random: Vec<f64>,
    /// The homogeneity of the known parcellation of the cortex, where there is one.
    pub atlas: Option<f64>,
    /// The homogeneity of k-means on the series and coordinates that the parcels were learnt from.
    pub k_means: f64,
}

impl Scores {
    /// The mean over the random parcellations.
    pub fn random_mean(&self) -> f64 {
        self.random.iter().sum::<f64>() / self.random.len() as f64
    }

    /// The maximum over the random parcellations; NaN where one of them is NaN, or where there are none.
    pub fn random_best(&self) -> f64 {
        self.random.iter().copied().map(|x| if x.is_nan() { f64::NAN } else { x }).max_by(f64::total_cmp).unwrap_or(f64::NAN)
    }
}

impl Cortex {
    /// The test frames for parcels learnt from the first `train` frames: the remaining frames, or all frames where fewer than two remain.
    pub fn test_frames(&self, train: usize) -> Range<usize> {
        if self.frames().saturating_sub(train) > 1 { train..self.frames() } else { 0..self.frames() }
    }

    /// The homogeneity on the test frames ([`Cortex::test_frames`]) of parcels learnt from the first `train` frames with `settings`, and of
    /// other parcellations for comparison.
    ///
    /// # Errors
    /// Returns an error where the cortex has fewer than `train` frames, or there is not one label for each of its usable vertices.
    pub fn judge(&self, learnt: &Learnt, settings: &Settings, train: usize) -> Result<Scores> {
        let test = self.frames_of(self.test_frames(train))?;
        let time = test.shape()[1];
        let z = unit_rows(test.elements::<f32>()?, time);
        let surface = self.surface(0..train)?;
        let points = &surface.directions;
        let random = |i: u64| {
            let start = sphere::random_points(points, settings.parcels, settings.seed.wrapping_mul(RANDOM as u64).wrapping_add(1 + i));
            homogeneity(&z, time, &sphere::nearest(points, &sphere::k_means(points, start, ROUNDS)))
        };
        let of_atlas = |atlas: &HostTensor| {
            let atlas = atlas.to_f64_vec();
            let labels: Vec<i32> = self.usable.iter().map(|&v| atlas[v] as i32 - 1).collect();
            homogeneity(&z, time, &labels)
        };
        let clusters = k_means(&features(&surface, settings)?, points, settings)?.clusters;
        let clusters: Vec<i32> = clusters.into_iter().map(|c| c as i32).collect();
        Ok(Scores {
            learnt: homogeneity(&z, time, &learnt.labels)?,
            random: (0..RANDOM as u64).map(random).collect::<Result<_>>()?,
            atlas: self.atlas.as_ref().map(of_atlas).transpose()?,
            k_means: homogeneity(&z, time, &clusters)?,
        })
    }

    /// The correlation `[parcels, parcels]` of the series of parcels over `frames`, from soft memberships `[parcels, usable vertices]`.
    ///
    /// # Errors
    /// Returns an error where the range extends beyond the frames, or the memberships are not those of the usable vertices.
    pub fn parcel_correlation(&self, device: &Device, memberships: &HostTensor, frames: Range<usize>) -> Result<HostTensor> {
        block_on(self.parcel_correlation_async(device, memberships, frames))?
    }

    /// The asynchronous form of [`Cortex::parcel_correlation`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Cortex::parcel_correlation`].
    pub async fn parcel_correlation_async(&self, device: &Device, memberships: &HostTensor, frames: Range<usize>) -> Result<HostTensor> {
        let series = self.frames_of(frames)?;
        let mut tape = Tape::new();
        let a = tape.input("memberships", memberships.ty())?;
        let x = tape.input("series", series.ty())?;
        let (parcels, _) = tape.parcel_series(a, x)?;
        let r = tape.correlation(parcels, None, false)?;
        let mut program = device.compile_async(&tape, &[r], &State::new(device)).await?;
        Ok(program.run_async(&[(a, memberships), (x, &series)]).await?.remove(0))
    }

    /// Memberships `[parcels, usable vertices]` as memberships of all vertices, with 0 where there is no series.
    ///
    /// # Errors
    /// Returns an error where the memberships are not those of the usable vertices.
    pub fn spread_memberships(&self, memberships: &HostTensor) -> Result<HostTensor> {
        let (parcels, usable, vertices) = (memberships.shape()[0], self.usable.len(), self.series.shape()[0]);
        let mut out = vec![0.0; parcels * vertices];
        for (row, a) in out.chunks_exact_mut(vertices).zip(memberships.elements::<f32>()?.chunks_exact(usable)) {
            self.usable.iter().zip(a).for_each(|(&v, &a)| row[v] = a);
        }
        HostTensor::f32([parcels, vertices], out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Philox;

    /// Two halves of a ring on the sphere, each with its own series plus noise.
    fn halves(vertices: usize, time: usize) -> (Cortex, Vec<i32>) {
        let draws = Philox::new(3, 0, 0);
        let label = |v: usize| i32::from(2 * v >= vertices);
        let value = |v: usize, t: usize| draws.normal(1000 * (1 + label(v) as usize) + t) + 0.5 * draws.normal(10_000 + v * time + t);
        let series = (0..vertices * time).map(|at| value(at / time, at % time) as f32).collect();
        let place = |v: usize| {
            let angle = std::f32::consts::TAU * v as f32 / vertices as f32;
            [angle.cos(), angle.sin(), 0.1]
        };
        let series = HostTensor::f32([vertices, time], series).unwrap();
        let xyz = HostTensor::f32([vertices, 3], (0..vertices).flat_map(place).collect()).unwrap();
        (Cortex::new(series, xyz, None, None).unwrap(), (0..vertices).map(label).collect())
    }

    #[test]
    fn parcels_that_are_there_are_more_homogeneous_than_random_ones() {
        let (cortex, labels) = halves(24, 200);
        let settings = Settings { parcels: 2, ..Settings::default() };
        let memberships = [0, 1].map(|p| labels.iter().map(|&l| f32::from(l == p)).collect::<Vec<_>>()).concat();
        let memberships = HostTensor::f32([2, 24], memberships).unwrap();
        let learnt = Learnt { memberships, labels, losses: Vec::new() };
        let scores = cortex.judge(&learnt, &settings, 100).unwrap();
        // The signal has variance 1 and the noise variance 1/4, so the correlation within a half is 1 / (1 + 1/4).
        assert!((scores.learnt - 0.8).abs() < 0.05, "{scores:?}");
        assert!(scores.random.len() == RANDOM && scores.random_mean() < scores.learnt && scores.random_best() <= scores.learnt + 1e-9);
        assert!(scores.atlas.is_none() && scores.k_means <= scores.learnt + 1e-9);
        assert_eq!((cortex.test_frames(100), cortex.test_frames(199), cortex.test_frames(200)), (100..200, 0..200, 0..200));
        let r = cortex.parcel_correlation(&Device::cpu(), &learnt.memberships, 100..200).unwrap().to_f64_vec();
        assert!((r[0] - 1.0).abs() < 1e-6 && r[1].abs() < 0.35 && (r[1] - r[2]).abs() < 1e-6, "{r:?}");
        assert!(Scores { random: vec![0.1, f64::NAN], ..scores }.random_best().is_nan());
    }
}
