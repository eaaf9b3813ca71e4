//! Births and deaths of graphs beside the bar: dense Prim and a sort of the other weights in f32, on one thread, graph by graph; with
//! the distance between two, and Top on 80 of them. `benches/peers/topology.py` times the authors' way on such weights.
//!
//! `cargo bench --bench topology`

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;
use tapetum::topology::clustering::Top;
use tapetum::topology::{Diagrams, Dimension, random_correlation};
use tapetum::{Device, HostTensor, Tape, TensorType};

/// |correlations| of a factor model, one after another.
fn graphs(count: usize, n: usize) -> Vec<f32> {
    let one =
        |seed| random_correlation(n, 5, seed).expect("five factors").to_f64_vec().into_iter().map(|x| x.abs() as f32).collect::<Vec<_>>();
    (0..count as u64).flat_map(one).collect()
}

/// Births and deaths, without their edges.
fn prim_and_sort(w: &[f32], n: usize) -> (Vec<f32>, Vec<f32>) {
    let mut best = w[..n].to_vec();
    let mut parent = vec![0usize; n];
    let mut outside: Vec<bool> = (0..n).map(|v| v > 0).collect();
    let mut births = Vec::with_capacity(n - 1);
    let mut tree = vec![false; n * n];
    for _ in 1..n {
        let (mut chosen, mut most) = (0, f32::NEG_INFINITY);
        for v in 0..n {
            if outside[v] && best[v] > most {
                (chosen, most) = (v, best[v]);
            }
        }
        outside[chosen] = false;
        births.push(most);
        tree[chosen.min(parent[chosen]) * n + chosen.max(parent[chosen])] = true;
        let row = &w[chosen * n..][..n];
        for v in 0..n {
            let better = outside[v] && row[v] > best[v];
            best[v] = if better { row[v] } else { best[v] };
            parent[v] = if better { chosen } else { parent[v] };
        }
    }
    let mut deaths = Vec::with_capacity((n - 1) * (n - 2) / 2);
    for i in 0..n {
        deaths.extend((i + 1..n).filter(|j| !tree[i * n + j]).map(|j| w[i * n + j]));
    }
    births.sort_unstable_by(f32::total_cmp);
    deaths.sort_unstable_by(f32::total_cmp);
    (births, deaths)
}

fn decompositions(c: &mut Criterion) {
    let mut group = c.benchmark_group("births and deaths");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for n in [192, 384, 1000, 2000] {
        let w = graphs(1, n);
        let mut tape = Tape::new();
        let input = tape.input("weights", TensorType::f32([n, n])).expect("a fresh tape");
        let made = tape.birth_death(input).expect("square weights");
        let mut program = Device::cpu().compile(&tape, &[made.births, made.deaths, made.edges]).expect("the host compiles all");
        program.write(input, &HostTensor::f32([n, n], w.clone()).expect("as many weights")).expect("an input of this type");
        program.step().expect("weights are symmetric");
        let (births, deaths) = prim_and_sort(&w, n);
        assert_eq!(program.read(made.births).expect("an output").as_f32(), Some(&births[..]));
        assert_eq!(program.read(made.deaths).expect("an output").as_f32(), Some(&deaths[..]));
        group.bench_function(format!("Prim and sort, n = {n}"), |b| b.iter(|| black_box(prim_and_sort(&w, n))));
        group.bench_function(format!("tapetum on the host, n = {n}"), |b| b.iter(|| program.step()));
    }
    group.finish();
}

/// From weights to the squared distance, nothing compiled before: as `Diagrams` is used.
fn distances(c: &mut Criterion) {
    let mut group = c.benchmark_group("distance between two graphs");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for n in [192, 384, 1000, 2000] {
        let pair = HostTensor::f32([2, n, n], graphs(2, n)).expect("as many weights");
        group.bench_function(format!("n = {n}"), |b| {
            b.iter(|| Diagrams::new(&Device::cpu(), &pair).map(|made| made.squared_distance(0, 1, Dimension::Both)));
        });
    }
    group.finish();
}

fn clusterings(c: &mut Criterion) {
    let mut group = c.benchmark_group("Top, 80 graphs of 192 nodes, 4 clusters");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    let stack = HostTensor::f32([80, 192, 192], graphs(80, 192)).expect("as many weights");
    group.bench_function("decomposition and clusters", |b| {
        b.iter(|| {
            let diagrams = Diagrams::new(&Device::cpu(), &stack)?;
            Top::new(4, 0).run(&stack, &diagrams)
        });
    });
    group.finish();
}

criterion_group!(benches, decompositions, distances, clusterings);
criterion_main!(benches);
