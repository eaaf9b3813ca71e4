//! Correlations and covariances without the whole matrix in memory, held to the definitions in f64.

use crate::common::golden::worst;
use crate::common::gpu;
use tapetum::connectome::connectivity::large::Edges;
use tapetum::connectome::connectivity::measure::{Connectivity, Kind};
use tapetum::connectome::connectivity::shrinkage::Shrinkage;
use tapetum::{Device, HostTensor};

const TIME: usize = 29;

/// Series that no two regions share, with a mean far from 0.
fn series(n: usize) -> Vec<f64> {
    let value = |i: usize, t: usize| {
        let own = ((i * 7919 + t * 104_729 + i * t * 31) % 1009) as f64 / 1009.0;
        50.0 + own + 0.7 * (t as f64 * (1 + i % 5) as f64 / 4.0).sin()
    };
    (0..n * TIME).map(|at| value(at / TIME, at % TIME)).collect()
}

/// The covariance of two rows, divided by T − 1.
fn covariance(x: &[f64], y: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (mx, my) = (mean(x), mean(y));
    x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / (x.len() - 1) as f64
}

/// The matrix `[n, n]` by its definition.
fn matrix(kind: Kind, x: &[f64]) -> Vec<f64> {
    let rows: Vec<&[f64]> = x.chunks_exact(TIME).collect();
    let entry = |a: &[f64], b: &[f64]| match (kind, (covariance(a, a) * covariance(b, b)).sqrt()) {
        (Kind::Covariance, _) => covariance(a, b),
        (_, 0.0) => 0.0,
        (_, both) => covariance(a, b) / both,
    };
    rows.iter().flat_map(|a| rows.iter().map(|b| entry(a, b)).collect::<Vec<_>>()).collect()
}

/// Series in f64, so that no value is rounded before the mean is off.
fn tensor(n: usize, x: Vec<f64>) -> HostTensor {
    HostTensor::real([n, TIME], x).unwrap()
}

fn devices() -> [Device; 3] {
    [Device::cpu(), Device::oracle(), gpu()]
}

fn rows(measure: &Connectivity, device: &Device, series: &HostTensor, missing: &[bool]) -> Vec<f64> {
    let mut found = Vec::new();
    let take = |row: &[f32]| {
        found.extend(row.iter().map(|&x| f64::from(x)));
        Ok(())
    };
    measure.rows(device, series, missing, take).unwrap();
    found
}

fn edges(measure: &Connectivity, device: &Device, series: &HostTensor, missing: &[bool], which: Edges) -> Vec<(usize, usize, f64)> {
    let (mut found, mut next) = (Vec::new(), 0);
    let take = |row: usize, columns: &[usize], values: &[f32]| {
        assert_eq!((row, columns.len()), (next, values.len()));
        assert!(columns.windows(2).all(|pair| pair[0] < pair[1]), "ascending columns in row {row}");
        next += 1;
        found.extend(columns.iter().zip(values).map(|(&column, &value)| (row, column, f64::from(value))));
        Ok(())
    };
    measure.edges(device, series, missing, which, take).unwrap();
    assert_eq!(next, series.shape()[0], "every region has its row");
    found
}

fn near(found: &[(usize, usize, f64)], wanted: &[(usize, usize, f64)]) {
    assert_eq!(found.len(), wanted.len());
    for (f, w) in found.iter().zip(wanted) {
        assert!((f.0, f.1) == (w.0, w.1) && (f.2 - w.2).abs() < 1e-6, "{f:?} where {w:?} is expected");
    }
}

/// The k greatest of each row, of equals the first, by a full sort.
fn strongest(m: &[f64], n: usize, k: usize) -> Vec<(usize, usize, f64)> {
    let of_row = |i: usize| {
        let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        others.sort_by(|&a, &b| m[i * n + b].total_cmp(&m[i * n + a]));
        others.truncate(k);
        others.sort_unstable();
        others.into_iter().map(move |j| (i, j, m[i * n + j])).collect::<Vec<_>>()
    };
    (0..n).flat_map(of_row).collect()
}

fn passing(m: &[f64], n: usize, threshold: f64) -> Vec<(usize, usize, f64)> {
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j, m[i * n + j])));
    pairs.filter(|(_, _, value)| *value >= threshold).collect()
}

