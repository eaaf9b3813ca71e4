//! Positions on the sphere and in space, on the tape: centres of mass and great-circle distances, without any array of size n × m × 3.

use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// # Places and distances
impl Tape {
    /// The centres of mass `[parcels, 3]` of memberships `[parcels, vertices]` at coordinates `[vertices, 3]`, in mm. With a `radius` they
    /// are projected onto the sphere of that radius about the origin. A parcel without mass, or with its centre at the origin, stays at the
    /// origin.
    ///
    /// # Errors
    /// Returns an error where shapes do not fit or the radius is not above 0.
    pub fn centres_of_mass(&mut self, memberships: Var, coordinates: Var, radius: Option<f32>) -> Result<Var> {
        self.expect_places("centres_of_mass", coordinates)?;
        let (centres, _) = self.parcel_series(memberships, coordinates)?;
        let Some(radius) = radius else { return Ok(centres) };
        expect_radius("centres_of_mass", radius)?;
        let length = self.l2_norm(centres, &[1], true)?;
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let none = self.equal(length, zero)?;
        let length = self.select(none, one, length)?;
        let directions = self.div(centres, length)?;
        self.scale(directions, radius)
    }

    /// The squared Euclidean distances `[n, m]` in mm² of points `[n, 3]` and `[m, 3]`, computed from differences along each axis, so that
    /// the distances of near neighbours keep their digits.
    ///
    /// # Errors
    /// Returns an error where the points are not `[.., 3]` matrices.
    pub fn squared_chords(&mut self, a: Var, b: Var) -> Result<Var> {
        self.expect_places("squared_chords", a)?;
        self.expect_places("squared_chords", b)?;
        let (n, m) = (self.shape(a)[0], self.shape(b)[0]);
        let mut sum = None;
        for axis in 0..3 {
            let (column, row) = (self.slice(a, 1, axis, axis + 1, 1)?, self.slice(b, 1, axis, axis + 1, 1)?);
            let (column, row) = (self.reshape(column, [n, 1])?, self.reshape(row, [1, m])?);
            let apart = self.sub(column, row)?;
            let square = self.square(apart)?;
            sum = Some(match sum {
                Some(sum) => self.add(sum, square)?,
                None => square,
            });
        }
        sum.ok_or_else(|| Error::op("squared_chords", "places have three axes"))
    }

    /// The great-circle distances `[n, m]` in mm between points `[n, 3]` and `[m, 3]` on the sphere of `radius` mm about the origin. They
    /// are computed from the chords, which is accurate for near points, where the arc cosine of a product is not. The gradient is 0 where
    /// points coincide, and at antipodes.
    ///
    /// # Errors
    /// Returns an error where the points are not `[.., 3]` matrices or the radius is not above 0.
    pub fn great_circle_distances(&mut self, a: Var, b: Var, radius: f32) -> Result<Var> {
        expect_radius("great_circle_distances", radius)?;
        let chords = self.squared_chords(a, b)?;
        self.arcs(chords, radius)
    }

    /// The great-circle distances `[n]` in mm between corresponding rows of two sets of points `[n, 3]`; see
    /// [`Tape::great_circle_distances`].
    ///
    /// # Errors
    /// Returns an error where shapes differ or the radius is not above 0.
    pub fn great_circle_distances_of_pairs(&mut self, a: Var, b: Var, radius: f32) -> Result<Var> {
        const OP: &str = "great_circle_distances_of_pairs";
        expect_radius(OP, radius)?;
        self.expect_places(OP, a)?;
        self.expect_places(OP, b)?;
        let apart = self.sub(a, b)?;
        let square = self.square(apart)?;
        let chords = self.sum(square, &[1], false)?;
        self.arcs(chords, radius)
    }

    fn arcs(&mut self, squared_chords: Var, radius: f32) -> Result<Var> {
        let unit = self.scale(squared_chords, 1.0 / (radius * radius))?;
        let angles = self.angle_of_chord(unit)?;
        self.scale(angles, radius)
    }

    pub(crate) fn expect_places(&self, op: &str, places: Var) -> Result<()> {
        self.expect_f32(op, "places", places)?;
        match *self.shape(places) {
            [_, 3] => Ok(()),
            _ => Err(Error::op(op, format!("places must be [.., 3], found {}", self.ty(places)))),
        }
    }
}

fn expect_radius(op: &str, radius: f32) -> Result<()> {
    if radius > 0.0 && radius.is_finite() { Ok(()) } else { Err(Error::op(op, format!("a radius above 0 mm expected, found {radius}"))) }
}
