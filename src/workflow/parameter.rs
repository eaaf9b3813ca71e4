//! Parameters: shape, beginning, domain, and whether they are learnt.

use super::data::leading;
use super::place::Place;
use crate::connectome::parcels::dirichlet;
use crate::connectome::weights::Domain;
use crate::data::read_npy;
use crate::tape::Init;
use crate::tensor::TensorType;
use crate::{Error, HostTensor, Result, Shape, Tape, Var};
use std::path::{Path, PathBuf};

/// A parameter of a workflow.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) shape: Vec<Extent>,
    start: Start,
    domain: Domain,
    pub(super) learn: bool,
    /// Whether each subject has its own.
    pub(super) per_subject: bool,
    /// Distinguishes its draws.
    stream: u32,
    pub(super) at: String,
}

/// An extent: a number, or that of an axis of a value.
#[derive(Debug, Clone)]
pub(super) enum Extent {
    Number(usize),
    Of(String, isize),
}

/// How a parameter begins. What is drawn from a normal or uniform law, and zeros, are of the free parameter, whose image the workflow
/// sees; the others are images.
#[derive(Debug, Clone)]
enum Start {
    Free(Init),
    Constant(f64),
    Identity(f64),
    Dirichlet(f64),
    Band { low: f64, high: f64, tr: f64 },
    File(PathBuf),
}

impl Parameter {
    pub(super) fn parse(name: &str, at: &Place<'_>, folder: &Path, seed: u64, stream: u32) -> Result<Self> {
        at.only(&["shape", "init", "domain", "learn", "per"])?;
        let shape = at.get("shape")?.items()?.iter().map(extent).collect::<Result<Vec<_>>>()?;
        let per_subject = at.find("per").map_or(Ok("all"), |p| p.choice(&["all", "subject"]))? == "subject";
        Ok(Self {
            name: name.to_owned(),
            domain: at.find("domain").map_or(Ok(Domain::Free), |p| domain(&p, shape.len()))?,
            start: at.find("init").map_or(Ok(Start::Free(Init::Zeros)), |p| start(&p, folder, seed, stream))?,
            learn: at.find("learn").map_or(Ok(true), |p| p.flag())?,
            shape,
            per_subject,
            stream,
            at: at.at().to_owned(),
        })
    }

    /// The name of its state.
    pub(super) fn state(&self) -> String {
        format!("parameters.{}", self.name)
    }

    /// Records the state of a shape, and its image as the workflow sees it; of the `subject`s `[batch]` of so many where each has its own.
    pub(super) fn record(&self, tape: &mut Tape, extents: &[usize], subject: Option<(Var, usize)>, seed: u64) -> Result<(Var, Var)> {
        let wrong = |e: Error| Error::argument(format!("{}: {e}", self.at));
        let each = Shape::try_new(extents).ok_or_else(|| Error::argument(format!("{}: at most 8 axes are possible", self.at)))?;
        let whole = subject.map_or(Ok(each), |(_, subjects)| leading(subjects, &each))?;
        let init = self.init(whole, each, seed).map_err(wrong)?;
        let free = tape.state(&self.state(), TensorType::f32(whole), init).map_err(wrong)?;
        let chosen = subject.map_or(Ok(free), |(index, _)| tape.gather_rows(free, index))?;
        Ok((free, self.domain.image(tape, chosen).map_err(wrong)?))
    }

    fn init(&self, whole: Shape, each: Shape, seed: u64) -> Result<Init> {
        let image = match &self.start {
            Start::Free(init) => return Ok(init.clone()),
            Start::Constant(x) => HostTensor::full(whole, *x as f32),
            Start::Identity(x) => {
                let [.., rows, columns] = *each else { return Err(Error::argument("init.identity: a matrix is expected")) };
                let entry = |i: usize| if i / columns % rows == i % columns { *x as f32 } else { 0.0 };
                HostTensor::f32(whole, (0..whole.elements()).map(entry).collect())?
            }
            Start::Dirichlet(concentration) => {
                // Columns of all batches at once, each a draw over the second axis from the back.
                let [.., rows, columns] = *each else { return Err(Error::argument("init.dirichlet: a matrix is expected")) };
                let batches = whole.elements() / (rows * columns).max(1);
                let drawn = dirichlet([rows, batches * columns], *concentration, seed, self.stream)?;
                let drawn = drawn.elements::<f32>()?;
                let at = |b: usize, r: usize, c: usize| drawn[r * batches * columns + b * columns + c];
                let entries = (0..whole.elements()).map(|i| at(i / (rows * columns), i / columns % rows, i % columns));
                HostTensor::f32(whole, entries.collect())?
            }
            Start::Band { low, high, tr } => HostTensor::f32(whole, band(whole, *low, *high, *tr))?,
            Start::File(path) => {
                let value = read_npy(path)?.to_real::<f32>();
                if value.shape() != whole {
                    return Err(Error::file(path, format!("{whole} is expected, found {}", value.shape())));
                }
                value
            }
        };
        self.domain.preimage(&image).map(Init::Value)
    }
}

