//! Where voxels lie, and the values of an atlas at the voxels of an image on another grid.

use crate::tensor::parallel;

/// The share of a voxel within which a place counts as on the border of a grid, or as midway between two voxels, from which rounding has
/// moved it. nilearn leaves these to rounding, and so may give 0 to a voxel on the border.
const ROUNDING: f64 = 1e-9;

/// The voxels of an image: their numbers along x, y and z, and the affine map from their indices to millimetres.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) extents: [usize; 3],
    pub(super) affine: [[f64; 4]; 3],
}

impl Grid {
    pub(super) fn new([x, y, z, _]: [usize; 4], affine: [[f64; 4]; 3]) -> Self {
        Self { extents: [x, y, z], affine }
    }

    pub(super) fn voxels(&self) -> usize {
        self.extents.iter().product()
    }

    /// The indices along x, y and z of a voxel, counted from 0.
    pub(super) fn place(&self, voxel: usize) -> [usize; 3] {
        let [x, y, _] = self.extents;
        [voxel % x, voxel / x % y, voxel / (x * y)]
    }

    /// True where the voxels of both have the same positions, to about a thousandth of a millimetre. A position that is NaN agrees with
    /// none.
    pub(super) fn is_that_of(&self, other: &Self) -> bool {
        let near = |a: &[[f64; 4]; 3], b: &[[f64; 4]; 3]| a.as_flattened().iter().zip(b.as_flattened()).all(|(a, b)| (a - b).abs() <= 1e-3);
        self.extents == other.extents && near(&self.affine, &other.affine)
    }

    /// The map from this grid to the places of its voxels among those of `other`.
    ///
    /// # Errors
    /// The message says whose affine is no map that can be inverted.
    pub(super) fn among(&self, other: &Self) -> Result<Places, String> {
        if let Some(x) = self.affine.as_flattened().iter().find(|x| !x.is_finite()) {
            return Err(format!("the affine of the image, on whose grid the atlas is taken, holds {x}"));
        }
        let inverse = inverse(&other.affine)?;
        let of = |row: &[f64; 4], column: usize| {
            let turned: f64 = (0..3).map(|k| row[k] * self.affine[k][column]).sum();
            if column == 3 { turned + row[3] } else { turned }
        };
        Ok(Places { matrix: inverse.map(|row| std::array::from_fn(|column| of(&row, column))), from: self.extents, among: other.extents })
    }
}

/// The inverse of an affine map, by its adjugate.
fn inverse(a: &[[f64; 4]; 3]) -> Result<[[f64; 4]; 3], String> {
    let minor = |i: usize, j: usize| {
        let [r, s, c, d] = [(i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3];
        a[r][c] * a[s][d] - a[r][d] * a[s][c]
    };
    let determinant: f64 = (0..3).map(|j| a[0][j] * minor(0, j)).sum();
    let size: f64 = (0..3).map(|j| (0..3).map(|i| a[i][j] * a[i][j]).sum::<f64>().sqrt()).product();
    let inverts = a.as_flattened().iter().all(|x| x.is_finite()) && determinant.abs() > 1e-9 * size;
    if !inverts {
        return Err(format!("the affine {a:?} does not give each voxel a place of its own"));
    }
    let of = |i: usize, j: usize| minor(j, i) / determinant;
    Ok(std::array::from_fn(|i| {
        let offset = -(0..3).map(|k| of(i, k) * a[k][3]).sum::<f64>();
        [of(i, 0), of(i, 1), of(i, 2), offset]
    }))
}

/// The places of the voxels of one grid among those of another.
pub(super) struct Places {
    matrix: [[f64; 4]; 3],
    from: [usize; 3],
    among: [usize; 3],
}

/// A voxel along one axis, the share of the way to the next, and the distance to the next in the order of voxels (0 where there is none).
type Along = (usize, f64, usize);

impl Places {
    /// For each voxel, the nearest of the other grid; `None` where it lies outside. As in `scipy.ndimage.affine_transform` of order 0, by
    /// which nilearn takes an atlas, the higher of two that are equally near is taken, and outside is what lies beyond the centres of the
    /// voxels at the border.
    pub(super) fn nearest(&self) -> impl Iterator<Item = Option<usize>> {
        let [nx, ny, nz] = self.from;
        let rows = (0..nz).flat_map(move |z| (0..ny).map(move |y| (y, z)));
        rows.flat_map(move |(y, z)| (0..nx).map(move |x| self.nearest_to([x, y, z])))
    }

    fn nearest_to(&self, voxel: [usize; 3]) -> Option<usize> {
        let [x, y, z] = self.within(voxel)?.map(|c| (c + 0.5 + ROUNDING).floor() as usize);
        let [nx, ny, nz] = self.among;
        Some(x.min(nx - 1) + nx * (y.min(ny - 1) + ny * z.min(nz - 1)))
    }

    /// The values of the other grid at each voxel, by linear interpolation; 0 outside, as [`Places::nearest`] has it.
    pub(super) fn linear(&self, values: &[f64]) -> Vec<f64> {
        let [nx, ny, nz] = self.from;
        let mut out = vec![0.0; nx * ny * nz];
        parallel::rows(&mut out, nx, 64 * nx, |row, out| {
            for (x, out) in out.iter_mut().enumerate() {
                *out = self.within([x, row % ny, row / ny]).map_or(0.0, |place| self.interpolated(values, place));
            }
        });
        out
    }

    fn interpolated(&self, values: &[f64], place: [f64; 3]) -> f64 {
        let [nx, ny, nz] = self.among;
        let along = |c: f64, n: usize, stride: usize| -> Along {
            let low = (c.floor() as usize).min(n - 1);
            (low, c - low as f64, if low + 1 < n { stride } else { 0 })
        };
        let [x, y, z] = [along(place[0], nx, 1), along(place[1], ny, nx), along(place[2], nz, nx * ny)];
        let first = x.0 + nx * (y.0 + ny * z.0);
        let corner = |i: usize| {
            let of = |(_, share, step): Along, bit: usize| if i >> bit & 1 == 1 { (share, step) } else { (1.0 - share, 0) };
            let [(a, i), (b, j), (c, k)] = [of(x, 0), of(y, 1), of(z, 2)];
            a * b * c * values[first + i + j + k]
        };
        (0..8).map(corner).sum()
    }

    /// The place of a voxel; `None` outside.
    fn within(&self, voxel: [usize; 3]) -> Option<[f64; 3]> {
        let v = voxel.map(|i| i as f64);
        let mut place = [0.0; 3];
        for ((c, row), n) in place.iter_mut().zip(&self.matrix).zip(self.among) {
            let last = (n - 1) as f64;
            let at = row[0] * v[0] + row[1] * v[1] + row[2] * v[2] + row[3];
            // NaN is outside.
            if !(-ROUNDING..=last + ROUNDING).contains(&at) {
                return None;
            }
            *c = at.clamp(0.0, last);
        }
        Some(place)
    }
}
