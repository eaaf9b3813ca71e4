//! Products with a sparse matrix.

use super::counted::{Counted, c};
use super::work::Work;
use tapetum::Result;
use tapetum::ops::case::Draw;
use tapetum::ops::sparse::SparsePattern;

/// Entries of every row but the last: the diagonal, and the one beside it.
fn entries(rows: usize, columns: usize) -> Vec<(usize, usize)> {
    (0..rows.saturating_sub(1)).flat_map(|i| [(i, i % columns), (i, (i + 1) % columns)]).collect()
}

/// Σ w_e x_j over the entries of each of `rows` rows.
fn product(w: &[Counted], x: &[Counted], rows: usize, f: usize, entries: &[(usize, usize)]) -> Vec<Counted> {
    let one = |at: usize| {
        let of_row = entries.iter().zip(w).filter(|((i, _), _)| *i == at / f);
        Counted::sum(of_row.map(|((_, j), &w)| w * x[j * f + at % f]))
    };
    (0..rows * f).map(one).collect()
}

fn all([rows, columns, f]: [usize; 3]) -> Result<Work> {
    let mut work = Work::new(format!("sparse products of {rows} × {columns}, {f} features"));
    let list = entries(rows, columns);
    let e = list.len();
    let pattern = SparsePattern::new(&mut work.tape, [rows, columns], &list)?;
    let ((vw, w), (vx, x), (vg, g)) =
        (work.input([e], Draw::Normal)?, work.input([columns, f], Draw::Normal)?, work.input([rows, f], Draw::Normal)?);
    let y = work.tape.sparse_matmul(&pattern, Some(vw), vx)?;
    let made = work.ledger.run("sparse/product", &[e, x.len(), rows + 1, e, e], || product(&w, &x, rows, f, &list));
    work.output(y, &made);
    let gradients = work.tape.vjp(&[(y, vg)], &[vw, vx])?;
    let made = work.ledger.run("sparse/sample", &[g.len(), x.len(), e, e, e], || {
        let dot = |&(i, j): &(usize, usize)| Counted::sum((0..f).map(|k| g[i * f + k] * x[j * f + k]));
        list.iter().map(dot).collect::<Vec<_>>()
    });
    work.output(gradients[0], &made);
    let turned: Vec<_> = list.iter().map(|&(i, j)| (j, i)).collect();
    let made = work.ledger.run("sparse/product", &[e, g.len(), columns + 1, e, e], || product(&w, &g, columns, f, &turned));
    work.output(gradients[1], &made);

    let most = work.tape.sparse_max(&pattern, vx)?;
    let made = work.ledger.run("sparse/maximum", &[x.len(), rows + 1, e], || {
        let one = |at: usize| {
            let of_row = list.iter().filter(|(i, _)| *i == at / f).map(|(_, j)| x[j * f + at % f]);
            let most = of_row.fold(c(f64::NEG_INFINITY), Counted::max);
            if most.0.is_finite() { most } else { c(0.0) }
        };
        (0..rows * f).map(one).collect::<Vec<_>>()
    });
    work.output(most, &made);
    Ok(work)
}

pub fn works() -> Result<Vec<Work>> {
    [[2, 1, 1], [7, 5, 3], [5, 9, 64]].into_iter().map(all).collect()
}
