//! Births, deaths and their edges.

use super::golden::{contracting, count, golden, graph, growing, run};
use crate::common::gpu;
use serde_json::Value;
use tapetum::kernel::Target;
use tapetum::plan::Plan;
use tapetum::{Device, Error, HostTensor, Tape, TensorType};

/// Compares two sums of a list's bits, modulo 2⁶⁴, with the expected ones; the second sum depends on the order.
#[track_caller]
fn told(found: &HostTensor, wanted: &Value, what: &str) {
    let bits: Vec<u64> = found.to_f64_vec().into_iter().map(|x| (x as f32).to_bits().into()).collect();
    let sum = bits.iter().fold(0u64, |sum, &b| sum.wrapping_add(b));
    let ordered = bits.iter().zip(0u64..).fold(0u64, |sum, (&b, k)| sum.wrapping_add(b.wrapping_mul(2 * k + 1)));
    let found = (bits.len(), sum.to_string(), ordered.to_string());
    let text = |key: &str| wanted[key].as_str().unwrap().to_owned();
    assert_eq!(found, (count(&wanted["n"]), text("sum"), text("ordered")), "{what}");
}

/// The edges of births are a spanning tree, no edge comes twice, and each has the weight of its rank; equal weights in the order of index.
fn edges_hold(w: &[f32], n: usize, births: &[f64], deaths: &[f64], edges: &[i32]) {
    let mut set: Vec<usize> = (0..n).collect();
    for &e in &edges[..n - 1] {
        let (a, b) = (set[e as usize / n], set[e as usize % n]);
        assert_ne!(a, b, "edge {e} closes a cycle among births");
        set.iter_mut().filter(|s| **s == a).for_each(|s| *s = b);
    }
    let mut all = edges.to_vec();
    all.sort_unstable();
    assert!(all.is_sorted_by(|a, b| a < b) && all.iter().all(|e| e / (n as i32) < e % n as i32));
    for (list, edges) in [(births, &edges[..n - 1]), (deaths, &edges[n - 1..])] {
        assert_eq!(list.len(), edges.len());
        assert!(list.iter().zip(edges).all(|(&x, &e)| x == f64::from(w[e as usize])));
        assert!(list.iter().zip(edges).is_sorted_by(|a, b| a.0 < b.0 || (a.0 == b.0 && a.1 < b.1)));
    }
}

#[test]
fn births_and_deaths_are_scipys_exactly() {
    let gpu = gpu();
    for row in golden("trees").as_array().unwrap() {
        let (n, levels) = (count(&row["n"]), row["levels"].as_u64().unwrap());
        let w = graph(n, n, levels);
        let weights = [HostTensor::f32([n, n], w.clone()).unwrap()];
        let mut first: Option<Vec<HostTensor>> = None;
        // Software Vulkan and the oracle are slow on large graphs.
        let devices =
            [("", Device::cpu(), 1000), ("", Device::oracle(), 384), ("Prim", growing(&gpu), 192), ("Borůvka", contracting(&gpu), 384)];
        for (way, device, _) in devices.iter().filter(|(_, _, most)| n <= *most) {
            let name = format!("n = {n}, {levels} levels, {} {way}", device.name());
            let made = run(device, &weights, |t, w| t.birth_death(w[0]).map(|m| vec![m.births, m.deaths, m.edges])).unwrap();
            told(&made[0], &row["births"], &name);
            told(&made[1], &row["deaths"], &name);
            match &first {
                None => edges_hold(&w, n, &made[0].to_f64_vec(), &made[1].to_f64_vec(), made[2].as_i32().unwrap()),
                Some(first) => assert_eq!(made[2], first[2], "edges, {name}"),
            }
            first.get_or_insert(made);
        }
    }
}

