//! The geometric mean of positive-definite matrices, iterated until it converges or is known not to.
//!
//! Whole steps, which earlier versions of nilearn take, diverge where matrices differ much. The step used here is that of Fletcher et al.
//! 2004 under the control of pyRiemann and nilearn: its length starts at 1, and halves whenever the criterion ‖mean log(M^−½ X M^−½)‖ has
//! grown. Where the criterion doubles or is not finite, the step is taken back. After thirty steps no step is longer than the curvature
//! allows (see [`Tape::karcher_step`]), so the iteration cannot diverge.
//!
//! The matrices stay on the device; each step sends two scalars there and reads two back. In f32 the error grows with the condition number
//! of the matrices, so matrices with a condition number above `SINGLE` are processed on the host in f64.

use crate::blocking::block_on;
use crate::device::{Device, Program, State};
use crate::host::Precision;
use crate::tape::{Init, Tape, Var};
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};

/// The largest condition number of matrices whose tangents are accurate to 1e-5 in f32.
pub(super) const SINGLE: f64 = 30.0;

/// The lower bound applied to eigenvalues before their logarithm. Matrices are scaled to variances of about 1, so no eigenvalue comes near
/// it.
pub(super) const FLOOR: f32 = 1e-30;

/// The number of steps after which no step is longer than the curvature allows.
const FREE: usize = 30;

/// The stopping rule of an iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Stop {
    /// The largest Frobenius norm ‖mean log(M^−½ X M^−½)‖ at which M counts as the mean. Where rounding errors are larger than this, their
    /// size is the limit.
    pub tolerance: f64,
    /// The greatest number of steps.
    pub steps: usize,
    /// True to return a mean that has not converged, which is an error otherwise.
    pub unconverged: bool,
}

impl Default for Stop {
    /// A tolerance of 1e-10 and 500 steps; an iteration that does not converge is an error.
    fn default() -> Self {
        Self { tolerance: 1e-10, steps: 500, unconverged: false }
    }
}

impl Stop {
    /// Sets the tolerance.
    #[must_use]
    pub fn within(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Accepts a mean that has not converged.
    #[must_use]
    pub fn or_unconverged(self) -> Self {
        Self { unconverged: true, ..self }
    }
}

/// The end of an iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Ended {
    /// The Frobenius norm ‖mean log(M^−½ X M^−½)‖ at the mean.
    pub residual: f64,
    /// The tolerance that the residual had to reach.
    pub tolerance: f64,
    /// The number of steps taken.
    pub steps: usize,
    /// True where the residual reached the tolerance.
    pub converged: bool,
    /// The precision of the computation: f32 on the device, or f64 on the host.
    pub precision: Precision,
}

/// A geometric mean, and the end of its iteration.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Mean {
    /// The mean `[n, n]`, held in double precision.
    pub mean: HostTensor,
    /// The end of the iteration.
    pub ended: Ended,
}

/// The geometric mean (the Karcher mean of the affine-invariant metric) of symmetric positive-definite matrices `[matrices, n, n]`, held in
/// single or double precision: the matrix M with mean log(M^−½ X M^−½) = 0.
///
/// # Errors
/// Returns an error where the matrices are not `[matrices, n, n]` with at least one matrix; where one is not positive definite (the message
/// names it); where the iteration ends above the tolerance and [`Stop::unconverged`] is not set; or where the device reports a fault.
pub fn geometric_mean(device: &Device, matrices: &HostTensor, stop: Stop) -> Result<Mean> {
    block_on(geometric_mean_async(device, matrices, stop))?
}

/// The asynchronous form of [`geometric_mean`], for callers that must not block.
///
/// # Errors
/// The same as those of [`geometric_mean`].
pub async fn geometric_mean_async(device: &Device, matrices: &HostTensor, stop: Stop) -> Result<Mean> {
    let shape = matrices.shape();
    let n = match *shape {
        [many, n, columns] if many > 0 && n > 0 && n == columns => n,
        _ => {
            return Err(Error::op("geometric_mean", format!("matrices [matrices, n, n], one at least, expected, found {}", matrices.ty())));
        }
    };
    // The matrices are scaled by a power of two, which changes no digit, and their mean is scaled back.
    let elements = matrices.to_f64_vec();
    let largest = elements.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let factor = if largest > 0.0 && largest.is_finite() { (-largest.log2().round()).exp2() } else { 1.0 };
    let scaled = HostTensor::real(shape, elements.iter().map(|x| x * factor).collect::<Vec<f64>>())?;
    let mut on = OnDevice::record(&Device::oracle(), &scaled, |_, x| Ok(x)).await?;
    on.definite(|at| format!("matrix {at} (counted from 0)"))?;
    if on.condition() <= SINGLE && matches!(device, Device::Gpu(_)) {
        on = OnDevice::record(device, &scaled.to_real::<f32>(), |_, x| Ok(x)).await?;
    }
    let (mean, ended) = on.geometric_mean(stop).await?;
    let mean = mean.to_f64_vec().into_iter().map(|x| x / factor).collect::<Vec<f64>>();
    Ok(Mean { mean: HostTensor::real([n, n], mean)?, ended })
}

