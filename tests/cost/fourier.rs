//! Fourier transforms, step by step.

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

/// The steps of a pass over rows, after steps whose radices multiply to `span`, in the order of `radices`; they go into rows of `kept`
/// elements, their real parts alone where `real`.
fn steps(mut rows: Rows, (mut span, radices): (usize, &[usize]), (kept, real): (usize, bool), inverse: bool) -> Rows {
    for (i, &p) in radices.iter().enumerate() {
        let last = i + 1 == radices.len();
        let of_row = |x: &Vec<Complex>| {
            let kept = if last { kept } else { x.len() };
            (0..kept).map(|o| element(x, o, [span, p], inverse, last && real)).collect()
        };
        rows = rows.iter().map(of_row).collect();
        span *= p;
    }
    rows
}

/// A transform of rows of length n in passes of these radices. `given` reads (and scales) the rows, `words` in all.
fn passes(ledger: &mut Ledger, (mut words, given): (usize, impl Fn() -> Rows), n: usize, all: &[&[usize]], inverse: bool) -> Vec<Counted> {
    let (mut span, mut rows, mut made) = (1, None, Vec::new());
    for (i, radices) in all.iter().enumerate() {
        let last = i + 1 == all.len();
        let kept = if last && !inverse { n / 2 + 1 } else { n };
        made = ledger.run("fourier/pass", &[words, 2 * n], || {
            let from = rows.take().unwrap_or_else(&given);
            let to = steps(from, (span, radices), (kept, last && inverse), inverse);
            // A half spectrum is scaled, here by 1.
            let scale = |z: Counted| if last && !inverse { z * c(1.0) } else { z };
            let made: Vec<_> = flat(&to).into_iter().map(scale).collect();
            rows = Some(to);
            made
        });
        (words, span) = (made.len(), span * radices.iter().product::<usize>());
    }
    made
}

