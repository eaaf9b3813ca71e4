//! Figures of quality and communities against SciPy and NetworkX, and the choice of components against its rule.

use super::goldens;
use crate::common::golden::numbers;
use serde_json::Value;
use std::collections::BTreeMap;
use tapetum::connectome::confounds::quality::{Cohort, edges};
use tapetum::connectome::confounds::{Column, Confounds, Strategy, formula};
use tapetum::connectome::graph::communities::{louvain, modularity};
use tapetum::{HostTensor, connectome::confounds::quality::pairs};

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

#[test]
fn figures_are_scipys() {
    let wanted = &goldens()["quality"];
    let (found, truth) = (rows(&wanted["found"]), rows(&wanted["truth"]));
    let (motion, lengths) = (numbers(&wanted["motion"]), numbers(&wanted["lengths"]));
    let cohort = Cohort { regions: 12, connectomes: &found, motion: &motion, lengths: &lengths, truth: Some(&truth) };
    let quality = cohort.judge(0).unwrap();
    // f64 beside f64.
    let close = |a: f64, key: &str| assert!((a - wanted[key].as_f64().unwrap()).abs() < 1e-10, "{key}: {a}, not {}", wanted[key]);
    close(quality.qc_fc, "qc_fc");
    close(quality.significant, "significant");
    close(quality.distance_dependence.unwrap(), "distance_dependence");
    close(quality.recovery.unwrap(), "recovery");
    close(quality.identifiability, "modularity");
    let [a, b] = [0, 1].map(|i: usize| numbers(&wanted["ties"][i]));
    assert!((tapetum::statistics::metrics::spearman(&a, &b).unwrap() - wanted["ties"][2].as_f64().unwrap()).abs() < 1e-12);
    let refused = |cohort: Cohort<'_>| cohort.judge(0).unwrap_err().to_string();
    assert!(refused(Cohort { motion: &motion[1..], ..cohort }).contains("motion of 16"));
    assert!(refused(Cohort { lengths: &lengths[1..], ..cohort }).contains("66 edges between 12 regions expected, found 65"));
    let few = Cohort { connectomes: &found[..2], motion: &motion[..2], truth: None, ..cohort };
    assert!(refused(few).contains("at least 3"));
    // An undefined input or figure is an error and not a number.
    let mut holed = found.clone();
    holed[3][7] = f64::NAN;
    assert!(refused(Cohort { connectomes: &holed, ..cohort }).contains("NaN at place 7"));
    assert!(refused(Cohort { motion: &vec![0.1; motion.len()], ..cohort }).contains("QC-FC is undefined"));
    let alike = vec![1.0; lengths.len()];
    assert_eq!(Cohort { lengths: &alike, ..cohort }.judge(0).unwrap().distance_dependence, None);
    holed[3] = found[3].clone();
    holed.iter_mut().for_each(|row| row[0] = 0.5);
    let without = Cohort { connectomes: &holed, ..cohort };
    assert!(without.qc_fc()[0].is_nan() && without.judge(0).unwrap().qc_fc.is_finite());
}

#[test]
fn communities_are_networkxs() {
    let wanted = &goldens()["quality"];
    let network = numbers(&wanted["network"]);
    let thirds: Vec<usize> = (0..12).map(|i| i / 4).collect();
    for (gamma, key) in [(1.0, "of_thirds"), (0.5, "of_thirds_at_half")] {
        assert!((modularity(&network, &thirds, gamma).unwrap() - wanted[key].as_f64().unwrap()).abs() < 1e-12, "{key}");
    }
    for seed in 0..5 {
        let found = louvain(&network, 12, 1.0, seed).unwrap();
        assert!(found.converged, "seed {seed}");
        assert_eq!(found.labels, thirds, "seed {seed}");
    }
    // Without edges every node is alone.
    let alone = louvain(&[0.0; 9], 3, 1.0, 0).unwrap();
    assert_eq!((alone.labels, alone.modularity), (vec![0, 1, 2], 0.0));
    assert!(louvain(&[0.0, -1.0, -1.0, 0.0], 2, 1.0, 0).unwrap_err().to_string().contains("nodes 0 and 1"));
    for weight in [f64::NAN, f64::INFINITY] {
        assert!(louvain(&[0.0, weight, weight, 0.0], 2, 1.0, 0).unwrap_err().to_string().contains("a finite number of 0 or more"));
    }
    assert!(louvain(&[0.0; 4], 2, f64::NAN, 0).unwrap_err().to_string().contains("a resolution"));
    assert!(louvain(&[0.0; 3], 2, 1.0, 0).is_err());
}