/// Names of the states that stay on the device between the programs.
const MATRICES: &str = "matrices";
const BALANCED: &str = "balanced";
const SCALES: &str = "scales";
/// The root and the gradient at a mean: at the trial step, and at the step before.
const TRIED: [&str; 2] = ["tried.root", "tried.gradient"];
const KEPT: [&str; 2] = ["kept.root", "kept.gradient"];
/// The name of the logarithms of the balanced matrices at the trial step, which are kept on the host alone.
const LOGS: &str = "tried.logs";

/// Matrices `[many, n, n]` that lie on a device.
#[derive(Debug)]
pub(super) struct OnDevice {
    device: Device,
    state: State,
    ty: TensorType,
    /// The eigenvalues of each matrix in ascending order.
    eigenvalues: Vec<f64>,
    /// True where the store holds the logarithms at the geometric mean that was found.
    logs_at_mean: bool,
}

impl OnDevice {
    /// Runs the computation that `record` records on `given` and leaves its result, `[many, n, n]`, on the device.
    pub(super) async fn record(device: &Device, given: &HostTensor, record: impl FnOnce(&mut Tape, Var) -> Result<Var>) -> Result<Self> {
        let mut tape = Tape::new();
        let input = tape.input("given", given.ty())?;
        let matrices = record(&mut tape, input)?;
        let ty = tape.ty(matrices);
        let state = tape.state(MATRICES, ty, Init::Zeros)?;
        tape.assign(state, matrices)?;
        let state = State::new(device);
        let eigenvalues = if let Device::Cpu(_) = device {
            device.compile_async(&tape, &[], &state).await?.run_async(&[(input, given)]).await?;
            crate::ops::spd::eigenvalues(&state.read_async(MATRICES).await?)?
        } else {
            let values = tape.eigh(matrices)?.0;
            device.compile_async(&tape, &[values], &state).await?.run_async(&[(input, given)]).await?.remove(0).to_f64_vec()
        };
        Ok(Self { device: device.clone(), state, ty, eigenvalues, logs_at_mean: false })
    }

    /// The matrices themselves, `[many, n, n]`.
    pub(super) async fn matrices(&self) -> Result<HostTensor> {
        self.state.read_async(MATRICES).await
    }

    fn n(&self) -> usize {
        self.ty.shape[self.ty.shape.rank() - 1]
    }

    fn precision(&self) -> Precision {
        if let Device::Cpu(precision) = self.device { precision } else { Precision::F32 }
    }

    fn rounding(&self) -> f64 {
        match self.precision() {
            Precision::F32 => f32::EPSILON.into(),
            Precision::F64 => f64::EPSILON,
        }
    }

    /// The smallest and the largest eigenvalue of each matrix.
    fn extremes(&self) -> impl Iterator<Item = [f64; 2]> {
        self.eigenvalues.chunks_exact(self.n()).map(|values| [values[0], values[values.len() - 1]])
    }

    fn is_definite(&self, [least, most]: [f64; 2]) -> bool {
        least > self.n() as f64 * self.rounding() * most && most.is_finite()
    }

    /// The largest condition number of the matrices; infinite where one is not positive definite to the rounding of its precision.
    pub(super) fn condition(&self) -> f64 {
        let of = |[least, most]: [f64; 2]| if self.is_definite([least, most]) { most / least } else { f64::INFINITY };
        self.extremes().map(of).fold(1.0, f64::max)
    }

    /// # Errors
    /// Returns an error where a matrix is not positive definite; `name` names it by its index.
    pub(super) fn definite(&self, name: impl Fn(usize) -> String) -> Result<()> {
        match self.extremes().enumerate().find(|(_, extremes)| !self.is_definite(*extremes)) {
            None => Ok(()),
            Some((at, [least, most])) => Err(Error::op(
                "geometric_mean",
                format!("{} is not positive definite: its eigenvalues go from {least:.1e} to {most:.1e}", name(at)),
            )),
        }
    }

    /// The tangent log(R^−½ X R^−½) of each matrix X at the reference R `[n, n]`, which is the geometric mean where that was found.
    pub(super) async fn projected(&self, reference: &HostTensor) -> Result<HostTensor> {
        let mut tape = Tape::new();
        let given = tape.input("reference", reference.ty())?;
        let tangent = if self.logs_at_mean {
            self.turned_logs(&mut tape, given)?
        } else {
            let x = tape.state(MATRICES, self.ty, Init::Zeros)?;
            tape.tangent_projection(x, given, FLOOR)?
        };
        let mut program = self.device.compile_async(&tape, &[tangent], &self.state).await?;
        Ok(program.run_async(&[(given, reference)]).await?.remove(0))
    }

