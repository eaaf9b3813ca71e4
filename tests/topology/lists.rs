//! Distances, barycentres and Betti curves of lists.

use super::golden::{count, diagrams, golden, run, stack};
use crate::common::golden::numbers;
use tapetum::topology::{Dimension, Fill, Wasserstein, betti_curves, list_distance, quantile_distance, symmetric_to_rounding};
use tapetum::{Device, HostTensor};

const DIMENSIONS: [Dimension; 3] = [Dimension::Components, Dimension::Cycles, Dimension::Both];

/// The tolerance: both sides sum a few hundred exact differences in f64.
const EXACT: f64 = 1e-12;

fn near(found: f64, wanted: f64, tolerance: f64, what: &str) {
    assert!((found - wanted).abs() <= tolerance * wanted.abs().max(1.0), "{what}: {found}, not {wanted}");
}

#[test]
fn distances_are_numpys() {
    for row in golden("distances").as_array().unwrap() {
        let (n, m, order) = (count(&row["n"]), count(&row["m"]), row["order"].as_f64().unwrap());
        let graphs = [stack(n, &[1]), stack(m, &[2])];
        for (key, root) in [("sums", false), ("roots", true)] {
            let how = Wasserstein { order: order as f32, root };
            let made = run(&Device::oracle(), &graphs, |t, w| {
                let (a, b) = (t.birth_death(w[0])?, t.birth_death(w[1])?);
                DIMENSIONS.into_iter().map(|d| t.wasserstein(&a, &b, d, how)).collect()
            });
            for (found, wanted) in made.unwrap().iter().zip(numbers(&row[key])) {
                near(found.to_f64_vec()[0], wanted, EXACT, &format!("{n} and {m} nodes, {how:?}"));
            }
        }
        let (x, y) = (diagrams(n, &[1]), diagrams(m, &[2]));
        let sums = numbers(&row["sums"]);
        near(list_distance(x.births(0), y.births(0), order, Fill::Behind), sums[0], EXACT, "births");
        near(list_distance(x.deaths(0), y.deaths(0), order, Fill::InFront), sums[1], EXACT, "deaths");
        for (dimension, (sum, root)) in DIMENSIONS.into_iter().zip(sums.iter().zip(numbers(&row["roots"]))) {
            near(x.distances(&y, dimension, order, false).unwrap()[0], *sum, EXACT, "the sum of a pair");
            near(x.distances(&y, dimension, order, true).unwrap()[0], root, EXACT, "the root of a pair");
        }
        if n == m && order == 2.0 {
            let both = diagrams(n, &[1, 2]);
            // Devices sum in f32 over parts of 64 terms.
            DIMENSIONS.into_iter().zip(&sums).for_each(|(d, &s)| near(both.squared_distance(0, 1, d), s, 64.0 * 6e-8, "squared"));
        }
    }
}

#[test]
fn distances_have_a_row_for_each_graph() {
    let (x, y) = (diagrams(9, &[1, 2, 3]), diagrams(9, &[3, 4]));
    let found = x.distances(&y, Dimension::Both, 2.0, false).unwrap();
    let one = |a, b| diagrams(9, &[a]).distances(&diagrams(9, &[b]), Dimension::Both, 2.0, false).unwrap()[0];
    assert_eq!(found, [one(1, 3), one(1, 4), one(2, 3), one(2, 4), 0.0, one(3, 4)]);
    for order in [0.5, f64::NAN, f64::INFINITY] {
        let refused = x.distances(&y, Dimension::Both, order, false).unwrap_err().to_string();
        assert_eq!(refused, format!("order {order}: a number of 1 or more is expected"));
    }
}

#[test]
fn weights_that_rounding_parts_become_their_mean() {
    let given = [0.0, 0.5, 0.25, 0.5 + 2e-7, 0.0, f64::NAN, 0.26, f64::NAN, 0.0];
    let found = symmetric_to_rounding(&HostTensor::real([3, 3], given.to_vec()).unwrap()).unwrap().to_f64_vec();
    assert_eq!(found[1], f64::from((0.5 + 1e-7) as f32));
    assert_eq!(found[1], found[3]);
    // A difference that is larger stays, and so does a NaN.
    assert_eq!((found[2], found[6]), (0.25, f64::from(0.26f32)));
    assert!(found[5].is_nan() && found[7].is_nan());
}

