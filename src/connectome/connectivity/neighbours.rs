//! Edges and degrees of correlations by the ops that keep them on a GPU, so that no panel of rows is read back.

use super::large::Edges;
use super::panels::Panels;
use crate::{Device, Error, HostTensor, Result, State, Tape, Var};

/// The edges of each row: the other end of each, counted over the regions that vary, and its value.
type Neighbours = Vec<Vec<(usize, f32)>>;

/// The edges of each row; `None` where panels of rows are to be used instead.
pub(super) async fn strongest(panels: &Panels, device: &Device, which: Edges) -> Result<Option<Neighbours>> {
    let Edges::TopK(k) = which else { return Ok(None) };
    if is_fast(device) { top_k(panels, device, k).await } else { Ok(None) }
}

/// The number of others whose correlation with each row is `threshold` or greater; `None` as for [`strongest`].
pub(super) async fn counts(panels: &Panels, device: &Device, threshold: f32) -> Result<Option<Vec<f32>>> {
    if is_fast(device) { degrees(panels, device, threshold).await } else { Ok(None) }
}

/// The ops compute all rows in one submission. On a software adapter it could take longer than a submission may.
fn is_fast(device: &Device) -> bool {
    matches!(device, Device::Gpu(context) if !context.target().software)
}

async fn top_k(panels: &Panels, device: &Device, k: usize) -> Result<Option<Neighbours>> {
    let k = k.min(panels.varying.len().saturating_sub(1));
    let made = run(panels, device, |tape, x| tape.top_k_neighbours(x, k).map(|(values, indices)| vec![values, indices])).await?;
    let Some([values, indices]) = made.as_deref() else { return Ok(None) };
    let indices = indices.as_i32().ok_or_else(|| Error::argument("indices are expected of the strongest neighbours"))?;
    let pairs: Vec<(usize, f32)> = indices.iter().zip(values.elements::<f32>()?).map(|(&j, &r)| (j as usize, r)).collect();
    // Every row needs its place, those without a neighbour too.
    Ok(Some((0..panels.varying.len()).map(|row| pairs[row * k..(row + 1) * k].to_vec()).collect()))
}

async fn degrees(panels: &Panels, device: &Device, threshold: f32) -> Result<Option<Vec<f32>>> {
    // The op counts what is above a threshold.
    let made = run(panels, device, |tape, x| tape.degree(x, threshold.next_down()).map(|counts| vec![counts])).await?;
    match made.as_deref() {
        Some([counts]) => Ok(Some(counts.elements::<f32>()?.to_vec())),
        _ => Ok(None),
    }
}

/// Runs an op over the standardised rows; `None` where the values are no correlations, there are no two rows, or the device does not bind
/// the tensors of the op.
async fn run(panels: &Panels, device: &Device, op: impl Fn(&mut Tape, Var) -> Result<Vec<Var>>) -> Result<Option<Vec<HostTensor>>> {
    let Some(units) = panels.of_correlations().filter(|_| panels.varying.len() > 1).transpose()? else { return Ok(None) };
    let mut tape = Tape::new();
    let x = tape.input("series", units.ty())?;
    let outputs = op(&mut tape, x)?;
    match device.compile_async(&tape, &outputs, &State::new(device)).await {
        Ok(mut program) => program.run_async(&[(x, &units)]).await.map(Some),
        Err(Error::TooLarge { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocking::block_on;
    use crate::connectome::connectivity::measure::{Connectivity, Kind};
    use crate::gpu::Options;

    /// On any adapter, software included, the ops keep what panels of rows hold.
    #[test]
    fn the_ops_keep_what_panels_hold() {
        let device = Device::gpu(&Options { software: true, ..Options::from_env() }).unwrap();
        for (n, k) in [(2, 1), (7, 9), (65, 4)] {
            let value = |at: usize| ((at * at * 31 + at * 17) % 1009) as f64 / 100.0;
            let series = HostTensor::real([n, 23], (0..n * 23).map(value).collect()).unwrap();
            let panels = Panels::new(&Connectivity::new(Kind::Correlation), &series, &[]).unwrap();
            let mut rows = Vec::new();
            let take = async |_: std::ops::Range<usize>, values: &[f32]| {
                rows.extend_from_slice(values);
                Ok(())
            };
            block_on(panels.each(&Device::oracle(), take)).unwrap().unwrap();
            let counted = block_on(degrees(&panels, &device, 0.1)).unwrap().unwrap().unwrap();
            let found = block_on(top_k(&panels, &device, k)).unwrap().unwrap().unwrap();
            for (i, kept) in found.into_iter().enumerate() {
                let mut wanted: Vec<f32> = (0..n).filter(|&j| j != i).map(|j| rows[i * n + j]).collect();
                assert_eq!(counted[i], wanted.iter().filter(|r| **r >= 0.1).count() as f32);
                wanted.sort_by(|a, b| b.total_cmp(a));
                assert_eq!(kept.len(), k.min(n - 1));
                for ((j, r), wanted) in kept.into_iter().zip(wanted) {
                    assert!((r - wanted).abs() < 1e-6 && (rows[i * n + j] - wanted).abs() < 1e-6 && j != i, "row {i} of {n}");
                }
            }
        }
    }
}
