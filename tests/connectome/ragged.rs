//! Connectivity of subjects whose series differ in length, against that of one subject at a time and of subjects of one length.

use crate::common::golden::worst;
use tapetum::connectome::connectivity::mean::{Stop, geometric_mean};
use tapetum::connectome::connectivity::measure::{Connectivity, Diagonal, Fitted, Kind};
use tapetum::connectome::connectivity::shrinkage::Shrinkage;
use tapetum::{Device, HostTensor};

const REGIONS: usize = 5;

/// Series of a subject, far from 0, with a source that all regions share.
fn subject(seed: usize, frames: usize) -> HostTensor {
    let draw = |i: usize| ((i as f64 * 12.9898 + seed as f64 * 78.233).sin() * 43_758.545_3).rem_euclid(1.0) - 0.5;
    let value = |i: usize| 100.0 * (i / frames) as f64 + draw(i) + 0.7 * draw(1_000_000 + i % frames);
    HostTensor::real([REGIONS, frames], (0..REGIONS * frames).map(value).collect::<Vec<f64>>()).unwrap()
}

fn cohort() -> Vec<HostTensor> {
    [60, 47, 60, 80].into_iter().enumerate().map(|(seed, frames)| subject(seed, frames)).collect()
}

fn close(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    let worst = worst(found.iter().zip(wanted).map(|(f, w)| (f - w).abs()));
    assert!(worst <= tolerance, "{worst:.1e}");
}

#[test]
fn matrices_are_those_of_each_subject_alone() {
    for kind in [Kind::Correlation, Kind::Covariance, Kind::PartialCorrelation, Kind::Precision] {
        for shrinkage in [Shrinkage::None, Shrinkage::LedoitWolf] {
            let measure = Connectivity::new(kind).shrunk(shrinkage).vectorised(Diagonal::Kept);
            let found = measure.compute_each(&Device::cpu(), &cohort()).unwrap();
            let alone =
                cohort().iter().flat_map(|one| measure.compute(&Device::cpu(), one).unwrap().values.to_f64_vec()).collect::<Vec<_>>();
            close(&found.values.to_f64_vec(), &alone, 1e-5 * alone.iter().fold(0.0, |m: f64, x| m.max(x.abs())));
        }
    }
}

#[test]
fn tangents_are_at_the_geometric_mean_of_all_covariances() {
    let shrunk = |kind| Connectivity::new(kind).shrunk(Shrinkage::LedoitWolf);
    let (fitted, tangents) = shrunk(Kind::Tangent).fit_transform_each(&Device::cpu(), &cohort()).unwrap();
    let covariances = shrunk(Kind::Covariance).compute_each(&Device::cpu(), &cohort()).unwrap().values;
    let mean = geometric_mean(&Device::cpu(), &covariances.to_real::<f64>(), Stop::default()).unwrap().mean;
    close(&fitted.reference.to_f64_vec(), &mean.to_f64_vec(), 1e-6);
    close(&fitted.inverse(&tangents.values).unwrap().to_f64_vec(), &covariances.to_f64_vec(), 1e-6);
    close(&fitted.transform_each(&Device::cpu(), &cohort()).unwrap().values.to_f64_vec(), &tangents.values.to_f64_vec(), 1e-6);
    // A reference that was kept gives the same, and its whitening whitens it.
    let again = Fitted::at(&shrunk(Kind::Tangent), fitted.reference.clone(), fitted.kept.clone()).unwrap();
    close(&again.transform_each(&Device::cpu(), &cohort()).unwrap().values.to_f64_vec(), &tangents.values.to_f64_vec(), 1e-6);
    let (w, m) = (fitted.whitening().unwrap().to_f64_vec(), fitted.reference.to_f64_vec());
    let product = |a: &[f64], b: &[f64]| -> Vec<f64> {
        (0..REGIONS * REGIONS).map(|at| (0..REGIONS).map(|k| a[at / REGIONS * REGIONS + k] * b[k * REGIONS + at % REGIONS]).sum()).collect()
    };
    let one = (0..REGIONS * REGIONS).map(|at| if at % (REGIONS + 1) == 0 { 1.0 } else { 0.0 }).collect::<Vec<_>>();
    close(&product(&product(&w, &m), &w), &one, 1e-12);
}