#[test]
fn pairs_are_distances() {
    let graphs = [stack(9, &[1, 2, 3]), stack(9, &[3, 4])];
    for dimension in DIMENSIONS {
        let made = run(&Device::oracle(), &graphs, |t, w| {
            let (a, b) = (t.birth_death(w[0])?, t.birth_death(w[1])?);
            Ok(vec![t.wasserstein_pairs(&a, &b, dimension)?])
        });
        let all = diagrams(9, &[1, 2, 3, 4]);
        let found = made.unwrap()[0].to_f64_vec();
        for (at, found) in found.into_iter().enumerate() {
            near(found, all.squared_distance(at / 2, 2 + at % 2, dimension), 1e-5, &format!("{dimension:?}, pair {at}"));
        }
    }
}

#[test]
fn quantile_distances_are_numpys() {
    for row in golden("quantile_distances").as_array().unwrap() {
        let (x, y) = (diagrams(count(&row["n"]), &[1]), diagrams(count(&row["m"]), &[2]));
        for order in [1.0, 2.0] {
            let wanted = numbers(&row[format!("order {order}")]);
            near(quantile_distance(x.births(0), y.births(0), order), wanted[0], EXACT, "births");
            near(quantile_distance(x.deaths(0), y.deaths(0), order), wanted[1], EXACT, "deaths");
        }
    }
    assert_eq!(quantile_distance(&[], &[1.0], 2.0), 0.0);
}

#[test]
fn barycentres_are_numpys() {
    let row = golden("barycentres");
    let n = count(&row["n"]);
    let shares = HostTensor::f32([3], numbers(&row["shares"]).into_iter().map(|x| x as f32).collect()).unwrap();
    let made = run(&Device::oracle(), &[stack(n, &[1, 2, 3]), shares], |t, w| {
        let of = t.birth_death(w[0])?;
        let (births, deaths) = t.barycentre(&of, Some(w[1]))?;
        let (plain, _) = t.barycentre(&of, None)?;
        Ok(vec![births, deaths, plain])
    })
    .unwrap();
    for (found, key) in made.iter().zip(["births", "deaths"]) {
        let wanted = numbers(&row[key]);
        assert_eq!(found.shape().elements(), wanted.len());
        found.to_f64_vec().into_iter().zip(wanted).for_each(|(f, w)| near(f, w, EXACT, key));
    }
    let on_host = diagrams(n, &[1, 2, 3]).barycentre(&[0, 1, 2]).0;
    // The results differ by one rounding to f32.
    made[2].to_f64_vec().iter().zip(on_host).for_each(|(&f, w)| near(w.into(), f, 6e-8, "mean"));
}

/// Of Θ whose order is the barycentre's own, τ is a graph with the barycentre's births and deaths.
#[test]
fn a_graph_takes_on_births_and_deaths() {
    let graphs = stack(9, &[1, 2, 3]);
    let made = run(&Device::oracle(), &[graphs], |t, w| {
        let of = t.birth_death(w[0])?;
        let centre = t.barycentre(&of, None)?;
        let theta = t.slice(w[0], 0, 0, 1, 1)?;
        let theta = t.reshape(theta, [9, 9])?;
        let mut tau = t.topological_interpolation(theta, theta, centre, 1.0)?;
        let again = t.birth_death(tau)?;
        tau = t.topological_interpolation(tau, theta, centre, 0.5)?;
        Ok(vec![centre.0, centre.1, again.births, again.deaths, tau, theta])
    })
    .unwrap();
    // Sorted lists put on edges of the same ranks: the tree may be another, the lists together are the same.
    let lists = |a: usize, b: usize| {
        let mut all = [made[a].to_f64_vec(), made[b].to_f64_vec()].concat();
        all.sort_by(f64::total_cmp);
        all
    };
    assert_eq!(lists(0, 1), lists(2, 3));
    assert!((0..9).all(|i| made[4].to_f64_vec()[10 * i] == 0.5 * made[5].to_f64_vec()[10 * i]));
}

#[test]
fn betti_curves_are_counts() {
    let row = golden("betti");
    let graph = diagrams(count(&row["n"]), &[4]);
    let at: Vec<f32> = numbers(&row["at"]).into_iter().map(|x| x as f32).collect();
    let found = betti_curves(graph.births(0), graph.deaths(0), &at);
    assert_eq!((found.components, found.cycles), (numbers(&row["components"]), numbers(&row["cycles"])));
}
