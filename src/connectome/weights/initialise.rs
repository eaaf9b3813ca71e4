//! Initial values of parameters on the host (hypercoil's `init`), in addition to [`Init`](crate::Init) and
//! [`dirichlet`](crate::connectome::parcels::dirichlet()). They are passed as `Init::Value`, after
//! [`Domain::preimage`](super::Domain::preimage) where a parameter has a domain.

use crate::tensor::{HostTensor, Philox};
use crate::{Error, Result};

/// A unit impulse at index `at` of the last axis plus normal noise, `[rows, length]`: kernels that at first pass a series through
/// (hypercoil's `DeltaPlusInit`).
///
/// # Errors
/// Returns an error where `at` is not below the length.
pub fn delta_plus([rows, length]: [usize; 2], at: usize, deviation: f32, seed: u64, stream: u32) -> Result<HostTensor> {
    if at >= length {
        return Err(Error::argument(format!("an impulse at {at} of {length} entries: below {length} expected")));
    }
    let impulse = |i: usize| if i % length == at { 1.0 } else { 0.0 };
    noisy([rows, length], impulse, deviation, seed, stream)
}

/// The function e^(−|i − centre| / width) along the last axis plus normal noise, `[rows, length]` (hypercoil's `LaplaceInit`).
///
/// # Errors
/// Returns an error where the width is not above 0.
pub fn laplace([rows, length]: [usize; 2], centre: f32, width: f32, deviation: f32, seed: u64, stream: u32) -> Result<HostTensor> {
    if !(width > 0.0 && width.is_finite()) {
        return Err(Error::argument(format!("a width above 0 expected, found {width}")));
    }
    noisy([rows, length], |i| (-((i % length) as f32 - centre).abs() / width).exp(), deviation, seed, stream)
}

fn noisy(shape: [usize; 2], value: impl Fn(usize) -> f32, deviation: f32, seed: u64, stream: u32) -> Result<HostTensor> {
    let draws = Philox::new(seed, stream, 0);
    HostTensor::f32(shape, (0..shape[0] * shape[1]).map(|i| value(i) + deviation * draws.normal(i) as f32).collect())
}

/// Toeplitz matrices `[rows, columns]`, whose entries depend only on j − i: `below` for i ≥ j from the diagonal down, and `above` for i <
/// j. The first entry of `above` belongs to the diagonal and is not read. Entries beyond either list are 0 (SciPy's `toeplitz`; hypercoil's
/// `ToeplitzInit`).
///
/// # Errors
/// Extents in range cause no error.
pub fn toeplitz([rows, columns]: [usize; 2], below: &[f32], above: &[f32]) -> Result<HostTensor> {
    let entry = |at: usize| {
        let (i, j) = (at / columns, at % columns);
        let found = if i >= j { below.get(i - j) } else { above.get(j - i) };
        found.copied().unwrap_or(0.0)
    };
    HostTensor::f32([rows, columns], (0..rows * columns).map(entry).collect())
}

/// A random bipartite lattice, a matrix of 0 and 1 `[outputs, inputs]`: all outputs have the same number of inputs, and all inputs the same
/// number of outputs. The number of edges is `order` times the least common multiple of both extents, or all edges where that is more. It
/// serves as a mask for [`Tape::network_compression`](crate::Tape::network_compression) (hypercoil's `random_bipartite_lattice`).
///
/// # Errors
/// Returns an error where an extent or the order is 0.
pub fn bipartite_lattice([outputs, inputs]: [usize; 2], order: usize, seed: u64, stream: u32) -> Result<HostTensor> {
    if outputs == 0 || inputs == 0 || order == 0 {
        return Err(Error::argument(format!("a lattice of order {order} between {inputs} inputs and {outputs} outputs: none may be 0")));
    }
    let (mut a, mut b) = (outputs, inputs);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    let edges = (order * (outputs / a * inputs)).min(outputs * inputs);
    let (of_output, of_input) = (edges / outputs, edges / inputs);
    let draws = Philox::new(seed, stream, 0);
    let (mut lattice, mut used) = (vec![0.0; outputs * inputs], vec![0; inputs]);
    for o in 0..outputs {
        // The inputs that lack most edges come first, so that none lacks more than the outputs that are left. Ties are broken at random.
        let mut order: Vec<usize> = (0..inputs).collect();
        order.sort_by_key(|&i| (used[i], draws.word(o * inputs + i)));
        for &i in order.iter().filter(|&&i| used[i] < of_input).take(of_output).collect::<Vec<_>>() {
            lattice[o * inputs + i] = 1.0;
            used[i] += 1;
        }
    }
    HostTensor::f32([outputs, inputs], lattice)
}