    /// The tangents at the mean M, from the logarithms of the balanced matrices D X D at the balanced mean D M D: the matrices as seen from
    /// M are those as seen from D M D, turned by Q = M^−½ D⁻¹ (D M D)^½, which is orthogonal.
    fn turned_logs(&self, tape: &mut Tape, mean: Var) -> Result<Var> {
        let n = self.n();
        let square = TensorType::f32(self.ty.shape.without(0));
        let [root, scales] = [tape.state(TRIED[0], square, Init::Zeros)?, tape.state(SCALES, square, Init::Zeros)?];
        let logs = tape.state(LOGS, self.ty, Init::Zeros)?;
        let squares = tape.diagonal(scales)?;
        let scales = tape.sqrt(squares)?;
        let column = tape.reshape(scales, [n, 1])?;
        let unbalanced = tape.div(root, column)?;
        let whitening = tape.matrix_inverse_sqrt(mean, FLOOR)?;
        let turn = tape.matmul(whitening, unbalanced)?;
        let turn = tape.reshape(turn, [1, n, n])?;
        tape.sandwich(turn, logs)
    }

    /// Keeps the logarithms at a mean on the host, where they spare a decomposition of each matrix.
    fn keep_logs(&self, tape: &mut Tape, logs: Var) -> Result<()> {
        if matches!(self.device, Device::Gpu(_)) {
            return Ok(());
        }
        let state = tape.state(LOGS, self.ty, Init::Zeros)?;
        tape.assign(state, logs)
    }

    /// The geometric mean `[n, n]` of the matrices, in the precision of the device.
    pub(super) async fn geometric_mean(&mut self, stop: Stop) -> Result<(HostTensor, Ended)> {
        let (names, ended) = self.descend(stop).await?;
        if !(ended.converged || stop.unconverged) {
            return Err(Error::op(
                "geometric_mean",
                format!(
                    "not converged after {} steps: a step of length {:.1e} is left, {:.1e} is the tolerance",
                    ended.steps, ended.residual, ended.tolerance
                ),
            ));
        }
        self.logs_at_mean = matches!(self.device, Device::Cpu(_)) && names == TRIED;
        let mut tape = Tape::new();
        let square = TensorType::f32(self.ty.shape.without(0));
        let root = tape.state(names[0], square, Init::Zeros)?;
        let scales = tape.state(SCALES, square, Init::Zeros)?;
        let balanced = tape.matmul(root, root)?;
        let mean = tape.div(balanced, scales)?;
        let mean = tape.symmetric_part(mean)?;
        let mut program = self.device.compile_async(&tape, &[mean], &self.state).await?;
        Ok((program.run_async(&[]).await?.remove(0), ended))
    }

