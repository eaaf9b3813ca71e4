//! Messages between all pairs of nodes.

use super::counted::{Counted, c};
use super::work::Work;
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

/// The algorithms that make scores, and the kernel of each.
const BY: [[&str; 2]; 2] = [["pairs", "message/pair_dot"], ["tiles", "message/pair_dot_tile"]];

fn dot(extents: Extents, [by, kernel]: [&str; 2]) -> Result<Work> {
    let [batch, n, m, f, k] = extents;
    let mut w = Work::new(format!("pairwise dot of {extents:?} by {by}"));
    w.pins.insert("message/pairwise_dot".into(), by.into());
    let ((vu, u), (vv, v)) = (w.input([batch, n, f], Draw::Normal)?, w.input([batch, m, f], Draw::Normal)?);
    let ((va, a), (vg, g)) = (w.input([k, f], Draw::Normal)?, w.input([batch, k, n, m], Draw::Normal)?);
    let e = w.tape.pairwise_dot(vu, vv, va, PairActivation::Elu)?;
    let made = w.ledger.run(kernel, &[u.len(), v.len(), a.len()], || dots(&u, &v, extents, |head, _| row(&a, f, head)));
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

fn sum(extents: Extents, [by, kernel]: [&str; 2]) -> Result<Work> {
    let [batch, n, m, f, _] = extents;
    let mut w = Work::new(format!("pairwise sum of {extents:?} by {by}"));
    w.pins.insert("message/pairwise_dot".into(), by.into());
    let ((vz, z), (vu, u)) = (w.input([batch, n, m], Draw::Normal)?, w.input([batch, n, f], Draw::Normal)?);
    let ((vv, v), (vg, g)) = (w.input([batch, m, f], Draw::Normal)?, w.input([batch, n, f], Draw::Normal)?);
    let s = w.tape.pairwise_sum(vz, vu, vv, PairActivation::Elu)?;
    let at = |b: usize, i: usize, j: usize| z[(b * n + i) * m + j];
    let words = [z.len(), u.len(), v.len()];
    let made = w.ledger.run("message/pair_sum", &words, || sums(&u, &v, extents, elu, |[b, i, j], _| at(b, i, j)));
    w.output(s, &made);
    let gradients = w.tape.vjp(&[(s, vg)], &[vz, vv])?;
    let made = w.ledger.run(kernel, &[u.len(), v.len(), g.len()], || dots(&u, &v, [batch, n, m, f, 1], |_, i| row(&g, f, i)));
    w.output(gradients[0], &made);
    let turned = [batch, m, n, f, 1];
    let made = w.ledger.run("message/pair_sum", &[z.len(), v.len(), u.len(), g.len()], || {
        // The pair's weight is a sum of one term, as a kernel begins it.
        sums(&v, &u, turned, slope, |[b, j, i], f0| Counted::sum(std::iter::once(at(b, i, j) * g[(b * n + i) * f + f0])))
    });
    w.output(gradients[1], &made);
    Ok(w)
}

/// The definition of an edge network over pairs of nodes, ordered by the first node.
struct Network<'a> {
    u: &'a [Counted],
    v: &'a [Counted],
    w: &'a [Counted],
    bias: &'a [Counted],
    extents: Extents,
}

