//! Covariance and correlation, forward and reverse, with and without weights of the frames.

use super::counted::{Counted, Ledger, c};
use super::products::product;
use super::work::Work;
use tapetum::Result;
use tapetum::ops::case::Draw;

const DDOF: f64 = 1.0;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Covariance,
    Correlation,
    FisherZ,
}

/// The extents and the weights, which all kernels here share.
struct Frames<'a> {
    kind: Kind,
    batch: usize,
    n: usize,
    time: usize,
    weights: Option<&'a [Counted]>,
}

impl Frames<'_> {
    fn rows(&self) -> usize {
        self.batch * self.n
    }

    fn correlation(&self) -> bool {
        self.kind != Kind::Covariance
    }

    /// The weights of a batch.
    fn of(&self, batch: usize) -> Option<&[Counted]> {
        self.weights.map(|w| &w[batch * self.time..][..self.time])
    }

    fn words(&self) -> usize {
        self.weights.map_or(0, <[Counted]>::len)
    }

    /// W and 1 / W of a batch; without weights, W is the number of frames, and nothing is computed.
    fn total(&self, batch: usize) -> (Counted, Option<Counted>) {
        match self.of(batch) {
            None => (c(self.time as f64), None),
            Some(w) => {
                let total = Counted::sum(w.iter().copied());
                (total, Some(Counted::choose(total.above(c(0.0)), c(1.0) / total, c(0.0))))
            }
        }
    }
}

/// x / W.
fn over(x: Counted, (total, inverse): (Counted, Option<Counted>)) -> Counted {
    inverse.map_or_else(|| x / total, |inverse| x * inverse)
}

/// w x, and x where there are no weights.
fn times(w: Option<&[Counted]>, t: usize, x: Counted) -> Counted {
    w.map_or(x, |w| w[t] * x)
}

/// u = (x − μ) s and v = w u; s.
type Standard = ((Vec<Counted>, Option<Vec<Counted>>), Vec<Counted>);

fn standardise(f: &Frames<'_>, x: &[Counted]) -> Standard {
    let (mut u, mut s) = (Vec::new(), Vec::new());
    for batch in 0..f.batch {
        let (w, total) = (f.of(batch), f.total(batch));
        let shared = (!f.correlation()).then(|| covariance_scale(w, total, f.time));
        for row in batch * f.n..(batch + 1) * f.n {
            let x = &x[row * f.time..][..f.time];
            let mean = over(Counted::sum((0..f.time).map(|t| times(w, t, x[t]))), total);
            let centred: Vec<_> = x.iter().map(|&x| x - mean).collect();
            let scale = shared.unwrap_or_else(|| correlation_scale(x, &centred, w, total.0));
            u.extend(centred.into_iter().map(|x| x * scale));
            s.push(scale);
        }
    }
    let weight = |(at, &u): (usize, &Counted)| f.weights.map_or(u, |w| w[at / f.time / f.n * f.time + at % f.time] * u);
    let v = f.weights.map(|_| u.iter().enumerate().map(weight).collect());
    ((u, v), s)
}

/// 1 / √f, f = W − ddof Σw² / W; without weights f is a count of frames.
fn covariance_scale(w: Option<&[Counted]>, total: (Counted, Option<Counted>), time: usize) -> Counted {
    let Some(w) = w else { return c(1.0) / c(time as f64 - DDOF).sqrt() };
    let squares = Counted::sum(w.iter().map(|&w| w * w));
    let f = total.0 - over(c(DDOF) * squares, total);
    Counted::choose(f.above(c(0.0)), c(1.0) / f.sqrt(), c(0.0))
}

/// 1 / √Σw(x − μ)², 0 for a constant series.
fn correlation_scale(x: &[Counted], centred: &[Counted], w: Option<&[Counted]>, total: Counted) -> Counted {
    let power = Counted::sum(centred.iter().enumerate().map(|(t, &x)| times(w, t, x * x)));
    let magnitude = |(t, &x): (usize, &Counted)| {
        let size = x.abs();
        w.map_or(size, |w| Counted::choose(w[t].above(c(0.0)), size, c(0.0)))
    };
    let most = x.iter().enumerate().map(magnitude).fold(c(0.0), Counted::max);
    let floor = c(8.0 * f64::from(f32::EPSILON)) * most;
    Counted::choose(power.above(floor * floor * total), c(1.0) / power.sqrt(), c(0.0))
}