    /// Iterates, and returns the names under which the store holds the last mean.
    async fn descend(&self, stop: Stop) -> Result<([&'static str; 2], Ended)> {
        let mut at = self.begin().await?;
        let mut steps = Steps::new(self).await?;
        let rounding = 16.0 * self.rounding() * (self.n() as f64).sqrt();
        let tolerance = |at: Place| stop.tolerance.max(rounding * at.spread.exp());
        let ended = |at: Place, steps, tolerance, converged| Ended {
            residual: at.residual,
            tolerance,
            steps,
            converged,
            precision: self.precision(),
        };
        let (mut length, mut best) = (1.0f64, f64::INFINITY);
        for taken in 0..stop.steps {
            // A residual that is NaN fails this comparison too.
            let within = at.residual <= tolerance(at);
            let cap = if taken < FREE { 1.0 } else { at.safe_length() };
            let next = steps.take(true, length.min(cap)).await?;
            if within {
                // One more step is tried after convergence, as in nilearn and pyRiemann, and kept where it also meets the tolerance.
                let better = next.residual <= tolerance(next);
                let (names, last) = if better { (TRIED, next) } else { (KEPT, at) };
                return Ok((names, ended(last, taken + 1, tolerance(last), true)));
            }
            if at.residual > best {
                length *= 0.5;
            }
            best = best.min(at.residual);
            at = self.held(&mut steps, at, next, &mut length).await?;
            if !at.residual.is_finite() || length < 1e-9 {
                return Ok((TRIED, ended(at, taken + 1, tolerance(at), false)));
            }
        }
        let converged = at.residual <= tolerance(at);
        Ok((TRIED, ended(at, stop.steps, tolerance(at), converged)))
    }

    /// Takes a step that does not double the criterion. Where a step does, it is taken back and halved.
    async fn held(&self, steps: &mut Steps, from: Place, mut next: Place, length: &mut f64) -> Result<Place> {
        let worse = |next: &Place| next.residual.is_nan() || next.residual >= 2.0 * from.residual;
        while worse(&next) && from.residual.is_finite() && *length >= 1e-9 {
            *length *= 0.5;
            next = steps.take(false, *length).await?;
        }
        Ok(next)
    }

    /// Starts at the Euclidean mean. The matrices are balanced first, which the metric allows: they are scaled so that the variances of
    /// that mean are 1.
    async fn begin(&self) -> Result<Place> {
        let mut tape = Tape::new();
        let x = tape.state(MATRICES, self.ty, Init::Zeros)?;
        let mean = tape.mean_euclidean(x)?;
        let variances = tape.diagonal(mean)?;
        let roots = tape.sqrt(variances)?;
        let scales = tape.reciprocal(roots)?;
        let (columns, rows) = tape.by_columns_and_rows(scales)?;
        let scales = tape.mul(rows, columns)?;
        let (balanced, mean) = (tape.mul(x, scales)?, tape.mul(mean, scales)?);
        let slope = tape.karcher_slope(balanced, mean, FLOOR)?;
        let lasting = [(BALANCED, balanced), (SCALES, scales), (TRIED[0], slope.root), (TRIED[1], slope.gradient)];
        let kept = [(KEPT[0], slope.root), (KEPT[1], slope.gradient)];
        for (name, value) in lasting.into_iter().chain(kept) {
            let state = tape.state(name, tape.ty(value), Init::Zeros)?;
            tape.assign(state, value)?;
        }
        self.keep_logs(&mut tape, slope.logs)?;
        let spread = tape.max(slope.spread, &[-1], false)?;
        let mut program = self.device.compile_async(&tape, &[slope.residual, spread], &self.state).await?;
        program.step_async().await?;
        Place::read(&program, slope.residual, spread).await
    }
}

/// The state of the iteration at one mean.
#[derive(Debug, Clone, Copy)]
struct Place {
    residual: f64,
    /// The largest ln(λₙ/λ₁) of the matrices as seen from the mean.
    spread: f64,
}

impl Place {
    async fn read(program: &Program, residual: Var, spread: Var) -> Result<Self> {
        let one = async |var| program.read_async(var).await.map(|x| x.to_f64_vec()[0]);
        Ok(Self { residual: one(residual).await?, spread: one(spread).await? })
    }

    /// The safe step length 2/(1 + L); see [`Tape::karcher_step`].
    fn safe_length(self) -> f64 {
        let half = 0.5 * self.spread;
        let curvature = if half > 0.0 { half / half.tanh() } else { 1.0 };
        2.0 / (1.0 + curvature)
    }
}

/// The program of a step: from the trial point, or from the point kept before it, along the gradient there to a new trial.
#[derive(Debug)]
struct Steps {
    program: Program,
    accept: Var,
    length: Var,
    residual: Var,
    spread: Var,
}

impl Steps {
    async fn new(on: &OnDevice) -> Result<Self> {
        let mut tape = Tape::new();
        let square = TensorType::f32(on.ty.shape.without(0));
        let accept = tape.input("accept", TensorType::f32([]))?;
        let length = tape.input("length", TensorType::f32([]))?;
        let x = tape.state(BALANCED, on.ty, Init::Zeros)?;
        let mut from = Vec::with_capacity(2);
        for (tried, kept) in TRIED.into_iter().zip(KEPT) {
            let (tried, kept) = (tape.state(tried, square, Init::Zeros)?, tape.state(kept, square, Init::Zeros)?);
            let chosen = tape.select(accept, tried, kept)?;
            tape.assign(kept, chosen)?;
            from.push(chosen);
        }
        let step = tape.mul(from[1], length)?;
        let mean = tape.karcher_moved(from[0], step)?;
        let slope = tape.karcher_slope(x, mean, FLOOR)?;
        for (name, value) in TRIED.into_iter().zip([slope.root, slope.gradient]) {
            let state = tape.state(name, square, Init::Zeros)?;
            tape.assign(state, value)?;
        }
        on.keep_logs(&mut tape, slope.logs)?;
        let spread = tape.max(slope.spread, &[-1], false)?;
        let program = on.device.compile_async(&tape, &[slope.residual, spread], &on.state).await?;
        Ok(Self { program, accept, length, residual: slope.residual, spread })
    }

    /// Takes a step of this length from the last trial, or from the point before it where the trial is not accepted.
    async fn take(&mut self, accept: bool, length: f64) -> Result<Place> {
        self.program.write(self.accept, &HostTensor::scalar(if accept { 1.0 } else { 0.0 }))?;
        self.program.write(self.length, &HostTensor::scalar(length as f32))?;
        self.program.step_async().await?;
        Place::read(&self.program, self.residual, self.spread).await
    }
}