impl Network<'_> {
    /// Batch, receiver and sender of every pair.
    fn each(&self) -> impl Iterator<Item = [usize; 3]> + use<> {
        let [batch, n, m, ..] = self.extents;
        (0..batch * n * m).map(move |at| [at / n / m, at / m % n, at % m])
    }

    fn ends(&self, [b, i, j]: [usize; 3]) -> Vec<Counted> {
        let [_, n, m, f, _] = self.extents;
        row(self.u, f, b * n + i).iter().zip(row(self.v, f, b * m + j)).map(|(&u, &v)| u + v).collect()
    }

    fn hidden(&self, pair: [usize; 3]) -> Vec<Counted> {
        self.ends(pair).into_iter().map(elu).collect()
    }

    fn made(&self, pair: [usize; 3]) -> Vec<Counted> {
        let hidden = self.hidden(pair);
        let dot = |w: &[Counted]| Counted::sum(w.iter().zip(&hidden).map(|(&w, &a)| w * a));
        self.w.chunks(hidden.len()).zip(self.bias).map(|(w, &b)| dot(w) + b).collect()
    }

    fn messages(&self, z: &[Counted]) -> Vec<Counted> {
        let [batch, n, m, _, h] = self.extents;
        let mut s = vec![c(0.0); batch * n * h];
        for (&z, [b, i, j]) in z.iter().zip(self.each()) {
            let made = self.made([b, i, j]);
            s[(b * n + i) * h..][..h].iter_mut().zip(made).for_each(|(s, y)| *s = *s + z * elu(y));
        }
        debug_assert_eq!(z.len(), batch * n * m);
        s
    }

    /// Blocks along the receivers of a graph, and along its senders.
    fn blocks(&self) -> [usize; 2] {
        let [_, n, m, ..] = self.extents;
        [n.div_ceil(BLOCK[0]), m.div_ceil(BLOCK[1])]
    }

    fn block(&self, [b, i, j]: [usize; 3]) -> usize {
        let [down, across] = self.blocks();
        (b * down + i / BLOCK[0]) * across + j / BLOCK[1]
    }

    /// The row of a panel that a pair is.
    fn row(&self, [b, i, j]: [usize; 3]) -> usize {
        self.block([b, i, j]) * ROWS + i % BLOCK[0] * BLOCK[1] + j % BLOCK[1]
    }

    fn rows(&self) -> usize {
        self.extents[0] * self.blocks().iter().product::<usize>() * ROWS
    }

    /// The cotangents of the values of pairs, the cotangents of z by rows, and the sums of the former over blocks.
    fn slopes(&self, z: &[Counted], g: &[Counted]) -> [Vec<Counted>; 3] {
        let [_, n, _, _, h] = self.extents;
        let zeros = |n: usize| vec![c(0.0); n];
        let (mut panel, mut dz, mut db) = (zeros(self.rows() * h), zeros(self.rows()), zeros(self.rows() / ROWS * h));
        for (&z, pair @ [b, i, _]) in z.iter().zip(self.each()) {
            let (made, g, at) = (self.made(pair), row(g, h, b * n + i), self.row(pair));
            dz[at] = Counted::sum(made.iter().zip(g).map(|(&y, &g)| g * elu(y)));
            for (k, (&y, &g)) in made.iter().zip(g).enumerate() {
                let (slope, db) = (z * g * slope(y), &mut db[at / ROWS * h + k]);
                panel[at * h + k] = slope;
                *db = *db + slope;
            }
        }
        [panel, dz, db]
    }

    /// Parts of the cotangents of u and of v by blocks, and the cotangents of z by pairs.
    fn nodes(&self, panel: &[Counted], dz: &[Counted]) -> [Vec<Counted>; 3] {
        let [_, _, _, f, h] = self.extents;
        let mut parts = BLOCK.map(|nodes| vec![c(0.0); self.rows() / ROWS * nodes * f]);
        for pair @ [_, i, j] in self.each() {
            let panel = row(panel, h, self.row(pair));
            for (k, x) in self.ends(pair).into_iter().enumerate() {
                let back = slope(x) * Counted::sum(panel.iter().enumerate().map(|(o, &p)| p * self.w[o * f + k]));
                for (end, node) in [i, j].into_iter().enumerate() {
                    let part = &mut parts[end][(self.block(pair) * BLOCK[end] + node % BLOCK[end]) * f + k];
                    *part = *part + back;
                }
            }
        }
        let [u, v] = parts;
        [u, v, self.each().map(|pair| dz[self.row(pair)]).collect()]
    }

    /// The sums of the parts of the cotangent of u, end 0, or of v, end 1.
    fn end(&self, parts: &[Counted], end: usize) -> Vec<Counted> {
        let [batch, n, m, f, _] = self.extents;
        let (nodes, [down, across]) = ([n, m][end], self.blocks());
        let sum = |at: usize| {
            let (b, node, k) = (at / f / nodes, at / f % nodes, at % f);
            let of = |other: usize| self.block(if end == 0 { [b, node, other * BLOCK[1]] } else { [b, other * BLOCK[0], node] });
            Counted::sum((0..[across, down][end]).map(|o| parts[(of(o) * BLOCK[end] + node % BLOCK[end]) * f + k]))
        };
        (0..batch * nodes * f).map(sum).collect()
    }

    /// Parts of the cotangents of w and of the bias, by runs of rows.
    fn weights(&self, panel: &[Counted], blocks: &[Counted]) -> (Vec<Counted>, Vec<Counted>) {
        let [_, _, _, f, h] = self.extents;
        let runs = self.rows().div_ceil(RUN);
        let (mut dw, mut db) = (vec![c(0.0); runs * h * f], vec![c(0.0); runs * h]);
        for pair in self.each() {
            let (at, hidden) = (self.row(pair), self.hidden(pair));
            for (o, &p) in row(panel, h, at).iter().enumerate() {
                dw[(at / RUN * h + o) * f..][..f].iter_mut().zip(&hidden).for_each(|(d, &a)| *d = *d + p * a);
            }
        }
        for (at, &sum) in blocks.iter().enumerate() {
            let db = &mut db[at / h / (RUN / ROWS) * h + at % h];
            *db = *db + sum;
        }
        (dw, db)
    }
}

