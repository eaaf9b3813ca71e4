//! The activation that a pair's hidden state goes through.

use crate::tensor::Real;

/// The non-linearity between the two ends of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum PairActivation {
    /// max(x, 0); its slope at 0 is 0.
    Relu,
    /// x where x > 0, else the slope given times x.
    LeakyRelu(f32),
    /// x where x > 0, else eˣ − 1.
    Elu,
    /// tanh x.
    Tanh,
}

/// A [`PairActivation`], or its slope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Phi {
    pub(super) activation: PairActivation,
    pub(super) slope: bool,
}

impl Phi {
    /// The activation itself.
    pub(super) fn value(activation: PairActivation) -> Self {
        Self { activation, slope: false }
    }

    /// Its slope.
    pub(super) fn slope(activation: PairActivation) -> Self {
        Self { activation, slope: true }
    }

    /// Its place among the kernels' choices.
    pub(super) fn code(self) -> usize {
        match self.activation {
            PairActivation::Relu => 0,
            PairActivation::LeakyRelu(_) => 1,
            PairActivation::Elu => 2,
            PairActivation::Tanh => 3,
        }
    }

    /// The slope of a leaky ReLU below 0.
    pub(super) fn leak(self) -> f32 {
        if let PairActivation::LeakyRelu(leak) = self.activation { leak } else { 0.0 }
    }

    /// Calls `body` with the function: one compiled loop for each, rather than a choice an element.
    pub(super) fn with<R: Real, B: Body<R>>(self, body: B) -> B::Made {
        let (zero, one) = (R::zero(), R::one());
        let leak = R::of(f64::from(self.leak()));
        match (self.activation, self.slope) {
            (PairActivation::Relu, false) => body.run(move |x| if x <= zero { zero } else { x }),
            (PairActivation::Relu, true) => body.run(move |x| if x <= zero { zero } else { one }),
            (PairActivation::LeakyRelu(_), false) => body.run(move |x| if x > zero { x } else { leak * x }),
            (PairActivation::LeakyRelu(_), true) => body.run(move |x| if x > zero { one } else { leak }),
            (PairActivation::Elu, false) => body.run(move |x| {
                let below = if x > zero { zero } else { x };
                if x > zero { x } else { below.exp_not_above_one() - one }
            }),
            (PairActivation::Elu, true) => body.run(move |x| {
                let below = if x > zero { zero } else { x };
                if x > zero { one } else { below.exp_not_above_one() }
            }),
            (PairActivation::Tanh, false) => body.run(move |x: R| x.tanh()),
            (PairActivation::Tanh, true) => body.run(move |x: R| {
                let y = x.tanh();
                one - y * y
            }),
        }
    }
}

impl PairActivation {
    /// Calls `body` with the function that makes both the value and the slope.
    pub(super) fn with_slope<R: Real, B: BodyWithSlope<R>>(self, body: B) -> B::Made {
        let (zero, one) = (R::zero(), R::one());
        let leak = R::of(f64::from(Phi::value(self).leak()));
        match self {
            Self::Relu => body.run(move |x| if x <= zero { (zero, zero) } else { (x, one) }),
            Self::LeakyRelu(_) => body.run(move |x| if x > zero { (x, one) } else { (leak * x, leak) }),
            Self::Elu => body.run(move |x| {
                let power = (if x > zero { zero } else { x }).exp_not_above_one();
                (if x > zero { x } else { power - one }, if x > zero { one } else { power })
            }),
            Self::Tanh => body.run(move |x: R| {
                let y = x.tanh();
                (y, one - y * y)
            }),
        }
    }
}

/// A computation that uses a function of one number.
pub(super) trait Body<R> {
    /// Its result.
    type Made;
    /// Computes it.
    fn run(self, phi: impl Fn(R) -> R + Copy + Sync) -> Self::Made;
}

/// A computation that uses a function of one number and its slope.
pub(super) trait BodyWithSlope<R> {
    /// Its result.
    type Made;
    /// Computes it.
    fn run(self, phi: impl Fn(R) -> (R, R) + Copy + Sync) -> Self::Made;
}
