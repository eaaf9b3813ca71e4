//! Scores of a soft parcellation: the balance of parcel sizes, and the homogeneity of the series within parcels.

use super::SIZES;
use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::ops::parcellation::SoftParcellation;
use crate::ops::work::{Instance, Work};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// A parcel with less mass than this is empty, and its score is 0.
const LIGHTEST: f32 = 1e-30;

/// The divisor of a second moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Moment {
    /// The mass of the parcel, which gives the variance within the parcel.
    #[default]
    PerMass,
    /// No divisor: the sum over vertices, in which large parcels count for more. Its sum over parcels is the quantity that k-means
    /// minimises.
    Summed,
}

/// # Losses of parcellations
impl Tape {
    /// The deviation |mean_v A_pv − mean_pv A| `[.., parcels]` of each parcel's mass in memberships `[.., parcels, vertices]`; 0 where all
    /// parcels have the same mass (hypercoil's `EquilibriumLoss`).
    ///
    /// # Errors
    /// Returns an error where there are fewer than two axes.
    pub fn equilibrium(&mut self, memberships: Var) -> Result<Var> {
        let level = self.mean(memberships, &[-1], false)?;
        let overall = self.mean(level, &[-1], true)?;
        let apart = self.sub(level, overall)?;
        self.abs(apart)
    }

    /// The second moment Σ_v A_pv (X_vt − S_pt)² `[.., parcels, time]` of the series of vertices about that of their parcel, divided by the
    /// mass or summed (hypercoil's `SecondMomentLoss`, which builds an array of parcels × vertices × time).
    ///
    /// It is computed as A X² / m − S², with O(PV + PT + VT) memory and one product. The mean over vertices is subtracted at each frame
    /// first, which only avoids the cancellation of digits. The remaining error is the rounding of S, so series should be standardised. An
    /// empty parcel has 0.
    ///
    /// # Errors
    /// Returns an error where the shape of `series` is not that of the series the parcels were made from.
    pub fn second_moment(&mut self, parcels: &SoftParcellation, series: Var, moment: Moment) -> Result<Var> {
        let score = self.variance_within(parcels, series)?;
        self.of_mass(score, parcels.mass, moment, true)
    }

    /// The second moment of the series of vertices about given `centres` `[.., parcels, time]` (hypercoil's `SecondMomentCentredLoss`): the
    /// moment about the parcels' own series, plus the squared distance of these from the centres.
    ///
    /// # Errors
    /// Returns an error in the cases of [`Tape::second_moment`], and where the centres do not broadcast.
    pub fn second_moment_about(&mut self, parcels: &SoftParcellation, series: Var, centres: Var, moment: Moment) -> Result<Var> {
        let within = self.variance_within(parcels, series)?;
        let apart = self.sub(parcels.series, centres)?;
        let square = self.square(apart)?;
        let score = self.add(within, square)?;
        self.of_mass(score, parcels.mass, moment, true)
    }

    fn variance_within(&mut self, parcels: &SoftParcellation, series: Var) -> Result<Var> {
        let shift = self.frame_means(parcels, series)?;
        let away = self.sub(series, shift)?;
        let squares = self.square(away)?;
        let (mean_square, _) = self.parcel_series(parcels.memberships, squares)?;
        let mean = self.sub(parcels.series, shift)?;
        let square = self.square(mean)?;
        self.sub(mean_square, square)
    }

    /// The mean of [`Tape::second_moment`] over frames, `[.., parcels]`, without the product: (Σ_v A_pv |X_v|² / m − |S_p|²) / T. It
    /// suffices for a loss that takes the mean or the sum over frames, at a cost of O(PV + VT) operations.
    ///
    /// # Errors
    /// The same as those of [`Tape::second_moment`].
    pub fn mean_second_moment(&mut self, parcels: &SoftParcellation, series: Var, moment: Moment) -> Result<Var> {
        let shift = self.frame_means(parcels, series)?;
        let away = self.sub(series, shift)?;
        let squares = self.square(away)?;
        let power = self.mean(squares, &[-1], true)?;
        let (mean_power, _) = self.parcel_series(parcels.memberships, power)?;
        let shape = self.shape(mean_power);
        let mean_power = self.reshape(mean_power, shape.without(shape.rank() - 1))?;
        let mean = self.sub(parcels.series, shift)?;
        let square = self.square(mean)?;
        let parcel_power = self.mean(square, &[-1], false)?;
        let score = self.sub(mean_power, parcel_power)?;
        self.of_mass(score, parcels.mass, moment, false)
    }

