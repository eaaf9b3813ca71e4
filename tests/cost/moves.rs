//! The costs of ops that move elements, sum rows by index, or draw at random.

use super::counted::{Counted, c};
use super::work::Work;
use tapetum::ops::case::Draw;
use tapetum::tensor::Philox;
use tapetum::{HostTensor, Result};

/// Copies compute nothing. One that fills a part of a value reads and writes the whole of it by the model: a binding is a binding.
fn copies([rows, n]: [usize; 2]) -> Result<Work> {
    let mut w = Work::new(format!("copies of {rows} × {n}"));
    let words = rows * n;
    let (x, _) = w.input([rows, n], Draw::Normal)?;
    let turned = w.tape.transpose(x, &[1, 0])?;
    w.ledger.moves(if rows > 7 && n > 7 { "shape/transpose" } else { "shape/copy" }, &[words], words);
    let part = w.tape.slice(x, 0, 0, rows, 2)?;
    w.ledger.moves("shape/copy", &[words], rows.div_ceil(2) * n);
    let padded = w.tape.pad(x, 0, 1, 2, 0.0)?;
    w.ledger.moves("shape/place", &[words], (rows + 3) * n);
    let both = w.tape.concatenate(&[x, x], 0)?;
    w.ledger.moves("shape/parts", &[words], 2 * words);
    [turned, part, padded, both].into_iter().for_each(|v| w.moved(v));
    Ok(w)
}

fn indexed([n, rows, width]: [usize; 3]) -> Result<Work> {
    let mut w = Work::new(format!("{n} rows of {width}, by index into {rows}"));
    let index: Vec<usize> = (0..n).map(|j| j * 5 % rows).collect();
    let vi = w.given(HostTensor::i32([n], index.iter().map(|&i| i as i32).collect())?)?;
    let (vx, x) = w.input([n, width], Draw::Normal)?;
    let sums = w.tape.scatter_rows(vx, vi, rows)?;
    // More than a few indices are put in order first.
    let ordered = n > 64;
    if ordered {
        w.ledger.moves("shape/scatter_keys", &[n], 2 * n);
        w.ledger.moves("shape/scatter_starts", &[n], rows + 1);
    }
    let (kernel, indices) = if ordered { ("shape/scatter_sum", n + rows + 1) } else { ("shape/scatter_rows", n) };
    let made = w.ledger.run(kernel, &[x.len(), indices], || {
        let mut y = vec![c(0.0); rows * width];
        for (at, &x) in x.iter().enumerate() {
            let to = &mut y[index[at / width] * width + at % width];
            *to = *to + x;
        }
        y
    });
    w.output(sums, &made);
    let gathered = w.tape.gather_rows(sums, vi)?;
    w.ledger.moves("shape/gather_rows", &[rows * width, n], n * width);
    w.output(gathered, &index.iter().flat_map(|&i| made[i * width..][..width].to_vec()).collect::<Vec<_>>());
    // Comparing indices counts no FLOP, because indices are not real numbers.
    let hot = w.tape.one_hot(vi, rows)?;
    w.ledger.moves("shape/one_hot", &[n], n * rows);
    w.output(hot, &index.iter().flat_map(|&i| (0..rows).map(move |k| c(f64::from(u8::from(i == k))))).collect::<Vec<_>>());
    Ok(w)
}

/// The bits of Philox are drawn by whole-number work, which no FLOP counts; what is made of them is.
fn draws(n: usize) -> Result<Work> {
    const SEED: u64 = 7;
    let mut w = Work::new(format!("{n} draws"));
    let bits = |i: usize, stream: u32, shift: u32| c(f64::from(Philox::new(SEED, stream, 0).word(i) >> shift));
    let (unit, unit23) = (c(0.5f64.powi(24)), c(0.5f64.powi(23)));
    let uniform = w.tape.random_uniform([n], SEED, 0)?;
    let made = w.ledger.run("random/random", &[1], || (0..n).map(|i| bits(i, 0, 8) * unit).collect::<Vec<_>>());
    w.output(uniform, &made);

    let normal = w.tape.random_normal([n], SEED, 1)?;
    let made = w.ledger.run("random/random", &[1], || {
        // Box and Muller: a pair of words makes a pair of draws.
        let pair = |i: usize| {
            let radius = (c(-2.0) * ((bits(i, 1, 8) + c(1.0)) * unit).ln()).sqrt();
            let angle = bits(i + 1, 1, 8) * c(std::f64::consts::TAU * unit.0);
            let turns = [f64::cos as fn(f64) -> f64, f64::sin];
            turns.into_iter().take(n - i).map(|turn| radius * angle.apply(turn)).collect::<Vec<_>>()
        };
        (0..n).step_by(2).flat_map(pair).collect::<Vec<_>>()
    });
    // The op rounds its draws to f32 in every precision.
    w.output(normal, &rounded(&made));

    let gumbel = w.tape.random_gumbel([n], SEED, 2)?;
    let made =
        w.ledger.run("random/random", &[1], || (0..n).map(|i| -(-((bits(i, 2, 9) + c(0.5)) * unit23).ln()).ln()).collect::<Vec<_>>());
    w.output(gumbel, &rounded(&made));

    let (vx, x) = w.input([n], Draw::Normal)?;
    let dropped = w.tape.dropout(vx, 0.5, SEED, 3)?;
    // Comparing bits is whole-number work.
    let keep = |i: usize| c(f64::from(u8::from(bits(i, 3, 8).0 >= 0.5 / unit.0)));
    let made = w.ledger.run("random/dropout", &[n, 1], || (0..n).map(|i| c(2.0 * keep(i).0) * x[i]).collect::<Vec<_>>());
    w.output(dropped, &made);
    Ok(w)
}

fn rounded(x: &[Counted]) -> Vec<Counted> {
    x.iter().map(|x| c(f64::from(x.0 as f32))).collect()
}

pub fn works() -> Result<Vec<Work>> {
    let mut works = Vec::new();
    for n in [1, 7, 64] {
        works.extend([copies([n, 3])?, copies([n, 9])?, indexed([2 * n + 1, n, 5])?, draws(n)?]);
    }
    Ok(works)
}
