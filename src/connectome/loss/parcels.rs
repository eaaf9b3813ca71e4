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

    /// The second moment of vertices' series `[vertices, time]` about their parcel's: Σ_v A_pv (X_vt − S_pt)², `[parcels, time]`, per
    /// mass or summed (hypercoil's `SecondMomentLoss`, which makes a tensor of parcels × vertices × time on the way).
    ///
    /// Here it is A X² / m − S², which takes O(PV + PT + VT) memory and one product. Series are taken about their mean over vertices at
    /// each frame, which changes nothing but the digits that would cancel. What is left is the rounding of S, so series are best of the
    /// size of their spread: standardised. An empty parcel has 0.
    ///
    /// # Errors
    /// Where `series` is not what the parcels were made of, by its shape.
    pub fn second_moment(&mut self, parcels: &SoftParcellation, series: Var, moment: Moment) -> Result<Var> {
        let shift = self.frame_means(parcels, series)?;
        let away = self.sub(series, shift)?;
        let squares = self.square(away)?;
        let (mean_square, _) = self.parcel_series(parcels.memberships, squares)?;
        let mean = self.sub(parcels.series, shift)?;
        let square = self.square(mean)?;
        let score = self.sub(mean_square, square)?;
        let mass = self.reshape(parcels.mass, [self.shape(parcels.mass)[0], 1])?;
        self.of_mass(score, mass, moment)
    }

    /// The mean of [`Tape::second_moment`] over frames, `[parcels]`, without the product: (Σ_v A_pv |X_v|² / m − |S_p|²) / T. It is what
    /// a loss that takes the mean or the sum over frames needs, at the cost of O(PV + VT) operations.
    ///
    /// # Errors
    /// As [`Tape::second_moment`].
    pub fn mean_second_moment(&mut self, parcels: &SoftParcellation, series: Var, moment: Moment) -> Result<Var> {
        let shift = self.frame_means(parcels, series)?;
        let away = self.sub(series, shift)?;
        let squares = self.square(away)?;
        let power = self.mean(squares, &[1], true)?;
        let (mean_power, _) = self.parcel_series(parcels.memberships, power)?;
        let mean_power = self.reshape(mean_power, self.shape(parcels.mass))?;
        let mean = self.sub(parcels.series, shift)?;
        let square = self.square(mean)?;
        let parcel_power = self.mean(square, &[1], false)?;
        let score = self.sub(mean_power, parcel_power)?;
        self.of_mass(score, parcels.mass, moment)
    }

    /// The mean over vertices at each frame, `[1, time]`, at which gradients end: a moment about a mean does not depend on it.
    fn frame_means(&mut self, parcels: &SoftParcellation, series: Var) -> Result<Var> {
        self.expect_f32("second_moment", "series", series)?;
        let (found, made, members) = (self.shape(series), self.shape(parcels.series), self.shape(parcels.memberships));
        if found.rank() != 2 || found[0] != members[1] || found[1] != made[1] {
            return Err(Error::op("second_moment", format!("series [{}, {}] expected, found {found}", members[1], made[1])));
        }
        let mean = self.mean(series, &[0], true)?;
        self.detach(mean)
    }

    fn of_mass(&mut self, score: Var, mass: Var, moment: Moment) -> Result<Var> {
        let (zero, least) = (self.scalar(0.0)?, self.scalar(LIGHTEST)?);
        let held = self.greater_equal(mass, least)?;
        let score = match moment {
            Moment::PerMass => score,
            Moment::Summed => self.mul(score, mass)?,
        };
        self.select(held, score, zero)
    }
}
