//! Learning a soft parcellation from series on a surface.
//!
//! Memberships A, the softmax over parcels of logits `[parcels, vertices]`, maximise, for each vertex,
//!
//! Σ_p m_p |S_p|² + λ Σ_p m_p |C_p|² + τ(s) H(A) + ρ Σ A ∘ (N A),
//!
//! with m the masses of the parcels and S their mean standardised series. The first term is homogeneity within parcels: the second moment
//! about the parcel's mean is Σ_v A |z_v − S|² = Σ_v A − m|S|². C is the mean direction of a parcel on the sphere (compactness, in the same
//! form), H = −Σ A ln A is the entropy of the memberships, whose weight falls to 0 (deterministic annealing: Rose 1998), and N is the mean
//! over the neighbours of a vertex. The terms follow Ciric et al. 2022 (hypercoil's `SecondMoment`, `Entropy`, `Compactness` losses).

use super::sphere::{self, Point};
use crate::blocking::block_on;
use crate::optim::{Adam, Schedule};
use crate::statistics::lloyd::{Clustering, Empty, lloyd};
use crate::statistics::standardise::unit_rows;
use crate::tape::{Init, Tape, Var};
use crate::tensor::{HostTensor, MatrixLayout, TensorType, product};
use crate::training::{Descent, Reported, Training};
use crate::{Device, Error, Program, Result, State};

/// The settings of the training; `Default` gives those of the demo.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The number of parcels.
    pub parcels: usize,
    /// The number of steps of Adam.
    pub steps: u32,
    /// The seed of the draw of the first centre, from which the initial parcels follow.
    pub seed: u64,
    /// The weight λ of compactness on the sphere.
    pub compactness: f32,
    /// The weight τ of entropy at the first step; it falls linearly to 0 at the last.
    pub entropy: f32,
    /// The weight ρ of agreement with neighbours.
    pub agreement: f32,
    /// The learning rates at the first and at the last step, with half a cosine between them.
    pub rate: (f32, f32),
    /// The standard deviation, on the unit sphere, of the initial memberships about the centres of the parcels.
    pub spread: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { parcels: 200, steps: 300, seed: 0, compactness: 2.0, entropy: 0.2, agreement: 0.1, rate: (0.4, 0.04), spread: 0.07 }
    }
}

impl Settings {
    /// The settings for a number of parcels: those of the demo, with initial parcels that are wider where there are fewer.
    pub fn of(parcels: usize) -> Self {
        let demo = Self::default();
        Self { parcels, spread: demo.spread * (demo.parcels as f64 / parcels.max(1) as f64).sqrt(), ..demo }
    }
}

/// A surface on which parcels are learnt.
#[derive(Debug, Clone)]
pub struct Surface {
    /// The series, f32 `[vertices, time]`, without constant rows.
    pub series: HostTensor,
    /// The directions of the vertices on the sphere.
    pub directions: Vec<Point>,
    /// The table of neighbours, i32 `[vertices, degree]`, symmetric; see [`sphere::neighbours`].
    pub neighbours: HostTensor,
}

/// A training step, compiled.
#[derive(Debug)]
pub struct Learner {
    training: Training<'static>,
    memberships: Program,
    read: Var,
}

/// Learnt parcels.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Learnt {
    /// The memberships, f32 `[parcels, vertices]`.
    pub memberships: HostTensor,
    /// The parcel of greatest membership for each vertex.
    pub labels: Vec<i32>,
    /// The loss at each step.
    pub losses: Vec<f32>,
}

/// Records the loss of `logits` `[parcels, vertices]` over `features` `[vertices, time + 3]`, which are standardised series and directions
/// times √λ.
///
/// # Errors
/// Returns an error where shapes do not fit.
pub fn loss(tape: &mut Tape, logits: Var, features: Var, neighbours: &HostTensor, settings: &Settings) -> Result<Var> {
    let made = tape.soft_parcellation(logits, features)?;
    let squares = tape.square(made.series)?;
    let lengths = tape.sum(squares, &[1], false)?;
    let weighted = tape.mul(lengths, made.mass)?;
    let fit = tape.sum(weighted, &[], false)?;

    let terms = tape.x_log_x(made.memberships)?;
    let near = tape.neighbour_mean(made.memberships, neighbours)?;
    let agree = tape.mul(made.memberships, near)?;
    let temperature = Schedule::Linear { start: settings.entropy, end: 0.0, steps: settings.steps }.on(tape)?;
    let entropy = tape.mul(terms, temperature)?;
    let agree = tape.scale(agree, settings.agreement)?;
    // The terms of each vertex and parcel: −τ A ln A + ρ A ∘ N A.
    let priors = tape.sub(agree, entropy)?;
    let priors = tape.sum(priors, &[], false)?;
    let total = tape.add(fit, priors)?;
    let vertices = tape.shape(features)[0];
    tape.scale(total, -1.0 / vertices as f32)
}

