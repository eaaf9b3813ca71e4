//! Reductions, softmax, means over neighbours, and chains of pointwise functions.

use super::counted::{Counted, Ledger, c};
use super::work::Work;
use tapetum::ops::case::Draw;
use tapetum::{HostTensor, Result, Tape, Var};

/// The elements of row `row` of `[outer, n, inner]` along the middle axis.
fn along(x: &[Counted], [_, n, inner]: [usize; 3], row: usize) -> Vec<Counted> {
    (0..n).map(|k| x[place([0, n, inner], row, k)]).collect()
}

fn place([_, n, inner]: [usize; 3], row: usize, k: usize) -> usize {
    (row / inner * n + k) * inner + row % inner
}

/// `f(row)` for each row along the middle axis, put back in place.
fn rows(extents: [usize; 3], f: impl Fn(usize) -> Vec<Counted>) -> Vec<Counted> {
    let [outer, n, inner] = extents;
    let mut y = vec![c(0.0); outer * n * inner];
    for row in 0..outer * inner {
        f(row).into_iter().enumerate().for_each(|(k, value)| y[place(extents, row, k)] = value);
    }
    y
}

/// The longest row of a single stage; those of the works here that are longer are halved.
const LONG: usize = 8192;

/// A reduction of the middle axis in one stage, or of few long rows in two.
fn reduce(ledger: &mut Ledger, x: &[Counted], [outer, n, inner]: [usize; 3], f: fn(Vec<Counted>) -> Counted) -> Vec<Counted> {
    let stage = |ledger: &mut Ledger, x: &[Counted], n: usize, chunks: usize| {
        let chunk = n.div_ceil(chunks);
        let part = |o: usize, k: usize, i: usize| f((k * chunk..n.min((k + 1) * chunk)).map(|j| x[(o * n + j) * inner + i]).collect());
        let all = |at: usize| part(at / inner / chunks, at / inner % chunks, at % inner);
        ledger.run("reduce/reduce", &[x.len()], || (0..outer * chunks * inner).map(all).collect::<Vec<_>>())
    };
    if n <= LONG {
        return stage(ledger, x, n, 1);
    }
    let parts = stage(ledger, x, n, 2);
    stage(ledger, &parts, 2, 1)
}

/// The sums of a matrix's rows.
pub fn sums(ledger: &mut Ledger, x: &[Counted], [rows, n]: [usize; 2]) -> Vec<Counted> {
    reduce(ledger, x, [rows, n, 1], |x| Counted::sum(x.into_iter()))
}

fn largest(x: Vec<Counted>) -> Counted {
    x.into_iter().fold(c(f64::NEG_INFINITY), Counted::max)
}

pub fn softmax(ledger: &mut Ledger, x: &[Counted], extents: [usize; 3], log: bool) -> Vec<Counted> {
    let row = |row: usize| {
        let x = along(x, extents, row);
        let most = largest(x.clone());
        let shifted: Vec<_> = x.into_iter().map(|x| x - most).collect();
        let powers: Vec<_> = shifted.iter().map(|x| x.exp()).collect();
        let sum = Counted::sum(powers.iter().copied());
        if log {
            let shift = sum.ln();
            return shifted.into_iter().map(|x| x - shift).collect();
        }
        powers.into_iter().map(|x| x / sum).collect::<Vec<_>>()
    };
    ledger.run("softmax/softmax", &[x.len()], || rows(extents, row))
}

fn softmax_reverse(ledger: &mut Ledger, y: &[Counted], g: &[Counted], extents: [usize; 3], log: bool) -> Vec<Counted> {
    let row = |row: usize| {
        let (y, g) = (along(y, extents, row), along(g, extents, row));
        if log {
            let sum = Counted::sum(g.iter().copied());
            return y.into_iter().zip(g).map(|(y, g)| g - y.exp() * sum).collect();
        }
        let sum = Counted::sum(y.iter().zip(&g).map(|(&y, &g)| y * g));
        y.into_iter().zip(g).map(|(y, g)| y * (g - sum)).collect::<Vec<_>>()
    };
    ledger.run("softmax/softmax_reverse", &[y.len(), g.len()], || rows(extents, row))
}

