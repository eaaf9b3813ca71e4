//! Sorting, which compares no reals: keys are whole numbers. And births and deaths of graphs.

use crate::counted::{Counted, Ledger, c};
use crate::work::Work;
use tapetum::ops::case::Draw;
use tapetum::{HostTensor, Result};

/// The passes of a radix sort of rows.
fn passes(ledger: &mut Ledger, [rows, m]: [usize; 2], passes: usize) {
    let (words, counters) = (rows * m, rows * 16 * m.div_ceil(1024));
    for _ in 0..passes {
        ledger.moves("sort/count", &[words], counters);
        ledger.moves("sort/scan", &[counters], counters);
        // The digits are among what is moved: the keys' or, last of a tree's edges, the places'.
        ledger.moves("sort/scatter", &[words, words, counters], 2 * words);
    }
}

fn sort([rows, m]: [usize; 2]) -> Result<Work> {
    let mut w = Work::new(format!("sort of {rows} × {m}"));
    let (vx, x) = w.input([rows, m], Draw::Whole(3))?;
    let (values, index) = w.tape.sort(vx)?;
    let gradient = w.tape.vjp(&[(values, vx)], &[vx])?[0];
    let words = rows * m;
    w.ledger.moves("sort/keys", &[words], 2 * words);
    passes(&mut w.ledger, [rows, m], 8);
    w.ledger.moves("sort/take", &[words, words], words);
    w.ledger.moves("shape/set", &[], words);
    w.ledger.moves("sort/put", &[words, words, words], words);
    let row = |r: usize| {
        let mut places: Vec<usize> = (0..m).collect();
        places.sort_by(|&a, &b| x[r * m + a].0.total_cmp(&x[r * m + b].0));
        places
    };
    let places: Vec<usize> = (0..rows).flat_map(row).collect();
    w.output(values, &places.iter().enumerate().map(|(at, p)| x[at / m * m + p]).collect::<Vec<_>>());
    w.output(index, &places.iter().map(|&p| c(p as f64)).collect::<Vec<_>>());
    w.moved(gradient);
    Ok(w)
}

/// Running sums of what is kept, and what is kept first.
fn compacted([rows, m]: [usize; 2]) -> Result<Work> {
    let mut w = Work::new(format!("{rows} × {m} compacted"));
    let (vx, x) = w.input([rows, m], Draw::Normal)?;
    let keep: Vec<u32> = (0..rows * m).map(|i| u32::from(i % 3 == 1)).collect();
    let vk = w.given(HostTensor::u32([rows, m], keep.clone())?)?;
    let ((values, kept), counts) = (w.tape.compact(vx, vk)?, w.tape.running_counts(vk)?);
    let words = rows * m;
    w.ledger.moves("sort/keys", &[words], 2 * words);
    passes(&mut w.ledger, [rows, m], 1);
    w.ledger.moves("shape/copy", &[rows * 16 * m.div_ceil(1024)], rows);
    w.ledger.moves("sort/take", &[words, words], words);
    w.ledger.moves("sort/scan", &[words], words);
    let row = |r: usize| {
        let (yes, no): (Vec<usize>, Vec<usize>) = (r * m..(r + 1) * m).partition(|&at| keep[at] > 0);
        [yes, no].concat()
    };
    w.output(values, &(0..rows).flat_map(row).map(|at| x[at]).collect::<Vec<_>>());
    let before = |at: usize| keep[at / m * m..at].iter().sum::<u32>();
    w.output(counts, &(0..words).map(|at| c(before(at).into())).collect::<Vec<_>>());
    w.output(kept, &(0..rows).map(|r| c(keep[r * m..][..m].iter().sum::<u32>().into())).collect::<Vec<_>>());
    Ok(w)
}

/// Prim's algorithm: a comparison for each vertex outside to choose one, and for each left to update it.
fn prim(w: &[Counted], n: usize) -> Vec<[usize; 2]> {
    let mut outside: Vec<(usize, usize)> = (1..n).map(|v| (v, 0)).collect();
    let mut tree = Vec::new();
    while !outside.is_empty() {
        let mut best = (c(f64::NEG_INFINITY), 0);
        for (at, &(v, from)) in outside.iter().enumerate() {
            if w[from * n + v].above(best.0) {
                best = (w[from * n + v], at);
            }
        }
        let (v, from) = outside.swap_remove(best.1);
        tree.push([v.min(from), v.max(from)]);
        for (u, from) in &mut outside {
            if w[v * n + *u].above(w[*from * n + *u]) {
                *from = v;
            }
        }
    }
    tree
}

fn births_and_deaths([graphs, n]: [usize; 2]) -> Result<Work> {
    let mut w = Work::new(format!("births and deaths of {graphs} graphs of {n}"));
    let draws = Draw::Normal.value(tapetum::TensorType::f32([graphs, n, n]), 0)?.to_f64_vec();
    let entry = |at: usize| {
        let (graph, i, j) = (at / (n * n), at / n % n, at % n);
        draws[(graph * n + i.min(j)) * n + i.max(j)]
    };
    let x: Vec<Counted> = (0..graphs * n * n).map(|at| c(entry(at))).collect();
    let vw = w.given(HostTensor::f32([graphs, n, n], x.iter().map(|x| x.0 as f32).collect())?)?;
    let made = w.tape.birth_death(vw)?;
    let mut trees = Vec::new();
    w.ledger.run("topology/prim", &[x.len()], || {
        trees = x.chunks(n * n).map(|w| prim(w, n)).collect();
        // What each vertex's edge is, and where it leads.
        vec![c(0.0); 2 * graphs * n]
    });
    let m = n * (n - 1) / 2;
    w.ledger.moves("topology/edges", &[x.len(), graphs * n], 2 * graphs * m);
    passes(&mut w.ledger, [graphs, m], 9);
    w.ledger.moves("topology/split", &[graphs * m, graphs * m], 2 * graphs * m);
    let (mut births, mut deaths) = (Vec::new(), Vec::new());
    for (w, tree) in x.chunks(n * n).zip(&trees) {
        let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| [i, j]));
        let (mut b, mut d): (Vec<_>, Vec<_>) = pairs.partition(|pair| tree.contains(pair));
        for (list, into) in [(&mut b, &mut births), (&mut d, &mut deaths)] {
            list.sort_by(|a, b| w[a[0] * n + a[1]].0.total_cmp(&w[b[0] * n + b[1]].0));
            into.extend(list.iter().map(|p| w[p[0] * n + p[1]]));
        }
    }
    w.output(made.births, &births);
    w.output(made.deaths, &deaths);
    w.moved(made.edges);
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let mut works = Vec::new();
    for shape in [[1, 1], [3, 7], [2, 1100]] {
        works.extend([sort(shape)?, compacted(shape)?]);
    }
    for shape in [[2, 3], [3, 9]] {
        works.push(births_and_deaths(shape)?);
    }
    Ok(works)
}
