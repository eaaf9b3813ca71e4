//! Rows made orthonormal under weights.

use super::counted::{Counted, c};
use super::work::Work;
use tapetum::Result;
use tapetum::ops::case::Draw;

/// A row and its coefficients.
type Row = (Vec<Counted>, Vec<Counted>);

fn inner(a: &Row, b: &Row, w: &[Counted], ridge: f64) -> Counted {
    let frames = Counted::sum(w.iter().zip(&a.0).zip(&b.0).map(|((&w, &a), &b)| w * a * b));
    frames + c(ridge) * Counted::sum(a.1.iter().zip(&b.1).map(|(&a, &b)| a * b))
}

/// Gram and Schmidt, twice for each row.
fn orthonormal(x: &[Counted], w: &[Counted], k: usize, ridge: f64) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (j, x) in x.chunks(w.len()).enumerate() {
        let mut row = (x.to_vec(), (0..k).map(|l| c(if l == j { 1.0 } else { 0.0 })).collect::<Vec<_>>());
        let whole = inner(&row, &row, w, ridge);
        for _ in 0..2 {
            for other in &rows {
                let part = inner(other, &row, w, ridge);
                row.0.iter_mut().zip(&other.0).for_each(|(x, &y)| *x = *x - part * y);
                row.1.iter_mut().zip(&other.1).for_each(|(x, &y)| *x = *x - part * y);
            }
        }
        let left = inner(&row, &row, w, ridge);
        let tolerance = 32.0 * f64::from(f32::EPSILON);
        let some = left.above(c(tolerance * tolerance) * whole);
        let s = Counted::choose(some, c(1.0) / left.sqrt(), c(0.0));
        row.0.iter_mut().chain(&mut row.1).for_each(|x| *x = *x * s);
        rows.push(row);
    }
    rows
}

fn orthonormalise([batch, k, time]: [usize; 3], ridge: f32, (by, kernel): (&str, &str)) -> Result<Work> {
    let mut w = Work::new(format!("{k} rows of {time} made orthonormal by {by}, ridge {ridge}"));
    w.pins.insert("confounds/basis".into(), by.into());
    let ((vx, x), (vw, weights)) = (w.input([batch, k, time], Draw::Normal)?, w.input([batch, time], Draw::Weights)?);
    let (q, m) = w.tape.orthonormalise(vx, vw, ridge)?;
    let made = w.ledger.run(kernel, &[x.len(), weights.len()], || {
        let entries = x.chunks(k * time).zip(weights.chunks(time));
        let rows: Vec<Row> = entries.flat_map(|(x, weights)| orthonormal(x, weights, k, ridge.into())).collect();
        let (q, m): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        (q.concat(), m.concat())
    });
    w.output(q, &made.0);
    w.output(m, &made.1);
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let ways = [("rows", "confounds/orthonormalise"), ("blocks", "confounds/orthonormalise_blocks")];
    let shapes = [([2, 3, 17], 0.0), ([1, 5, 70], 2.5), ([3, 1, 7], 0.0)];
    ways.iter().flat_map(|way| shapes.map(|(shape, ridge)| orthonormalise(shape, ridge, *way))).collect()
}