/// Receivers and senders of a block of pairs, in the variants of few features.
const BLOCK: [usize; 2] = [4, 8];
const ROWS: usize = BLOCK[0] * BLOCK[1];

/// Rows of which the cotangents of the weights are summed at once.
const RUN: usize = 128;

fn network(extents: Extents) -> Result<Work> {
    let [batch, n, m, f, h] = extents;
    let mut work = Work::new(format!("pairwise mlp of {extents:?}"));
    let ((vz, z), (vu, u)) = (work.input([batch, n, m], Draw::Normal)?, work.input([batch, n, f], Draw::Normal)?);
    let ((vv, v), (vw, w)) = (work.input([batch, m, f], Draw::Normal)?, work.input([h, f], Draw::Normal)?);
    let ((vb, bias), (vg, g)) = (work.input([h], Draw::Normal)?, work.input([batch, n, h], Draw::Normal)?);
    let x = Network { u: &u, v: &v, w: &w, bias: &bias, extents };
    let s = work.tape.pairwise_mlp(vz, [vu, vv], [vw, vb], [PairActivation::Elu; 2])?;
    let words = [z.len(), u.len(), v.len(), w.len(), h];
    let made = work.ledger.run("message/pair_mlp", &words, || x.messages(&z));
    work.output(s, &made);
    let [dz, du, dv, dw, db] = work.tape.vjp(&[(s, vg)], &[vz, vu, vv, vw, vb])?[..] else { panic!("five gradients") };
    let words = [&words[..], &[g.len()]].concat();
    let [panel, dz_parts, db_parts] = work.ledger.run("message/pair_mlp_slopes", &words, || x.slopes(&z, &g));
    // The sums of the panel over blocks lie behind it.
    let panel_words = panel.len() + db_parts.len();
    let words = [panel_words, w.len(), u.len(), v.len(), dz_parts.len()];
    let [du_parts, dv_parts, made] = work.ledger.run("message/pair_mlp_nodes", &words, || x.nodes(&panel, &dz_parts));
    work.output(dz, &made);
    let words = [panel_words, u.len(), v.len(), du_parts.len() + dv_parts.len()];
    let [dw_parts, db_parts, made_u, made_v] = work.ledger.run("message/pair_mlp_sums", &words, || {
        let (dw, db) = x.weights(&panel, &db_parts);
        [dw, db, x.end(&du_parts, 0), x.end(&dv_parts, 1)]
    });
    work.output(du, &made_u);
    work.output(dv, &made_v);
    for (d, parts, width) in [(dw, dw_parts, h * f), (db, db_parts, h)] {
        let runs = parts.len() / width;
        let sum = |at: usize| Counted::sum((0..runs).map(|r| parts[r * width + at]));
        let made = match runs {
            1 => parts,
            _ => work.ledger.run("reduce/reduce", &[parts.len()], || (0..width).map(sum).collect()),
        };
        work.output(d, &made);
    }
    Ok(work)
}

pub fn works() -> Result<Vec<Work>> {
    // The last has more pairs than a run.
    let mut works =
        [[1, 1, 1, 4, 4], [2, 3, 5, 4, 8], [1, 4, 6, 8, 4], [1, 20, 16, 4, 4]].into_iter().map(network).collect::<Result<Vec<_>>>()?;
    for extents in [[1, 1, 1, 1, 1], [2, 3, 5, 7, 2], [1, 4, 6, 8, 1]] {
        works.extend([dot(extents, BY[0])?, sum(extents, BY[0])?]);
    }
    // Tiles take features by fours.
    works.extend([dot([2, 3, 5, 8, 3], BY[1])?, sum([1, 4, 6, 8, 1], BY[1])?]);
    Ok(works)
}
