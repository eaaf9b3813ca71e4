//! Matrix products and soft parcellation.

use super::counted::{Counted, Ledger, c};
use super::rows::{softmax, sums};
use super::work::Work;
use tapetum::Result;
use tapetum::ops::case::Draw;

/// Σ_k a[i, k] b[k, j], element by element.
pub fn product([m, k, n]: [usize; 3], a: impl Fn(usize, usize) -> Counted, b: impl Fn(usize, usize) -> Counted) -> Vec<Counted> {
    let entry = |i: usize, j: usize| Counted::sum((0..k).map(|l| a(i, l) * b(l, j)));
    (0..m * n).map(|at| entry(at / n, at % n)).collect()
}

/// The words of an operand as the product reads it. Where each element is used 32 times or more, rows are copied with padding to multiples
/// of 4.
fn pad(ledger: &mut Ledger, words: usize, [_, cols]: [usize; 2], uses: usize) -> usize {
    if uses < 32 || cols % 4 == 0 {
        return words;
    }
    let padded = words / cols * cols.next_multiple_of(4);
    ledger.moves("matmul/pad", &[words], padded);
    padded
}

fn matmul([m, k, n]: [usize; 3], batches: usize, transposed: bool) -> Result<Work> {
    let mut w = Work::new(format!("matmul {batches} × {m} × {k} × {n}, transposed {transposed}"));
    let (a, b) = if transposed { ([batches, k, m], [n, k]) } else { ([batches, m, k], [k, n]) };
    let ((va, a), (vb, b)) = (w.input(a, Draw::Normal)?, w.input(b, Draw::Normal)?);
    let y = w.tape.matmul_with(va, vb, transposed, transposed)?;
    let at = |rows: usize, cols: usize, i: usize, j: usize| if transposed { j * rows + i } else { i * cols + j };
    let stored = |rows, cols| if transposed { [cols, rows] } else { [rows, cols] };
    let words = [pad(&mut w.ledger, a.len(), stored(m, k), n), pad(&mut w.ledger, b.len(), stored(k, n), m)];
    let made = w.ledger.run("matmul/matmul", &words, || {
        let one = |batch: usize| product([m, k, n], |i, l| a[batch * m * k + at(m, k, i, l)], |l, j| b[at(k, n, l, j)]);
        (0..batches).flat_map(one).collect::<Vec<_>>()
    });
    w.output(y, &made);
    Ok(w)
}

/// A product of few rows, columns or terms, by the kernel for it; its sums in so many slices.
fn narrow(kernel: &str, [m, k, n]: [usize; 3], transpose_a: bool, slices: usize) -> Result<Work> {
    let mut w = Work::new(format!("{kernel} {m} × {k} × {n}, in {slices}"));
    let (va, a) = w.input(if transpose_a { [k, m] } else { [m, k] }, Draw::Normal)?;
    let (vb, b) = w.input([k, n], Draw::Normal)?;
    let y = w.tape.matmul_with(va, vb, transpose_a, false)?;
    // Each slice has its own sums.
    let more = (slices - 1) * m * n;
    let made = w.ledger.run(kernel, &[a.len(), b.len(), more], || {
        product([m, k, n], |i, l| if transpose_a { a[l * m + i] } else { a[i * k + l] }, |l, j| b[l * n + j])
    });
    if slices > 1 {
        w.ledger.moves("matmul/add_parts", &[slices * m * n], m * n);
    }
    w.output(y, &made);
    Ok(w)
}

/// A product on cooperative matrices, which goes through the magnitudes of both operands' rows first: a bit pattern for each.
fn cooperative([m, k, n]: [usize; 3]) -> Result<Work> {
    let mut w = Work::new(format!("cooperative {m} × {k} × {n}"));
    w.cooperative = Some(16);
    w.pins.insert("matmul/matmul".into(), "cooperative".into());
    let ((va, a), (vb, b)) = (w.input([m, k], Draw::Normal)?, w.input([n, k], Draw::Normal)?);
    let y = w.tape.matmul_with(va, vb, false, true)?;
    w.ledger.moves("matmul/magnitudes", &[a.len()], m);
    w.ledger.moves("matmul/magnitudes", &[b.len()], n);
    let made = w.ledger.run("matmul/matmul", &[a.len(), b.len(), m, n], || product([m, k, n], |i, l| a[i * k + l], |l, j| b[j * k + l]));
    w.output(y, &made);
    Ok(w)
}

/// 1 / m, and 0 for a parcel that has no mass.
fn reciprocals(mass: &[Counted]) -> Vec<Counted> {
    mass.iter().map(|&m| Counted::choose(m.at_least(c(1e-30)), c(1.0) / m, c(0.0))).collect()
}

