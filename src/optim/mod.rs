//! Optimisers, as dispatches of the same plan: the rate, the bias corrections and the update are all computed from the step counter on the
//! device, so that a steady step uploads nothing.

mod schedule;

pub use schedule::Schedule;

use crate::ops::update;
use crate::tape::{Init, Tape, Var};
use crate::{Error, Result};
use std::sync::Arc;

/// An optimiser and its settings.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Optimiser {
    /// Adam or AdamW.
    Adam(Adam),
    /// Gradient descent with momentum.
    Sgd(Sgd),
}

impl From<Adam> for Optimiser {
    fn from(adam: Adam) -> Self {
        Self::Adam(adam)
    }
}

impl From<Sgd> for Optimiser {
    fn from(sgd: Sgd) -> Self {
        Self::Sgd(sgd)
    }
}

impl Optimiser {
    /// Applies the optimiser; see [`Adam::apply`] and [`Sgd::apply`].
    ///
    /// # Errors
    /// The same as those of [`Adam::apply`].
    pub fn apply(&self, tape: &mut Tape, pairs: &[(Var, Var)]) -> Result<()> {
        match self {
            Self::Adam(adam) => adam.apply(tape, pairs),
            Self::Sgd(sgd) => sgd.apply(tape, pairs),
        }
    }

    /// Checks that all settings are in their ranges, which are those of PyTorch.
    ///
    /// # Errors
    /// Returns an error where a learning rate, a decay, a momentum or ε is negative or not finite, or β is not in [0, 1).
    pub fn check(&self) -> Result<()> {
        let (rate, not_negative, betas) = match self {
            Self::Adam(a) => (&a.rate, vec![("ε", a.epsilon), ("a weight decay", a.decay)], vec![("β₁", a.beta1), ("β₂", a.beta2)]),
            Self::Sgd(s) => (&s.rate, vec![("a momentum", s.momentum), ("a weight decay", s.decay)], vec![]),
        };
        rate.check_rate()?;
        if let Some((name, value)) = not_negative.into_iter().find(|(_, x)| !(x.is_finite() && *x >= 0.0)) {
            return Err(Error::argument(format!("{name} of {value}: a finite number of 0 or more expected")));
        }
        if let Some((name, value)) = betas.into_iter().find(|(_, x)| !(0.0..1.0).contains(x)) {
            return Err(Error::argument(format!("{name} of {value}: from 0 to below 1 expected")));
        }
        Ok(())
    }
}

/// Adam (Kingma & Ba 2015), or AdamW (Loshchilov & Hutter 2019) where the decay is decoupled.
///
/// ```
/// use tapetum::optim::Adam;
/// use tapetum::{Device, HostTensor, Init, Tape, TensorType};
///
/// // The slope of y = 2 x.
/// let mut tape = Tape::new();
/// let (x, y) = (tape.input("x", TensorType::f32([4]))?, tape.input("y", TensorType::f32([4]))?);
/// let slope = tape.parameter("slope", [1], Init::Zeros)?;
/// let predicted = tape.mul(x, slope)?;
/// let loss = tape.mean_squared_error(predicted, y)?;
/// let gradient = tape.gradient(loss, &[slope])?[0];
/// Adam::new(0.1).apply(&mut tape, &[(slope, gradient)])?;
///
/// let mut program = Device::cpu().compile(&tape, &[loss])?;
/// program.write(x, &HostTensor::f32([4], vec![1.0, 2.0, 3.0, 4.0])?)?;
/// program.write(y, &HostTensor::f32([4], vec![2.0, 4.0, 6.0, 8.0])?)?;
/// program.steps(200)?;
/// assert!((program.state().read("slope")?.to_f64_vec()[0] - 2.0).abs() < 1e-2);
/// # Ok::<(), tapetum::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Adam {
    /// The learning rate.
    pub rate: Schedule,
    /// The decay rate β₁ of the first moment.
    pub beta1: f32,
    /// The decay rate β₂ of the second moment.
    pub beta2: f32,
    /// The constant ε, added to the square root of the second moment.
    pub epsilon: f32,
    /// The weight decay.
    pub decay: f32,
    /// True for decay that shrinks the parameter itself (AdamW), false for decay that is added to the gradient.
    pub decoupled: bool,
}

impl Adam {
    /// Adam with PyTorch's defaults: β = (0.9, 0.999), ε = 10⁻⁸, no decay.
    pub fn new(rate: impl Into<Schedule>) -> Self {
        Self { rate: rate.into(), beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0, decoupled: false }
    }

    /// AdamW with PyTorch's defaults: decay 0.01.
    pub fn decoupled(rate: impl Into<Schedule>) -> Self {
        Self { decay: 0.01, decoupled: true, ..Self::new(rate) }
    }

