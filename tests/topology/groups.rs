//! Clusterings, scores, tests and generators.

use super::golden::{count, diagrams, golden, graph, whole};
use tapetum::statistics::agreement;
use tapetum::tensor::Philox;
use tapetum::topology::clustering::{Interpolation, Top};
use tapetum::topology::inference::{Transpositions, exact_inference, exact_p, two_group_test};
use tapetum::topology::{Diagrams, Dimension, Modular, betti_curves, group_curves, random_correlation, random_modular_graph};
use tapetum::{Device, HostTensor};

#[test]
fn scores_are_numpys() {
    let row = golden("scores");
    let (truth, found) = (whole(&row["truth"]), whole(&row["found"]));
    let table = agreement::Confusion::between(&truth, &found).unwrap().counts;
    let wanted: Vec<usize> = row["confusion"].as_array().unwrap().iter().flat_map(whole).collect();
    assert_eq!((table.concat(), table.len(), table[0].len()), (wanted, 4, 5));
    assert_eq!(agreement::purity(&truth, &found).unwrap(), row["purity"].as_f64().unwrap());
    assert_eq!(agreement::accuracy(&truth, &found).unwrap(), row["accuracy"].as_f64().unwrap());
    // The same clusters under other numbers agree fully, because an assignment matches them.
    let renamed: Vec<usize> = truth.iter().map(|t| (t + 1) % 4).collect();
    assert_eq!(agreement::accuracy(&truth, &renamed).unwrap(), 1.0);
    assert!(agreement::purity(&truth, &found[1..]).is_err());
}

#[test]
fn exact_p_is_scipys_and_what_is_drawn() {
    for row in golden("inference").as_array().unwrap() {
        let (q, d, wanted) = (count(&row["q"]), count(&row["d"]), row["p"].as_f64().unwrap());
        assert!((exact_p(q, d) - wanted).abs() <= 1e-9 * wanted, "{q} {d}: {}, not {wanted}", exact_p(q, d));
    }
    assert_eq!((exact_p(7, 0), exact_p(7, 8)), (1.0, 0.0));
    const DRAWN: usize = 4000;
    let (q, d) = (31, 9);
    let beyond = (0..DRAWN).filter(|&i| {
        let list = |stream| {
            let mut list: Vec<f32> = (0..q).map(|k| Philox::new(5, stream, i as u32).normal(k) as f32).collect();
            list.sort_by(f32::total_cmp);
            list
        };
        exact_inference(&list(0), &list(1)).unwrap().0 >= d
    });
    let (found, p) = (beyond.count() as f64 / DRAWN as f64, exact_p(q, d));
    // The tolerance is four standard deviations of a fraction of this many draws.
    assert!((found - p).abs() < 4.0 * (p * (1.0 - p) / DRAWN as f64).sqrt(), "{found} of what is drawn, {p} by the closed form");
}

/// Graphs of two kinds that differ in their modules: half of each.
fn kinds(each: usize, nodes: usize, modules: [usize; 2]) -> (HostTensor, Vec<usize>) {
    let of = |modules| Modular { nodes, modules, p: 0.9, mean: 1.0, deviation: 0.25 };
    let labels: Vec<usize> = (0..2 * each).map(|g| g / each).collect();
    let graphs = labels
        .iter()
        .zip(0..)
        .flat_map(|(&kind, seed)| random_modular_graph(of(modules[kind]), seed).unwrap().elements::<f32>().unwrap().to_vec());
    (HostTensor::f32([2 * each, nodes, nodes], graphs.collect()).unwrap(), labels)
}

#[test]
fn kinds_of_graphs_are_told_apart_by_topology() {
    let (graphs, labels) = kinds(10, 40, [2, 8]);
    let made = Diagrams::new(&Device::cpu(), &graphs).unwrap();
    let by_lists = Top::new(2, 3).run(&graphs, &made).unwrap();
    assert_eq!(agreement::purity(&labels, &by_lists.clusters).unwrap(), 1.0);
    // Weight 1 by way of graphs, and the authors' steps from the same first centres, come to the same clusters.
    for interpolation in [Interpolation::Gradient { rate: 0.5, steps: 5 }, Interpolation::Gradient { rate: 0.05, steps: 60 }] {
        let found = Top { interpolation, ..Top::new(2, 3) }.run(&graphs, &made).unwrap();
        assert_eq!(found.clusters, by_lists.clusters, "{interpolation:?}");
        // The inertia is never below the optimum of the lists themselves, because a graph's own lists cannot follow every barycentre.
        assert!(found.inertia >= by_lists.inertia * (1.0 - 1e-5), "{} < {}", found.inertia, by_lists.inertia);
    }
    for weight in [0.0, 0.5] {
        let found = Top { weight, ..Top::new(2, 3) }.run(&graphs, &made).unwrap();
        assert!(agreement::purity(&labels, &found.clusters).unwrap() >= 0.5 && found.rounds >= 2);
    }
    assert_eq!(Top::new(20, 0).run(&graphs, &made).unwrap().inertia, 0.0);
    assert!(Top::new(21, 0).run(&graphs, &made).unwrap_err().to_string().contains("from 1 to 20"));
}

