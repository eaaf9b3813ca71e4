//! Sorting, which compares no reals: keys are whole numbers. And births and deaths of graphs.

use super::counted::{Counted, Ledger, c};
use super::covariance;
use super::work::Work;
use tapetum::ops::case::Draw;
use tapetum::{HostTensor, Result};

/// The passes of a radix sort of rows.
fn passes(ledger: &mut Ledger, [rows, m]: [usize; 2], passes: usize) {
    let (words, counters) = (rows * m, rows * 256 * m.div_ceil(2048));
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
    passes(&mut w.ledger, [rows, m], 4);
    w.ledger.moves("sort/take", &[words, words], words);
    w.ledger.moves("sort/put", &[words, words], words);
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

/// Compaction: running sums of the flags of kept elements, and the kept elements moved to the front.
fn compacted([rows, m]: [usize; 2]) -> Result<Work> {
    let mut w = Work::new(format!("{rows} × {m} compacted"));
    let (vx, x) = w.input([rows, m], Draw::Normal)?;
    let keep: Vec<u32> = (0..rows * m).map(|i| u32::from(i % 3 == 1)).collect();
    let vk = w.given(HostTensor::u32([rows, m], keep.clone())?)?;
    let ((values, kept), counts) = (w.tape.compact(vx, vk)?, w.tape.running_counts(vk)?);
    let words = rows * m;
    w.ledger.moves("sort/keys", &[words], 2 * words);
    passes(&mut w.ledger, [rows, m], 1);
    w.ledger.moves("shape/copy", &[rows * 256 * m.div_ceil(2048)], rows);
    w.ledger.moves("sort/take", &[words, words], words);
    if m > 2048 {
        let tiles = rows * m.div_ceil(2048);
        w.ledger.moves("sort/sums", &[words], tiles);
        w.ledger.moves("sort/scan", &[words, tiles], words);
    } else {
        w.ledger.moves("sort/scan", &[words], words);
    }
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

/// Prim's algorithm. Edges are compared as whole numbers, which costs nothing.
fn prim(w: &[f64], n: usize) -> Vec<[usize; 2]> {
    let mut outside: Vec<(usize, usize)> = (1..n).map(|v| (v, 0)).collect();
    let mut tree = Vec::new();
    while let Some(at) = (0..outside.len()).max_by(|&a, &b| {
        let [a, b] = [a, b].map(|at| w[outside[at].1 * n + outside[at].0]);
        a.total_cmp(&b)
    }) {
        let (v, from) = outside.swap_remove(at);
        tree.push([v.min(from), v.max(from)]);
        for (u, from) in &mut outside {
            if w[v * n + *u] > w[*from * n + *u] {
                *from = v;
            }
        }
    }
    tree
}

/// The births and the deaths of one graph.
fn decomposed(w: &[f64], n: usize) -> [Vec<Counted>; 2] {
    let tree = prim(w, n);
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| [i, j]));
    let (births, deaths): (Vec<_>, Vec<_>) = pairs.partition(|pair| tree.contains(pair));
    [births, deaths].map(|pairs| {
        let mut list: Vec<f64> = pairs.iter().map(|p| w[p[0] * n + p[1]]).collect();
        list.sort_by(f64::total_cmp);
        list.into_iter().map(c).collect()
    })
}

/// The rounds of Borůvka's algorithm for the most super-nodes that there may be; the first may begin with so many parts of each row.
fn boruvka(ledger: &mut Ledger, [graphs, n]: [usize; 2], parts: Option<usize>) {
    let m = n * (n - 1) / 2;
    ledger.moves("shape/set", &[], graphs);
    let mut k = n;
    while k > 1 {
        let (words, half) = (graphs * k, k / 2);
        let matrix = if k == n { words * k } else { 2 * words * k };
        let read = parts.filter(|_| k == n).map_or(matrix, |parts| 2 * words * parts);
        ledger.moves("topology/best", &[read, graphs], 2 * words);
        // Labels and the places of edges are begun by others.
        ledger.moves("topology/hook", &[graphs, words, words, graphs * m], 3 * words + graphs * half + graphs * m + graphs);
        if half > 1 {
            let lists = graphs * half + words + 2 * graphs;
            ledger.moves("topology/contract", &[matrix, lists], 2 * words * half);
            ledger.moves("topology/contract", &[2 * words * half, lists], 2 * graphs * half * half);
        }
        k = half;
    }
}

