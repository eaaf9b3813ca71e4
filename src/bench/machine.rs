//! The machine on which the figures were measured.

use crate::device::Device;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The description of a device, the version of this crate, and the day of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The adapter's name, or `cpu`.
    pub adapter: String,
    /// `vulkan`, `metal`, `dx12`; `host` for the host executor.
    pub backend: String,
    /// The driver and its version; for the host executor its cores and their architecture.
    pub driver: String,
    /// `discrete`, `integrated`, `virtual`, `software`, `other`; `host` for the host executor.
    pub kind: String,
    /// This crate's version.
    pub version: String,
    /// The day, in UTC: `2026-01-31`.
    pub date: String,
}

impl Machine {
    /// The description of `device` on this machine today.
    pub fn of(device: &Device) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let [adapter, backend, driver, kind] = match device {
            Device::Gpu(context) => {
                let [adapter, backend, driver] = context.identity();
                [adapter, backend, driver, context.adapter().kind().to_owned()]
            }
            Device::Cpu(_) => ["cpu".into(), "host".into(), format!("{} cores of {}", cores(), std::env::consts::ARCH), "host".into()],
        };
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Self { adapter, backend, driver, kind, version: env!("CARGO_PKG_VERSION").into(), date: date(seconds / 86_400) }
    }

    /// True where figures of both can be compared: adapter, backend and driver are the same.
    pub fn same_device(&self, other: &Self) -> bool {
        (&self.adapter, &self.backend, &self.driver) == (&other.adapter, &other.backend, &other.driver)
    }

    /// The adapter, back end and driver in one line.
    pub fn device(&self) -> String {
        format!("{} ({}, {})", self.adapter, self.backend, self.driver)
    }

    /// The description as JSON.
    pub fn json(&self) -> Value {
        json!({
            "adapter": self.adapter, "backend": self.backend, "driver": self.driver, "kind": self.kind,
            "version": self.version, "date": self.date,
        })
    }

    /// Reads a description from JSON; `None` where the object is not one.
    pub fn parse(json: &Value) -> Option<Self> {
        let text = |key: &str| json.get(key)?.as_str().map(str::to_owned);
        Some(Self {
            adapter: text("adapter")?,
            backend: text("backend")?,
            driver: text("driver")?,
            kind: text("kind")?,
            version: text("version")?,
            date: text("date")?,
        })
    }
}

/// The day that lies `days` after 1970-01-01, by the Gregorian calendar, counted in eras of 400 years that begin with March (Hinnant,
/// "chrono-compatible low-level date algorithms", 2013).
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = 400 * era + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_dates() {
        // By `date -u -d @SECONDS`.
        let days = [0, 58, 59, 11_016, 19_782, 20_454, 47_540];
        let dates = days.map(date);
        assert_eq!(dates, ["1970-01-01", "1970-02-28", "1970-03-01", "2000-02-29", "2024-02-29", "2026-01-01", "2100-02-28"]);
    }
}
