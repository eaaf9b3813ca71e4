//! Scores of a soft parcellation: how alike parcels are in size, and how alike the series within them are.

use crate::ops::parcellation::SoftParcellation;
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// A parcel lighter than this is empty: its score is 0.
const LIGHTEST: f32 = 1e-30;

/// What a second moment is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moment {
    /// The parcel's mass: the variance within the parcel.
    #[default]
    PerMass,
    /// Nothing: the sum over vertices, in which large parcels count for more. Its sum over parcels is what k-means minimises.
    Summed,
}

impl Tape {
    /// |mean_v A_pv − mean_pv A| of memberships `[.., parcels, vertices]`: `[.., parcels]`, 0 where all parcels are of one mass
    /// (hypercoil's `EquilibriumLoss`).
    ///
    /// # Errors
    /// Where there are not two axes.
    pub fn equilibrium(&mut self, memberships: Var) -> Result<Var> {
        let level = self.mean(memberships, &[-1], false)?;
        let overall = self.mean(level, &[-1], true)?;
        let apart = self.sub(level, overall)?;
        self.abs(apart)
    }

    /// The second moment of vertices' series `[.., vertices, time]` about their parcel's: Σ_v A_pv (X_vt − S_pt)², `[.., parcels, time]`,
    /// per mass or summed (hypercoil's `SecondMomentLoss`, which makes a tensor of parcels × vertices × time on the way).
    ///
    /// Here it is A X² / m − S², which takes O(PV + PT + VT) memory and one product. Series are taken about their mean over vertices at
    /// each frame, which changes nothing but the digits that would cancel. What is left is the rounding of S, so series are best of the
    /// size of their spread: standardised. An empty parcel has 0.
    ///
    /// # Errors
    /// Where `series` is not what the parcels were made of, by its shape.
    pub fn second_moment(&mut self, parcels: &SoftParcellation, series: Var, moment: Moment) -> Result<Var> {
        let score = self.variance_within(parcels, series)?;
        self.of_mass(score, parcels.mass, moment, true)
    }

    /// The second moment of vertices' series about `centres` `[.., parcels, time]` of the caller's choice (hypercoil's
    /// `SecondMomentCentredLoss`): that about the parcels' own series, and the square of how far those lie from the centres.
    ///
    /// # Errors
    /// As [`Tape::second_moment`], and where the centres do not broadcast.
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

    /// The mean of [`Tape::second_moment`] over frames, `[.., parcels]`, without the product: (Σ_v A_pv |X_v|² / m − |S_p|²) / T. It is what
    /// a loss that takes the mean or the sum over frames needs, at the cost of O(PV + VT) operations.
    ///
    /// # Errors
    /// As [`Tape::second_moment`].
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

    /// The mean over vertices at each frame, `[.., 1, time]`, at which gradients end: a moment about a mean does not depend on it.
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

    /// A score `[.., parcels]`, or `[.., parcels, time]` where it has `frames`, per mass or summed; 0 for empty parcels.
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