/// A reduction as the tape records it.
type Recorded = fn(&mut Tape, Var, &[isize], bool) -> Result<Var>;

fn reduction(extents: [usize; 3], record: Recorded, f: fn(Vec<Counted>) -> Counted) -> Result<Work> {
    let mut w = Work::new(format!("reduction of {extents:?}"));
    let (vx, x) = w.input(extents, Draw::Normal)?;
    let y = record(&mut w.tape, vx, &[1], false)?;
    let made = reduce(&mut w.ledger, &x, extents, f);
    w.output(y, &made);
    Ok(w)
}

fn positions(extents: [usize; 3]) -> Result<Work> {
    let mut w = Work::new(format!("argmax and cumulative sums of {extents:?}"));
    let (vx, x) = w.input(extents, Draw::Whole(3))?;
    let [outer, n, inner] = extents;
    let (first, sums) = (w.tape.argmax(vx, 1)?, w.tape.cumulative_sum(vx, 1)?);
    let places = w.ledger.run("reduce/argmax", &[x.len()], || {
        let place = |row: usize| {
            let better = |best: (Counted, usize), (k, x): (usize, Counted)| if x.above(best.0) { (x, k) } else { best };
            c(along(&x, extents, row).into_iter().enumerate().fold((c(f64::NEG_INFINITY), 0), better).1 as f64)
        };
        (0..outer * inner).map(place).collect::<Vec<_>>()
    });
    let running = w.ledger.run("reduce/cumulative_sum", &[x.len()], || {
        rows(extents, |row| {
            let add = |sum: &mut Counted, x: Counted| {
                *sum = *sum + x;
                Some(*sum)
            };
            along(&x, extents, row).into_iter().scan(c(0.0), add).collect()
        })
    });
    assert_eq!(running.len(), outer * n * inner);
    w.output(first, &places);
    w.output(sums, &running);
    Ok(w)
}

fn softmax_both_ways(extents: [usize; 3], log: bool) -> Result<Work> {
    let mut w = Work::new(format!("softmax of {extents:?}, log {log}"));
    let ((vx, x), (vg, g)) = (w.input(extents, Draw::Normal)?, w.input(extents, Draw::Normal)?);
    let y = if log { w.tape.log_softmax(vx, 1)? } else { w.tape.softmax(vx, 1)? };
    let gradient = w.tape.vjp(&[(y, vg)], &[vx])?[0];
    let made = softmax(&mut w.ledger, &x, extents, log);
    let reverse = softmax_reverse(&mut w.ledger, &made, &g, extents, log);
    w.output(y, &made);
    w.output(gradient, &reverse);
    Ok(w)
}

/// Means over a ring of vertices: each between its two neighbours, and itself.
fn neighbours([rows, v]: [usize; 2]) -> Result<Work> {
    let mut w = Work::new(format!("means over the neighbours of {v} vertices"));
    let (vx, x) = w.input([rows, v], Draw::Normal)?;
    let table: Vec<usize> = (0..v).flat_map(|i| [(i + 1) % v, (i + v - 1) % v, i]).collect();
    let y = w.tape.neighbour_mean(vx, &HostTensor::i32([v, 3], table.iter().map(|&i| i as i32).collect())?)?;
    let made = w.ledger.run("mesh/neighbour_mean", &[x.len(), table.len()], || {
        let mean = |at: usize| {
            let (row, near) = (&x[at / v * v..][..v], &table[at % v * 3..][..3]);
            Counted::sum(near.iter().map(|&n| row[n])) * c(1.0 / 3.0)
        };
        (0..rows * v).map(mean).collect::<Vec<_>>()
    });
    w.output(y, &made);
    Ok(w)
}

