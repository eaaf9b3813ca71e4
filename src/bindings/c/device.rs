//! Devices.

use super::border::{TapetumStatus, c_text, call, given, make};
use super::handle::{Handle, free, held};
use super::results::TapetumResults;
use super::text::Text;
use crate::Device;
use crate::gpu::{adapters, best};
use serde_json::{Value, json};
use std::ffi::CString;
use std::mem::MaybeUninit;

/// A device on which things are computed: a GPU, or the cores of the host.
pub struct TapetumDevice {
    pub(super) device: Device,
    name: CString,
}

impl Handle for TapetumDevice {
    const NAME: &'static str = "a tapetum_device";
}

/// Lists the adapters of this machine in the report of results: a list of objects with `index`, `name`, `backend`, `kind`, `driver`,
/// `usable`, and `auto`, true for the one that the name `auto` takes.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_devices(results: Option<&mut MaybeUninit<*mut TapetumResults>>) -> TapetumStatus {
    make("results", results, || {
        let all = pollster::block_on(adapters());
        let auto = best(&all, false);
        let one = |(index, adapter): (usize, &crate::gpu::Adapter)| {
            json!({
                "index": index, "name": adapter.name(), "backend": adapter.backend().to_string(), "kind": adapter.kind(),
                "driver": adapter.driver(), "usable": adapter.usable(), "auto": auto == Some(index),
            })
        };
        Ok(TapetumResults::new(Vec::new(), Value::Array(all.iter().enumerate().map(one).collect())))
    })
}

/// Opens a device by name: `auto` (a GPU where there is one, else the cores of the host), `cpu`, or an adapter by its index or part of its
/// name. NULL stands for `auto`. To open a device takes a while: open it once.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_device_open(name: Text, device: Option<&mut MaybeUninit<*mut TapetumDevice>>) -> TapetumStatus {
    make("device", device, || {
        let device = Device::named(name.maybe("name")?.unwrap_or("auto"))?;
        let name = c_text(device.name());
        Ok(TapetumDevice { device, name })
    })
}

/// The name of the adapter, or `cpu`. The text is valid until the device is freed.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_device_name(device: *mut TapetumDevice, name: Option<&mut MaybeUninit<Text>>) -> TapetumStatus {
    call(|| {
        given("name", name)?.write(Text::of(&held(device, "device")?.name));
        Ok(())
    })
}

/// Frees a device and sets the handle to NULL. What was made with it stays valid.
#[unsafe(no_mangle)]
pub extern "C" fn tapetum_device_free(device: Option<&mut *mut TapetumDevice>) -> TapetumStatus {
    call(|| Ok(free(device, "device")?))
}