    /// The mean over vertices at each frame, `[.., 1, time]`, detached from the gradient, because a moment about a mean does not depend on
    /// it.
    fn frame_means(&mut self, parcels: &SoftParcellation, series: Var) -> Result<Var> {
        self.expect_f32("second_moment", "series", series)?;
        let (found, made) = (self.shape(series), self.shape(parcels.series));
        let wanted = made.with(made.rank() - 2, self.shape(parcels.memberships)[1]);
        if found != wanted {
            return Err(Error::op("second_moment", format!("series {wanted} expected, found {found}")));
        }
        let mean = self.mean(series, &[-2], true)?;
        self.detach(mean)
    }

    /// A score `[.., parcels]`, or `[.., parcels, time]` where it has `frames`, divided by the mass or summed; 0 for empty parcels.
    fn of_mass(&mut self, score: Var, mass: Var, moment: Moment, frames: bool) -> Result<Var> {
        let mass = if frames { self.reshape(mass, [self.shape(mass)[0], 1])? } else { mass };
        let (zero, least) = (self.scalar(0.0)?, self.scalar(LIGHTEST)?);
        let empty = self.less(mass, least)?;
        let score = match moment {
            Moment::PerMass => score,
            Moment::Summed => self.mul(score, mass)?,
        };
        self.select(empty, zero, score)
    }
}

/// Test cases of the scores of a soft parcellation.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![one("equilibrium batch", vec![normal([2, 3, 9])], |t, x| t.equilibrium(x[0]))];
    for [p, v, t] in [[1, 1, 1], [7, 65, 33], [5, 257, 7]] {
        cases.push(one("equilibrium", vec![normal([p, v])], |t, x| t.equilibrium(x[0])));
        for moment in [Moment::PerMass, Moment::Summed] {
            // An offset that all vertices share must cost no digits.
            let operands = || vec![normal([p, v]), f32s([v, t], Draw::Uniform(9.0, 11.0))];
            let whole = move |t: &mut Tape, x: &[Var]| {
                let parcels = t.soft_parcellation(x[0], x[1])?;
                t.second_moment(&parcels, x[1], moment)
            };
            let mean = move |t: &mut Tape, x: &[Var]| {
                let parcels = t.soft_parcellation(x[0], x[1])?;
                t.mean_second_moment(&parcels, x[1], moment)
            };
            // S is about 10 where the series lie within 1 of it, so the error is 10 ε on the scale of the moments, times v in a sum.
            cases.push(one(&format!("second_moment {moment:?}"), operands(), whole).within(2e-5, 2e-5));
            cases.push(one(&format!("mean_second_moment {moment:?}"), operands(), mean).within(2e-5, 2e-5));
        }
    }
    cases
}

/// Benchmarks of the scores of a soft parcellation.
pub(super) fn works() -> Vec<Work> {
    let operands = |[p, v, t]: [usize; 3]| vec![f32s([p, v], Draw::Normal), f32s([v, t], Draw::Normal)];
    let whole = SIZES.map(|s| {
        Instance::new(operands(s), |t, x| {
            let parcels = t.soft_parcellation(x[0], x[1])?;
            Ok(vec![t.second_moment(&parcels, x[1], Moment::PerMass)?])
        })
    });
    let mean = SIZES.map(|s| {
        Instance::new(operands(s), |t, x| {
            let parcels = t.soft_parcellation(x[0], x[1])?;
            Ok(vec![t.mean_second_moment(&parcels, x[1], Moment::PerMass)?])
        })
    });
    vec![Work::new("second_moment", whole), Work::new("mean_second_moment", mean)]
}