/// Initial logits −|M_p − c_v|² / 2σ², by which each vertex is a member of the parcels whose centres are near it.
fn start(directions: &[Point], settings: &Settings) -> Vec<f32> {
    let seeds = sphere::farthest_points(directions, settings.parcels, settings.seed);
    let centres = sphere::k_means(directions, seeds, 10);
    let width = 2.0 * settings.spread * settings.spread;
    let logit = |m: &Point, c: &Point| (-m.iter().zip(c).map(|(m, c)| (m - c) * (m - c)).sum::<f64>() / width) as f32;
    centres.iter().flat_map(|m| directions.iter().map(move |c| logit(m, c))).collect()
}

/// The features that are averaged within parcels, f32 `[vertices, time + 3]`: standardised series, and directions times √λ. They are padded
/// with zeros, which change nothing, to a multiple of four columns, which kernels read faster.
///
/// # Errors
/// Returns an error where the series are not `[vertices, time]`.
pub fn features(surface: &Surface, settings: &Settings) -> Result<HostTensor> {
    let time = surface.series.shape().last().copied().unwrap_or(0);
    let z = unit_rows(surface.series.elements::<f32>()?, time);
    let scale = f64::from(settings.compactness).sqrt();
    let place = |p: &Point| p.map(|x| (x * scale) as f32);
    let width = (time + 3).next_multiple_of(4);
    let mut features = vec![0.0; surface.directions.len() * width];
    for ((row, z), p) in features.chunks_exact_mut(width).zip(z.chunks_exact(time.max(1))).zip(&surface.directions) {
        row[..time].copy_from_slice(z);
        row[time..time + 3].copy_from_slice(&place(p));
    }
    HostTensor::f32([surface.directions.len(), width], features)
}

/// The greatest number of rounds of [`k_means`].
const ROUNDS: usize = 100;

/// k-means of the same features (Lloyd's algorithm) from the same start on the sphere: the learner without annealing, for comparison.
///
/// # Errors
/// Returns an error where there is not one row of features for each direction, or one is not finite.
pub fn k_means(features: &HostTensor, directions: &[Point], settings: &Settings) -> Result<Clustering> {
    let x = features.elements::<f32>()?;
    let (rows, parcels) = (directions.len(), settings.parcels);
    let width = match *features.shape() {
        [found, width] if found == rows && width > 0 => width,
        _ => return Err(Error::argument(format!("features [{rows}, numbers] expected, one row a vertex, found {}", features.ty()))),
    };
    if let Some(at) = x.iter().position(|x| !x.is_finite()) {
        return Err(Error::argument(format!("features: row {}, column {} (counted from 0) is {}", at / width, at % width, x[at])));
    }
    let row = |v: usize| &x[v * width..][..width];
    let mean = |members: &[usize]| {
        let mut sum = vec![0.0f32; width];
        members.iter().for_each(|&v| sum.iter_mut().zip(row(v)).for_each(|(s, x)| *s += x));
        sum.iter_mut().for_each(|s| *s /= members.len() as f32);
        sum
    };
    // The first centres are the means of the parcels on the sphere. A centre without vertices is `None`.
    let seeds = sphere::farthest_points(directions, parcels, settings.seed);
    let first = sphere::nearest(directions, &sphere::k_means(directions, seeds, 10));
    let mut members = vec![Vec::new(); parcels];
    first.iter().enumerate().for_each(|(v, &p)| members[p as usize].push(v));
    let place = |members: &Vec<usize>| (!members.is_empty()).then(|| mean(members));
    let mut centres: Vec<Option<Vec<f32>>> = members.iter().map(place).collect();
    let squares: Vec<f32> = (0..rows).map(|v| row(v).iter().map(|x| x * x).sum()).collect();
    let assign = |centres: &[Option<Vec<f32>>]| {
        // The nearest centre is found by products: |x − c|² = |x|² − 2 (x · c − ½ |c|²).
        let flat: Vec<f32> = centres.iter().flat_map(|c| c.clone().unwrap_or_else(|| vec![0.0; width])).collect();
        let mut products = vec![0.0f32; rows * parcels];
        let (lx, lc) = (MatrixLayout::new(0, [rows, width], false), MatrixLayout::new(0, [width, parcels], true));
        product(&mut products, [rows, width, parcels], x, lx, &flat, lc);
        let half: Vec<f32> = flat.chunks_exact(width).map(|c| c.iter().map(|c| c * c).sum::<f32>() / 2.0).collect();
        let score = |row: &[f32], p: usize| if centres[p].is_some() { row[p] - half[p] } else { f32::NEG_INFINITY };
        let nearest = |(row, square): (&[f32], &f32)| {
            let best = (0..parcels).fold(0, |best, p| if score(row, p) > score(row, best) { p } else { best });
            (best, f64::from(square - 2.0 * score(row, best)).max(0.0))
        };
        products.chunks_exact(parcels).zip(&squares).map(nearest).collect()
    };
    Ok(lloyd(&mut centres, ROUNDS, Empty::Stays, assign, |centres, members| {
        centres.iter_mut().zip(members).for_each(|(centre, members)| *centre = place(members));
    }))
}

