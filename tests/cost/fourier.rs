//! Fourier transforms, stage by stage.

use super::counted::{Counted, Ledger, c};
use super::work::Work;
use tapetum::Result;
use tapetum::ops::case::Draw;

/// A complex number; where it is known to be real, there is no imaginary part.
#[derive(Clone, Copy)]
struct Complex(Counted, Option<Counted>);

/// e^(∓2πik/n): a constant.
fn root(k: usize, n: usize, inverse: bool) -> [Counted; 2] {
    let angle = 2.0 * std::f64::consts::PI * (k % n) as f64 / n as f64;
    [c(angle.cos()), c(if inverse { angle.sin() } else { -angle.sin() })]
}

/// An element of a stage: Σ x_{j + r n/p} w^{r (k + s span)}, its real part alone where `real`.
fn element(x: &[Complex], o: usize, [span, p]: [usize; 2], inverse: bool, real: bool) -> Complex {
    let (n, whole) = (x.len(), span * p);
    let j = o / whole * span + o % span;
    let terms = (0..p).map(|r| (x[j + r * n / p], root(r * (o % whole) * (n / whole), n, inverse)));
    let re = Counted::sum(terms.clone().map(|(z, w)| z.1.map_or_else(|| z.0 * w[0], |im| z.0 * w[0] - im * w[1])));
    if real {
        return Complex(re, None);
    }
    Complex(re, Some(Counted::sum(terms.map(|(z, w)| z.1.map_or_else(|| z.0 * w[1], |im| z.0 * w[1] + im * w[0])))))
}

type Rows = Vec<Vec<Complex>>;

/// What is made of rows of n, `words` in all, which `given` reads (and scales) in the first stage.
fn stages(ledger: &mut Ledger, (mut words, given): (usize, impl Fn() -> Rows), n: usize, radices: &[usize], inverse: bool) -> Vec<Counted> {
    let (mut span, mut rows, mut flat) = (1, None, Vec::new());
    for (i, &p) in radices.iter().enumerate() {
        let last = i + 1 == radices.len();
        let kept = if last && !inverse { n / 2 + 1 } else { n };
        let mut made = Vec::new();
        flat = ledger.run("fourier/stage", &[words, 2 * n], || {
            let rows = rows.take().unwrap_or_else(&given);
            let of_row = |x: &Vec<Complex>| (0..kept).map(|o| element(x, o, [span, p], inverse, last && inverse)).collect();
            made = rows.iter().map(of_row).collect::<Rows>();
            // A half spectrum is scaled, here by 1.
            let scale = |z: Counted| if last && !inverse { z * c(1.0) } else { z };
            made.iter().flatten().flat_map(|z| [Some(z.0), z.1].into_iter().flatten().map(scale)).collect::<Vec<_>>()
        });
        (words, span, rows) = (flat.len(), span * p, Some(made));
    }
    flat
}

fn forward([rows, n]: [usize; 2], radices: &[usize]) -> Result<Work> {
    let mut w = Work::new(format!("rfft of {rows} × {n}"));
    let (vx, x) = w.input([rows, n], Draw::Normal)?;
    let y = w.tape.rfft(vx)?;
    let given = || x.chunks(n).map(|row| row.iter().map(|&x| Complex(x, None)).collect()).collect();
    let made = stages(&mut w.ledger, (x.len(), given), n, radices, false);
    w.output(y, &made);
    Ok(w)
}

/// The whole Hermitian spectrum from its first half, scaled by 1/n: for the imaginary part, the scale carries the sign.
fn whole(half: &[Counted], n: usize) -> Vec<Complex> {
    let s = 1.0 / n as f64;
    let scaled: Vec<_> = half.chunks(2).map(|z| [z[0] * c(s), z[1] * c(s)]).collect();
    let of = |k: usize| if 2 * k <= n { scaled[k] } else { [scaled[n - k][0], Counted(-scaled[n - k][1].0)] };
    (0..n).map(|k| Complex(of(k)[0], Some(of(k)[1]))).collect()
}

fn inverse([rows, n]: [usize; 2], radices: &[usize]) -> Result<Work> {
    let mut w = Work::new(format!("irfft of {rows} × {n}"));
    let m = n / 2 + 1;
    let (vx, x) = w.input([rows, m, 2], Draw::Normal)?;
    let y = w.tape.irfft(vx, n)?;
    let given = || x.chunks(2 * m).map(|half| whole(half, n)).collect();
    let made = stages(&mut w.ledger, (x.len(), given), n, radices, true);
    w.output(y, &made);
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    let lengths: [([usize; 2], &[usize]); 4] = [([3, 1], &[1]), ([2, 7], &[7]), ([3, 24], &[8, 3]), ([2, 22], &[11, 2])];
    lengths.iter().flat_map(|&(shape, radices)| [forward(shape, radices), inverse(shape, radices)]).collect()
}