/// A threshold from which every value of the matrix is far beside its rounding.
fn clear_threshold(m: &[f64], about: f64) -> f64 {
    (0..).map(|step| about + f64::from(step) * 1e-4).find(|t| m.iter().all(|x| (x - t).abs() > 2e-5)).unwrap()
}

#[test]
fn panels_hold_what_the_whole_matrix_holds() {
    for n in [1, 2, 7, 65, 257] {
        for kind in [Kind::Correlation, Kind::Covariance] {
            let (x, measure) = (series(n), Connectivity::new(kind));
            let m = matrix(kind, &x);
            let threshold = clear_threshold(&m, 0.2);
            let x = tensor(n, x);
            for device in devices() {
                let found = rows(&measure, &device, &x, &[]);
                assert_eq!(found.len(), n * n);
                let worst = worst(found.iter().zip(&m).map(|(f, w)| (f - w).abs()));
                assert!(worst < 1e-6, "{kind:?} of {n} on {}: {worst:.1e}", device.name());
                let found = edges(&measure, &device, &x, &[], Edges::Threshold(threshold as f32));
                near(&found, &passing(&m, n, threshold));
                let (degrees, _) = measure.degrees(&device, &x, &[], threshold as f32).unwrap();
                let count = |i: usize| (0..n).filter(|&j| j != i && m[i * n + j] >= threshold).count() as f64;
                assert_eq!(degrees.to_f64_vec(), (0..n).map(count).collect::<Vec<_>>());
                for k in [1, 3, n.saturating_sub(1)].into_iter().filter(|&k| k < n && k > 0) {
                    near(&edges(&measure, &device, &x, &[], Edges::TopK(k)), &strongest(&m, n, k));
                }
            }
        }
    }
}

/// A panel of 64 MiB holds 3,840 rows of 4,300 regions: the second is not full.
#[test]
fn a_second_panel_goes_on_where_the_first_ends() {
    let n = 4300;
    let x = tensor(n, series(n));
    let measure = Connectivity::new(Kind::Correlation);
    let whole = measure.compute(&Device::cpu(), &x).unwrap().values.to_f64_vec();
    for device in [Device::cpu(), gpu()] {
        let mut at = 0;
        let compare = |row: &[f32]| {
            let worst = worst(row.iter().zip(&whole[at * n..]).map(|(f, w)| (f64::from(*f) - w).abs()));
            assert!(worst < 1e-6, "row {at} on {}: {worst:.1e}", device.name());
            at += 1;
            Ok(())
        };
        measure.rows(&device, &x, &[], compare).unwrap();
        assert_eq!(at, n);
    }
}

#[test]
fn equal_values_leave_the_first() {
    // Regions 1, 2 and 4 have the same series, and 3 is its negative.
    let base = series(2);
    let (a, b) = base.split_at(TIME);
    let turned: Vec<f64> = b.iter().map(|x| -x).collect();
    let x = tensor(5, [a, b, b, &turned, b].concat());
    let measure = Connectivity::new(Kind::Correlation);
    for device in devices() {
        let found = edges(&measure, &device, &x, &[], Edges::TopK(1));
        let ends: Vec<usize> = found.iter().map(|edge| edge.1).collect();
        // The correlation of 0 with each of 1, 2 and 4 is the same, positive or negative.
        let first = if matrix(Kind::Correlation, &base)[1] > 0.0 { 1 } else { 3 };
        assert_eq!((ends[0], ends[1], ends[2], ends[4]), (first, 2, 1, 1), "{}", device.name());
        let exact = edges(&measure, &device, &x, &[], Edges::Threshold(1.0 - 1e-6));
        assert_eq!(exact.iter().map(|edge| (edge.0, edge.1)).collect::<Vec<_>>(), [(1, 2), (1, 4), (2, 4)]);
    }
}

#[test]
fn thresholds_that_nothing_or_everything_passes() {
    let n = 7;
    let x = tensor(n, series(n));
    let measure = Connectivity::new(Kind::Correlation);
    for device in devices() {
        assert!(edges(&measure, &device, &x, &[], Edges::Threshold(1.1)).is_empty());
        assert_eq!(edges(&measure, &device, &x, &[], Edges::Threshold(-1.0)).len(), n * (n - 1) / 2);
        let degrees = |threshold| measure.degrees(&device, &x, &[], threshold).unwrap().0.to_f64_vec();
        assert_eq!((degrees(1.1), degrees(-1.0)), (vec![0.0; n], vec![6.0; n]));
    }
}