/// The moves that follow a spanning tree: its edges (with those of a tree known before) are gathered, sorted and separated from the other
/// edges.
fn edges(ledger: &mut Ledger, [graphs, n]: [usize; 2], grown: bool) {
    let m = n * (n - 1) / 2;
    ledger.moves("shape/set", &[], graphs);
    let parents = if grown { graphs * n } else { 0 };
    ledger.moves("topology/edges", &[graphs * n * n, parents, graphs], 2 * graphs * m + graphs);
    passes(ledger, [graphs, m], 5);
    ledger.moves("topology/split", &[graphs * m, graphs * m, graphs], 2 * graphs * m);
}

const BORUVKA: [&str; 2] = ["topology/tree", "boruvka"];

fn births_and_deaths([graphs, n]: [usize; 2], contracts: bool) -> Result<Work> {
    let mut w = Work::new(format!("births and deaths of {graphs} graphs of {n}, contracted {contracts}"));
    let draws = Draw::Normal.value(tapetum::TensorType::f32([graphs, n, n]), 0)?.to_f64_vec();
    let entry = |at: usize| {
        let (graph, i, j) = (at / (n * n), at / n % n, at % n);
        draws[(graph * n + i.min(j)) * n + i.max(j)]
    };
    let x: Vec<f64> = (0..graphs * n * n).map(entry).collect();
    let vw = w.given(HostTensor::f32([graphs, n, n], x.iter().map(|&x| x as f32).collect())?)?;
    let made = w.tape.birth_death(vw)?;
    if contracts {
        w.pins.extend([BORUVKA.map(String::from).into()]);
        boruvka(&mut w.ledger, [graphs, n], None);
    } else {
        // The weight of each vertex's edge, and the vertex it leads to.
        w.ledger.moves("topology/prim", &[x.len()], 2 * graphs * n);
    }
    edges(&mut w.ledger, [graphs, n], !contracts);
    let [births, deaths] = [0, 1].map(|list| x.chunks(n * n).flat_map(|w| decomposed(w, n)[list].clone()).collect::<Vec<_>>());
    w.output(made.births, &births);
    w.output(made.deaths, &deaths);
    w.moved(made.edges);
    Ok(w)
}

/// From series: the product keeps of each row the best entries of those parts that are an invocation's, 4 columns of 32.
fn connectome([graphs, n, time]: [usize; 3]) -> Result<Work> {
    let mut w = Work::new(format!("births and deaths of {graphs} connectomes of {n}"));
    w.pins.extend([BORUVKA.map(String::from).into()]);
    let (vx, x) = w.input([graphs, n, time], Draw::Normal)?;
    let (r, made) = w.tape.connectome_birth_death(vx)?;
    let parts = 8 * n.div_ceil(32);
    let correlations = covariance::kept(&mut w.ledger, &x, [graphs, n, time], parts);
    boruvka(&mut w.ledger, [graphs, n], Some(parts));
    edges(&mut w.ledger, [graphs, n], false);
    let births = correlations.chunks(n * n).flat_map(|r| {
        let magnitudes: Vec<f64> = r.iter().map(|r| r.0.abs()).collect();
        let [births, _] = decomposed(&magnitudes, n);
        births
    });
    w.output(made.births, &births.collect::<Vec<_>>());
    w.output(r, &correlations);
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let mut works = Vec::new();
    for shape in [[1, 1], [3, 7], [2, 2500]] {
        works.extend([sort(shape)?, compacted(shape)?]);
    }
    for shape in [[2, 3], [3, 9]] {
        works.extend([births_and_deaths(shape, false)?, births_and_deaths(shape, true)?]);
    }
    for shape in [[1, 3, 5], [2, 37, 8]] {
        works.push(connectome(shape)?);
    }
    Ok(works)
}
