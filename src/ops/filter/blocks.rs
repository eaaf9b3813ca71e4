//! The maps that kernels apply a filter by: the response of a block of frames to its own frames and to the state it begins with, computed
//! in f64.

use super::Section;
use crate::{Error, Result};

/// Frames of a block: the kernels' workgroup.
pub(super) const FRAMES: usize = 64;

/// The longest memory that is followed, in frames.
const LONGEST: usize = 1 << 24;

/// The sizes of a filter's maps, which lie one after another: the first frames of the impulse response `[FRAMES]`; the state that frames of a
/// block leave behind it `[states, FRAMES]`; what a state adds to the frames after it `[FRAMES, states]`; and the powers FRAMES · 2^level
/// of a state's step, `[levels, states, states]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    /// Numbers of a state.
    pub(super) states: usize,
    /// The blocks that hand a state on: all but the last.
    pub(super) carries: usize,
}

impl Blocks {
    pub(super) fn of(sections: usize, time: usize) -> Self {
        Self { states: 2 * sections, carries: time.div_ceil(FRAMES).saturating_sub(1) }
    }

    /// The passes of the scan over states: each adds what lies 2^level blocks before.
    pub(super) fn levels(self) -> usize {
        self.carries.max(1).next_power_of_two().ilog2() as usize
    }

    /// All numbers of the maps.
    pub(super) fn words(self) -> usize {
        FRAMES * (1 + 2 * self.states) + self.levels() * self.states * self.states
    }
}

/// A section's poles as a normalised lattice: sines and cosines of its two rotations.
struct Lattice {
    sine: [f64; 2],
    cosine: [f64; 2],
}

impl Lattice {
    /// The reflection coefficients of 1 + a₁z⁻¹ + a₂z⁻²: a₁ / (1 + a₂) and a₂. Where both lie within 1, so do the poles.
    fn of(section: &Section) -> Result<Self> {
        let [a_1, a_2] = section.a;
        let sine = [a_1 / (1.0 + a_2), a_2];
        let held = sine.iter().all(|s| s.abs() < 1.0) && section.b.iter().all(|b| b.is_finite());
        if !held {
            let what = format!(
                "a section with b {:?} and a {:?}: finite numbers, and poles inside the unit circle, expected",
                section.b, section.a
            );
            return Err(Error::op("section_filter", what));
        }
        Ok(Self { sine, cosine: sine.map(|s| ((1.0 - s) * (1.0 + s)).sqrt()) })
    }

    /// A frame u in, the all-pass filter's frame out; z is the state.
    fn step(&self, u: f64, z: &mut [f64]) -> f64 {
        let ([s_1, s_2], [c_1, c_2]) = (self.sine, self.cosine);
        let forward = c_2 * u - s_2 * z[1];
        let out = s_2 * u + c_2 * z[1];
        (z[0], z[1]) = (c_1 * forward - s_1 * z[0], s_1 * forward + c_1 * z[0]);
        out
    }
}

/// All sections' poles, all-pass filters one after another: the map of frame and state to the next state is a part of an orthogonal
/// matrix, and what an impulse leaves in the states, frame by frame, is orthonormal (Takenaka–Malmquist functions).
fn step(cascade: &[Lattice], u: f64, z: &mut [f64]) {
    cascade.iter().zip(z.chunks_exact_mut(2)).fold(u, |u, (section, z)| section.step(u, z));
}

/// The impulse response, and the weights by which a state becomes the next frame: its products with what the impulse left in the states.
fn response(sections: &[Section], cascade: &[Lattice]) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut z = vec![0.0; 2 * cascade.len()];
    let mut held = vec![[0.0; 2]; sections.len()];
    let mut filtered = |x: f64| {
        sections.iter().zip(&mut held).fold(x, |x, (s, z)| {
            let mut y = [x];
            *z = s.run(&mut y, *z);
            y[0]
        })
    };
    let mut first = vec![filtered(1.0)];
    let mut weights = vec![0.0; z.len()];
    step(cascade, 1.0, &mut z);
    for frame in 1.. {
        let h = filtered(0.0);
        if first.len() < FRAMES {
            first.push(h);
        }
        weights.iter_mut().zip(&z).for_each(|(w, z)| *w += h * z);
        // States never grow: what is 0 beside their first size stays so.
        let left: f64 = z.iter().map(|z| z * z).sum();
        if left < 1e-34 && first.len() == FRAMES {
            break;
        }
        if frame == LONGEST {
            let what = format!("a filter that remembers more than {LONGEST} frames: its cut-off frequency is too low for this frame rate");
            return Err(Error::op("section_filter", what));
        }
        step(cascade, 0.0, &mut z);
    }
    Ok((first, weights))
}

/// The maps for series of `time` frames, see [`Blocks`].
///
/// # Errors
/// Where a section is not stable, or remembers too long.
pub(super) fn maps(sections: &[Section], time: usize) -> Result<Vec<f32>> {
    let blocks = Blocks::of(sections.len(), time);
    let n = blocks.states;
    let cascade = sections.iter().map(Lattice::of).collect::<Result<Vec<_>>>()?;
    let (first, weights) = response(sections, &cascade)?;
    // The last frame of a block leaves the impulse's first state, and so on back.
    let mut left_behind = vec![0.0; n * FRAMES];
    let mut z = vec![0.0; n];
    for frame in (0..FRAMES).rev() {
        step(&cascade, if frame + 1 == FRAMES { 1.0 } else { 0.0 }, &mut z);
        (0..n).for_each(|i| left_behind[i * FRAMES + frame] = z[i]);
    }
    // From each unit state on: what it adds to the frames, and the state after the block.
    let mut added = vec![0.0; FRAMES * n];
    let mut power = vec![0.0; n * n];
    for i in 0..n {
        let mut z = vec![0.0; n];
        z[i] = 1.0;
        for frame in 0..FRAMES {
            added[frame * n + i] = weights.iter().zip(&z).map(|(w, z)| w * z).sum();
            step(&cascade, 0.0, &mut z);
        }
        (0..n).for_each(|j| power[j * n + i] = z[j]);
    }
    let mut all = [first, left_behind, added].concat();
    for _ in 0..blocks.levels() {
        all.extend(&power);
        power = (0..n * n).map(|at| (0..n).map(|k| power[at / n * n + k] * power[k * n + at % n]).sum()).collect();
    }
    Ok(all.into_iter().map(|x| x as f32).collect())
}
