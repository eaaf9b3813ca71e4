//! Linear parcellation: atlases of any weights, hard atlases, compartments, and what parcels' series are normalised by.

use crate::tape::{Tape, Var};
use crate::{Error, HostTensor, Result};
use std::ops::Range;

/// A parcel's weights that sum to less than this are no parcel: its series is 0.
const LIGHTEST: f32 = 1e-30;

/// The normalisation of a parcel's weighted sum (hypercoil's `AtlasLinear`, whose call-time `None` cannot turn a module's setting off).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalisation {
    /// Divided by the sum of the weights: the weighted mean.
    #[default]
    Mean,
    /// Divided by the sum of the weights' magnitudes, for weights of both signs.
    AbsoluteMean,
    /// Of mean 0 and standard deviation 1 over time (ddof 0); a constant series is 0.
    ZScore,
    /// 100 (s − s̄) / s̄, the change from the mean over time in percent; 0 where the mean is 0.
    PercentChange,
    /// The sum itself.
    Sum,
}

impl Normalisation {
    /// Parcels' weighted sums `[.., parcels, time]` normalised, of weights `[parcels, vertices]`.
    fn apply(self, tape: &mut Tape, sums: Var, weights: Var) -> Result<Var> {
        match self {
            Self::Sum => Ok(sums),
            Self::Mean => per_total(tape, sums, weights),
            Self::AbsoluteMean => {
                let magnitudes = tape.abs(weights)?;
                per_total(tape, sums, magnitudes)
            }
            Self::ZScore => {
                let (unit, _) = tape.standardise(sums)?;
                let frames = tape.shape(sums).last().copied().unwrap_or(1);
                tape.scale(unit, (frames as f32).sqrt())
            }
            Self::PercentChange => {
                let mean = tape.mean(sums, &[-1], true)?;
                let change = tape.sub(sums, mean)?;
                let change = tape.scale(change, 100.0)?;
                quotient(tape, change, mean)
            }
        }
    }
}

fn per_total(tape: &mut Tape, sums: Var, weights: Var) -> Result<Var> {
    let total = tape.sum(weights, &[-1], true)?;
    quotient(tape, sums, total)
}

/// a / b, 0 where |b| is nothing.
fn quotient(tape: &mut Tape, a: Var, b: Var) -> Result<Var> {
    let (zero, one, least) = (tape.scalar(0.0)?, tape.scalar(1.0)?, tape.scalar(LIGHTEST)?);
    let size = tape.abs(b)?;
    let none = tape.less(size, least)?;
    let safe = tape.select(none, one, b)?;
    let ratio = tape.div(a, safe)?;
    tape.select(none, zero, ratio)
}

impl Tape {
    /// Series of parcels `[.., parcels, time]`: weights `[parcels, vertices]`, of either sign, times series `[.., vertices, time]`, and
    /// normalised. For soft memberships and means see [`Tape::soft_parcellation`] and [`Tape::parcel_series`], whose kernels are fused.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn linear_parcellation(&mut self, weights: Var, series: Var, normalisation: Normalisation) -> Result<Var> {
        self.expect_f32("linear_parcellation", "weights", weights)?;
        if self.shape(weights).rank() != 2 {
            return Err(Error::op("linear_parcellation", format!("weights must be [parcels, vertices], found {}", self.ty(weights))));
        }
        let sums = self.matmul(weights, series)?;
        normalisation.apply(self, sums, weights)
    }

    /// Projection: series Y `[.., parcels, time]` whose mixture by the maps A `[parcels, vertices]` comes nearest to the series
    /// X `[.., vertices, time]`, argmin |AᵀY − X|² + ridge |Y|² = (A Aᵀ + ridge 1)⁻¹ A X (hypercoil's mode `project`; nilearn's
    /// `NiftiMapsMasker`). It solves the normal equations, and so loses the square of the maps' condition: for maps that nearly overlap,
    /// take a ridge.
    ///
    /// # Errors
    /// Where shapes do not fit.
    pub fn parcellation_by_projection(&mut self, maps: Var, series: Var, ridge: f32) -> Result<Var> {
        self.expect_f32("parcellation_by_projection", "maps", maps)?;
        if self.shape(maps).rank() != 2 {
            return Err(Error::op("parcellation_by_projection", format!("maps must be [parcels, vertices], found {}", self.ty(maps))));
        }
        let mut products = self.matmul_with(maps, maps, false, true)?;
        if ridge != 0.0 {
            let identity = self.identity(self.shape(maps)[0])?;
            let ridge = self.scale(identity, ridge)?;
            products = self.add(products, ridge)?;
        }
        let sums = self.matmul(maps, series)?;
        self.solve_spd(products, sums)
    }

    /// [`Tape::linear_parcellation`] compartment by compartment (hemispheres, subcortex): each its own weights `[parcels, vertices]` over a
    /// range of the vertices of `series` `[.., vertices, time]`; parcels follow one another in that order.
    ///
    /// # Errors
    /// Where there are no compartments, a range leaves the vertices, or weights are not of its length.
    pub fn compartments(&mut self, compartments: &[(Var, Range<usize>)], series: Var, normalisation: Normalisation) -> Result<Var> {
        let axis = self.axis("compartments", series, -2)? as isize;
        let mut made = Vec::with_capacity(compartments.len());
        for (weights, vertices) in compartments {
            let part = self.slice(series, axis, vertices.start, vertices.end, 1)?;
            made.push(self.linear_parcellation(*weights, part, normalisation)?);
        }
        self.concatenate(&made, axis)
    }

    /// Means `[parcels, time]` over the vertices of each label of a hard atlas: `labels` i32 `[vertices]`, from 0 to `parcels` − 1, and any
    /// other for vertices that belong to none. It sums rows, without a product. A parcel without vertices has zeros.
    ///
    /// # Errors
    /// Where there is not a label for every row of `series` `[vertices, time]`.
    pub fn hard_parcellation(&mut self, labels: &HostTensor, series: Var, parcels: usize) -> Result<Var> {
        let bad = |what: String| Error::op("hard_parcellation", what);
        self.expect_f32("hard_parcellation", "series", series)?;
        let shape = self.shape(series);
        let given = labels.as_i32().ok_or_else(|| bad(format!("labels must be i32, found {}", labels.ty())))?;
        if shape.rank() != 2 || given.len() != shape[0] || parcels == 0 {
            return Err(bad(format!("{} labels of {parcels} parcels for series {shape}", given.len())));
        }
        // Vertices of no parcel go to a row of their own, which is left out.
        let row = |&l: &i32| usize::try_from(l).ok().filter(|l| *l < parcels).unwrap_or(parcels);
        let mut counts = vec![0.0f32; parcels + 1];
        given.iter().for_each(|l| counts[row(l)] += 1.0);
        let scale: Vec<f32> = counts[..parcels].iter().map(|n| if *n > 0.0 { n.recip() } else { 0.0 }).collect();
        let rows = self.constant(HostTensor::i32([given.len()], given.iter().map(|l| row(l) as i32).collect())?)?;
        let sums = self.scatter_rows(series, rows, parcels + 1)?;
        let sums = self.slice(sums, 0, 0, parcels, 1)?;
        let scale = self.constant(HostTensor::f32([parcels, 1], scale)?)?;
        self.mul(sums, scale)
    }
}
