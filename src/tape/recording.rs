//! The nodes that a tape begins with: inputs, states and constants.

use super::{Init, Origin, Tape, Var};
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

/// # Recording
///
/// Inputs, states and constants: what a tape begins with.
impl Tape {
    /// An empty tape.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// let mut tape = Tape::new();
    /// let x = tape.input("x", TensorType::f32([3]))?;
    /// let y = tape.square(x)?;
    /// let sum = tape.sum(y, &[], false)?;
    /// println!("{tape}"); // a line a value: what it is, of what it is made, its type
    ///
    /// let found = Device::cpu().compile(&tape, &[sum])?.run(&[(x, &HostTensor::f32([3], vec![1.0, 2.0, 3.0])?)])?;
    /// assert_eq!(found[0].to_f64_vec(), [14.0]);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            nodes: Vec::new(),
            values: Vec::new(),
            names: BTreeMap::new(),
            assignments: Vec::new(),
            segments: Vec::new(),
            centred: BTreeMap::new(),
            draws: None,
        }
    }

    /// An input the caller fills before a step.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// let mut tape = Tape::new();
    /// let series = tape.input("series", TensorType::f32([2, 4]))?; // [regions, time]
    /// let means = tape.mean(series, &[-1], false)?;
    ///
    /// let mut program = Device::cpu().compile(&tape, &[means])?;
    /// program.write(series, &HostTensor::f32([2, 4], vec![1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 8.0])?)?;
    /// program.step()?;
    /// assert_eq!(program.read(means)?.to_f64_vec(), [2.5, 2.0]);
    /// // A value of another type is refused.
    /// assert!(program.write(series, &HostTensor::scalar(1.0)).is_err());
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn input(&mut self, name: &str, ty: TensorType) -> Result<Var> {
        self.named(name, ty, Origin::Input(name.to_owned()))
    }

    /// A trained f32 state: short for [`Tape::state`].
    ///
    /// ```
    /// use tapetum::{Device, Init, Tape, optim::Sgd};
    ///
    /// // The minimum of (w − 3)².
    /// let mut tape = Tape::new();
    /// let w = tape.parameter("w", [1], Init::Zeros)?;
    /// let three = tape.scalar(3.0)?;
    /// let apart = tape.sub(w, three)?;
    /// let square = tape.square(apart)?;
    /// let loss = tape.sum(square, &[], false)?;
    /// let slope = tape.gradient(loss, &[w])?[0];
    /// Sgd::new(0.25).apply(&mut tape, &[(w, slope)])?;
    ///
    /// let mut program = Device::cpu().compile(&tape, &[loss])?;
    /// program.steps(20)?;
    /// assert!((program.state().read("w")?.to_f64_vec()[0] - 3.0).abs() < 1e-4);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    pub fn parameter(&mut self, name: &str, shape: impl Into<crate::Shape>, init: Init) -> Result<Var> {
        self.state(name, TensorType::f32(shape), init)
    }

    /// A value that lasts between steps: `init` before the first, then what [`assign`](Self::assign) says.
    /// Asking again for a name gives the same value.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Init, Tape, TensorType};
    ///
    /// // A running total of what comes in.
    /// let mut tape = Tape::new();
    /// let x = tape.input("x", TensorType::f32([1]))?;
    /// let total = tape.state("total", TensorType::f32([1]), Init::Zeros)?;
    /// let more = tape.add(total, x)?;
    /// tape.assign(total, more)?;
    ///
    /// let mut program = Device::cpu().compile(&tape, &[])?;
    /// program.write(x, &HostTensor::f32([1], vec![2.5])?)?;
    /// program.steps(4)?;
    /// assert_eq!(program.state().read("total")?.to_f64_vec(), [10.0]);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the name is taken by an input or by a state of another type.
    pub fn state(&mut self, name: &str, ty: TensorType, init: Init) -> Result<Var> {
        if let Some(&var) = self.names.get(name)
            && matches!(self.node_of(var).origin, Origin::State(..))
        {
            let found = self.values[var.index()].ty;
            return if found == ty { Ok(var) } else { Err(Error::tensor(name, format!("is {found} on this tape, asked for as {ty}"))) };
        }
        init.check(name, ty)?;
        self.named(name, ty, Origin::State(name.to_owned(), init))
    }

    /// Says what `state` is after the step. The last word counts.
    ///
    /// # Errors
    /// Where `state` is not a state, or `value` is of another type.
    pub fn assign(&mut self, state: Var, value: Var) -> Result<()> {
        self.check(value)?;
        self.check(state)?;
        let Origin::State(name, _) = &self.node_of(state).origin else {
            return Err(Error::op("assign", "the first operand must be a state"));
        };
        if self.ty(state) != self.ty(value) {
            return Err(Error::tensor(name, format!("is {}, assigned a value {}", self.ty(state), self.ty(value))));
        }
        self.assignments.retain(|(s, _)| *s != state);
        self.assignments.push((state, value));
        Ok(())
    }

    /// Declares what the random draws after this are counted by.
    pub(crate) fn count_draws_by(&mut self, counter: Var) {
        self.draws = Some(counter);
    }

    /// The value by which random draws are counted, where it is not the step counter.
    pub(crate) fn drawn_by(&self) -> Option<Var> {
        self.draws
    }

    /// Data recorded with the tape.
    ///
    /// # Errors
    /// Where the data is held in double precision.
    pub fn constant(&mut self, value: HostTensor) -> Result<Var> {
        if value.is_f64() {
            return Err(Error::op("constant", "f32, f16, i32 or u32 data expected, f64 found"));
        }
        let ty = value.ty();
        Ok(self.push(Origin::Constant(value), &[], &[ty])[0])
    }

    /// x `[.., variables, time]` moved by `means` `[.., variables, 1]`. Ops that do not depend on a constant (covariance, correlation,
    /// standardising, a fit with an intercept) read x itself, see `less_means`: x may vary by less than f32 can tell of the sum.
    /// Its gradient then goes to x, and not to the sum.
    #[cfg(feature = "workflow")]
    pub(crate) fn with_means(&mut self, x: Var, means: Var) -> Result<Var> {
        let sum = self.add(x, means)?;
        self.differs_by_means(sum, x);
        Ok(sum)
    }

    /// Declares that y is x but for a constant that each row, along the last axis, is moved by; x keeps the digits that y may lose.
    pub(crate) fn differs_by_means(&mut self, y: Var, x: Var) {
        self.centred.insert(y, x);
    }

    /// f of x, where f maps what is constant along the last axis to what is constant along it: the result without its means is f of x
    /// without its means.
    pub(crate) fn through_means(&mut self, x: Var, f: impl Fn(&mut Self, Var) -> Result<Var>) -> Result<Var> {
        let (y, less) = (f(self, x)?, self.less_means(x));
        if less != x {
            let twin = f(self, less)?;
            self.differs_by_means(y, twin);
        }
        Ok(y)
    }

    /// x without the means that it was moved by, or x.
    pub(crate) fn less_means(&self, x: Var) -> Var {
        self.centred.get(&x).copied().unwrap_or(x)
    }
}