/// Noise, and as much again within modules: `modular` of make_top.py.
fn modular(nodes: usize, modules: usize, seed: usize) -> Vec<f32> {
    let module = |i: usize| i * modules / nodes;
    let entry = |(at, noise): (usize, f32)| {
        let (i, j) = (at / nodes, at % nodes);
        let within = if i != j && module(i) == module(j) { 0.5 } else { 0.0 };
        0.5 * noise + within
    };
    graph(nodes, seed, 1 << 16).into_iter().enumerate().map(entry).collect()
}

#[test]
fn top_by_gradient_steps_is_the_authors() {
    let all: serde_json::Value = serde_json::from_str(include_str!("../goldens/top.json")).unwrap();
    let (nodes, each, modules) = (count(&all["nodes"]), count(&all["each"]), whole(&all["modules"]));
    let of = |&modules: &usize| (each * modules..each * modules + each).flat_map(move |seed| modular(nodes, modules, seed));
    let graphs: Vec<f32> = modules.iter().flat_map(of).collect();
    let graphs = HostTensor::f32([modules.len() * each, nodes, nodes], graphs).unwrap();
    let diagrams = Diagrams::new(&Device::cpu(), &graphs).unwrap();
    for run in all["runs"].as_array().unwrap() {
        let number = |key: &str| run[key].as_f64().unwrap();
        let interpolation = Interpolation::Gradient { rate: number("rate") as f32, steps: count(&all["steps"]) };
        let how = Top { weight: number("weight") as f32, interpolation, initial: whole(&run["initial"]), ..Top::new(modules.len(), 0) };
        let found = how.run(&graphs, &diagrams).unwrap();
        assert_eq!(found.clusters, whole(&run["clusters"]), "{how:?}");
        let error = (found.inertia / number("objective") - 1.0).abs();
        // The authors' code is in double precision. Here each step rounds a weight to f32 once, so the error is at most 300 × 6e-8.
        assert!(error < 2e-5, "{how:?}: {}, not {}", found.inertia, number("objective"));
    }
}

#[test]
fn groups_that_differ_are_told_from_those_that_do_not() {
    let row = golden("ratio");
    let n = count(&row["n"]);
    let groups: Vec<Vec<usize>> = row["groups"].as_array().unwrap().iter().map(whole).collect();
    let made = diagrams(n, &groups.concat());
    let how = Transpositions { count: 20_000, chains: 4, ..Transpositions::default() };
    let found = two_group_test(&made, groups[0].len(), Dimension::Both, &how).unwrap();
    let observed = found.ratio.unwrap();
    assert!((observed - row["ratio"].as_f64().unwrap()).abs() < 1e-5, "{observed}");
    // Of 7 graphs in groups of 3 and 4 there are 35 ways; p is the share of them that are not below, known by trying all.
    let distances = made.squared_distances(Dimension::Both);
    let d = |a: usize, b: usize| distances[a * 7 + b];
    let ratio = |set: u32| {
        let pairs = |wanted: bool| {
            (0..7).flat_map(|a| (0..a).map(move |b| (a, b))).filter(move |(a, b)| ((set >> a) ^ (set >> b)) & 1 == u32::from(wanted))
        };
        let mean = |wanted: bool| pairs(wanted).map(|(a, b)| d(a, b)).sum::<f64>() / pairs(wanted).count() as f64;
        mean(true) / mean(false)
    };
    let ways: Vec<f64> = (0u32..128).filter(|set| set.count_ones() == 3).map(ratio).collect();
    let exact = ways.iter().filter(|r| **r >= observed * (1.0 - 1e-9)).count() as f64 / ways.len() as f64;
    // Neighbours along the chain share most members, so one in ten counts as independent.
    assert!((found.p - exact).abs() < 4.0 * (exact * (1.0 - exact) / 2000.0).sqrt(), "{} by transpositions, {exact} by all", found.p);
    assert_eq!(found, two_group_test(&made, 3, Dimension::Both, &how).unwrap(), "a seed repeats a test");

    let (graphs, _) = kinds(6, 30, [2, 6]);
    let different = Diagrams::new(&Device::cpu(), &graphs).unwrap();
    // 924 ways, and no other but its mirror is so far apart.
    let p = two_group_test(&different, 6, Dimension::Both, &how).unwrap().p;
    assert!(p < 0.01, "{p}");
    assert!(two_group_test(&different, 11, Dimension::Both, &how).is_err());
}

/// Diagrams of graphs of `n` nodes, each with one constant weight from `weights`.
fn constant(n: usize, weights: &[f32]) -> Diagrams {
    let all = weights.iter().flat_map(|&w| (0..n * n).map(move |at| if at / n == at % n { 0.0 } else { w })).collect();
    Diagrams::new(&Device::cpu(), &HostTensor::f32([weights.len(), n, n], all).unwrap()).unwrap()
}

