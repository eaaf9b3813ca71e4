//! Tapes whose values have names, for training loops of the caller's own.

use super::array::TapetumArray;
use super::border::{TapetumStatus, call, given, make};
use super::handle::{Handle, free, held};
use super::text::{Text, Texts};
use crate::workflow::NamedTape;
use crate::{Error, Result};
use serde_json::Value;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A recorded computation, whose values have names: inputs, parameters, and the blocks of workflows, which `examples/WORKFLOWS.md`
/// describes. It knows no device. On a tape, time is the last axis: series are `[regions, time]`.
pub struct TapetumTape(Mutex<NamedTape>);

impl Handle for TapetumTape {
    const NAME: &'static str = "a tapetum_tape";
}

impl TapetumTape {
    pub(super) fn lock(&self) -> MutexGuard<'_, NamedTape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn json(text: Text, argument: &str) -> Result<Value> {
    crate::json::parse(text.read(argument)?).map_err(|e| Error::argument(format!("{argument}: no JSON: {e}")))
}

/// Records on a tape.
fn record(tape: *mut TapetumTape, body: impl FnOnce(&mut NamedTape) -> Result<()>) -> TapetumStatus {
    call(|| Ok(body(&mut held(tape, "tape")?.lock())?))
}

/// Begins a tape. `seed` is that of the first values of parameters.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_new(seed: u64, tape: Option<&mut MaybeUninit<*mut TapetumTape>>) -> TapetumStatus {
    make("tape", tape, || Ok(TapetumTape(Mutex::new(NamedTape::new(seed)))))
}

/// An input, which the caller fills before a step, of the type and shape of an array whose elements are not read. `double` stands for a
/// value in single precision.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_input(tape: *mut TapetumTape, name: Text, like: Option<&TapetumArray>) -> TapetumStatus {
    record(tape, |tape| tape.input(name.read("name")?, given("like", like)?.ty("like")?))
}

/// A parameter, described in JSON as in a workflow: `{"shape": [3, "series[0]"], "init": {"normal": 0.1}, "domain": "free"}`. Its state is
/// called `parameters.NAME`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_parameter(tape: *mut TapetumTape, name: Text, described: Text) -> TapetumStatus {
    record(tape, |tape| tape.parameter(name.read("name")?, &json(described, "described")?))
}

/// A state with its first value, which lasts between steps; `tapetum_tape_assign` says what it is after one.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_state(tape: *mut TapetumTape, name: Text, first: Option<&TapetumArray>) -> TapetumStatus {
    record(tape, |tape| tape.state(name.read("name")?, given("first", first)?.tensor("first")?.to_real::<f32>()))
}

/// Says by name what value a state has after a step.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_assign(tape: *mut TapetumTape, state: Text, value: Text) -> TapetumStatus {
    record(tape, |tape| tape.assign(state.read("state")?, value.read("value")?))
}

/// A constant array, which is copied.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_array(tape: *mut TapetumTape, name: Text, array: Option<&TapetumArray>) -> TapetumStatus {
    record(tape, |tape| tape.array(name.read("name")?, given("array", array)?.tensor("array")?))
}

/// Records a block, described in JSON as in a workflow: `{"name": "connectome", "block": "correlation", "series": "series"}`. The result
/// has the name of the block.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_block(tape: *mut TapetumTape, described: Text) -> TapetumStatus {
    record(tape, |tape| tape.block(&json(described, "described")?))
}

/// Records the gradient of the scalar `of` with respect to `count` values `wrt`, each under the name of the same place in `names`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_gradient(tape: *mut TapetumTape, of: Text, wrt: Texts, names: Texts, count: usize) -> TapetumStatus {
    record(tape, |tape| {
        let (wrt, names) = (wrt.read(count, "wrt")?, names.read(count, "names")?);
        let pairs: Vec<(&str, &str)> = wrt.into_iter().zip(names).collect();
        tape.gradient(of.read("of")?, &pairs)
    })
}

/// Records a training step, in which every parameter that learns descends the gradient of the scalar `loss`. It is described in JSON, as
/// `train` of a workflow: `{"steps": 150, "rate": 0.1, "optimiser": "adam"}`, with `clip`, `decay`, `beta1`, `beta2` or `momentum`; the
/// rate may follow the step, as in `{"cosine": [0.4, 0.04]}`. The state `loss` keeps the losses of that many steps.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_descend(tape: *mut TapetumTape, loss: Text, described: Text) -> TapetumStatus {
    record(tape, |tape| tape.descend(loss.read("loss")?, &json(described, "described")?))
}

/// The type and shape of a value. `array` gets no elements: these are in programs.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_type(tape: *mut TapetumTape, name: Text, array: Option<&mut MaybeUninit<TapetumArray>>) -> TapetumStatus {
    call(|| {
        let (tape, array) = (held(tape, "tape")?, given("array", array)?);
        let tape = tape.lock();
        let ty = tape.tape().ty(tape.var(name.read("name")?)?);
        array.write(TapetumArray::of(ty, false, ptr::null()));
        Ok(())
    })
}

/// Frees a tape and sets the handle to NULL. Programs that were compiled from it stay valid.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_tape_free(tape: Option<&mut *mut TapetumTape>) -> TapetumStatus {
    call(|| Ok(free(tape, "tape")?))
}
