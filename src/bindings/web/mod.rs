//! JavaScript in a browser: an [`Engine`] of promises, on the GPU through WebGPU or on the cores.
//!
//! The host executor blocks while it computes, so the engine belongs in a worker. `examples/browser` builds the package and shows its use.

mod bench;
mod check;
mod convert;
mod cortex;
mod edges;
mod learner;
mod series;
mod settings;
mod workflow;

pub use cortex::Cortex;
pub use learner::Learner;
pub use series::Series;

use crate::gpu::Options;
use crate::{Device, Error};
use convert::{thrown, value};
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// The result of a call from JavaScript.
type Result<T, E = JsValue> = std::result::Result<T, E>;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
    /// Milliseconds since the page or worker began.
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn milliseconds() -> f64;
}

/// Writes the message of a panic to the console, where it would otherwise say `unreachable` alone.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| console_error(&format!("tapetum: {panic}"))));
}

/// A device, and what can be computed on it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    device: Device,
}

#[wasm_bindgen]
impl Engine {
    /// Opens a device: `gpu`, the browser's fastest adapter, be it in software; `cpu`, the host executor on this thread; or `auto`, a hardware
    /// GPU where there is one and the host executor otherwise.
    ///
    /// # Errors
    /// Throws where the browser has no adapter that grants WebGPU's base limits, or the name is another.
    pub async fn open(#[wasm_bindgen(unchecked_param_type = "'auto' | 'gpu' | 'cpu'")] device: String) -> Result<Engine> {
        let device = match device.as_str() {
            "cpu" => Device::cpu(),
            "auto" => Device::auto_async().await,
            "gpu" => Device::gpu_async(&Options { software: true, ..Options::default() }).await.map_err(thrown)?,
            other => return Err(thrown(Error::argument(format!("device `{other}`: auto, gpu or cpu is expected")))),
        };
        Ok(Self { device })
    }

    /// The device: its kind, back end, features and limits.
    ///
    /// # Errors
    /// Throws where the object cannot be made.
    #[wasm_bindgen(unchecked_return_type = "DeviceInfo")]
    pub fn device(&self) -> Result<JsValue> {
        value(&match &self.device {
            Device::Cpu(_) => json!({ "kind": "cpu", "name": "cpu", "features": [], "limits": {} }),
            Device::Gpu(context) => {
                let adapter = context.adapter();
                let limits: serde_json::Map<_, _> = adapter.limits().into_iter().map(|(name, limit)| (name.into(), limit.into())).collect();
                let kind = if adapter.software() { "software" } else { "gpu" };
                json!({ "kind": kind, "name": adapter.name(), "features": adapter.features(), "limits": limits })
            }
        })
    }

    /// Throws the fault that the device reported since the last call, such as its loss.
    ///
    /// # Errors
    /// Throws that fault.
    pub fn fault(&self) -> Result<()> {
        match &self.device {
            Device::Gpu(context) => context.fault().map_err(thrown),
            Device::Cpu(_) => Ok(()),
        }
    }
}

/// The version of this library.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Numbers in row-major order. */
export interface Tensor { shape: number[]; values: Float32Array | Float64Array | Int32Array | Uint32Array }
export interface DeviceInfo {
  /** The cores, a graphics API in software, or a GPU. */
  kind: 'cpu' | 'software' | 'gpu'; name: string; features: string[]; limits: Record<string, number>;
}
"#;