/// S = A X / m.
fn series(ledger: &mut Ledger, a: &[Counted], x: &[Counted], [p, v, t]: [usize; 3]) -> (Vec<Counted>, Vec<Counted>) {
    let mass = sums(ledger, a, [p, v]);
    let made = ledger.run("parcellation/parcel_series", &[a.len(), x.len(), p], || {
        let scale = reciprocals(&mass);
        let sums = product([p, v, t], |i, k| a[i * v + k], |k, j| x[k * t + j]);
        sums.iter().enumerate().map(|(at, &s)| s * scale[at / t]).collect::<Vec<_>>()
    });
    (made, mass)
}

/// The cotangent of the memberships from that of the series, G, and their own, H.
fn memberships_reverse(
    ledger: &mut Ledger,
    [mass, s, x, g]: [&[Counted]; 4],
    h: Option<&[Counted]>,
    [p, v, t]: [usize; 3],
) -> Vec<Counted> {
    let dots = ledger.run("parcellation/row_dot", &[p * t, p * t], || {
        (0..p).map(|i| Counted::sum((0..t).map(|j| g[i * t + j] * s[i * t + j]))).collect::<Vec<_>>()
    });
    let operands = [g.len(), x.len(), p, p, h.map_or(0, <[Counted]>::len)];
    ledger.run("parcellation/memberships_reverse", &operands, || {
        let scale = reciprocals(mass);
        let d = product([p, t, v], |i, k| g[i * t + k], |k, j| x[j * t + k]);
        let d = d.iter().enumerate().map(|(at, &d)| (d - dots[at / v]) * scale[at / v]);
        match h {
            Some(h) => d.zip(h).map(|(d, &h)| d + h).collect(),
            None => d.collect(),
        }
    })
}

/// d ← a (d − Σ_p a d).
fn logits_reverse(ledger: &mut Ledger, a: &[Counted], d: &[Counted], [p, v]: [usize; 2]) -> Vec<Counted> {
    ledger.run("softmax/softmax_reverse", &[a.len(), d.len()], || {
        let sums: Vec<_> = (0..v).map(|j| Counted::sum((0..p).map(|i| a[i * v + j] * d[i * v + j]))).collect();
        (0..p * v).map(|at| a[at] * (d[at] - sums[at % v])).collect::<Vec<_>>()
    })
}

/// Memberships given (`soft` false) or a softmax of logits; forward, and the reverse of the series, and of the memberships where `direct`.
fn parcellation(extents: [usize; 3], soft: bool, direct: bool) -> Result<Work> {
    let [p, v, t] = extents;
    let mut w = Work::new(format!("parcellation {p} × {v} × {t}, soft {soft}, direct {direct}"));
    let (va, given) = w.input([p, v], Draw::Uniform(0.1, 1.0))?;
    let (vx, x) = w.input([v, t], Draw::Normal)?;
    let (vg, g) = w.input([p, t], Draw::Normal)?;
    let (made, memberships) = if soft {
        let made = w.tape.soft_parcellation(va, vx)?;
        (made.series, Some(made.memberships))
    } else {
        (w.tape.parcel_series(va, vx)?.0, None)
    };
    let mut seeds = vec![(made, vg)];
    let mut h = None;
    if let Some(a) = memberships.filter(|_| direct) {
        let (vh, elements) = w.input([p, v], Draw::Normal)?;
        seeds.push((a, vh));
        h = Some(elements);
    }
    let gradient = w.tape.vjp(&seeds, &[va])?[0];

    let a = if soft { softmax(&mut w.ledger, &given, [1, p, v], false) } else { given };
    let (s, mass) = series(&mut w.ledger, &a, &x, extents);
    let mut d = memberships_reverse(&mut w.ledger, [&mass, &s, &x, &g], h.as_deref(), extents);
    if soft {
        d = logits_reverse(&mut w.ledger, &a, &d, [p, v]);
    }
    w.output(made, &s);
    w.output(gradient, &d);
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let mut works = vec![
        matmul([33, 5, 34], 2, false)?,
        matmul([34, 5, 33], 2, true)?,
        narrow("matmul/outer", [70, 5, 66], false, 1)?,
        narrow("matmul/narrow_dots", [80, 65, 2], false, 1)?,
        narrow("matmul/narrow_sums", [80, 65, 2], true, 1)?,
        narrow("matmul/narrow_sums", [80, 130, 2], true, 2)?,
        cooperative([8, 12, 16])?,
    ];
    for extents in [[1, 1, 1], [7, 13, 5], [8, 12, 16]] {
        works.push(matmul(extents, 1, false)?);
        works.push(matmul(extents, 3, true)?);
        works.push(parcellation(extents, true, false)?);
        works.push(parcellation(extents, true, true)?);
        works.push(parcellation(extents, false, false)?);
    }
    Ok(works)
}