#[test]
fn large_graphs_contract_unless_another_way_is_named() {
    let contracts = |n: usize, target: &Target| {
        let mut tape = Tape::new();
        let w = tape.input("weights", TensorType::f32([n, n])).unwrap();
        let births = tape.birth_death(w).unwrap().births;
        let steps = Plan::new(&tape, &[births], target).unwrap().steps;
        let [prim, hook] = ["topology/prim", "topology/hook"].map(|kernel| steps.iter().any(|s| s.kernel.name == kernel));
        assert_ne!(prim, hook);
        hook
    };
    let gpu = Target::portable();
    let software = Target { software: true, ..Target::portable() };
    assert_eq!([400, 513].map(|n| contracts(n, &gpu)), [false, true]);
    assert_eq!([32, 33].map(|n| contracts(n, &software)), [false, true]);
    let named = |pin: &str, way: &str| Target { variants: [(pin.to_owned(), way.to_owned())].into(), ..Target::portable() };
    assert!(contracts(400, &named("topology/tree", "boruvka")) && !contracts(400, &named("topology/tree@large", "boruvka")));
    assert!(contracts(400, &named("topology/tree@medium", "boruvka")) && !contracts(513, &named("topology/tree@large", "prim")));
}

#[test]
fn graphs_that_are_none_are_refused() {
    let refused = |n: usize, change: &[(usize, f32)], parts: &[&str]| {
        let mut w = graph(n, 1, 1 << 24);
        change.iter().for_each(|&(at, x)| w[at] = x);
        let weights = [HostTensor::f32([n, n], w).unwrap()];
        let Err(Error::Op { op, what }) = run(&Device::cpu(), &weights, |t, w| Ok(vec![t.birth_death(w[0])?.births])) else {
            panic!("{change:?} was decomposed")
        };
        assert_eq!(op, "birth_death");
        parts.iter().for_each(|part| assert!(what.contains(part), "no `{part}`: {what}"));
    };
    refused(5, &[(7, f32::NAN)], &["node 1 to node 2", "NaN", "finite"]);
    refused(5, &[(11, f32::INFINITY)], &["node 2 to node 1", "inf", "finite"]);
    refused(40, &[(39, 2.0)], &["node 0 to node 39", "2", "symmetric"]);
    refused(1, &[], &["2 to 46340 nodes"]);
    // The diagonal is not read.
    let mut w = graph(3, 1, 1 << 24);
    w[4] = f32::NAN;
    assert!(run(&Device::cpu(), &[HostTensor::f32([3, 3], w).unwrap()], |t, w| Ok(vec![t.birth_death(w[0])?.births])).is_ok());
}

/// The list of one graph of a stack, as bits, so that NaN can be compared.
fn bits(lists: &HostTensor, graph: usize) -> Vec<u32> {
    let extent = lists.shape()[1];
    lists.as_f32().unwrap()[graph * extent..][..extent].iter().map(|x| x.to_bits()).collect()
}

#[test]
fn devices_say_which_graphs_are_none() {
    let n = 6;
    let good = graph(n, 1, 1 << 24);
    let changed = |changes: &[(usize, f32)]| {
        let mut w = good.clone();
        changes.iter().for_each(|&(at, x)| w[at] = x);
        w
    };
    // Two that are none, and two that are: the diagonal is not read, and −0 is 0.
    let graphs = [
        good.clone(),
        changed(&[(8, f32::NAN), (13, f32::NAN)]),
        changed(&[(3, 0.25), (18, 0.75)]),
        changed(&[(1, f32::INFINITY), (6, f32::INFINITY)]),
        changed(&[(0, f32::NAN), (9, 0.0), (19, -0.0)]),
    ];
    let stack = |which: &[usize]| HostTensor::f32([which.len(), n, n], which.iter().flat_map(|&g| graphs[g].clone()).collect()).unwrap();
    let lists = |device: &Device, w: HostTensor| run(device, &[w], |t, w| t.birth_death(w[0]).map(|m| vec![m.births, m.deaths])).unwrap();
    let wanted = lists(&Device::cpu(), stack(&[0, 4]));
    let gpu = gpu();
    for device in [growing(&gpu), contracting(&gpu)] {
        let found = lists(&device, stack(&[0, 1, 2, 3, 4]));
        for (list, wanted) in found.iter().zip(&wanted) {
            assert_eq!([bits(list, 0), bits(list, 4)], [bits(wanted, 0), bits(wanted, 1)]);
            assert!((1..4).all(|g| bits(list, g).into_iter().all(|b| f32::from_bits(b).is_nan())), "{list:?}");
        }
    }
}