/// Sums over the same ring, by weights.
fn neighbour_sum([rows, v]: [usize; 2]) -> Result<Work> {
    let mut w = Work::new(format!("sums over the neighbours of {v} vertices"));
    let (vx, x) = w.input([rows, v], Draw::Normal)?;
    let table: Vec<usize> = (0..v).flat_map(|i| [(i + 1) % v, (i + v - 1) % v, i]).collect();
    let weights: Vec<f32> = (0..3 * v).map(|e| 0.25 + (e % 5) as f32).collect();
    let neighbours = HostTensor::i32([v, 3], table.iter().map(|&i| i as i32).collect())?;
    let y = w.tape.neighbour_sum(vx, &neighbours, &HostTensor::f32([v, 3], weights.clone())?)?;
    let made = w.ledger.run("mesh/neighbour_sum", &[x.len(), table.len(), weights.len()], || {
        let sum = |at: usize| {
            let (row, entry) = (&x[at / v * v..][..v], at % v * 3);
            // From 0, as the kernel begins.
            (entry..entry + 3).fold(c(0.0), |sum, e| sum + c(f64::from(weights[e])) * row[table[e]])
        };
        (0..rows * v).map(sum).collect::<Vec<_>>()
    });
    w.output(y, &made);
    Ok(w)
}

/// A chain over an operand and a row of it: six functions of the table, one FLOP each, and a number that is written into the chain.
fn chain([rows, n]: [usize; 2]) -> Result<Work> {
    let mut w = Work::new(format!("chain over {rows} × {n}"));
    let ((vx, x), (vb, b)) = (w.input([rows, n], Draw::Normal)?, w.input([n], Draw::Normal)?);
    let t = &mut w.tape;
    let y = t.tanh(vx)?;
    let y = t.mul(y, vb)?;
    let y = t.softplus(y)?;
    let half = t.full([rows, n], 0.5)?;
    let y = t.add(y, half)?;
    let on = t.greater(y, vx)?;
    let y = t.select(on, y, vx)?;
    let made = w.ledger.run("pointwise/chain", &[x.len(), b.len()], || {
        let one = |(at, &x): (usize, &Counted)| {
            let y = (x.apply(f64::tanh) * b[at % n]).apply(|x| x.max(0.0) + (-x.abs()).exp().ln_1p()) + c(0.5);
            let on = y.above(x);
            // `select` is a function of the table, and counts as one.
            Counted(if on { y.0 } else { x.0 }).apply(|x| x)
        };
        x.iter().enumerate().map(one).collect::<Vec<_>>()
    });
    w.output(y, &made);
    Ok(w)
}

/// A number that must stand in memory: written, and not computed.
fn fill(n: usize) -> Result<Work> {
    let mut w = Work::new(format!("a number written {n} times"));
    let value = w.tape.full([n], 0.5)?;
    w.ledger.moves("pointwise/chain", &[], n);
    w.output(value, &vec![c(0.5); n]);
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let mut works = Vec::new();
    for extents in [[1, 1, 1], [3, 7, 5], [2, 65, 1], [1, 4, 40], [2, 8209, 1]] {
        works.push(reduction(extents, Tape::sum, |x| Counted::sum(x.into_iter()))?);
        works.push(reduction(extents, Tape::max, largest)?);
        works.push(reduction(extents, Tape::min, |x| x.into_iter().fold(c(f64::INFINITY), Counted::min))?);
    }
    for extents in [[1, 1, 1], [3, 7, 5], [2, 65, 1], [1, 4, 40]] {
        works.extend([positions(extents)?, softmax_both_ways(extents, false)?, softmax_both_ways(extents, true)?]);
    }
    for shape in [[1, 1], [3, 7], [4, 64]] {
        works.extend([neighbours(shape)?, neighbour_sum(shape)?, chain(shape)?, fill(shape[1])?]);
    }
    Ok(works)
}
