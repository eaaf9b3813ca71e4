//! Graphs from files.

use crate::data;
use crate::topology::Diagrams;
use crate::{DType, Device, Error, HostTensor, Result};
use std::path::Path;

/// The largest difference of two entries across the diagonal that counts as rounding, as a fraction of the largest weight.
const ROUNDING: f32 = 1e-5;

/// One graph, `[n, n]`.
pub(super) fn read_one(path: &Path) -> Result<HostTensor> {
    let w = read(path)?;
    match *w.shape() {
        [n, m] if n == m => checked(path, w),
        _ => Err(Error::file(path, format!("an array of shape {}: weights [n, n] expected", w.shape()))),
    }
}

/// A stack of graphs, `[graphs, n, n]`.
pub(super) fn read_stack(path: &Path) -> Result<HostTensor> {
    let w = read(path)?;
    match *w.shape() {
        [0, _, _] => Err(Error::file(path, "no graphs: at least one is expected")),
        [_, n, m] if n == m => checked(path, w),
        _ => Err(Error::file(path, format!("an array of shape {}: weights [graphs, n, n] expected", w.shape()))),
    }
}

fn read(path: &Path) -> Result<HostTensor> {
    let array = data::read_npy(path)?;
    match array.dtype() {
        DType::F32 | DType::F16 => Ok(array.to_real::<f32>()),
        DType::I32 | DType::U32 => HostTensor::f32(array.shape(), array.to_f64_vec().into_iter().map(|x| x as f32).collect()),
    }
}

/// Checks that weights are finite and symmetric up to rounding, and copies the entries above the diagonal to those below it.
fn checked(path: &Path, w: HostTensor) -> Result<HostTensor> {
    let shape = w.shape();
    let n = shape[shape.rank() - 1];
    if n < 2 {
        return Err(Error::file(path, format!("graphs of {n} node: at least 2 are expected")));
    }
    let mut weights = w.elements::<f32>()?.to_vec();
    let graphs = weights.len() / (n * n);
    for (graph, w) in weights.chunks_exact_mut(n * n).enumerate() {
        let of = if graphs > 1 { format!("graph {graph}, ") } else { String::new() };
        let named = |i: usize, j: usize, what: String| Err(Error::file(path, format!("{of}row {i}, column {j} (counted from 0): {what}")));
        let apart = |at: usize| at / n != at % n;
        if let Some(at) = (0..n * n).find(|&at| apart(at) && !w[at].is_finite()) {
            return named(at / n, at % n, format!("{}: a finite number is expected", w[at]));
        }
        let most = w.iter().enumerate().filter(|(at, _)| apart(*at)).fold(0.0f32, |most, (_, x)| most.max(x.abs()));
        for i in 0..n {
            for j in i + 1..n {
                let (x, across) = (w[i * n + j], w[j * n + i]);
                if (x - across).abs() > ROUNDING * most {
                    return named(i, j, format!("{x}, and {across} across the diagonal: a symmetric matrix is expected"));
                }
                w[j * n + i] = x;
            }
            w[i * n + i] = 0.0;
        }
    }
    HostTensor::f32(shape, weights)
}

/// The births and deaths of the graphs in a file.
pub(super) fn diagrams(device: &Device, path: &Path, graphs: &HostTensor) -> Result<Diagrams> {
    Diagrams::new(device, graphs).map_err(|e| match e {
        Error::Argument { what } => Error::file(path, what),
        other => other,
    })
}