/// 1 at the frequencies of the pass band and 0 elsewhere, along the last axis: n gains are of a series of 2 (n − 1) frames.
fn band(shape: Shape, low: f64, high: f64, tr: f64) -> Vec<f32> {
    let n = shape.last().copied().unwrap_or(1);
    let step = 0.5 / tr / n.saturating_sub(1).max(1) as f64;
    let gain = |i: usize| f32::from(u8::from((low..=high).contains(&((i % n) as f64 * step))));
    (0..shape.elements()).map(gain).collect()
}

/// A number, or `NAME[AXIS]`.
fn extent(place: &Place<'_>) -> Result<Extent> {
    if place.value().is_number() {
        return place.whole(1).map(Extent::Number);
    }
    let text = place.text()?;
    let parts = text.strip_suffix(']').and_then(|t| t.split_once('['));
    match parts.and_then(|(name, axis)| Some((name, axis.parse::<isize>().ok()?))) {
        Some((name, axis)) => Ok(Extent::Of(name.to_owned(), axis)),
        None => Err(place.error(format!("a number, or the extent of a value's axis such as `series[1]`, is expected, found `{text}`"))),
    }
}

fn start(place: &Place<'_>, folder: &Path, seed: u64, stream: u32) -> Result<Start> {
    if place.value().is_string() {
        place.choice(&["zeros"])?;
        return Ok(Start::Free(Init::Zeros));
    }
    if place.find("band").is_some() {
        place.only(&["band", "tr"])?;
        let [low, high] = place.get("band")?.pair()?;
        return Ok(Start::Band { low, high, tr: place.get("tr")?.positive()? });
    }
    place.only(&["constant", "identity", "normal", "uniform", "dirichlet", "file"])?;
    let (kind, of) = place.single()?;
    Ok(match kind {
        "constant" => Start::Constant(of.number()?),
        "identity" => Start::Identity(of.number()?),
        "normal" => Start::Free(Init::Normal { mean: 0.0, std: of.positive()? as f32, seed, stream }),
        "uniform" => {
            let [low, high] = of.pair()?.map(|x| x as f32);
            Start::Free(Init::Uniform { low, high, seed, stream })
        }
        "dirichlet" => Start::Dirichlet(of.positive()?),
        _ => Start::File(folder.join(of.text()?)),
    })
}

/// A domain; axes are counted from the back within, since a parameter of each subject has one more in front.
fn domain(place: &Place<'_>, rank: usize) -> Result<Domain> {
    if place.value().is_string() {
        return Ok(match place.choice(&["free", "positive"])? {
            "positive" => Domain::Positive,
            _ => Domain::Free,
        });
    }
    let axis = |of: &Place<'_>| {
        let axis = of.axis()?;
        let back = if axis < 0 { axis } else { axis - rank as isize };
        if back < 0 && -back <= rank as isize { Ok(back) } else { Err(of.error(format!("an axis of {rank} is expected, found {axis}"))) }
    };
    if let Some(of) = place.find("simplex") {
        place.only(&["simplex", "temperature"])?;
        let temperature = place.find("temperature").map_or(Ok(1.0), |p| p.positive())? as f32;
        return Ok(Domain::Simplex { axis: axis(&of)?, temperature });
    }
    place.only(&["between", "tanh", "affine", "sphere"])?;
    let (kind, of) = place.single()?;
    Ok(match kind {
        "between" => {
            let [low, high] = of.pair()?.map(|x| x as f32);
            if low >= high {
                return Err(of.error("[low, high] is expected, low below high"));
            }
            Domain::Between { low, high }
        }
        "tanh" => Domain::Tanh { scale: of.positive()? as f32 },
        "affine" => {
            let [scale, shift] = of.pair()?.map(|x| x as f32);
            Domain::Affine { scale, shift }
        }
        _ => Domain::Sphere { p: 2.0, axis: axis(&of)? },
    })
}
