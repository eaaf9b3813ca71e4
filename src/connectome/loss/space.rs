//! Scores of the positions of parcels: compactness, tethers, dispersion. Coordinates are in mm.

use super::SIZES;
use crate::ops::case::{Case, Draw, f32s, normal, one};
use crate::ops::work::{Instance, Work};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// # Losses in space
impl Tape {
    /// Compactness mean_v A_pv max(d(c_v, C_p) − floor, 0) `[parcels]` in mm of memberships `[parcels, vertices]` at coordinates
    /// `[vertices, 3]`: the mean distance of the vertices of a parcel from its centre C. With a `radius`, distances are measured along the
    /// sphere of that radius, otherwise along straight lines. (hypercoil's `CompactnessLoss` takes a `norm` and ignores it.) No array is
    /// larger than parcels × vertices.
    ///
    /// For squared straight distances, use [`Tape::mean_second_moment`] over the coordinates instead, which needs no distances at all.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit or the radius is not above 0.
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

    /// The great-circle distances `[parcels]` in mm of the centres of memberships `[parcels, vertices]` from `references` `[parcels, 3]` on
    /// the sphere of `radius` mm. (hypercoil's `ReferenceTetherLoss` takes the signed displacement along each axis, whose mean is not a
    /// distance and has no minimum.)
    ///
    /// # Errors
    /// Returns an error where shapes do not fit or the radius is not above 0.
    pub fn reference_tether(&mut self, memberships: Var, coordinates: Var, references: Var, radius: f32) -> Result<Var> {
        let centres = self.centres_of_mass(memberships, coordinates, Some(radius))?;
        self.great_circle_distances_of_pairs(centres, references, radius)
    }

    /// The great-circle distances `[parcels]` in mm of the centres of the right hemisphere's parcels from the mirror images (x to −x) of
    /// the left's. Each hemisphere is a pair of memberships `[parcels, vertices]` and coordinates `[vertices, 3]`, left first. See also
    /// [`Tape::reference_tether`].
    ///
    /// # Errors
    /// Returns an error where shapes do not fit, the hemispheres differ in their number of parcels, or the radius is not above 0.
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

    /// The negated squared distances −|x_i − x_j|² `[.., n (n − 1) / 2]` of the pairs i < j of points x `[.., n, d]`. Their mean falls as
    /// points move apart (hypercoil's `DispersionLoss`, formerly `VectorDispersion`).
    ///
    /// # Errors
    /// Returns an error where x has fewer than two axes.
    pub fn dispersion(&mut self, x: Var) -> Result<Var> {
        let distances = self.squared_distances(x, x)?;
        let pairs = self.upper_triangle(distances)?;
        self.neg(pairs)
    }
}

/// Test cases of the scores of positions.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // A radius above √3 · 3 keeps the points within one diameter of each other.
    const RADIUS: f32 = 12.0;
    for [p, v] in [[1, 7], [7, 65], [5, 257]] {
        let weights = || vec![f32s([p, v], Draw::Uniform(0.1, 1.0)), normal([v, 3])];
        cases.push(one("centres_of_mass", weights(), |t, x| t.centres_of_mass(x[0], x[1], None)));
        cases.push(one("centres_of_mass on the sphere", weights(), |t, x| t.centres_of_mass(x[0], x[1], Some(RADIUS))));
        cases
            .push(one("great_circle_distances", vec![normal([p, 3]), normal([v, 3])], |t, x| t.great_circle_distances(x[0], x[1], RADIUS)));
        cases.push(one("great_circle_distances_of_pairs", vec![normal([v, 3]), normal([v, 3])], |t, x| {
            t.great_circle_distances_of_pairs(x[0], x[1], RADIUS)
        }));
        cases.push(one("compactness", weights(), |t, x| t.compactness(x[0], x[1], None, 0.5)));
        // The points are projected onto the sphere of radius 3, as their centres are.
        let around = |t: &mut Tape, x: &[Var]| {
            let unit = t.unit_rows(x[1])?;
            let places = t.scale(unit, 3.0)?;
            t.compactness(x[0], places, Some(3.0), 0.0)
        };
        cases.push(one("compactness on the sphere", weights(), around));
        let references = || weights().into_iter().chain([normal([p, 3])]).collect();
        cases.push(one("reference_tether", references(), |t, x| t.reference_tether(x[0], x[1], x[2], RADIUS)));
        let hemispheres = || weights().into_iter().chain(weights()).collect();
        let tether = |t: &mut Tape, x: &[Var]| t.interhemispheric_tether((x[0], x[1]), (x[2], x[3]), RADIUS);
        cases.push(one("interhemispheric_tether", hemispheres(), tether));
    }
    cases.push(one("dispersion", vec![normal([7, 3])], |t, x| t.dispersion(x[0])));
    cases.push(one("dispersion batch", vec![normal([2, 9, 5])], |t, x| t.dispersion(x[0])));
    cases
}

/// Benchmarks of the scores of positions.
pub(super) fn works() -> Vec<Work> {
    let placed = |[p, v, _]: [usize; 3]| vec![f32s([p, v], Draw::Uniform(0.1, 1.0)), f32s([v, 3], Draw::Normal)];
    let compactness = SIZES.map(|s| Instance::new(placed(s), |t, x| Ok(vec![t.compactness(x[0], x[1], Some(100.0), 0.0)?])));
    vec![Work::new("compactness on the sphere", compactness)]
}