#[test]
fn edges_are_the_upper_triangle() {
    let matrices = HostTensor::f32([2, 3, 3], (0..18).map(|i| i as f32).collect()).unwrap();
    assert_eq!(edges(&matrices).unwrap(), [[1.0, 2.0, 5.0], [10.0, 11.0, 14.0]]);
    assert_eq!(pairs(3).collect::<Vec<_>>(), [(0, 1), (0, 2), (1, 2)]);
    assert!(edges(&HostTensor::f32([2, 2], vec![0.0; 4]).unwrap()).is_err());
}

/// A table of components as older versions of fMRIPrep write it.
fn table() -> (Confounds, Vec<Value>) {
    let masks = goldens()["compcor"].as_array().unwrap().clone();
    let mut table = Confounds::default();
    for mask in &masks {
        for share in numbers(&mask["cumulative"]) {
            let name = format!("a_comp_cor_{:02}", table.columns.len());
            table.masks.insert(name.clone(), mask["mask"].as_str().unwrap().into());
            table.variance.insert(name.clone(), share);
            table.columns.push(Column { name, values: vec![1.0, 2.0] });
        }
    }
    (table, masks)
}

#[test]
fn components_are_taken_by_their_variance() {
    let (table, masks) = table();
    let names = |f: &str| formula::columns(f, &table).unwrap().into_iter().map(|c| c.name).collect::<Vec<_>>();
    for mask in &masks {
        let (tissue, all) = (mask["mask"].as_str().unwrap(), table.components(mask["mask"].as_str().unwrap()));
        let short = BTreeMap::from([("CSF", "ccc"), ("WM", "wcc"), ("combined", "acc")])[tissue];
        for (percent, taken) in numbers(&mask["percent"]).iter().zip(numbers(&mask["taken"])) {
            assert_eq!(names(&format!("v_{{{{{percent};{short}}}}}")), all[..taken as usize], "{tissue} {percent} %");
            assert_eq!(names(&format!("v_{{{{{percent};a_comp_cor;Mask={tissue}}}}}")), all[..taken as usize]);
        }
        assert_eq!(names(&format!("n_{{{{4;{short}}}}}")), all[..4]);
    }
    let both = [table.components("CSF")[..3].to_vec(), table.components("WM")[..3].to_vec()].concat();
    assert_eq!(names("n_{{3;a_comp_cor;Mask=CSF,WM}}"), both);
    assert_eq!(names("(n_{{1;wcc}})^^2").len(), 2);
}

/// Older versions of fMRIPrep write `a_comp_cor_3` of `a_comp_cor_03`.
#[test]
fn metadata_are_read_with_and_without_zeros() {
    let folder = std::env::temp_dir().join(format!("tapetum-components-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("confounds.tsv");
    std::fs::write(&path, "csf\ta_comp_cor_00\ta_comp_cor_01\n1\t2\t3\n4\t5\t6\n").unwrap();
    let json = |zero: &str| {
        let of = |n: usize, v: f64| format!("\"a_comp_cor_{zero}{n}\": {{\"Mask\": \"WM\", \"CumulativeVarianceExplained\": {v}}}");
        format!("{{{}, {}, \"csf\": {{\"Method\": \"Mean\"}}}}", of(0, 0.2), of(1, 0.6))
    };
    for zero in ["", "0"] {
        std::fs::write(folder.join("confounds.json"), json(zero)).unwrap();
        let table = tapetum::data::read_confounds(&path).unwrap();
        assert_eq!(table.components("WM"), ["a_comp_cor_00", "a_comp_cor_01"]);
        assert_eq!((table.variance["a_comp_cor_00"], table.variance.len()), (0.2, 2));
        assert_eq!(formula::columns("v_{{10;wcc}}", &table).unwrap().len(), 1);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn presets_take_components_by_their_rules() {
    let (mut table, masks) = table();
    table.columns.push(Column { name: "cosine00".into(), values: vec![0.0, 1.0] });
    let half = |i: usize| numbers(&masks[i]["taken"])[3] as usize;
    assert_eq!(Strategy::Acompcor.columns(&table).unwrap().len(), 10 + 12 + 1);
    assert_eq!(Strategy::AcompcorGsr.columns(&table).unwrap().len(), 10 + 1 + 12 + 1);
    assert_eq!(Strategy::Acompcor50.columns(&table).unwrap().len(), half(0) + half(1) + 12 + 1);
    assert_eq!(Strategy::Compcor.columns(&table).unwrap().len(), 12 + 24 + 1);
    let refused = |f: &str| formula::columns(f, &table).unwrap_err().to_string();
    assert!(refused("n_{{99;wcc}}").contains("99 CompCor components of wcc"), "{}", refused("n_{{99;wcc}}"));
    assert!(refused("csf + v_{{50;t_comp_cor}}").contains("character 1"));
    assert!(refused("v_{{101;wcc}}").contains("a percentage"));
    table.variance.clear();
    assert!(Strategy::Acompcor50.columns(&table).unwrap_err().to_string().contains("CumulativeVarianceExplained"));
}