/// Records a training step on a surface: the loss, its gradient, Adam, and the buffer of losses.
///
/// # Errors
/// Returns an error where there are fewer vertices than parcels, shapes do not fit, or a value of the series is not finite.
pub fn training_tape(surface: &Surface, settings: &Settings) -> Result<Tape> {
    let (vertices, parcels) = (surface.directions.len(), settings.parcels);
    let [rows, _] = *surface.series.shape() else {
        return Err(Error::argument(format!("series must be [vertices, time], found {}", surface.series.ty())));
    };
    if rows != vertices || parcels == 0 || vertices < parcels || settings.steps == 0 {
        return Err(Error::argument(format!("{parcels} parcels in {} steps from {rows} series on {vertices} vertices", settings.steps)));
    }
    let time = surface.series.shape()[1];
    if let Some(at) = surface.series.elements::<f32>()?.iter().position(|x| !x.is_finite()) {
        return Err(Error::argument(format!("series: vertex {}, frame {} (counted from 0) is not finite", at / time, at % time)));
    }
    let features = features(surface, settings)?;
    let first = Init::Value(HostTensor::f32([parcels, vertices], start(&surface.directions, settings))?);

    let mut tape = Tape::new();
    let features = tape.constant(features)?;
    let logits = tape.state("logits", TensorType::f32([parcels, vertices]), first)?;
    let loss = loss(&mut tape, logits, features, &surface.neighbours, settings)?;
    let rate = Schedule::Cosine { start: settings.rate.0, end: settings.rate.1, steps: settings.steps };
    let descent = Descent::new(Adam { beta2: 0.95, ..Adam::new(rate) });
    descent.record(&mut tape, (loss, &[]), &[logits], settings.steps)?;
    Ok(tape)
}

impl Learner {
    /// Compiles the training step for `device`.
    ///
    /// # Errors
    /// Returns an error in the cases of [`training_tape`], and where the device cannot compile the step.
    pub fn new(device: &Device, surface: &Surface, settings: &Settings) -> Result<Self> {
        block_on(Self::new_async(device, surface, settings))?
    }

    /// The asynchronous form of [`Learner::new`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Learner::new`].
    pub async fn new_async(device: &Device, surface: &Surface, settings: &Settings) -> Result<Self> {
        let state = State::new(device);
        let training = Training::new_async(device, &training_tape(surface, settings)?, &state, settings.steps).await?;

        let mut tape = Tape::new();
        let logits = tape.state("logits", TensorType::f32([settings.parcels, surface.directions.len()]), Init::Zeros)?;
        let read = tape.softmax(logits, 0)?;
        let memberships = device.compile_async(&tape, &[read], &state).await?;
        Ok(Self { training, memberships, read })
    }

    /// The compiled training step.
    pub fn program(&mut self) -> &mut Program {
        self.training.program_mut()
    }

    /// The compiled training step, without the learner.
    pub fn into_program(self) -> Program {
        self.training.into_program()
    }

    /// Runs `n` steps.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn steps(&mut self, n: usize) -> Result<()> {
        block_on(self.steps_async(n))?
    }

    /// The asynchronous form of [`Learner::steps`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Learner::steps`].
    pub async fn steps_async(&mut self, n: usize) -> Result<()> {
        for _ in 0..n {
            self.training.program_mut().step_async().await?;
        }
        Ok(())
    }

    /// The losses of the steps so far.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn losses(&self) -> Result<Vec<f32>> {
        self.training.losses()
    }

    /// The asynchronous form of [`Learner::losses`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Learner::losses`].
    pub async fn losses_async(&self) -> Result<Vec<f32>> {
        self.training.losses_async().await
    }

    /// Runs all remaining steps. `progress` is called after every few with the number of steps and the loss.
    ///
    /// # Errors
    /// Returns an error where the loss becomes NaN or infinite, and where the device reports a fault; and the error that `progress` returns,
    /// if it returns one.
    pub fn run<R: Reported>(mut self, progress: impl FnMut(u32, f32) -> R) -> Result<Learnt> {
        self.training.run(progress)?;
        self.finish()
    }

    /// The current memberships and labels.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn finish(mut self) -> Result<Learnt> {
        block_on(self.learnt_async())?
    }

    /// The current memberships and labels, for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`Learner::finish`].
    pub async fn learnt_async(&mut self) -> Result<Learnt> {
        self.memberships.step_async().await?;
        let memberships = self.memberships.read_async(self.read).await?;
        let [parcels, vertices] = [memberships.shape()[0], memberships.shape()[1]];
        let a = memberships.elements::<f32>()?;
        let best = |v: usize| (1..parcels).fold(0, |best, p| if a[p * vertices + v] > a[best * vertices + v] { p } else { best }) as i32;
        let labels = (0..vertices).map(best).collect();
        Ok(Learnt { labels, losses: self.losses_async().await?, memberships })
    }
}