    /// Assigns each parameter of the (parameter, gradient) pairs its value after this step, and advances the step counter. The moments are
    /// the states `<parameter>.adam.m` and `<parameter>.adam.v`.
    ///
    /// # Errors
    /// Returns an error where a parameter is not a state of this tape, its gradient has another type, or a setting is out of its range
    /// ([`Optimiser::check`]).
    pub fn apply(&self, tape: &mut Tape, pairs: &[(Var, Var)]) -> Result<()> {
        Optimiser::from(self.clone()).check()?;
        let rate = self.rate.on(tape)?;
        let step = tape.step_counter()?;
        for &(parameter, gradient) in pairs {
            let name = name_of(tape, parameter)?;
            let ty = tape.ty(parameter);
            let m = tape.state(&format!("{name}.adam.m"), ty, Init::Zeros)?;
            let v = tape.state(&format!("{name}.adam.v"), ty, Init::Zeros)?;
            let op =
                update::Adam { beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon, decay: self.decay, decoupled: self.decoupled };
            let new = tape.record(Arc::new(op), &[parameter, m, v, gradient, rate, step])?;
            for (state, value) in [parameter, m, v].into_iter().zip(new) {
                tape.assign(state, value)?;
            }
        }
        tape.advance()
    }
}

/// Gradient descent with momentum, as in PyTorch's `SGD`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sgd {
    /// The learning rate.
    pub rate: Schedule,
    /// The momentum; 0 for none.
    pub momentum: f32,
    /// The weight decay, added to the gradient.
    pub decay: f32,
    /// True for Nesterov momentum.
    pub nesterov: bool,
}

impl Sgd {
    /// Plain gradient descent.
    pub fn new(rate: impl Into<Schedule>) -> Self {
        Self { rate: rate.into(), momentum: 0.0, decay: 0.0, nesterov: false }
    }

    /// Assigns each parameter its value after this step, as [`Adam::apply`] does. The velocity is the state `<parameter>.sgd.b`.
    ///
    /// # Errors
    /// The same as those of [`Adam::apply`].
    pub fn apply(&self, tape: &mut Tape, pairs: &[(Var, Var)]) -> Result<()> {
        Optimiser::from(self.clone()).check()?;
        let rate = self.rate.on(tape)?;
        for &(parameter, gradient) in pairs {
            let name = name_of(tape, parameter)?;
            let b = tape.state(&format!("{name}.sgd.b"), tape.ty(parameter), Init::Zeros)?;
            let op = update::Sgd { momentum: self.momentum, decay: self.decay, nesterov: self.nesterov };
            let new = tape.record(Arc::new(op), &[parameter, b, gradient, rate])?;
            tape.assign(parameter, new[0])?;
            tape.assign(b, new[1])?;
        }
        tape.advance()
    }
}

/// The gradients, scaled so that their common Euclidean norm is at most `limit`, and that norm before scaling: PyTorch's `clip_grad_norm_`.
///
/// # Errors
/// Returns an error where there are no gradients, or the limit is not above 0.
pub fn clip_by_global_norm(tape: &mut Tape, gradients: &[Var], limit: f32) -> Result<(Vec<Var>, Var)> {
    if !(limit.is_finite() && limit > 0.0) {
        return Err(Error::argument(format!("gradients clipped to a norm of {limit}: a finite number above 0 expected")));
    }
    let mut total: Option<Var> = None;
    for &g in gradients {
        let square = tape.square(g)?;
        let sum = tape.sum(square, &[], false)?;
        total = Some(match total {
            Some(t) => tape.add(t, sum)?,
            None => sum,
        });
    }
    let norm = tape.sqrt(total.ok_or_else(|| Error::argument("no gradients to clip"))?)?;
    let (limit, one) = (tape.scalar(limit)?, tape.scalar(1.0)?);
    let safe = tape.offset(norm, 1e-6)?;
    let ratio = tape.div(limit, safe)?;
    let scale = tape.minimum(ratio, one)?;
    let clipped = gradients.iter().map(|&g| tape.mul(g, scale)).collect::<Result<_>>()?;
    Ok((clipped, norm))
}

/// Adds each gradient, that of one micro-batch, to the state `<parameter>.gradient`. [`accumulated`] returns the mean.
///
/// # Errors
/// Returns an error where a parameter is not a state of this tape.
pub fn accumulate(tape: &mut Tape, pairs: &[(Var, Var)]) -> Result<()> {
    for &(parameter, gradient) in pairs {
        let name = name_of(tape, parameter)?;
        let sum = tape.state(&format!("{name}.gradient"), tape.ty(parameter), Init::Zeros)?;
        let new = tape.add(sum, gradient)?;
        tape.assign(sum, new)?;
    }
    Ok(())
}

/// The mean of `micro_batches` accumulated gradients for each parameter. The sums are reset to zero after this step.
///
/// # Errors
/// Returns an error where a parameter is not a state of this tape.
pub fn accumulated(tape: &mut Tape, parameters: &[Var], micro_batches: usize) -> Result<Vec<Var>> {
    let mut means = Vec::with_capacity(parameters.len());
    for &parameter in parameters {
        let name = name_of(tape, parameter)?;
        let ty = tape.ty(parameter);
        let sum = tape.state(&format!("{name}.gradient"), ty, Init::Zeros)?;
        means.push(tape.scale(sum, 1.0 / micro_batches.max(1) as f32)?);
        let zeros = tape.full(ty.shape, 0.0)?;
        tape.assign(sum, zeros)?;
    }
    Ok(means)
}

fn name_of(tape: &Tape, parameter: Var) -> Result<String> {
    tape.check(parameter)?;
    match &tape.node_of(parameter).origin {
        crate::tape::Origin::State(name, _) => Ok(name.clone()),
        _ => Err(Error::argument(format!("`{}` is no state, and cannot be optimised", tape.describe(parameter)))),
    }
}
