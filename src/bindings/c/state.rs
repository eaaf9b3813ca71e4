//! States: what lasts between steps.

use super::array::{Buffer, TapetumArray};
use super::border::{TapetumStatus, call, given, make};
use super::device::TapetumDevice;
use super::handle::{Handle, free, held};
use super::results::TapetumResults;
use super::text::Text;
use crate::{Error, State};
use serde_json::json;
use std::mem::MaybeUninit;
use std::ptr;

/// The values that last between steps, by name: parameters, moments of optimisers, the number of steps. Programs on one device share it.
pub struct TapetumState(pub(super) State);

impl Handle for TapetumState {
    const NAME: &'static str = "a tapetum_state";
}

/// An empty state on a device, for `tapetum_program_compile`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_state_new(device: *mut TapetumDevice, state: Option<&mut MaybeUninit<*mut TapetumState>>) -> TapetumStatus {
    make("state", state, || Ok(TapetumState(State::new(&held(device, "device")?.device))))
}

/// The names that a state holds, sorted, as the report of results: a list of texts.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_state_names(state: *mut TapetumState, results: Option<&mut MaybeUninit<*mut TapetumResults>>) -> TapetumStatus {
    make("results", results, || Ok(TapetumResults::new(Vec::new(), json!(held(state, "state")?.0.names()))))
}

/// The type and shape of what a state holds under a name. `array` gets no elements.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_state_type(state: *mut TapetumState, name: Text, array: Option<&mut MaybeUninit<TapetumArray>>) -> TapetumStatus {
    call(|| {
        let (state, array, name) = (held(state, "state")?, given("array", array)?, name.read("name")?);
        let ty = state.0.ty(name).ok_or_else(|| Error::tensor(name, "is a state the store does not hold"))?;
        array.write(TapetumArray::of(ty, false, ptr::null()));
        Ok(())
    })
}

/// Copies what a state holds under a name, row-major, into memory that has room for `capacity` elements of type `dtype`: its own, or
/// `double` for `float`.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_state_read(state: *mut TapetumState, name: Text, elements: Buffer, dtype: u32, capacity: usize) -> TapetumStatus {
    call(|| Ok(elements.fill(dtype, capacity, &held(state, "state")?.0.read(name.read("name")?)?)?))
}

/// Sets what a state holds under a name: something new, or of the type that it had.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_state_write(state: *mut TapetumState, name: Text, array: Option<&TapetumArray>) -> TapetumStatus {
    call(|| {
        let value = given("array", array)?.tensor("array")?.to_real::<f32>();
        Ok(held(state, "state")?.0.write(name.read("name")?, &value)?)
    })
}

/// Writes a state to a file of safetensors, whole or not at all.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_state_save(state: *mut TapetumState, path: Text) -> TapetumStatus {
    call(|| Ok(held(state, "state")?.0.save(path.read("path")?, &[])?))
}

/// Takes a state from a file, which must hold what the state holds, no more and no less: compile its program first.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_state_load(state: *mut TapetumState, path: Text) -> TapetumStatus {
    call(|| Ok(held(state, "state")?.0.load(path.read("path")?, &[]).map(drop)?))
}

/// Frees a state and sets the handle to NULL. Programs on it stay valid.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_state_free(state: Option<&mut *mut TapetumState>) -> TapetumStatus {
    call(|| Ok(free(state, "state")?))
}
