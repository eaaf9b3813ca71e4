//! Decompositions of symmetric matrices.

use super::counted::{Counted, Ledger, c};
use super::products::product;
use super::work::Work;
use tapetum::ops::case::Draw;
use tapetum::{HostTensor, Result};

/// The symmetric part of the matrix at `base`.
fn symmetric(a: &[Counted], n: usize) -> Vec<Counted> {
    (0..n * n).map(|at| c(0.5) * (a[at] + a[at % n * n + at / n])).collect()
}

/// x − s (y + τ x) and y + s (x − τ y).
fn turn(a: &mut [Counted], i: usize, j: usize, (s, tau): (Counted, Counted)) {
    let (x, y) = (a[i], a[j]);
    (a[i], a[j]) = (x - s * (y + tau * x), y + s * (x - tau * y));
}

/// The rotation that makes the entry (p, q) 0, and what becomes of the pair's own entries.
fn rotation(a: &mut [Counted], n: usize, [p, q]: [usize; 2]) -> (Counted, Counted) {
    let (app, aqq, apq) = (a[p * n + p], a[q * n + q], a[p * n + q]);
    let there = apq.abs().above(c(1e-37));
    let theta = ((aqq - app) / (c(2.0) * apq)).max(c(-1e18)).min(c(1e18));
    let size = c(1.0) / (theta.abs() + (c(1.0) + theta * theta).sqrt());
    let t = Counted::choose(theta.at_least(c(0.0)), size, -size);
    let t = Counted::choose(there, t, c(0.0));
    let cos = c(1.0) / (c(1.0) + t * t).sqrt();
    let s = t * cos;
    let moved = t * apq;
    (a[p * n + p], a[q * n + q]) = (app - moved, aqq + moved);
    (a[p * n + q], a[q * n + p]) = (c(0.0), c(0.0));
    (s, s / (c(1.0) + cos))
}

/// A sweep of Jacobi's method: each round of a tournament at once.
fn sweep(a: &mut [Counted], w: &mut [Counted], n: usize) {
    let last = n - 1 + n % 2;
    for round in 0..last {
        let pairs = (0..last.div_ceil(2)).map(|k| {
            let (i, j) = (if k == 0 { last } else { (round + k) % last }, (round + last - k) % last);
            [i.min(j), i.max(j)]
        });
        let (pairs, alone): (Vec<_>, Vec<_>) = pairs.partition(|[_, q]| *q < n);
        let rotations: Vec<_> = pairs.iter().map(|&pair| rotation(a, n, pair)).collect();
        for (k, (&[p, q], &r)) in pairs.iter().zip(&rotations).enumerate() {
            for (&[i, j], &other) in pairs[..k].iter().zip(&rotations) {
                turn(a, p * n + i, q * n + i, r);
                turn(a, p * n + j, q * n + j, r);
                turn(a, p * n + i, p * n + j, other);
                turn(a, q * n + i, q * n + j, other);
                for (x, y) in [(p, i), (p, j), (q, i), (q, j)] {
                    a[y * n + x] = a[x * n + y];
                }
            }
            for &[i, _] in &alone {
                turn(a, p * n + i, q * n + i, r);
                (a[i * n + p], a[i * n + q]) = (a[p * n + i], a[q * n + i]);
            }
            (0..n).for_each(|i| turn(w, p * n + i, q * n + i, r));
        }
    }
}

