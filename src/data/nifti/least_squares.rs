//! The least-squares fit of maps to a frame, as nilearn's `NiftiMapsMasker`: min over x of ‖Mx − y‖², M `[voxels, maps]`, y the frame.

use super::regions::Map;
use crate::ops::spd::inverse;
use crate::tensor::parallel;

/// Maps, and what solves for their series.
pub(super) struct LeastSquares {
    maps: Vec<Map>,
    /// The places of the maps that have a voxel.
    kept: Vec<usize>,
    /// 1 / ‖m‖ of each map kept, by which it is scaled to length 1.
    scale: Vec<f64>,
    /// (MᵀM)⁻¹ of the scaled maps.
    inverse: Vec<f64>,
}

impl LeastSquares {
    /// # Errors
    /// The message names a map that is a combination of those before it: of these, the fit has no single solution.
    pub(super) fn new(maps: Vec<Map>, voxels: usize) -> Result<Self, String> {
        let kept: Vec<usize> = (0..maps.len()).filter(|i| !maps[*i].voxels.is_empty()).collect();
        let n = kept.len();
        let scale: Vec<f64> = kept.iter().map(|i| 1.0 / maps[*i].weights.iter().map(|w| w * w).sum::<f64>().sqrt()).collect();
        let mut gram = vec![0.0; n * n];
        let work = kept.iter().map(|i| maps[*i].voxels.len()).sum();
        parallel::rows(&mut gram, n, work, |row, out| {
            let mut dense = vec![0.0; voxels];
            maps[kept[row]].entries().for_each(|(voxel, w)| dense[voxel] = w);
            for (column, out) in out.iter_mut().enumerate() {
                *out = scale[row] * scale[column] * along(&maps[kept[column]], &dense);
            }
        });
        if let Some(at) = gram.iter().position(|x| !x.is_finite()) {
            return Err(format!("the weights of map {}, counted from 0, are too large or too small to be squared", kept[at / n.max(1)]));
        }
        let (inverse, left_out) = inverse(&gram, n);
        if let Some(map) = left_out.first() {
            return Err(format!(
                "map {}, counted from 0, is a combination of those before it, so least squares have no single solution: --maps \
                 weighted-mean takes each map by itself",
                kept[*map]
            ));
        }
        Ok(Self { maps, kept, scale, inverse })
    }

    /// The maps' series at one frame; 0 for a map without a voxel.
    pub(super) fn fit(&self, frame: &[f64], out: &mut [f64]) {
        let mut residual = frame.to_vec();
        // The second turn takes off what the normal equations lost to rounding.
        for _ in 0..2 {
            let of = self.kept.iter().zip(&self.scale).map(|(i, scale)| scale * along(&self.maps[*i], &residual)).collect::<Vec<f64>>();
            for ((row, i), scale) in self.inverse.chunks_exact(self.kept.len().max(1)).zip(&self.kept).zip(&self.scale) {
                let x = scale * row.iter().zip(&of).map(|(a, b)| a * b).sum::<f64>();
                out[*i] += x;
                self.maps[*i].entries().for_each(|(voxel, w)| residual[voxel] -= w * x);
            }
        }
    }

    /// The voxels of all maps.
    pub(super) fn voxels(&self) -> impl Iterator<Item = u32> {
        self.maps.iter().flat_map(|map| map.voxels.iter().copied())
    }
}

/// The inner product of a map with a frame.
pub(super) fn along(map: &Map, frame: &[f64]) -> f64 {
    map.entries().map(|(voxel, w)| w * frame[voxel]).sum()
}
