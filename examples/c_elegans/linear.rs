//! Linear autoregression: the change of every neuron from the last frames of all, by ridge regression.

use crate::recordings::{Recordings, Starts, WINDOW};
use tapetum::{Device, HostTensor, Result, Tape};

/// The weights `[neurons, neurons × WINDOW]` and the bias `[neurons]` of x_{t+1} − x_t, with penalty `alpha` on their squared distance from
/// those given, or from 0.
pub fn ridge(data: &Recordings, starts: &Starts, alpha: f32, towards: Option<[&HostTensor; 2]>) -> Result<[HostTensor; 2]> {
    let (n, rows) = (data.neurons.len(), starts.len());
    let cols = n * WINDOW + 1;
    let windows = data.windows(starts, WINDOW + 1)?;
    let (mut x, mut y) = (Vec::with_capacity(rows * cols), Vec::with_capacity(rows * n));
    for row in windows.elements::<f32>()?.chunks_exact(n * (WINDOW + 1)) {
        for series in row.chunks_exact(WINDOW + 1) {
            x.extend_from_slice(&series[..WINDOW]);
            y.push(series[WINDOW] - series[WINDOW - 1]);
        }
        x.push(1.0);
    }
    let (x, y) = (HostTensor::f32([rows, cols], x)?, HostTensor::f32([rows, n], y)?);
    let mut t = Tape::new();
    let (vx, vy) = (t.input("x", x.ty())?, t.input("y", y.ty())?);
    let square = t.matmul_with(vx, vx, true, false)?;
    let penalty = t.full([cols], alpha)?;
    let penalty = t.diagonal_matrix(penalty)?;
    let square = t.add(square, penalty)?;
    let mut cross = t.matmul_with(vx, vy, true, false)?;
    if let Some([weight, bias]) = towards {
        let (weight, bias) = (t.constant(weight.clone())?, t.constant(bias.clone())?);
        let (weight, bias) = (t.transpose_matrices(weight)?, t.reshape(bias, [1, n])?);
        let prior = t.concatenate(&[weight, bias], 0)?;
        let prior = t.scale(prior, alpha)?;
        cross = t.add(cross, prior)?;
    }
    let solved = t.solve_spd(square, cross)?;
    let solved = Device::oracle().compile(&t, &[solved])?.run(&[(vx, &x), (vy, &y)])?.remove(0).to_f64_vec();
    let weight = (0..n * (cols - 1)).map(|at| solved[at % (cols - 1) * n + at / (cols - 1)] as f32).collect();
    let bias = solved[(cols - 1) * n..].iter().map(|&b| b as f32).collect();
    Ok([HostTensor::f32([n, cols - 1], weight)?, HostTensor::f32([n], bias)?])
}
