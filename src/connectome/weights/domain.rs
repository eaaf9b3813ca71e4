//! Domains of parameters. The trained values are unconstrained, the *preimage*; the workflow uses their *image* in the domain (hypercoil's
//! `MappedParameter`).

use crate::tape::{Tape, Var};
use crate::tensor::{HostTensor, Real};
use crate::{Device, Error, Result};

/// A map from unconstrained parameters onto a domain.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Domain {
    /// All real numbers: the identity map.
    #[default]
    Free,
    /// The affine map scale · x + shift.
    Affine {
        /// The factor, not 0.
        scale: f32,
        /// The term that is added.
        shift: f32,
    },
    /// The map scale · tanh x, with values within ±scale. Preimages are limited to ±3.
    Tanh {
        /// The bound, above 0.
        scale: f32,
    },
    /// The map low + (high − low) σ(x), with values between two bounds. Preimages are limited to ±4.5. (hypercoil's `MappedLogits`
    /// documents ±3.)
    Between {
        /// The lower bound.
        low: f32,
        /// The upper bound.
        high: f32,
    },
    /// The map ln(1 + eˣ), with values above 0.
    Positive,
    /// The map x / |x|_p along an axis, onto the unit sphere of that norm.
    Sphere {
        /// The order p of the norm, at least 1.
        p: f32,
        /// The axis.
        axis: isize,
    },
    /// Rows `[.., k, n]` with k ≤ n, made orthonormal by the Gram–Schmidt process: the factor Q of a QR decomposition, up to signs. A row
    /// that is a linear combination of those before it becomes 0.
    Orthonormal,
    /// The matrix exponential of symmetric x `[.., n, n]`, scaled to the determinant `volume`, with its condition number limited to
    /// `condition` where that is given ([`Tape::isochoric`]): ellipsoids of equal volume.
    Isochoric {
        /// The determinant, above 0.
        volume: f32,
        /// The largest condition number, above 1.
        condition: Option<f32>,
    },
    /// The map softmax(x / temperature) along an axis, onto probabilities. For preimages, probabilities are taken to be at least 10⁻³.
    Simplex {
        /// The axis.
        axis: isize,
        /// The temperature, above 0.
        temperature: f32,
    },
}

/// The limit on the magnitude of a preimage of tanh.
const TANH_LIMIT: f64 = 3.0;
/// The limit on the magnitude of a preimage of a logistic function.
const LOGIT_LIMIT: f64 = 4.5;
/// The lower bound applied to probabilities before their preimage is computed.
const LEAST_PROBABILITY: f64 = 1e-3;
/// The lower bound applied to positive numbers before their preimage is computed.
const LEAST_POSITIVE: f64 = 1e-6;

impl Domain {
    /// The image of `x`, in the same shape.
    ///
    /// # Errors
    /// Returns an error where an attribute is out of range or an axis does not exist.
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

    /// The unconstrained parameters whose image is `value`, or the nearest that the limits allow. A parameter can be initialised with
    /// these.
    ///
    /// # Errors
    /// Returns an error where a value is not finite and real or an attribute is out of range.
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
            // ln(eʸ − 1), computed without eʸ for a large y.
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