/// R = U Vᵀ, n (n + 1) / 2 entries of it, each finished.
fn symmetric_product(f: &Frames<'_>, u: &[Counted], v: &[Counted]) -> Vec<Counted> {
    let mut r = vec![c(0.0); f.rows() * f.n];
    for batch in 0..f.batch {
        for i in 0..f.n {
            for j in 0..=i {
                let [x, y] = [(u, i), (v, j)].map(|(m, row)| &m[(batch * f.n + row) * f.time..][..f.time]);
                let dot = Counted::sum(x.iter().zip(y).map(|(&x, &y)| x * y));
                let entry = finish(f.kind, dot, i == j);
                r[(batch * f.n + i) * f.n + j] = entry;
                r[(batch * f.n + j) * f.n + i] = entry;
            }
        }
    }
    r
}

fn finish(kind: Kind, r: Counted, diagonal: bool) -> Counted {
    match (kind, diagonal) {
        (Kind::Covariance, _) => r,
        (Kind::Correlation, true) => Counted::choose(r.above(c(0.5)), c(1.0), c(0.0)),
        (Kind::Correlation, false) => r.max(c(-1.0)).min(c(1.0)),
        (Kind::FisherZ, true) => c(0.0),
        (Kind::FisherZ, false) => r.max(c(-0.999_999)).min(c(0.999_999)).apply(f64::atanh),
    }
}

/// S = G + Gᵀ, which is symmetric: half of its entries are computed.
fn symmetrise(f: &Frames<'_>, g: &[Counted]) -> Vec<Counted> {
    let mut s = Vec::new();
    for g in g.chunks(f.n * f.n) {
        let mut both = vec![c(0.0); f.n * f.n];
        for i in 0..f.n {
            for j in 0..=i {
                both[i * f.n + j] = g[i * f.n + j] + g[j * f.n + i];
                both[j * f.n + i] = both[i * f.n + j];
            }
        }
        s.extend(both);
    }
    s
}

/// P = S U.
fn rows_cotangent(f: &Frames<'_>, s: &[Counted], u: &[Counted]) -> Vec<Counted> {
    let one = |(s, u): (&[Counted], &[Counted])| product([f.n, f.n, f.time], |i, k| s[i * f.n + k], |k, t| u[k * f.time + t]);
    s.chunks(f.n * f.n).zip(u.chunks(f.n * f.time)).flat_map(one).collect()
}

/// dx, and of each row Σd and d · u, d = w p.
fn standardise_reverse(f: &Frames<'_>, p: &[Counted], u: &[Counted], s: &[Counted]) -> (Vec<Counted>, Vec<Counted>) {
    let (mut dx, mut dots) = (Vec::new(), Vec::new());
    for batch in 0..f.batch {
        let (w, total) = (f.of(batch), f.total(batch));
        for row in batch * f.n..(batch + 1) * f.n {
            let [p, u] = [p, u].map(|m| &m[row * f.time..][..f.time]);
            let d: Vec<_> = (0..f.time).map(|t| times(w, t, p[t])).collect();
            let sum = Counted::sum(d.iter().copied());
            let dot = Counted::sum(d.iter().zip(u).map(|(&d, &u)| d * u));
            let along = |t: usize| if f.correlation() { d[t] - times(w, t, u[t]) * dot } else { d[t] };
            let e: Vec<_> = (0..f.time).map(|t| along(t) * s[row]).collect();
            let mean = over(Counted::sum(e.iter().copied()), total);
            dx.extend((0..f.time).map(|t| e[t] - times(w, t, mean)));
            dots.extend([sum, dot]);
        }
    }
    (dx, dots)
}

/// dw of `shaders/covariance/weights_reverse.wgsl`.
fn weights_reverse(f: &Frames<'_>, w: &[Counted], p: &[Counted], u: &[Counted], dots: &[Counted]) -> Vec<Counted> {
    let mut dw = Vec::new();
    for batch in 0..f.batch {
        let w = &w[batch * f.time..][..f.time];
        let (total, inverse) = f.total(batch);
        let inverse = inverse.unwrap_or(c(0.0));
        let shared = (!f.correlation()).then(|| {
            let ratio = Counted::sum(w.iter().map(|&w| w * w)) * inverse;
            (ratio, (total - c(DDOF) * ratio).max(c(1e-30)), c(DDOF) * inverse)
        });
        for t in 0..f.time {
            let slope = shared.map(|(ratio, f, share)| (c(1.0) - share * (c(2.0) * w[t] - ratio)) / f);
            dw.push(Counted::sum((batch * f.n..(batch + 1) * f.n).map(|row| {
                let (u, p, a, b) = (u[row * f.time + t], p[row * f.time + t], dots[2 * row], dots[2 * row + 1]);
                let half = c(0.5);
                half * u * p - a * u * inverse - slope.map_or_else(|| half * b * u * u, |slope| half * b * slope)
            })));
        }
    }
    dw
}

