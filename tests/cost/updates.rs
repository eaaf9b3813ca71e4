//! Updates of state.

use super::counted::{Counted, c};
use super::work::Work;
use tapetum::ops::case::Draw;
use tapetum::optim::{Adam, Sgd};
use tapetum::{HostTensor, Init, Result, Var};

const RATE: f32 = 0.25;
const DECAY: f32 = 0.125;

fn number(x: f32) -> Counted {
    c(f64::from(x))
}

/// A parameter and its gradient. The step counter is advanced by an integer.
fn begun(name: String, n: usize) -> Result<(Work, Var, Var, Vec<Counted>)> {
    let mut w = Work::new(name);
    let p = w.tape.parameter("p", [n], Init::Full(0.5))?;
    let (vg, g) = w.input([n], Draw::Normal)?;
    w.ledger.moves("optim/advance", &[1], 1);
    Ok((w, p, vg, g))
}

fn adam(n: usize, decoupled: bool) -> Result<Work> {
    let (mut w, p, vg, g) = begun(format!("adam of {n}, decoupled {decoupled}"), n)?;
    let op = Adam { decay: DECAY, decoupled, ..Adam::new(RATE) };
    op.apply(&mut w.tape, &[(p, vg)])?;
    let [b1, b2] = [op.beta1, op.beta2].map(number);
    let [left1, left2] = [b1, b2].map(|b| c(1.0 - b.0));
    let (m0, v0, p0) = (c(0.0), c(0.0), c(0.5));
    let ((new_p, m), v) = w.ledger.run("optim/adam", &[n, 1, 1, n, n, n], || {
        // The step counts from 1 by whole-number work; each bias correction is −(e^(count ln β) − 1).
        let corrections = [op.beta1, op.beta2].map(|beta| -(c(1.0) * number(f64::from(beta).ln() as f32)).apply(f64::exp_m1));
        let (mut new_p, mut m, mut v) = (Vec::new(), Vec::new(), Vec::new());
        for &g in &g {
            let slope = if decoupled { g } else { g + number(DECAY) * p0 };
            m.push(b1 * m0 + left1 * slope);
            v.push(b2 * v0 + left2 * slope * slope);
            let (m, v) = (m[m.len() - 1], v[v.len() - 1]);
            let step = number(RATE) * (m / corrections[0]) / ((v / corrections[1]).sqrt() + number(op.epsilon));
            let from = if decoupled { p0 - number(RATE) * number(DECAY) * p0 } else { p0 };
            new_p.push(from - step);
        }
        ((new_p, m), v)
    });
    w.state("p", &new_p);
    w.state("p.adam.m", &m);
    w.state("p.adam.v", &v);
    Ok(w)
}

fn sgd(n: usize, nesterov: bool) -> Result<Work> {
    const MOMENTUM: f32 = 0.75;
    let (mut w, p, vg, g) = begun(format!("sgd of {n}, nesterov {nesterov}"), n)?;
    let op = Sgd { momentum: MOMENTUM, decay: DECAY, nesterov, ..Sgd::new(RATE) };
    op.apply(&mut w.tape, &[(p, vg)])?;
    let (p0, b0) = (c(0.5), c(0.0));
    let (new_p, b) = w.ledger.run("optim/sgd", &[n, 1, n, n], || {
        let (mut new_p, mut b) = (Vec::new(), Vec::new());
        for &g in &g {
            let slope = g + number(DECAY) * p0;
            let velocity = number(MOMENTUM) * b0 + slope;
            let step = if nesterov { slope + number(MOMENTUM) * velocity } else { velocity };
            new_p.push(p0 - number(RATE) * step);
            b.push(velocity);
        }
        (new_p, b)
    });
    w.state("p", &new_p);
    w.state("p.sgd.b", &b);
    Ok(w)
}

/// A ring takes a value to its place: nothing is computed, and by the model all of it is read and written.
fn ring(n: usize) -> Result<Work> {
    let mut w = Work::new(format!("ring of {n}"));
    let value = w.given(HostTensor::f32([1], vec![2.5])?)?;
    w.tape.keep_last("ring", value, n)?;
    w.ledger.moves("optim/ring", &[1, 1, n], n);
    let kept = (0..n).map(|i| c(if i == 0 { 2.5 } else { 0.0 })).collect::<Vec<_>>();
    w.state("ring", &kept);
    Ok(w)
}

/// Rings with the counter: by the model each ring is read and written whole, and the counter too.
fn rings(lengths: &[usize]) -> Result<Work> {
    let mut w = Work::new(format!("rings of {lengths:?}"));
    let mut read = Vec::new();
    for (&n, name) in lengths.iter().zip(["first", "second", "third"]) {
        let value = w.given(HostTensor::f32([1], vec![2.5])?)?;
        w.tape.keep_last(name, value, n)?;
        let kept = (0..n).map(|i| c(if i == 0 { 2.5 } else { 0.0 })).collect::<Vec<_>>();
        w.state(name, &kept);
        read.extend([1, n]);
    }
    w.tape.advance()?;
    let kept: usize = lengths.iter().sum();
    w.ledger.moves("optim/rings", &[read, vec![1]].concat(), kept + 1);
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let mut works = Vec::new();
    for n in [1, 7, 257] {
        works.extend([adam(n, false)?, adam(n, true)?, sgd(n, false)?, sgd(n, true)?, ring(n)?]);
    }
    works.extend([rings(&[7])?, rings(&[1, 7])?, rings(&[3, 1, 257])?]);
    Ok(works)
}