fn forward([rows, n]: [usize; 2], radices: &[&[usize]]) -> Result<Work> {
    let mut w = Work::new(format!("rfft of {rows} × {n}"));
    let (vx, x) = w.input([rows, n], Draw::Normal)?;
    let y = w.tape.rfft(vx)?;
    let given = || x.chunks(n).map(|row| row.iter().map(|&x| Complex(x, None)).collect()).collect();
    let made = passes(&mut w.ledger, (x.len(), given), n, radices, false);
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

fn inverse([rows, n]: [usize; 2], radices: &[&[usize]]) -> Result<Work> {
    let mut w = Work::new(format!("irfft of {rows} × {n}"));
    let m = n / 2 + 1;
    let (vx, x) = w.input([rows, m, 2], Draw::Normal)?;
    let y = w.tape.irfft(vx, n)?;
    let given = || x.chunks(2 * m).map(|half| whole(half, n)).collect();
    let made = passes(&mut w.ledger, (x.len(), given), n, radices, true);
    w.output(y, &made);
    Ok(w)
}

fn flat(rows: &Rows) -> Vec<Counted> {
    rows.iter().flatten().flat_map(|z| [Some(z.0), z.1].into_iter().flatten()).collect()
}

/// A product with a constant.
fn turned(z: Complex, w: [f64; 2]) -> Complex {
    let w = [c(w[0]), c(w[1])];
    match z.1 {
        Some(im) => Complex(z.0 * w[0] - im * w[1], Some(z.0 * w[1] + im * w[0])),
        None => Complex(z.0 * w[0], Some(z.0 * w[1])),
    }
}

/// e^(∓πit²/n).
fn chirp(t: usize, n: usize, inverse: bool) -> [f64; 2] {
    let angle = std::f64::consts::PI * ((t * t) % (2 * n)) as f64 / n as f64;
    [angle.cos(), if inverse { angle.sin() } else { -angle.sin() }]
}

/// Bluestein's transform of rows, which `given` reads, by transforms of m, of one pass each: its first `kept` entries, complex ones scaled
/// by 1 where they are half a spectrum, the real parts alone where `inverse`.
fn bluestein(
    ledger: &mut Ledger,
    (words, given): (usize, impl Fn() -> Rows),
    n: usize,
    m: usize,
    radices: &[usize],
    inverse: bool,
) -> Vec<Counted> {
    let tables = 2 * (2 * m + n);
    // The spectrum of the conjugate chirp around 0, by its definition.
    let around = |j: usize| {
        if j < n {
            chirp(j, n, !inverse)
        } else if m - j < n {
            chirp(m - j, n, !inverse)
        } else {
            [0.0; 2]
        }
    };
    let filter: Vec<[f64; 2]> = (0..m).map(around).collect();
    let spectrum = |k: usize| {
        let terms = (0..m).filter(|&j| filter[j] != [0.0; 2]).map(|j| {
            let angle = -2.0 * std::f64::consts::PI * ((j * k) % m) as f64 / m as f64;
            let (w, [re, im]) = ([angle.cos(), angle.sin()], filter[j]);
            [re * w[0] - im * w[1], re * w[1] + im * w[0]]
        });
        terms.fold([0.0; 2], |sum, z| [sum[0] + z[0] / m as f64, sum[1] + z[1] / m as f64])
    };
    let spectrum: Vec<[f64; 2]> = (0..m).map(spectrum).collect();
    let mut product = Vec::new();
    let made = ledger.run("fourier/pass", &[words, tables], || {
        let zeros = || std::iter::repeat_n(Complex(c(0.0), Some(c(0.0))), m - n);
        let row = |x: &Vec<Complex>| x.iter().enumerate().map(|(t, &z)| turned(z, chirp(t, n, inverse))).chain(zeros()).collect();
        let rows = steps(given().iter().map(row).collect(), (1, radices), (m, false), false);
        product = rows.iter().map(|x| x.iter().zip(&spectrum).map(|(&z, &w)| turned(z, w)).collect()).collect::<Rows>();
        flat(&product)
    });
    let kept = if inverse { n } else { n / 2 + 1 };
    ledger.run("fourier/pass", &[made.len(), tables], || {
        let convolved = steps(product, (1, radices), (kept, false), true);
        let last = |x: &Vec<Complex>| {
            let of = |(t, z): (usize, &Complex)| {
                let [re, im] = chirp(t, n, inverse);
                if inverse {
                    return vec![z.0 * c(re) - z.1.unwrap_or(c(0.0)) * c(im)];
                }
                let made = turned(*z, [re, im]);
                [Some(made.0), made.1].into_iter().flatten().map(|part| part * c(1.0)).collect()
            };
            x.iter().enumerate().flat_map(of).collect::<Vec<_>>()
        };
        convolved.iter().flat_map(last).collect::<Vec<_>>()
    })
}

/// A prime length, which goes by transforms of 1,280.
fn prime() -> Result<[Work; 2]> {
    let (n, m, radices) = (521, 1280, [5, 4, 8, 8]);
    let mut forward = Work::new("rfft of 521");
    let (vx, x) = forward.input([1, n], Draw::Normal)?;
    let y = forward.tape.rfft(vx)?;
    let given = || vec![x.iter().map(|&x| Complex(x, None)).collect()];
    let made = bluestein(&mut forward.ledger, (n, given), n, m, &radices, false);
    forward.output(y, &made);
    let mut inverse = Work::new("irfft of 521");
    let half = n / 2 + 1;
    let (vx, x) = inverse.input([1, half, 2], Draw::Normal)?;
    let y = inverse.tape.irfft(vx, n)?;
    let given = || vec![whole(&x, n)];
    let made = bluestein(&mut inverse.ledger, (2 * half, given), n, m, &radices, true);
    inverse.output(y, &made);
    Ok([forward, inverse])
}

pub fn works() -> Result<Vec<Work>> {
    let lengths: [([usize; 2], &[&[usize]]); 5] =
        [([3, 1], &[&[1]]), ([2, 7], &[&[7]]), ([3, 24], &[&[3, 8]]), ([2, 22], &[&[2, 11]]), ([1, 2401], &[&[7, 7], &[7, 7]])];
    let mut works =
        lengths.iter().flat_map(|&(shape, radices)| [forward(shape, radices), inverse(shape, radices)]).collect::<Result<Vec<_>>>()?;
    works.extend(prime()?);
    Ok(works)
}