fn order(a: &[Counted], w: &[Counted], n: usize) -> (Vec<Counted>, Vec<Counted>) {
    let (mut values, mut vectors) = (vec![c(0.0); n], vec![c(0.0); n * n]);
    for own in 0..n {
        let value = a[own * (n + 1)];
        let before = |j: &usize| if *j < own { value.at_least(a[j * (n + 1)]) } else { value.above(a[j * (n + 1)]) };
        let place = (0..n).filter(|j| *j != own).filter(before).count();
        values[place] = value;
        let row = &w[own * n..(own + 1) * n];
        let sizes: Vec<_> = row.iter().map(|x| x.abs()).collect();
        let half = c(0.5) * sizes.iter().fold(c(0.0), |m, &x| m.max(x));
        let large: Vec<bool> = sizes.iter().map(|x| x.at_least(half)).collect();
        let flip = !row[large.iter().position(|l| *l).unwrap_or(0)].at_least(c(0.0));
        row.iter().enumerate().for_each(|(i, &x)| vectors[i * n + place] = Counted::choose(flip, -x, x));
    }
    (values, vectors)
}

fn identity(n: usize) -> Vec<Counted> {
    (0..n * n).map(|at| if at.is_multiple_of(n + 1) { c(1.0) } else { c(0.0) }).collect()
}

/// A matrix of n rows and columns among zeros.
fn padded(a: &[Counted], n: usize, stride: usize) -> Vec<Counted> {
    let entry = |i: usize, j: usize| if i.max(j) < n { a[i * n + j] } else { c(0.0) };
    (0..stride * stride).map(|at| entry(at / stride, at % stride)).collect()
}

fn diagonal(values: &[Counted]) -> Vec<Counted> {
    let n = values.len();
    (0..n * n).map(|at| if at % (n + 1) == 0 { values[at / (n + 1)] } else { c(0.0) }).collect()
}

fn eigen(n: usize, sweeps: usize) -> Result<Work> {
    let mut w = Work::new(format!("eigen {n}"));
    w.pins.insert("spd/eigen".into(), "columns".into());
    let (vx, x) = w.input([n, n], Draw::Normal)?;
    let (values, vectors) = w.tape.eigh(vx)?;
    let started = w.ledger.run("spd/jacobi_start", &[n * n], || (symmetric(&x, n), identity(n)));
    let done = if sweeps == 0 {
        started
    } else {
        w.ledger.run("spd/jacobi", &[n * n, n * n], || {
            let (mut a, mut rows) = started;
            (0..sweeps).for_each(|_| sweep(&mut a, &mut rows, n));
            (a, rows)
        })
    };
    let made = w.ledger.run("spd/eigen_order", &[n * n, n * n], || order(&done.0, &done.1, n));
    w.output(values, &made.0);
    w.output(vectors, &made.1);
    Ok(w)
}

/// The indices of the pairs of blocks of 16 that meet in a round.
fn meetings(half: usize, round: usize) -> Vec<Vec<usize>> {
    let last = 2 * half - 1;
    let blocks = (0..half).map(|k| [if k == 0 { last } else { (round + k) % last }, (round + last - k) % last]);
    blocks.map(|pair| pair.iter().flat_map(|block| 16 * block..16 * block + 16).collect()).collect()
}

/// A round by blocks: each pair of them through so many sweeps of its own, then what turned them is taken to the rest.
fn round_of_blocks(ledger: &mut Ledger, (a, w): &mut (Vec<Counted>, Vec<Counted>), half: usize, [round, sweeps]: [usize; 2]) {
    let (n, meetings) = (32 * half, meetings(half, round));
    let (turned, (turns, _)) = ledger.run("spd/jacobi_blocks", &[n * n], || {
        let (mut a, mut turns) = (a.clone(), Vec::new());
        for indices in &meetings {
            let mut own: Vec<_> = indices.iter().flat_map(|i| indices.iter().map(|j| a[i * n + j]).collect::<Vec<_>>()).collect();
            let mut turn = identity(32);
            (0..sweeps).for_each(|_| sweep(&mut own, &mut turn, 32));
            (0..1024).for_each(|at| a[indices[at / 32] * n + indices[at % 32]] = own[at]);
            turns.extend(turn);
        }
        (a, (turns, vec![c(1.0); half]))
    });
    (*a, *w) = ledger.run("spd/jacobi_turn", &[2 * n * n, turns.len(), half], || {
        let (mut a, mut rows) = (turned, w.clone());
        for (p, indices) in meetings.iter().enumerate() {
            let of_rows = &turns[1024 * p..];
            for (q, others) in meetings.iter().enumerate().skip(p + 1) {
                let of_cols = &turns[1024 * q..];
                let left = product([32; 3], |i, k| of_rows[i * 32 + k], |k, j| a[indices[k] * n + others[j]]);
                let both = product([32; 3], |i, k| left[i * 32 + k], |k, j| of_cols[j * 32 + k]);
                for (at, &x) in both.iter().enumerate() {
                    let (i, j) = (indices[at / 32], others[at % 32]);
                    (a[i * n + j], a[j * n + i]) = (x, x);
                }
            }
            let left = product([32, 32, n], |i, k| of_rows[i * 32 + k], |k, j| rows[indices[k] * n + j]);
            (0..32 * n).for_each(|at| rows[indices[at / n] * n + at % n] = left[at]);
        }
        (a, rows)
    });
}

