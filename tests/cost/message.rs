//! Messages between all pairs of nodes.

use crate::counted::{Counted, c};
use crate::work::Work;
use tapetum::Result;
use tapetum::ops::case::Draw;
use tapetum::ops::message::PairActivation;

fn elu(x: Counted) -> Counted {
    x.apply(|x| if x > 0.0 { x } else { x.exp_m1() })
}

fn slope(x: Counted) -> Counted {
    x.apply(|x| if x > 0.0 { 1.0 } else { x.exp() })
}

/// Batch, receivers, senders, features, heads.
type Extents = [usize; 5];

fn row(x: &[Counted], f: usize, at: usize) -> &[Counted] {
    &x[at * f..][..f]
}

/// e_kij = Σ_f a_kf elu(u_if + v_jf), the weights of head k and receiver i given by `weights`: each hidden state is made once.
fn dots<'a>(u: &[Counted], v: &[Counted], [batch, n, m, f, k]: Extents, weights: impl Fn(usize, usize) -> &'a [Counted]) -> Vec<Counted> {
    let mut e = vec![c(0.0); batch * k * n * m];
    for (b, i, j) in (0..batch * n * m).map(|at| (at / n / m, at / m % n, at % m)) {
        let ends = row(u, f, b * n + i).iter().zip(row(v, f, b * m + j));
        let hidden: Vec<Counted> = ends.map(|(&u, &v)| elu(u + v)).collect();
        for head in 0..k {
            let terms = hidden.iter().zip(weights(head, b * n + i)).map(|(&h, &a)| a * h);
            e[((b * k + head) * n + i) * m + j] = Counted::sum(terms);
        }
    }
    e
}

/// s_if = Σ_j z(b, i, j, f) φ(u_if + v_jf).
fn sums(
    u: &[Counted],
    v: &[Counted],
    [batch, kept, summed, f, _]: Extents,
    phi: fn(Counted) -> Counted,
    z: impl Fn([usize; 3], usize) -> Counted,
) -> Vec<Counted> {
    let one = |at: usize| {
        let (b, i, f0) = (at / f / kept, at / f % kept, at % f);
        let term = |j: usize| z([b, i, j], f0) * phi(u[at] + row(v, f, b * summed + j)[f0]);
        Counted::sum((0..summed).map(term))
    };
    (0..batch * kept * f).map(one).collect()
}

fn dot(extents: Extents) -> Result<Work> {
    let [batch, n, m, f, k] = extents;
    let mut w = Work::new(format!("pairwise dot of {extents:?}"));
    let ((vu, u), (vv, v)) = (w.input([batch, n, f], Draw::Normal)?, w.input([batch, m, f], Draw::Normal)?);
    let ((va, a), (vg, g)) = (w.input([k, f], Draw::Normal)?, w.input([batch, k, n, m], Draw::Normal)?);
    let e = w.tape.pairwise_dot(vu, vv, va, PairActivation::Elu)?;
    let made = w.ledger.run("message/pair_dot", &[u.len(), v.len(), a.len()], || dots(&u, &v, extents, |head, _| row(&a, f, head)));
    w.output(e, &made);
    let gradients = w.tape.vjp(&[(e, vg)], &[vu, vv])?;
    let weight =
        |b: usize, i: usize, j: usize, f0: usize| Counted::sum((0..k).map(|head| g[((b * k + head) * n + i) * m + j] * a[head * f + f0]));
    let words = [g.len(), u.len(), v.len(), a.len()];
    let made = w.ledger.run("message/pair_sum", &words, || sums(&u, &v, extents, slope, |[b, i, j], f0| weight(b, i, j, f0)));
    w.output(gradients[0], &made);
    let turned = [batch, m, n, f, k];
    let made = w.ledger.run("message/pair_sum", &words, || sums(&v, &u, turned, slope, |[b, j, i], f0| weight(b, i, j, f0)));
    w.output(gradients[1], &made);
    Ok(w)
}

fn sum(extents: Extents) -> Result<Work> {
    let [batch, n, m, f, _] = extents;
    let mut w = Work::new(format!("pairwise sum of {extents:?}"));
    let ((vz, z), (vu, u)) = (w.input([batch, n, m], Draw::Normal)?, w.input([batch, n, f], Draw::Normal)?);
    let ((vv, v), (vg, g)) = (w.input([batch, m, f], Draw::Normal)?, w.input([batch, n, f], Draw::Normal)?);
    let s = w.tape.pairwise_sum(vz, vu, vv, PairActivation::Elu)?;
    let at = |b: usize, i: usize, j: usize| z[(b * n + i) * m + j];
    let words = [z.len(), u.len(), v.len()];
    let made = w.ledger.run("message/pair_sum", &words, || sums(&u, &v, extents, elu, |[b, i, j], _| at(b, i, j)));
    w.output(s, &made);
    let gradients = w.tape.vjp(&[(s, vg)], &[vz, vv])?;
    let made = w.ledger.run("message/pair_dot", &[u.len(), v.len(), g.len()], || dots(&u, &v, [batch, n, m, f, 1], |_, i| row(&g, f, i)));
    w.output(gradients[0], &made);
    let turned = [batch, m, n, f, 1];
    let made = w.ledger.run("message/pair_sum", &[z.len(), v.len(), u.len(), g.len()], || {
        // The pair's weight is a sum of one term, as a kernel begins it.
        sums(&v, &u, turned, slope, |[b, j, i], f0| Counted::sum(std::iter::once(at(b, i, j) * g[(b * n + i) * f + f0])))
    });
    w.output(gradients[1], &made);
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let mut works = Vec::new();
    for extents in [[1, 1, 1, 1, 1], [2, 3, 5, 7, 2], [1, 4, 6, 8, 1]] {
        works.extend([dot(extents)?, sum(extents)?]);
    }
    Ok(works)
}
