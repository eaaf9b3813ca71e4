//! A hemisphere of series on a sphere.

use super::Result;
use super::convert::{tensor, thrown};
use crate::HostTensor;
use crate::connectome::parcels::cortex;
use crate::data::read_npy_bytes;
use js_sys::Object;
use wasm_bindgen::prelude::wasm_bindgen;

/// The series of a hemisphere, and the sphere that its vertices lie on.
#[wasm_bindgen]
#[derive(Debug, Clone)]
pub struct Cortex(pub(super) cortex::Cortex);

#[wasm_bindgen]
impl Cortex {
    /// A hemisphere from the bytes of `.npy` arrays: series `[vertices, time]`, coordinates on the sphere `[vertices, 3]`, and where they are
    /// known triangles `[faces, 3]`, a mask `[vertices]` and a parcellation `[vertices]` to compare with.
    ///
    /// # Errors
    /// Throws an `InputError` that names the array.
    #[wasm_bindgen(constructor)]
    pub fn new(series: &[u8], sphere: &[u8], faces: Option<Vec<u8>>, mask: Option<Vec<u8>>, atlas: Option<Vec<u8>>) -> Result<Cortex> {
        let read = |name: &str, bytes: &[u8]| read_npy_bytes(name, bytes).map_err(thrown);
        let maybe = |name: &str, bytes: Option<Vec<u8>>| bytes.map(|bytes| read(name, &bytes)).transpose();
        let series = read("series", series)?.to_real::<f32>();
        let mask = maybe("mask", mask)?;
        let made = cortex::Cortex::new(series, read("sphere", sphere)?, maybe("faces", faces)?, mask.as_ref()).map_err(thrown)?;
        Ok(Self(cortex::Cortex { atlas: maybe("atlas", atlas)?, ..made }))
    }

    /// The number of vertices.
    #[wasm_bindgen(getter)]
    pub fn vertices(&self) -> u32 {
        self.0.xyz.shape()[0] as u32
    }

    /// The number of frames.
    #[wasm_bindgen(getter)]
    pub fn frames(&self) -> u32 {
        self.0.frames() as u32
    }

    /// The number of vertices that have a series.
    #[wasm_bindgen(getter)]
    pub fn usable(&self) -> u32 {
        self.0.usable.len() as u32
    }

    /// The triangles `[faces, 3]`; undefined where they are not known.
    ///
    /// # Errors
    /// Throws where the object cannot be made.
    #[wasm_bindgen(unchecked_return_type = "Tensor | undefined")]
    pub fn faces(&self) -> Result<Option<Object>> {
        self.0.faces.as_ref().map(tensor).transpose()
    }
}

/// The array of a `.npy` file.
///
/// # Errors
/// Throws an `InputError` that names the file.
#[wasm_bindgen(js_name = readNpy, unchecked_return_type = "Tensor")]
pub fn read_npy(name: &str, bytes: &[u8]) -> Result<Object> {
    tensor(&read_npy_bytes(name, bytes).map_err(thrown)?)
}

/// The bytes of a `.npy` file of an array.
///
/// # Errors
/// Throws an `InputError` where the object is no array.
#[wasm_bindgen(js_name = writeNpy)]
pub fn write_npy(#[wasm_bindgen(unchecked_param_type = "Tensor")] array: &wasm_bindgen::JsValue) -> Result<Vec<u8>> {
    let array: HostTensor = super::convert::from_tensor(array)?;
    crate::data::npy_bytes(&array).map_err(thrown)
}
