//! Decompositions of symmetric matrices.

use super::counted::{Counted, Ledger, c};
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

fn eigen(n: usize, sweeps: usize) -> Result<Work> {
    let mut w = Work::new(format!("eigen {n}"));
    let (vx, x) = w.input([n, n], Draw::Normal)?;
    let (values, vectors) = w.tape.eigh(vx)?;
    let identity: Vec<_> = (0..n * n).map(|at| if at.is_multiple_of(n + 1) { c(1.0) } else { c(0.0) }).collect();
    let started = w.ledger.run("spd/jacobi_start", &[n * n], || (symmetric(&x, n), identity));
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

fn factor(ledger: &mut Ledger, a: &[Counted], n: usize) -> Vec<Counted> {
    ledger.run("spd/cholesky", &[n * n], || {
        let mut l = vec![c(0.0); n * n];
        let half = |i: usize, j: usize| c(0.5) * (a[i * n + j] + a[j * n + i]);
        for j in 0..n {
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
    })
}

fn solve(ledger: &mut Ledger, l: &[Counted], b: &[Counted], [n, m]: [usize; 2], transposed: bool) -> Vec<Counted> {
    ledger.run("spd/triangular_solve", &[n * n, n * m], || {
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
fn systems([n, m]: [usize; 2]) -> Result<Work> {
    let mut w = Work::new(format!("triangular systems {n} × {m}"));
    let entry = |at: usize| if at.is_multiple_of(n + 1) { n as f32 } else { ((at / n + at % n) as f32).sin() };
    let a: Vec<f32> = (0..n * n).map(entry).collect();
    let elements: Vec<_> = a.iter().map(|&x| c(f64::from(x))).collect();
    let va = w.given(HostTensor::f32([n, n], a)?)?;
    let (vb, b) = w.input([n, m], Draw::Normal)?;
    let l = w.tape.cholesky(va)?;
    let (down, up) = (w.tape.triangular_solve(l, vb, false)?, w.tape.triangular_solve(l, vb, true)?);
    let made = factor(&mut w.ledger, &elements, n);
    w.output(l, &made);
    for (var, transposed) in [(down, false), (up, true)] {
        let x = solve(&mut w.ledger, &made, &b, [n, m], transposed);
        w.output(var, &x);
    }
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let decompositions = [(1, 0), (2, 1), (5, 6), (6, 6), (11, 7)].map(|(n, sweeps)| eigen(n, sweeps));
    let systems = [[1, 1], [5, 3], [6, 4]].map(systems);
    decompositions.into_iter().chain(systems).collect()
}
