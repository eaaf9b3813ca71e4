//! Values of JavaScript and of this library, one made from the other.

use super::Result;
use crate::error::{Error, Reason};
use crate::{HostTensor, Shape};
use js_sys::{Array, Error as Thrown, Float32Array, Float64Array, Int32Array, JSON, Object, Promise, Reflect, Uint32Array};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// An error as JavaScript throws it. Its name tells what a page can do: a lost device is opened again.
pub(super) fn thrown(error: Error) -> JsValue {
    let name = match &error {
        Error::DeviceLost { .. } => "DeviceLost",
        Error::OutOfMemory { .. } | Error::TooLarge { .. } => "OutOfMemory",
        Error::NoAdapter { .. } => "NoAdapter",
        Error::Device { .. } | Error::Shader { .. } => "DeviceError",
        _ => "InputError",
    };
    let made = Thrown::new(&error.to_string());
    made.set_name(name);
    made.into()
}

fn refused(what: impl Into<Reason>) -> JsValue {
    thrown(Error::argument(what))
}

/// An object from JSON.
pub(super) fn value(json: &Value) -> Result<JsValue> {
    JSON::parse(&json.to_string())
}

/// JSON from an object; null where it is undefined.
pub(super) fn json(value: &JsValue) -> Result<Value> {
    if value.is_undefined() || value.is_null() {
        return Ok(Value::Null);
    }
    let text = JSON::stringify(value)?.as_string().ok_or_else(|| refused("an object that JSON can hold is expected"))?;
    crate::json::parse(text).map_err(|e| refused(format!("no JSON: {e}")))
}

/// Sets a property of an object.
pub(super) fn set(object: &Object, key: &str, value: impl Into<JsValue>) -> Result<()> {
    Reflect::set(object, &key.into(), &value.into()).map(|_| ())
}

/// A list of texts.
pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Array {
    texts.into_iter().map(JsValue::from_str).collect()
}

/// `{ shape, values }` of a tensor.
pub(super) fn tensor(tensor: &HostTensor) -> Result<Object> {
    let object = Object::new();
    let values: JsValue = match (tensor.as_f32(), tensor.as_i32(), tensor.as_u32()) {
        (Some(values), ..) => Float32Array::from(values).into(),
        (_, Some(values), _) => Int32Array::from(values).into(),
        (_, _, Some(values)) => Uint32Array::from(values).into(),
        _ => Float64Array::from(&tensor.to_f64_vec()[..]).into(),
    };
    set(&object, "shape", tensor.shape().iter().map(|&extent| JsValue::from_f64(extent as f64)).collect::<Array>())?;
    set(&object, "values", values)?;
    Ok(object)
}

/// The tensor of `{ shape, values }`; the values are a typed array.
pub(super) fn from_tensor(object: &JsValue) -> Result<HostTensor> {
    let shape = Reflect::get(object, &"shape".into())?;
    let extents = Array::is_array(&shape).then(|| Array::from(&shape).iter().map(|x| extent(&x)).collect::<Option<Vec<_>>>()).flatten();
    let extents = extents.ok_or_else(|| refused("`shape`: a list of whole numbers is expected"))?;
    let shape = Shape::try_new(&extents).ok_or_else(|| refused(format!("`shape`: {} axes, and at most 8 are possible", extents.len())))?;
    let values = Reflect::get(object, &"values".into())?;
    if let Some(values) = values.dyn_ref::<Float32Array>() {
        return HostTensor::f32(shape, values.to_vec()).map_err(thrown);
    }
    if let Some(values) = values.dyn_ref::<Float64Array>() {
        return HostTensor::real(shape, values.to_vec()).map_err(thrown);
    }
    if let Some(values) = values.dyn_ref::<Int32Array>() {
        return HostTensor::i32(shape, values.to_vec()).map_err(thrown);
    }
    Err(refused("`values`: a Float32Array, a Float64Array or an Int32Array is expected"))
}

/// The value that a function gave, or that its promise is fulfilled with.
pub(super) async fn awaited(given: JsValue) -> Result<JsValue> {
    JsFuture::from(Promise::resolve(&given)).await
}

fn extent(value: &JsValue) -> Option<usize> {
    value.as_f64().filter(|x| *x >= 0.0 && x.fract() == 0.0 && *x <= f64::from(u32::MAX)).map(|x| x as usize)
}