#[test]
fn missing_regions_and_constant_series_have_no_edges() {
    let n = 6;
    let mut x = series(n);
    x[2 * TIME..3 * TIME].fill(0.0);
    x[4 * TIME..5 * TIME].fill(3.5);
    let missing = [false, false, true, false, false, false];
    let m = matrix(Kind::Correlation, &x);
    let x = tensor(n, x);
    for (device, fisher_z) in devices().into_iter().flat_map(|d| [(d.clone(), false), (d, true)]) {
        let mut measure = Connectivity::new(Kind::Correlation);
        measure.fisher_z = fisher_z;
        let value = |r: f64| if fisher_z { r.atanh() } else { r };
        let found = edges(&measure, &device, &x, &missing, Edges::TopK(5));
        let pairs = [0, 1, 3, 5].into_iter().flat_map(|i| [0, 1, 3, 5].into_iter().filter(move |&j| j != i).map(move |j| (i, j)));
        near(&found, &pairs.map(|(i, j)| (i, j, value(m[i * n + j]))).collect::<Vec<_>>());
        assert_eq!(edges(&measure, &device, &x, &missing, Edges::Threshold(-2.0)).len(), 6);
        let (degrees, found) = measure.degrees(&device, &x, &missing, -2.0).unwrap();
        assert_eq!((found.constant, found.far.len()), (vec![4], 0));
        let degrees = degrees.to_f64_vec();
        assert!(degrees[2].is_nan());
        assert_eq!([degrees[0], degrees[1], degrees[3], degrees[4], degrees[5]], [3.0, 3.0, 3.0, 0.0, 3.0]);
        let whole = measure.compute_present(&device, &x, &missing).unwrap().values.to_f64_vec();
        for (at, (found, wanted)) in rows(&measure, &device, &x, &missing).into_iter().zip(whole).enumerate() {
            assert!(found == wanted || found.is_nan() && wanted.is_nan() || (found - wanted).abs() < 1e-6, "{at}: {found} for {wanted}");
        }
    }
    let all = vec![true; n];
    let measure = Connectivity::new(Kind::Correlation);
    assert!(edges(&measure, &Device::cpu(), &x, &all, Edges::TopK(2)).is_empty());
    assert!(rows(&measure, &Device::cpu(), &x, &all).iter().all(|x| x.is_nan()));
}

#[test]
fn what_cannot_be_is_an_error() {
    let (device, x) = (Device::cpu(), tensor(5, series(5)));
    let says = |measure: &Connectivity, x: &HostTensor, missing: &[bool], which: Edges, part: &str| {
        let message = measure.edges(&device, x, missing, which, |_, _, _| Ok(())).expect_err("an error").to_string();
        assert!(message.contains(part), "`{message}` does not say `{part}`");
    };
    let correlation = Connectivity::new(Kind::Correlation);
    says(&correlation, &x, &[], Edges::TopK(5), "a number from 1 to 4 is expected for 5 regions");
    says(&correlation, &x, &[], Edges::TopK(0), "a number from 1 to 4");
    says(&correlation, &x, &[], Edges::Threshold(f32::NAN), "NaN");
    says(&correlation, &x, &[true], Edges::TopK(1), "a mark for each region");
    says(&correlation, &HostTensor::real([1, 5, TIME], series(5)).unwrap(), &[], Edges::TopK(1), "[regions, time]");
    says(&Connectivity::new(Kind::Precision), &x, &[], Edges::TopK(1), "only correlations and covariances");
    says(&correlation.clone().shrunk(Shrinkage::Oas), &x, &[], Edges::TopK(1), "without shrinkage");
    for value in [f64::NAN, f64::INFINITY, 1e200] {
        let mut held = series(5);
        held[3 * TIME + 2] = value;
        says(&correlation, &tensor(5, held), &[], Edges::TopK(1), "region 3 (counted from 0) has a value that is not a finite f32");
    }
    let mut large = series(5);
    large[2 * TIME] = 1e30;
    says(&Connectivity::new(Kind::Covariance), &tensor(5, large), &[], Edges::TopK(1), "other units");
    assert!(correlation.degrees(&device, &x, &[], f32::NAN).is_err());
    // An error of the taker ends the work.
    let stop = correlation.rows(&device, &x, &[], |_| Err(tapetum::Error::argument("stop")));
    assert_eq!(stop.unwrap_err().to_string(), "stop");
}
