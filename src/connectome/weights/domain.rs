//! Domains: where a parameter lives. What is trained is free, a *preimage*; the workflow sees its *image* (hypercoil's `MappedParameter`).

use crate::tape::{Tape, Var};
use crate::tensor::{HostTensor, Real};
use crate::{Device, Error, Result};

/// A map from free parameters onto a domain.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Domain {
    /// All numbers.
    #[default]
    Free,
    /// scale · x + shift.
    Affine {
        /// Not 0.
        scale: f32,
        /// What is added.
        shift: f32,
    },
    /// scale · tanh x: within ±scale. Preimages are held to ±3.
    Tanh {
        /// Above 0.
        scale: f32,
    },
    /// low + (high − low) σ(x): between two bounds. Preimages are held to ±4.5. (hypercoil's `MappedLogits` documents ±3.)
    Between {
        /// The lower bound.
        low: f32,
        /// The upper bound.
        high: f32,
    },
    /// ln(1 + eˣ): above 0.
    Positive,
    /// x / |x|_p along an axis: on the sphere of that norm.
    Sphere {
        /// p, at least 1.
        p: f32,
        /// The axis.
        axis: isize,
    },
    /// Rows `[.., k, n]`, k ≤ n, made orthonormal by Gram and Schmidt's process: the Q of a QR decomposition, without its signs. A row that
    /// is a combination of those before it is 0.
    Orthonormal,
    /// e^x of symmetric x `[.., n, n]` at the determinant `volume`, its condition held to `condition` where there is one
    /// ([`Tape::isochoric`]): ellipsoids of one volume.
    Isochoric {
        /// Above 0.
        volume: f32,
        /// Above 1.
        condition: Option<f32>,
    },
    /// softmax(x / temperature) along an axis: probabilities. Preimages are of probabilities held to at least 10⁻³.
    Simplex {
        /// The axis.
        axis: isize,
        /// Above 0.
        temperature: f32,
    },
}

/// A preimage of tanh is within this.
const TANH_LIMIT: f64 = 3.0;
/// A preimage of a logistic function is within this.
const LOGIT_LIMIT: f64 = 4.5;
/// The least probability that a preimage tells from less.
const LEAST_PROBABILITY: f64 = 1e-3;
/// The least positive number that a preimage tells from less.
const LEAST_POSITIVE: f64 = 1e-6;

impl Domain {
    /// The image of `x`, of its shape.
    ///
    /// # Errors
    /// Where an attribute is out of range or an axis does not exist.
    pub fn image(&self, tape: &mut Tape, x: Var) -> Result<Var> {
        self.check()?;
        match *self {
            Self::Free => Ok(x),
            Self::Affine { scale, shift } => {
                let scaled = tape.scale(x, scale)?;
                tape.offset(scaled, shift)
            }
            Self::Tanh { scale } => {
                let t = tape.tanh(x)?;
                tape.scale(t, scale)
            }
            Self::Between { low, high } => {
                let s = tape.sigmoid(x)?;
                let s = tape.scale(s, high - low)?;
                tape.offset(s, low)
            }
            Self::Positive => tape.softplus(x),
            Self::Sphere { p, axis } => {
                let at = tape.axis("sphere", x, axis)?;
                let kept = tape.shape(x).with(at, 1);
                let norm = tape.vector_norm(x, p, &[axis])?;
                let norm = tape.reshape(norm, kept)?;
                let (zero, one) = (tape.scalar(0.0)?, tape.scalar(1.0)?);
                let none = tape.equal(norm, zero)?;
                let norm = tape.select(none, one, norm)?;
                tape.div(x, norm)
            }
            Self::Orthonormal => {
                let shape = tape.shape(x);
                let frames = shape.without(shape.rank().saturating_sub(2));
                let weights = tape.full(frames, 1.0)?;
                Ok(tape.orthonormalise(x, weights, 0.0)?.0)
            }
            Self::Isochoric { volume, condition } => {
                let symmetric = tape.symmetric_part(x)?;
                let grown = tape.matrix_exp(symmetric)?;
                tape.isochoric(grown, volume, condition)
            }
            Self::Simplex { axis, temperature } => {
                let scaled = tape.scale(x, 1.0 / temperature)?;
                tape.softmax(scaled, axis)
            }
        }
    }

    /// Free parameters whose image is `value`, or the nearest that limits allow: where a parameter begins.
    ///
    /// # Errors
    /// Where the value is not of finite real numbers or an attribute is out of range.
    pub fn preimage(&self, value: &HostTensor) -> Result<HostTensor> {
        self.check()?;
        if value.as_f32().is_none() {
            return Err(Error::argument(format!("a parameter must be f32, found {}", value.ty())));
        }
        if let Some(i) = value.to_f64_vec().iter().position(|x| !x.is_finite()) {
            return Err(Error::argument(format!("a parameter must begin with finite numbers, and element {i}, counted from 0, is none")));
        }
        if let Self::Isochoric { .. } = self {
            return logarithm(value);
        }
        let map = |y: f64| match *self {
            Self::Free | Self::Sphere { .. } | Self::Orthonormal | Self::Isochoric { .. } => y,
            Self::Affine { scale, shift } => (y - f64::from(shift)) / f64::from(scale),
            Self::Tanh { scale } => (y / f64::from(scale)).clamp(-1.0, 1.0).atanh().clamp(-TANH_LIMIT, TANH_LIMIT),
            Self::Between { low, high } => {
                let part = ((y - f64::from(low)) / f64::from(high - low)).clamp(0.0, 1.0);
                (part / (1.0 - part)).ln().clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
            }
            // ln(eʸ − 1), without eʸ of a large y.
            Self::Positive => {
                let y = y.larger(LEAST_POSITIVE);
                y + (-(-y).exp_m1()).ln()
            }
            Self::Simplex { temperature, .. } => f64::from(temperature) * y.larger(LEAST_PROBABILITY).ln(),
        };
        HostTensor::f32(value.shape(), value.to_f64_vec().into_iter().map(|y| map(y) as f32).collect())
    }

    fn check(&self) -> Result<()> {
        let holds = match *self {
            Self::Free | Self::Positive | Self::Orthonormal => true,
            Self::Affine { scale, shift } => scale != 0.0 && scale.is_finite() && shift.is_finite(),
            Self::Tanh { scale } => scale > 0.0 && scale.is_finite(),
            Self::Between { low, high } => low < high && (high - low).is_finite(),
            Self::Sphere { p, .. } => p >= 1.0,
            Self::Simplex { temperature, .. } => temperature > 0.0 && temperature.is_finite(),
            Self::Isochoric { volume, condition } => volume > 0.0 && volume.is_finite() && condition.is_none_or(|c| c > 1.0),
        };
        if holds { Ok(()) } else { Err(Error::argument(format!("no such domain: {self:?}"))) }
    }
}

/// The matrix logarithm of positive-definite matrices f32 `[.., n, n]`.
fn logarithm(value: &HostTensor) -> Result<HostTensor> {
    let mut tape = Tape::new();
    let x = tape.input("value", value.ty())?;
    let log = tape.matrix_log(x, LEAST_POSITIVE as f32)?;
    Ok(Device::oracle().compile(&tape, &[log])?.run(&[(x, value)])?.remove(0).to_real::<f32>())
}