fn eigen_by_blocks(n: usize, sweeps: usize) -> Result<Work> {
    let mut w = Work::new(format!("eigen {n} by blocks"));
    w.pins.insert("spd/eigen".into(), "blocks".into());
    let (vx, x) = w.input([n, n], Draw::Normal)?;
    let (values, vectors) = w.tape.eigh(vx)?;
    let half = n.div_ceil(32);
    let stride = 32 * half;
    let start = || (padded(&symmetric(&x, n), n, stride), padded(&identity(n), n, stride));
    let mut made = w.ledger.run("spd/jacobi_start", &[n * n], start);
    let rounds = if half == 1 { 1 } else { sweeps * (2 * half - 1) };
    for round in 0..rounds {
        round_of_blocks(&mut w.ledger, &mut made, half, [round % (2 * half - 1), if half == 1 { sweeps } else { 1 }]);
    }
    let (mut a, rows) = made;
    let words = stride * stride;
    let at = |x: &[Counted], i: usize, j: usize| x[i * stride + j];
    let cube = (half > 1).then(|| {
        let square = w.ledger.run("matmul/matmul", &[words], || product([stride; 3], |i, k| at(&rows, i, k), |k, j| at(&rows, j, k)));
        let cube = w.ledger.run("matmul/matmul", &[words; 2], || product([stride; 3], |i, k| at(&square, i, k), |k, j| at(&rows, k, j)));
        let (given, _) = w.ledger.run("spd/jacobi_start", &[n * n], start);
        let moved = w.ledger.run("matmul/matmul", &[words; 2], || product([stride; 3], |i, k| at(&rows, i, k), |k, j| at(&given, k, j)));
        let row = |i: usize| Counted::sum((0..stride).map(|j| at(&moved, i, j) * at(&rows, i, j))) / at(&square, i, i);
        let values = w.ledger.run("spd/rayleigh", &[words; 3], || (0..stride).map(row).collect::<Vec<_>>());
        a = diagonal(&values);
        cube
    });
    let cut = |x: &[Counted]| (0..n * n).map(|at| x[at / n * stride + at % n]).collect::<Vec<_>>();
    let operands = if half > 1 { vec![stride, words, words] } else { vec![words; 2] };
    let made = w.ledger.run("spd/eigen_order", &operands, || {
        let polished = |cube: &Vec<Counted>| cut(&rows).into_iter().zip(cut(cube)).map(|(x, y)| c(1.5) * x - c(0.5) * y).collect();
        order(&cut(&a), &cube.as_ref().map_or_else(|| cut(&rows), polished), n)
    });
    w.output(values, &made.0);
    w.output(vectors, &made.1);
    Ok(w)
}

