//! Parameters: their shape, initial values and domain; each is learnt or fixed.

use super::form::{Form, Placed, axis, file, flag, number, pattern, positive, single, whole, words};
use super::object::object;
use super::reader::finite;
use super::rows::leading;
use crate::connectome::parcels::dirichlet;
use crate::connectome::weights::Domain;
use crate::data::read_npy;
use crate::tape::Init;
use crate::tensor::TensorType;
use crate::{Error, HostTensor, Result, Shape, Tape, Var};

/// The largest number of elements of a parameter.
const MOST: usize = 1 << 28;

/// A parameter of a workflow.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    shape: Vec<Extent>,
    start: Start,
    domain: Domain,
    pub(super) learn: bool,
    /// True where each subject has its own values.
    pub(super) per_subject: bool,
    /// The random stream of its initial draw, different for each parameter.
    stream: u32,
    pub(super) at: String,
}

impl Parameter {
    /// True where an extent of its shape is given as this number.
    pub(super) fn has_extent(&self, n: usize) -> bool {
        self.shape.iter().any(|extent| matches!(extent, Extent::Number(found) if *found == n))
    }
}

/// An extent: a number, or the extent of an axis of a value.
#[derive(Debug, Clone)]
enum Extent {
    Number(usize),
    Of(String, isize),
}

/// The initial values of a parameter. Normal and uniform draws and zeros are values of the free (unconstrained) parameter, which the domain
/// maps to its image, the values that the workflow sees. The other kinds give the image itself.
#[derive(Debug, Clone)]
enum Start {
    Zeros,
    Normal(f64),
    Uniform([f32; 2]),
    Constant(f64),
    Identity(f64),
    Dirichlet(f64),
    Band { low: f64, high: f64, tr: f64 },
    Value(HostTensor),
}

/// The description of a parameter, without its name.
pub(super) struct Described {
    shape: Vec<Extent>,
    start: Start,
    domain: Domain,
    learn: bool,
    per_subject: bool,
}

/// A parameter.
pub(super) fn parameter() -> Form<Placed<Described>> {
    let parts = (
        extent().list(0).field("shape", "its extents: numbers, and extents of the axes of values such as series[1]"),
        start().or("init", "zeros", "how it begins: zeros, normal and uniform are of the free parameter, the others of its image"),
        domain().or("domain", "free", "where it lives"),
        flag().or("learn", true, "whether it is learnt"),
        words([("all", false), ("subject", true)]).or("per", "all", "one for all, or one for each subject"),
    );
    object("", parts, |(shape, start, domain, learn, per_subject)| {
        let domain = domain.of_rank(shape.len())?;
        Ok(Described { shape, start, domain, learn, per_subject })
    })
    .form()
    .placed()
}

/// A number, or `NAME[AXIS]`.
fn extent() -> Form<Extent> {
    let of = |text: &str| {
        let (name, axis) = text.strip_suffix(']')?.split_once('[')?;
        Some(Extent::Of(name.to_owned(), axis.parse().ok().filter(|axis: &isize| axis.unsigned_abs() <= 8)?))
    };
    let expected = "a number, or the extent of the axis of a value such as `series[1]`,";
    Form::either(vec![whole(1).map(Extent::Number), pattern("^[A-Za-z_][A-Za-z0-9_.]*\\[-?[0-9]\\]$", expected, of)])
}

