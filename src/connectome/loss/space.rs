//! Scores of where parcels lie: compactness, tethers, dispersion. Coordinates are in mm.

use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// # Losses in space
impl Tape {
    /// mean_v A_pv max(d(c_v, C_p) − floor, 0) of memberships `[parcels, vertices]` at coordinates `[vertices, 3]`, `[parcels]` in mm: how
    /// far a parcel lies from its centre C. With a `radius`, distances are along the sphere of that radius; else straight. (hypercoil's
    /// `CompactnessLoss` takes a `norm` and ignores it.) It keeps tensors of parcels × vertices alone.
    ///
    /// For straight distances squared, take [`Tape::mean_second_moment`] over the coordinates instead: that needs no distances at all.
    ///
    /// # Errors
    /// Where shapes do not fit or the radius is not above 0.
    pub fn compactness(&mut self, memberships: Var, coordinates: Var, radius: Option<f32>, floor: f32) -> Result<Var> {
        let centres = self.centres_of_mass(memberships, coordinates, radius)?;
        let distances = match radius {
            Some(radius) => self.great_circle_distances(centres, coordinates, radius)?,
            None => {
                let squares = self.squared_chords(centres, coordinates)?;
                self.root(squares)?
            }
        };
        let beyond = self.offset(distances, -floor)?;
        let beyond = if floor > 0.0 { self.relu(beyond)? } else { beyond };
        let weighted = self.mul(memberships, beyond)?;
        self.mean(weighted, &[1], false)
    }

    /// The great-circle distances, `[parcels]` in mm, of the centres of memberships `[parcels, vertices]` from `references` `[parcels, 3]`
    /// on the sphere of `radius`. (hypercoil's `ReferenceTetherLoss` takes the signed displacement along each axis, whose mean is no
    /// distance and has no least value.)
    ///
    /// # Errors
    /// Where shapes do not fit or the radius is not above 0.
    pub fn reference_tether(&mut self, memberships: Var, coordinates: Var, references: Var, radius: f32) -> Result<Var> {
        let centres = self.centres_of_mass(memberships, coordinates, Some(radius))?;
        self.great_circle_distances_of_pairs(centres, references, radius)
    }

    /// The great-circle distances, `[parcels]` in mm, of the centres of the right hemisphere's parcels from the mirror images, left for
    /// right (x to −x), of the left's: pairs of memberships `[parcels, vertices]` and coordinates `[vertices, 3]`, left and right. As
    /// [`Tape::reference_tether`].
    ///
    /// # Errors
    /// Where shapes do not fit, the hemispheres differ in their number of parcels, or the radius is not above 0.
    pub fn interhemispheric_tether(&mut self, left: (Var, Var), right: (Var, Var), radius: f32) -> Result<Var> {
        let centres = self.centres_of_mass(left.0, left.1, Some(radius))?;
        let parcels = |t: &Self, v: Var| t.shape(v).first().copied();
        if parcels(self, left.0) != parcels(self, right.0) {
            let what = format!("{} parcels left, {} right", self.shape(left.0), self.shape(right.0));
            return Err(Error::op("interhemispheric_tether", what));
        }
        let mirror = self.constant(crate::HostTensor::f32([1, 3], vec![-1.0, 1.0, 1.0])?)?;
        let mirrored = self.mul(centres, mirror)?;
        self.reference_tether(right.0, right.1, mirrored, radius)
    }

    /// −|x_i − x_j|² of the pairs i < j of places x `[.., n, d]`: `[.., n (n − 1) / 2]`. Its mean falls as places move apart (hypercoil's
    /// `DispersionLoss`, formerly `VectorDispersion`).
    ///
    /// # Errors
    /// Where x has not two axes.
    pub fn dispersion(&mut self, x: Var) -> Result<Var> {
        let distances = self.squared_distances(x, x)?;
        let pairs = self.upper_triangle(distances)?;
        self.neg(pairs)
    }
}