/// The factor, `together` columns a dispatch.
fn factor(ledger: &mut Ledger, a: &[Counted], n: usize, kernel: &str, together: usize) -> Vec<Counted> {
    let half = |i: usize, j: usize| c(0.5) * (a[i * n + j] + a[j * n + i]);
    let mut l = vec![c(0.0); n * n];
    for first in (0..n).step_by(together) {
        let operands = [n * n, if first == 0 { 0 } else { n * n }];
        l = ledger.run(kernel, &operands, || {
            for j in first..n.min(first + together) {
                let along = |l: &[Counted], i: usize| Counted::sum((0..j).map(|k| l[i * n + k] * l[j * n + k]));
                let own = half(j, j);
                let rest = own - along(&l, j);
                let there = rest.above(c(8.0 * f64::from(f32::EPSILON)) * own);
                let pivot = rest.sqrt();
                let inverse = c(1.0) / pivot;
                l[j * n + j] = Counted::choose(there, pivot, c(0.0));
                for i in j + 1..n {
                    l[i * n + j] = (half(i, j) - along(&l, i)) * Counted::choose(there, inverse, c(0.0));
                }
            }
            l
        });
    }
    l
}

fn solve(ledger: &mut Ledger, kernel: &str, [l, b]: [&[Counted]; 2], [n, m]: [usize; 2], transposed: bool) -> Vec<Counted> {
    ledger.run(kernel, &[n * n, n * m], || {
        let mut x = vec![c(0.0); n * m];
        for col in 0..m {
            let mut done: Vec<usize> = Vec::new();
            for step in 0..n {
                let i = if transposed { n - 1 - step } else { step };
                let entry = |k: usize| if transposed { l[k * n + i] } else { l[i * n + k] };
                let sum = Counted::sum(done.iter().map(|&k| entry(k) * x[k * m + col]));
                let pivot = entry(i);
                let nothing = pivot.is_zero();
                x[i * m + col] = Counted::choose(nothing, c(0.0), (b[i * m + col] - sum) / pivot);
                done.push(i);
            }
        }
        x
    })
}

/// A factor, and both of its systems.
fn systems([n, m]: [usize; 2], by: &str) -> Result<Work> {
    let mut w = Work::new(format!("triangular systems {n} × {m} by {by}"));
    let blocks = by == "blocks";
    w.pins.extend(["spd/factor", "spd/solve"].map(|name| (name.into(), by.into())));
    let entry = |at: usize| if at.is_multiple_of(n + 1) { n as f32 } else { ((at / n + at % n) as f32).sin() };
    let a: Vec<f32> = (0..n * n).map(entry).collect();
    let elements: Vec<_> = a.iter().map(|&x| c(f64::from(x))).collect();
    let va = w.given(HostTensor::f32([n, n], a)?)?;
    let (vb, b) = w.input([n, m], Draw::Normal)?;
    let l = w.tape.cholesky(va)?;
    let (down, up) = (w.tape.triangular_solve(l, vb, false)?, w.tape.triangular_solve(l, vb, true)?);
    let (kernel, together) = if blocks { ("spd/cholesky_blocks", 32) } else { ("spd/cholesky", n) };
    let made = factor(&mut w.ledger, &elements, n, kernel, together);
    w.output(l, &made);
    for (var, transposed) in [(down, false), (up, true)] {
        let kernel = if blocks { "spd/triangular_blocks" } else { "spd/triangular_solve" };
        let x = solve(&mut w.ledger, kernel, [&made, &b], [n, m], transposed);
        w.output(var, &x);
    }
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let decompositions = [(1, 0), (2, 1), (5, 6), (6, 6), (11, 7)].map(|(n, sweeps)| eigen(n, sweeps));
    let by_blocks = [(1, 0), (7, 6), (40, 10)].map(|(n, sweeps)| eigen_by_blocks(n, sweeps));
    let columns = [[1, 1], [5, 3], [6, 4]].map(|extents| systems(extents, "columns"));
    let blocks = [[5, 3], [70, 2]].map(|extents| systems(extents, "blocks"));
    decompositions.into_iter().chain(by_blocks).chain(columns).chain(blocks).collect()
}
