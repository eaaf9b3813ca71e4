//! Programs: tapes compiled for a device.

use super::array::{Buffer, TapetumArray};
use super::border::{TapetumStatus, call, given, make};
use super::device::TapetumDevice;
use super::handle::{Handle, free, held, maybe};
use super::state::TapetumState;
use super::tape::TapetumTape;
use super::text::{Text, Texts};
use crate::{Error, Program, Result, State, TensorType, Var};
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A tape compiled for a device. Its inputs are written and its outputs are read by name.
pub struct TapetumProgram {
    program: Mutex<Program>,
    values: BTreeMap<String, (Var, TensorType)>,
}

impl Handle for TapetumProgram {
    const NAME: &'static str = "a tapetum_program";
}

impl TapetumProgram {
    fn lock(&self) -> MutexGuard<'_, Program> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value(&self, name: &str) -> Result<(Var, TensorType)> {
        let known = || self.values.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let found = self.values.get(name).copied();
        found.ok_or_else(|| Error::argument(format!("no value of this program is called `{name}`: there are {}", known())))
    }
}

/// Compiles what `count` outputs, by name, and the training of a tape need. `state` is shared with other programs; where it is NULL, the
/// program has one of its own. The tape may go on, or be freed: the program does not see it.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_program_compile(
    device: *mut TapetumDevice,
    tape: *mut TapetumTape,
    outputs: Texts,
    count: usize,
    state: *mut TapetumState,
    program: Option<&mut MaybeUninit<*mut TapetumProgram>>,
) -> TapetumStatus {
    make("program", program, || {
        let (device, tape, state) = (held(device, "device")?, held(tape, "tape")?, maybe(state, "state")?);
        let state = state.map_or_else(|| State::new(&device.device), |state| state.0.clone());
        let tape = tape.lock();
        let outputs = outputs.read(count, "outputs")?;
        let outputs = outputs.into_iter().map(|name| tape.var(name)).collect::<Result<Vec<_>>>()?;
        let program = Mutex::new(device.device.compile_with(tape.tape(), &outputs, &state)?);
        let values = tape.names().map(|name| Ok((name.to_owned(), tape.var(name)?)));
        let values = values.map(|found| found.map(|(name, var)| (name, (var, tape.tape().ty(var))))).collect::<Result<_>>()?;
        Ok(TapetumProgram { program, values })
    })
}

/// Fills an input, which keeps its value until it is filled again. The array is copied: the caller may change it afterwards.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_program_write(program: *mut TapetumProgram, input: Text, array: Option<&TapetumArray>) -> TapetumStatus {
    call(|| {
        let program = held(program, "program")?;
        let (var, _) = program.value(input.read("input")?)?;
        let value = given("array", array)?.tensor("array")?;
        Ok(program.lock().write(var, &value)?)
    })
}

/// Runs steps; on a GPU in one submission, and the call returns when they are submitted.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_program_steps(program: *mut TapetumProgram, count: usize) -> TapetumStatus {
    call(|| Ok(held(program, "program")?.lock().steps(count)?))
}

/// Waits until the steps that were submitted are done.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_program_wait(program: *mut TapetumProgram) -> TapetumStatus {
    call(|| Ok(held(program, "program")?.lock().wait()?))
}

/// The type and shape of a value. `array` gets no elements.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_program_type(
    program: *mut TapetumProgram,
    name: Text,
    array: Option<&mut MaybeUninit<TapetumArray>>,
) -> TapetumStatus {
    call(|| {
        let (program, array) = (held(program, "program")?, given("array", array)?);
        let (_, ty) = program.value(name.read("name")?)?;
        array.write(TapetumArray::of(ty, false, ptr::null()));
        Ok(())
    })
}

/// Copies an output as the last step left it, row-major, into memory that has room for `capacity` elements of type `dtype`: that of the
/// output, or `double` for `float`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_program_read(
    program: *mut TapetumProgram,
    output: Text,
    elements: Buffer,
    dtype: u32,
    capacity: usize,
) -> TapetumStatus {
    call(|| {
        let program = held(program, "program")?;
        let (var, _) = program.value(output.read("output")?)?;
        let value = program.lock().read(var)?;
        Ok(elements.fill(dtype, capacity, &value)?)
    })
}

/// The state of a program, as a handle of its own.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_program_state(program: *mut TapetumProgram, state: Option<&mut MaybeUninit<*mut TapetumState>>) -> TapetumStatus {
    make("state", state, || Ok(TapetumState(held(program, "program")?.lock().state().clone())))
}

/// Frees a program and sets the handle to NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_program_free(program: Option<&mut *mut TapetumProgram>) -> TapetumStatus {
    call(|| Ok(free(program, "program")?))
}
