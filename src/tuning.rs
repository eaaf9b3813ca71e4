//! Tunings: the kernel variants that were found fastest on one adapter under one driver, kept in a small JSON file that programs load.

use crate::device::Device;
use crate::kernel::Backend;
use crate::ops;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The variants in which kernels run, by kernel and class of work ([`Kernel::pin`](crate::kernel::Kernel::pin)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuning {
    adapter: String,
    backend: String,
    driver: String,
    version: String,
    variants: BTreeMap<String, String>,
}

impl Tuning {
    /// A tuning with the variants found on `device`.
    ///
    /// # Errors
    /// Returns an error on the host executor, which has no kernels.
    pub fn new(device: &Device, variants: BTreeMap<String, String>) -> Result<Self> {
        let [adapter, backend, driver] = identity(device)?;
        Ok(Self { adapter, backend, driver, version: env!("CARGO_PKG_VERSION").into(), variants })
    }

    /// Reads a tuning from a file in the form that [`Tuning::json`] gives.
    ///
    /// # Errors
    /// Returns an error where the file cannot be read, is not a tuning, or names a kernel or variant that this crate does not have.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "cannot be read", &e))?;
        Self::parse(&text).map_err(|what| Error::file(path, what))
    }

    /// Reads a tuning from text in the form that [`Tuning::json`] gives. The error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Value = crate::json::parse(text).map_err(|e| format!("a tuning in JSON expected: {e}"))?;
        let string = |key: &str| json[key].as_str().map(str::to_owned).ok_or_else(|| format!("`{key}`: a text expected"));
        let entries = json["variants"].as_object().ok_or("`variants`: an object of kernels and their variants expected")?;
        let mut variants = BTreeMap::new();
        for (pin, variant) in entries {
            let variant = variant.as_str().ok_or_else(|| format!("`variants`: `{pin}`: the name of a variant expected"))?;
            known(pin, variant)?;
            variants.insert(pin.clone(), variant.to_owned());
        }
        Ok(Self {
            adapter: string("adapter")?,
            backend: string("backend")?,
            driver: string("driver")?,
            version: string("version")?,
            variants,
        })
    }

    /// The tuning as JSON.
    pub fn json(&self) -> Value {
        json!({
            "adapter": self.adapter, "backend": self.backend, "driver": self.driver, "version": self.version, "variants": self.variants,
        })
    }

    /// The variants by kernel and class of work, joined by `@`.
    pub fn variants(&self) -> &BTreeMap<String, String> {
        &self.variants
    }
}

/// An error unless the kernel that a pin names has such a variant.
fn known(pin: &str, variant: &str) -> Result<(), String> {
    let name = pin.split('@').next().unwrap_or_default();
    let of_source = ops::source(name).map(|s| s.variants.iter().map(|v| v.name).collect());
    let algorithms =
        || ops::algorithms().into_iter().find(|a| a.name == name).map(|a| a.all.iter().map(|(algorithm, _)| *algorithm).collect());
    let names: Vec<&str> = of_source.or_else(algorithms).ok_or_else(|| format!("`variants`: no kernel `{name}`"))?;
    if names.contains(&variant) {
        return Ok(());
    }
    Err(format!("`variants`: `{pin}`: one of {} expected, found `{variant}`", names.join(", ")))
}

/// The names of the adapter, the back end and the driver.
fn identity(device: &Device) -> Result<[String; 3]> {
    match device {
        // A browser tells no name, so a tuning would fit every other machine.
        Device::Gpu(context) if context.adapter().backend() == Backend::Browser => {
            Err(Error::argument("a browser does not tell its adapter's name, by which a tuning is recognised"))
        }
        Device::Gpu(context) => Ok(context.identity()),
        Device::Cpu(_) => Err(Error::argument("the host executor has no kernels to tune")),
    }
}

impl Device {
    /// The same device, whose kernels run in the variants of `tuning`.
    ///
    /// # Errors
    /// Returns an error where the tuning was made on another adapter, back end or driver.
    pub fn tuned(&self, tuning: &Tuning) -> Result<Self> {
        let here = identity(self)?;
        let there = [&tuning.adapter, &tuning.backend, &tuning.driver].map(String::as_str);
        if here != there {
            let what = format!("the tuning was made on {}, and this is {}: tune again", there.join(", "), here.join(", "));
            return Err(Error::argument(what));
        }
        Ok(self.with_variants(tuning.variants.clone()))
    }
}