fn forward(ledger: &mut Ledger, f: &Frames<'_>, x: &[Counted]) -> (Vec<Counted>, Vec<Counted>, Vec<Counted>) {
    let ((u, v), s) = ledger.run("covariance/standardise", &[x.len(), f.words()], || standardise(f, x));
    let v_words = v.as_ref().map_or(0, Vec::len);
    let r = ledger.run("covariance/symmetric_product", &[u.len(), v_words], || symmetric_product(f, &u, v.as_ref().unwrap_or(&u)));
    (r, u, s)
}

/// The correlation of series, whose product keeps the best entry of each of `slots` parts of a row: keys and columns. Whole numbers are
/// compared, which costs nothing.
pub fn kept(ledger: &mut Ledger, x: &[Counted], [batch, n, time]: [usize; 3], slots: usize) -> Vec<Counted> {
    let f = Frames { kind: Kind::Correlation, batch, n, time, weights: None };
    let ((u, _), _) = ledger.run("covariance/standardise", &[x.len()], || standardise(&f, x));
    ledger.run("covariance/symmetric_product", &[u.len(), 2 * batch * n * slots], || symmetric_product(&f, &u, &u))
}

/// Forward, and the reverse under a given cotangent; Fisher's z forward alone, for its reverse is a chain and then the correlation's.
fn work(kind: Kind, [batch, n, time]: [usize; 3], weighted: bool) -> Result<Work> {
    let mut work = Work::new(format!("{kind:?} {batch} × {n} × {time}, weighted {weighted}"));
    let (vx, x) = work.input([batch, n, time], if time > 2 { Draw::Series } else { Draw::Normal })?;
    let (vw, w) = work.input([batch, time], Draw::Uniform(0.25, 1.25))?;
    let weights = weighted.then_some(vw);
    let y = match kind {
        Kind::Covariance => work.tape.covariance(vx, weights, DDOF as usize)?,
        Kind::Correlation => work.tape.correlation(vx, weights, false)?,
        Kind::FisherZ => work.tape.correlation(vx, weights, true)?,
    };
    let f = Frames { kind, batch, n, time, weights: weighted.then_some(&w[..]) };
    let (r, u, s) = forward(&mut work.ledger, &f, &x);
    work.output(y, &r);
    if kind == Kind::FisherZ {
        return Ok(work);
    }
    let (vg, g) = work.input([batch, n, n], Draw::Normal)?;
    let wrt: Vec<_> = [vx].into_iter().chain(weights).collect();
    let gradients = work.tape.vjp(&[(y, vg)], &wrt)?;
    let both = work.ledger.run("covariance/symmetrise", &[g.len()], || symmetrise(&f, &g));
    let p = work.ledger.run("matmul/matmul", &[both.len(), u.len()], || rows_cotangent(&f, &both, &u));
    let operands = [p.len(), u.len(), s.len(), f.words()];
    let (dx, dots) = work.ledger.run("covariance/standardise_reverse", &operands, || standardise_reverse(&f, &p, &u, &s));
    work.output(gradients[0], &dx);
    if weighted {
        let operands = [p.len(), u.len(), dots.len(), w.len()];
        let dw = work.ledger.run("covariance/weights_reverse", &operands, || weights_reverse(&f, &w, &p, &u, &dots));
        work.output(gradients[1], &dw);
    }
    Ok(work)
}

/// The standardised rows of series multiplied by all rows, from which panels are made; one panel where all rows fit.
fn rows(ledger: &mut Ledger, f: &Frames<'_>, x: &[Counted], first: usize) -> Vec<Counted> {
    let ((u, _), _) = ledger.run("covariance/standardise", &[x.len()], || standardise(f, x));
    ledger.run("covariance/correlation_rows", &[u.len()], || {
        let r = product([f.n - first, f.time, f.n], |i, k| u[(first + i) * f.time + k], |k, j| u[j * f.time + k]);
        r.into_iter().enumerate().map(|(at, r)| finish(f.kind, r, first + at / f.n == at % f.n)).collect()
    })
}