fn start() -> Form<Start> {
    let band = (
        number()
            .times::<2>()
            .checked("[low, high], low not above high,", |[low, high]| low <= high)
            .field("band", "1 at these frequencies and 0 at others, [low, high] in hertz, along the last axis"),
        positive().field("tr", "seconds from one frame to the next"),
    );
    Form::either(vec![
        words([("zeros", Start::Zeros)]),
        object("", (number().field("constant", "this number everywhere"),), |(x,)| Ok(Start::Constant(x))).form(),
        object("", (number().field("identity", "this number on the diagonal, and 0 elsewhere"),), |(x,)| Ok(Start::Identity(x))).form(),
        object("", (positive().field("normal", "drawn with mean 0 and this standard deviation"),), |(std,)| Ok(Start::Normal(std))).form(),
        object(
            "",
            (single()
                .times()
                .checked("[low, high], low not above high,", |[low, high]: &[f32; 2]| low <= high)
                .field("uniform", "drawn evenly between [low, high]"),),
            |(bounds,)| Ok(Start::Uniform(bounds)),
        )
        .form(),
        object("", (positive().field("dirichlet", "columns drawn from a Dirichlet distribution of this concentration"),), |(x,)| {
            Ok(Start::Dirichlet(x))
        })
        .form(),
        object("", band, |([low, high], tr)| Ok(Start::Band { low, high, tr })).form(),
        object("", (file().field("file", "a .npy of the shape of the parameter"),), |(path,)| {
            Ok(Start::Value(finite(&path, read_npy(&path)?.to_real::<f32>())?))
        })
        .form(),
    ])
}

/// A domain whose axis is counted as in the file.
#[derive(Debug, Clone, Copy)]
struct Unplaced(Domain);

fn domain() -> Form<Unplaced> {
    let simplex = (
        axis().field("simplex", "probabilities along this axis: softmax"),
        positive().or("temperature", 1, "the temperature of the softmax"),
    );
    Form::either(vec![
        words([("free", Domain::Free), ("positive", Domain::Positive)]),
        object("", simplex, |(axis, temperature)| Ok(Domain::Simplex { axis, temperature: temperature as f32 })).form(),
        object("", (single().times().field("between", "between [low, high]"),), |([low, high],)| {
            if low < high {
                Ok(Domain::Between { low, high })
            } else {
                Err(Error::argument("between: [low, high] is expected, low below high"))
            }
        })
        .form(),
        object("", (positive().field("tanh", "between minus this and this"),), |(scale,)| Ok(Domain::Tanh { scale: scale as f32 })).form(),
        object("", (single().times().field("affine", "[scale, shift]: scale x + shift"),), |([scale, shift],)| {
            if scale != 0.0 {
                Ok(Domain::Affine { scale, shift })
            } else {
                Err(Error::argument("affine: a scale that is not 0 is expected"))
            }
        })
        .form(),
        object("", (axis().field("sphere", "of Euclidean length 1 along this axis"),), |(axis,)| Ok(Domain::Sphere { p: 2.0, axis }))
            .form(),
    ])
    .map(Unplaced)
}

impl Unplaced {
    /// The domain with its axis counted from the back, because a parameter with values for each subject has one more axis in front.
    fn of_rank(self, rank: usize) -> Result<Domain> {
        let back = |axis: isize| {
            let back = if axis < 0 { axis } else { axis - rank as isize };
            let there = back < 0 && back.unsigned_abs() <= rank;
            if there { Ok(back) } else { Err(Error::argument(format!("domain: an axis of {rank} is expected, found {axis}"))) }
        };
        Ok(match self.0 {
            Domain::Simplex { axis, temperature } => Domain::Simplex { axis: back(axis)?, temperature },
            Domain::Sphere { p, axis } => Domain::Sphere { p, axis: back(axis)? },
            other => other,
        })
    }
}

impl Parameter {
    /// The parameter of this name; `stream` distinguishes its draws.
    pub(super) fn new(name: String, described: Placed<Described>, stream: u32) -> Self {
        let Placed { at, value: Described { shape, start, domain, learn, per_subject } } = described;
        Self { name, shape, start, domain, learn, per_subject, stream, at }
    }

    /// The extents of its shape, where `of` gives the extent of the axis of a value by its name.
    pub(super) fn extents(&self, mut of: impl FnMut(&str, isize) -> Result<usize>) -> Result<Vec<usize>> {
        let wrong = |e: Error| Error::argument(format!("{}.shape: {e}", self.at));
        let extent = |extent: &Extent| match extent {
            Extent::Number(n) => Ok(*n),
            Extent::Of(name, axis) => of(name, *axis).map_err(wrong),
        };
        self.shape.iter().map(extent).collect()
    }