#[test]
fn groups_of_graphs_that_do_not_differ_have_p_of_1_and_no_ratio() {
    let how = Transpositions { count: 2000, ..Transpositions::default() };
    for dimension in [Dimension::Components, Dimension::Cycles, Dimension::Both] {
        let found = two_group_test(&constant(5, &[0.25; 7]), 3, dimension, &how).unwrap();
        assert_eq!((found.ratio, found.p), (None, 1.0), "{dimension:?}");
        assert!(found.null.is_empty() && found.running.iter().all(|(_, p)| *p == 1.0));
        // The groups alone differ: nothing lies within them, and of 35 ways to choose 3 of 7 no other is so far apart.
        let apart = two_group_test(&constant(5, &[0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]), 3, dimension, &how).unwrap();
        assert!(apart.ratio.is_none() && (apart.p - 1.0 / 35.0).abs() < 0.03, "{}", apart.p);
        assert!(apart.null.iter().all(|r| r.is_finite()) && apart.null.len() > 1500);
    }
    // Two nodes have no cycles, in which graphs could differ.
    assert_eq!(two_group_test(&constant(2, &[0.1, 0.7, 0.3, 0.9]), 2, Dimension::Cycles, &how).unwrap().p, 1.0);
}

#[test]
fn distances_of_very_small_and_very_large_weights_are_those_of_f64() {
    for scale in [1e-30f32, 1e-18, 1.0, 1e18, 1e30] {
        // 4 births and 6 deaths, each 1 scale apart.
        let found = constant(5, &[scale, 2.0 * scale]).squared_distance(0, 1, Dimension::Both);
        let wanted = 10.0 * f64::from(scale).powi(2);
        assert!((found / wanted - 1.0).abs() < 1e-6, "{found}, not {wanted}");
    }
}

#[test]
fn nan_is_handed_on_or_refused() {
    let curves = betti_curves(&[0.5, f32::NAN], &[0.25], &[0.0, f32::NAN]);
    assert!(curves.components.iter().all(|x| x.is_nan()) && curves.cycles[0] == 1.0 && curves.cycles[1].is_nan());
    assert!(exact_inference(&[0.1, f32::NAN], &[0.2, 0.3]).unwrap_err().to_string().contains("NaN"));
    let (graphs, _) = kinds(2, 6, [2, 3]);
    let made = Diagrams::new(&Device::cpu(), &graphs).unwrap();
    let mut weights = graphs.elements::<f32>().unwrap().to_vec();
    weights[36 + 7] = f32::NAN;
    let spoilt = HostTensor::f32(graphs.shape(), weights).unwrap();
    for weight in [0.0, 0.5, 1.0] {
        let error = Top { weight, ..Top::new(2, 0) }.run(&spoilt, &made).unwrap_err().to_string();
        assert!(error.contains("graph 1, row 1, column 1") && error.contains("NaN"), "{error}");
    }
    for rate in [f32::NAN, 0.0, 1.0, -0.5] {
        let interpolation = Interpolation::Gradient { rate, steps: 5 };
        assert!(Top { interpolation, ..Top::new(2, 0) }.run(&graphs, &made).is_err(), "{rate}");
    }
    let (mean, _) = group_curves(&made, &[], &[0.5]);
    assert!(mean.components[0].is_nan() && mean.cycles[0].is_nan(), "the mean of nothing");
}

#[test]
fn generated_graphs_are_what_they_say() {
    let r = random_correlation(31, 4, 1).unwrap().elements::<f32>().unwrap().to_vec();
    assert!((0..31).all(|i| r[32 * i] == 1.0) && r.iter().all(|x| x.abs() <= 1.0));
    assert!((0..31 * 31).all(|at| r[at] == r[at % 31 * 31 + at / 31]));
    let of = Modular { nodes: 60, modules: 3, p: 0.9, mean: 1.0, deviation: 0.1 };
    let w = random_modular_graph(of, 2).unwrap().elements::<f32>().unwrap().to_vec();
    let mean = |same: bool| {
        let pairs = (0..60).flat_map(|i| (0..60).map(move |j| (i, j))).filter(|(i, j)| i != j && (i / 20 == j / 20) == same);
        let values: Vec<f64> = pairs.map(|(i, j)| w[i * 60 + j].into()).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    // 0.9 and 0.1 of the edges are about 1, the others about 0 where that is positive: 0.04 on average.
    assert!((mean(true) - 0.904).abs() < 0.03 && (mean(false) - 0.136).abs() < 0.03, "{} {}", mean(true), mean(false));
    assert!(random_modular_graph(Modular { p: f32::NAN, ..of }, 0).is_err());
    assert!(random_modular_graph(Modular { modules: 61, ..of }, 0).is_err() && random_correlation(3, 0, 0).is_err());
}
