//! Linear parcellation: weighted atlases, hard atlases, compartments, and the normalisation of the series of parcels.

use crate::tape::{Tape, Var};
use crate::{Error, HostTensor, Result};
use std::ops::Range;

/// A parcel whose weights sum to less than this is empty, and its series is 0.
const LIGHTEST: f32 = 1e-30;

/// The normalisation of a parcel's weighted sum (hypercoil's `AtlasLinear`, whose call-time `None` cannot turn a module's setting off).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Normalisation {
    /// The sum divided by the sum of the weights: the weighted mean.
    #[default]
    Mean,
    /// The sum divided by the sum of the magnitudes of the weights, for weights of both signs.
    AbsoluteMean,
    /// The sum scaled to mean 0 and standard deviation 1 over time (ddof 0); a constant series becomes 0.
    ZScore,
    /// The change from the mean over time in percent, 100 (s − s̄) / s̄; 0 where the mean is 0.
    PercentChange,
    /// The sum without normalisation.
    Sum,
}

impl Normalisation {
    /// Normalises the weighted sums of parcels `[.., parcels, time]` with weights `[parcels, vertices]`.
    fn apply(self, tape: &mut Tape, sums: Var, weights: Var) -> Result<Var> {
        match self {
            Self::Sum => Ok(sums),
            Self::Mean => tape.through_means(sums, |tape, sums| per_total(tape, sums, weights)),
            Self::AbsoluteMean => {
                let magnitudes = tape.abs(weights)?;
                tape.through_means(sums, |tape, sums| per_total(tape, sums, magnitudes))
            }
            Self::ZScore => {
                let (unit, _) = tape.standardise(sums)?;
                let frames = tape.shape(sums).last().copied().unwrap_or(1);
                tape.scale(unit, (frames as f32).sqrt())
            }
            Self::PercentChange => {
                let mean = tape.mean(sums, &[-1], true)?;
                let change = tape.about_mean(sums)?;
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

/// The quotient a / b; 0 where |b| is below [`LIGHTEST`].
fn quotient(tape: &mut Tape, a: Var, b: Var) -> Result<Var> {
    let (zero, one, least) = (tape.scalar(0.0)?, tape.scalar(1.0)?, tape.scalar(LIGHTEST)?);
    let size = tape.abs(b)?;
    let none = tape.less(size, least)?;
    let safe = tape.select(none, one, b)?;
    let ratio = tape.div(a, safe)?;
    tape.select(none, zero, ratio)
}

/// # Parcellations and atlases
impl Tape {
    /// The series of parcels `[.., parcels, time]`: the product of weights `[parcels, vertices]`, of either sign, and series `[..,
    /// vertices, time]`, normalised. For soft memberships and means see [`Tape::soft_parcellation`] and [`Tape::parcel_series`], whose
    /// kernels are fused.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
    pub fn linear_parcellation(&mut self, weights: Var, series: Var, normalisation: Normalisation) -> Result<Var> {
        self.expect_f32("linear_parcellation", "weights", weights)?;
        if self.shape(weights).rank() != 2 {
            return Err(Error::op("linear_parcellation", format!("weights must be [parcels, vertices], found {}", self.ty(weights))));
        }
        let sums = self.through_means(series, |tape, series| tape.matmul(weights, series))?;
        normalisation.apply(self, sums, weights)
    }

    /// Projection: the series Y `[.., parcels, time]` whose mixture by the maps A `[parcels, vertices]` is nearest to the series X `[..,
    /// vertices, time]`, argmin |AᵀY − X|² + ridge |Y|² = (A Aᵀ + ridge 1)⁻¹ A X (hypercoil's mode `project`; nilearn's `NiftiMapsMasker`).
    /// It solves the normal equations, so its error grows with the squared condition number of the maps: use a ridge where maps nearly
    /// coincide.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit.
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
        self.through_means(series, |tape, series| {
            let sums = tape.matmul(maps, series)?;
            tape.solve_spd(products, sums)
        })
    }

    /// [`Tape::linear_parcellation`] for each compartment (hemispheres, subcortex), with its own weights `[parcels, vertices]` over a range
    /// of the vertices of `series` `[.., vertices, time]`. The parcels of the compartments are concatenated in order.
    ///
    /// # Errors
    /// Returns an error where there are no compartments, a range extends beyond the vertices, or the length of weights differs from that of
    /// their range.
    pub fn compartments(&mut self, compartments: &[(Var, Range<usize>)], series: Var, normalisation: Normalisation) -> Result<Var> {
        let axis = self.axis("compartments", series, -2)? as isize;
        let mut made = Vec::with_capacity(compartments.len());
        for (weights, vertices) in compartments {
            let part = self.slice(series, axis, vertices.start, vertices.end, 1)?;
            made.push(self.linear_parcellation(*weights, part, normalisation)?);
        }
        self.concatenate(&made, axis)
    }

    /// The means `[parcels, time]` over the vertices of each label of a hard atlas. `labels` i32 `[vertices]` are 0 to `parcels` − 1, and
    /// any other value for vertices without a parcel. Rows are summed without a matrix product. A parcel without vertices has zeros.
    ///
    /// # Errors
    /// Returns an error where there is not one label for every row of `series` `[vertices, time]`.
    pub fn hard_parcellation(&mut self, labels: &HostTensor, series: Var, parcels: usize) -> Result<Var> {
        let bad = |what: String| Error::op("hard_parcellation", what);
        self.expect_f32("hard_parcellation", "series", series)?;
        let shape = self.shape(series);
        let given = labels.as_i32().ok_or_else(|| bad(format!("labels must be i32, found {}", labels.ty())))?;
        if shape.rank() != 2 || given.len() != shape[0] || parcels == 0 {
            return Err(bad(format!("{} labels of {parcels} parcels for series {shape}", given.len())));
        }
        // Vertices without a parcel go to an additional row, which is left out.
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