#[test]
fn subjects_of_one_length_are_as_in_one_tensor() {
    let series: Vec<HostTensor> = (0..3).map(|seed| subject(seed, 50)).collect();
    let together = HostTensor::real([3, REGIONS, 50], series.iter().flat_map(HostTensor::to_f64_vec).collect::<Vec<f64>>()).unwrap();
    for kind in [Kind::Correlation, Kind::Tangent] {
        let measure = Connectivity::new(kind);
        let [each, whole] = [measure.compute_each(&Device::cpu(), &series), measure.compute(&Device::cpu(), &together)];
        assert_eq!(each.unwrap().values, whole.unwrap().values);
    }
}

#[test]
fn a_constant_region_is_named_and_left_out() {
    let mut series = cohort();
    let mut values = series[1].to_f64_vec();
    values[2 * 47..3 * 47].fill(4.0);
    series[1] = HostTensor::real([REGIONS, 47], values).unwrap();
    let found = Connectivity::new(Kind::Correlation).compute_each(&Device::cpu(), &series).unwrap();
    assert_eq!(found.rows.constant, [REGIONS + 2]);
    let (fitted, tangents) = Connectivity::new(Kind::Tangent).fit_transform_each(&Device::cpu(), &series).unwrap();
    assert_eq!((fitted.kept, tangents.rows.constant), (vec![true, true, false, true, true], vec![REGIONS + 2]));
    for matrix in tangents.values.to_f64_vec().chunks(REGIONS * REGIONS) {
        assert!((0..REGIONS).all(|i| matrix[2 * REGIONS + i] == 0.0 && matrix[i * REGIONS + 2] == 0.0));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let (tangent, correlation) = (Connectivity::new(Kind::Tangent), Connectivity::new(Kind::Correlation));
    let refused = |measure: &Connectivity, series: &[HostTensor]| measure.compute_each(&Device::cpu(), series).unwrap_err().to_string();
    assert!(refused(&correlation, &[]).contains("at least one subject"));
    assert!(refused(&tangent, &cohort()[..1]).contains("at least 2"));
    assert!(refused(&correlation, &[subject(0, 1)]).contains("subject 0 (counted from 0): series"));
    let other = HostTensor::real([2, 30], vec![0.5; 60]).unwrap();
    assert!(
        refused(&correlation, &[subject(0, 30), other.clone()])
            .contains("subject 1 (counted from 0): 2 regions, and the subjects before it have 5")
    );
    assert!(refused(&tangent, &[other.clone(), other.reshaped([1, 2, 30]).unwrap()]).contains("[regions, time] are expected"));
    // A subject is called by its place in the list, not among those of its length.
    let short = [subject(0, 30), subject(1, 3), subject(2, 30)];
    assert!(refused(&tangent.clone().shrunk(Shrinkage::None), &short).contains("the covariance of subject 1 (counted from 0)"));
    let mut values = subject(0, 30).to_f64_vec();
    values[7] = f64::NAN;
    assert!(refused(&tangent, &[subject(1, 30), HostTensor::real([REGIONS, 30], values).unwrap()]).contains("finite numbers"));
    let at = |reference, kept| Fitted::at(&tangent, reference, kept).unwrap_err().to_string();
    assert!(at(HostTensor::full([2, 2], 1.0), vec![true; 3]).contains("[3, 3]"));
    assert!(at(HostTensor::full([2, 2], f32::NAN), vec![true; 2]).contains("finite"));
    assert!(at(HostTensor::full([2, 2], -1.0), vec![true; 2]).contains("above 0"));
}