    /// The name of the parameter's state.
    pub(super) fn state(&self) -> String {
        format!("parameters.{}", self.name)
    }

    /// Records the parameter's state with the shape `extents`, and its image, which the workflow sees. Where each subject has its own
    /// values, `subject` holds the subjects of the batch, `[batch]`, and the number of all subjects.
    pub(super) fn record(&self, tape: &mut Tape, extents: &[usize], subject: Option<(Var, usize)>, seed: u64) -> Result<(Var, Var)> {
        let wrong = |e: Error| Error::argument(format!("{}: {e}", self.at));
        let each = Shape::try_new(extents).ok_or_else(|| Error::argument(format!("{}: at most 8 axes are possible", self.at)))?;
        let whole = subject.map_or(Ok(each), |(_, subjects)| leading(subjects, &each))?;
        let elements = whole.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent));
        if elements.is_none_or(|elements| elements > MOST) {
            return Err(Error::argument(format!(
                "{}: {whole} is of more than {MOST} elements, which is the most that a parameter may have",
                self.at
            )));
        }
        let init = self.init(whole, each, seed).map_err(wrong)?;
        let free = tape.state(&self.state(), TensorType::f32(whole), init).map_err(wrong)?;
        let chosen = subject.map_or(Ok(free), |(index, _)| tape.gather_rows(free, index))?;
        Ok((free, self.domain.image(tape, chosen).map_err(wrong)?))
    }

    fn init(&self, whole: Shape, each: Shape, seed: u64) -> Result<Init> {
        let image = match &self.start {
            Start::Zeros => return Ok(Init::Zeros),
            Start::Normal(std) => return Ok(Init::Normal { mean: 0.0, std: *std as f32, seed, stream: self.stream }),
            Start::Uniform([low, high]) => return Ok(Init::Uniform { low: *low, high: *high, seed, stream: self.stream }),
            Start::Constant(x) => HostTensor::full(whole, *x as f32),
            Start::Identity(x) => {
                let [.., rows, columns] = *each else { return Err(Error::argument("init.identity: a matrix is expected")) };
                let entry = |i: usize| if i / columns % rows == i % columns { *x as f32 } else { 0.0 };
                HostTensor::f32(whole, (0..whole.elements()).map(entry).collect())?
            }
            Start::Dirichlet(concentration) => {
                // The columns of all batches are drawn at once, each over the second axis from the back.
                let [.., rows, columns] = *each else { return Err(Error::argument("init.dirichlet: a matrix is expected")) };
                let batches = whole.elements() / (rows * columns).max(1);
                let drawn = dirichlet([rows, batches * columns], *concentration, seed, self.stream)?;
                let drawn = drawn.elements::<f32>()?;
                let at = |b: usize, r: usize, c: usize| drawn[r * batches * columns + b * columns + c];
                let entries = (0..whole.elements()).map(|i| at(i / (rows * columns), i / columns % rows, i % columns));
                HostTensor::f32(whole, entries.collect())?
            }
            Start::Band { low, high, tr } => HostTensor::f32(whole, band(whole, *low, *high, *tr))?,
            Start::Value(value) if value.shape() == whole => value.clone(),
            Start::Value(value) => return Err(Error::argument(format!("init.file: {whole} is expected, found {}", value.shape()))),
        };
        self.domain.preimage(&image).map(Init::Value)
    }
}

/// Gains along the last axis: 1 at the frequencies of the pass band, from `low` to `high` hertz, and 0 elsewhere. n gains belong to a
/// series of 2 (n − 1) frames, `tr` seconds apart.
fn band(shape: Shape, low: f64, high: f64, tr: f64) -> Vec<f32> {
    let n = shape.last().copied().unwrap_or(1);
    let step = 0.5 / tr / n.saturating_sub(1).max(1) as f64;
    let gain = |i: usize| f32::from(u8::from((low..=high).contains(&((i % n) as f64 * step))));
    (0..shape.elements()).map(gain).collect()
}
