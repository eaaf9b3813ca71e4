//! Homogeneity: the similarity of the series within parcels.

use crate::{Error, Result};

/// The homogeneity of a parcellation: for each parcel the mean Pearson correlation over distinct pairs of its vertices, averaged over
/// parcels weighted by size. A parcel of one vertex counts as 0. `z` are rows `[vertices, time]` of
/// [`unit_rows`](crate::statistics::standardise::unit_rows); labels below 0 are left out.
///
/// For unit rows, the sum over distinct ordered pairs is |Σ z|² − n.
///
/// # Errors
/// Returns an error where there is not one label for every row, or no row has a label of 0 or more, because the mean is then undefined.
pub fn homogeneity(z: &[f32], time: usize, labels: &[i32]) -> Result<f64> {
    if labels.len() * time != z.len() {
        return Err(Error::argument(format!("{} labels for {} series", labels.len(), z.len() / time.max(1))));
    }
    let parcels = labels.iter().max().map_or(0, |m| (m + 1).max(0) as usize);
    let mut sums = vec![0.0f64; parcels * time];
    let mut sizes = vec![0.0f64; parcels];
    for (row, &label) in z.chunks_exact(time).zip(labels) {
        let Ok(p) = usize::try_from(label) else { continue };
        sizes[p] += 1.0;
        sums[p * time..(p + 1) * time].iter_mut().zip(row).for_each(|(s, &x)| *s += f64::from(x));
    }
    let of = |(p, &n): (usize, &f64)| {
        if n < 2.0 {
            return 0.0;
        }
        let square: f64 = sums[p * time..(p + 1) * time].iter().map(|s| s * s).sum();
        n * (square - n) / (n * (n - 1.0))
    };
    let counted: f64 = sizes.iter().sum();
    if counted == 0.0 {
        return Err(Error::argument("homogeneity of no parcels: at least one label of 0 or more is expected"));
    }
    Ok(sizes.iter().enumerate().map(of).sum::<f64>() / counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::standardise::unit_rows;

    /// Comparison with the definition, by the correlation of every pair.
    #[test]
    fn equals_the_mean_over_pairs() {
        let (v, t) = (7, 33);
        let series: Vec<f32> = (0..v * t).map(|i| ((i * i) as f32 * 0.31).sin() + (i % t) as f32 * 0.05).collect();
        let labels = [0, 1, 0, 0, 2, 1, -1];
        let z = unit_rows(&series, t);
        let correlation = |a: usize, b: usize| -> f64 { (0..t).map(|k| f64::from(z[a * t + k]) * f64::from(z[b * t + k])).sum() };
        let first = (correlation(0, 2) + correlation(0, 3) + correlation(2, 3)) / 3.0;
        let expected = (3.0 * first + 2.0 * correlation(1, 5)) / 6.0;
        assert!((homogeneity(&z, t, &labels).unwrap() - expected).abs() < 1e-6);
        assert!(homogeneity(&z, t, &labels[1..]).is_err());
        assert!(homogeneity(&z, t, &[-1; 7]).unwrap_err().to_string().contains("no parcels"));
    }
}