/// For each region, the number of other regions whose correlation with it is above the threshold.
fn degree(n: usize, r: &[Counted], threshold: f64) -> Vec<Counted> {
    let above = |i: usize, j: usize| Counted::choose(r[i * n + j].above(c(threshold)), c(1.0), c(0.0));
    (0..n).map(|i| Counted::sum((0..n).filter(|&j| j != i).map(|j| above(i, j)))).collect()
}

/// The k largest entries of each row apart from its own, found by comparing each with all others, and their indices.
fn top_k(n: usize, r: &[Counted], k: usize) -> (Vec<Counted>, Vec<Counted>) {
    let (mut values, mut indices) = (Vec::new(), Vec::new());
    for i in 0..n {
        let mut left = r[i * n..(i + 1) * n].to_vec();
        for _ in 0..k {
            let (mut best, mut at) = (c(-2.0), n);
            for j in (0..n).filter(|&j| j != i) {
                if left[j].above(best) {
                    (best, at) = (left[j], j);
                }
            }
            left[at] = c(-2.0);
            values.push(best);
            indices.push(c(at as f64));
        }
    }
    (values, indices)
}

fn panels([n, time]: [usize; 2]) -> Result<Vec<Work>> {
    let started = |name: &str| -> Result<_> {
        let mut work = Work::new(format!("{name} {n} × {time}"));
        let (vx, x) = work.input([n, time], Draw::Normal)?;
        Ok((work, vx, x))
    };
    let f = Frames { kind: Kind::Correlation, batch: 1, n, time, weights: None };
    let (mut of_rows, vx, x) = started("correlation_rows")?;
    let y = of_rows.tape.correlation_rows(vx, 1..n)?;
    let r = rows(&mut of_rows.ledger, &f, &x, 1);
    of_rows.output(y, &r);

    let (mut of_degree, vx, x) = started("degree")?;
    let y = of_degree.tape.degree(vx, 0.25)?;
    let ((u, _), _) = of_degree.ledger.run("covariance/standardise", &[x.len()], || standardise(&f, &x));
    of_degree.ledger.moves("shape/set", &[], n);
    // The counts are gone on with.
    let made = of_degree.ledger.run("covariance/degree", &[u.len(), n], || degree(n, &symmetric_product(&f, &u, &u), 0.25));
    of_degree.ledger.moves("covariance/counted", &[n], n);
    of_degree.output(y, &made);

    let (mut of_top, vx, x) = started("top_k_neighbours")?;
    let k = 2;
    let (values, indices) = of_top.tape.top_k_neighbours(vx, k)?;
    let r = rows(&mut of_top.ledger, &f, &x, 0);
    let (found, at) = of_top.ledger.run("covariance/top_k", &[r.len()], || top_k(n, &r, k));
    of_top.output(values, &found);
    of_top.output(indices, &at);

    let (mut of_tiles, vx, x) = started("top_k_neighbours by tiles")?;
    of_tiles.pins.insert("covariance/neighbours".into(), "tiles".into());
    let (values, indices) = of_tiles.tape.top_k_neighbours(vx, k)?;
    let ((u, _), _) = of_tiles.ledger.run("covariance/standardise", &[x.len()], || standardise(&f, &x));
    // All variables are of one unit: its best two of a row, as many places for those of a second one, and the best of both.
    let candidates = 2 * n * 3 * k;
    of_tiles.ledger.moves("shape/set", &[], candidates);
    let mut top = None;
    // The candidates are gone on with.
    of_tiles.ledger.run("covariance/top_k_tiles", &[u.len(), candidates], || {
        top = Some(top_k(n, &symmetric_product(&f, &u, &u), k));
        vec![c(0.0); candidates]
    });
    of_tiles.ledger.moves("covariance/top_k_merge", &[candidates], candidates + 2 * n * k);
    let (found, at) = top.expect("the definition ran");
    of_tiles.output(values, &found);
    of_tiles.output(indices, &at);
    Ok(vec![of_rows, of_degree, of_top, of_tiles])
}

pub fn works() -> Result<Vec<Work>> {
    let mut works = Vec::new();
    for extents in [[1, 1, 2], [2, 7, 13], [3, 4, 65], [1, 8, 12]] {
        for kind in [Kind::Covariance, Kind::Correlation, Kind::FisherZ] {
            for weighted in [false, true] {
                works.push(work(kind, extents, weighted)?);
            }
        }
    }
    works.extend(panels([7, 13])?);
    works.extend(panels([12, 8])?);
    Ok(works)
}
