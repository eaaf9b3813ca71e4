//! What is timed of these blocks: as the ops', see [`crate::ops::work`].

use super::Moment;
use crate::ops::case::{Draw, f32s};
use crate::ops::work::{Instance, Work};

/// What is timed of this room.
pub(in crate::connectome) fn works() -> Vec<Work> {
    // Parcels, vertices, frames.
    let sizes = [[16, 256, 64], [100, 2562, 652], [400, 20_484, 652]];
    let parcellated = |[p, v, t]: [usize; 3]| vec![f32s([p, v], Draw::Normal), f32s([v, t], Draw::Normal)];
    let placed = |[p, v, _]: [usize; 3]| vec![f32s([p, v], Draw::Uniform(0.1, 1.0)), f32s([v, 3], Draw::Normal)];
    vec![
        Work::new(
            "second_moment",
            sizes.map(|s| {
                Instance::new(parcellated(s), |t, x| {
                    let parcels = t.soft_parcellation(x[0], x[1])?;
                    Ok(vec![t.second_moment(&parcels, x[1], Moment::PerMass)?])
                })
            }),
        ),
        Work::new(
            "mean_second_moment",
            sizes.map(|s| {
                Instance::new(parcellated(s), |t, x| {
                    let parcels = t.soft_parcellation(x[0], x[1])?;
                    Ok(vec![t.mean_second_moment(&parcels, x[1], Moment::PerMass)?])
                })
            }),
        ),
        Work::new(
            "entropy_of_logits",
            sizes.map(|[p, v, _]| Instance::new(vec![f32s([p, v], Draw::Normal)], |t, x| Ok(vec![t.entropy_of_logits(x[0], 0, 1.0)?]))),
        ),
        Work::new(
            "compactness on the sphere",
            sizes.map(|s| Instance::new(placed(s), |t, x| Ok(vec![t.compactness(x[0], x[1], Some(100.0), 0.0)?]))),
        ),
        Work::new(
            "qc_fc",
            [[16, 64], [40, 79_800], [400, 79_800]].map(|[n, e]| {
                Instance::new(vec![f32s([n, e], Draw::Normal), f32s([n], Draw::Normal)], |t, x| Ok(vec![t.qc_fc(x[0], x[1], 0.0)?]))
            }),
        ),
    ]
}
