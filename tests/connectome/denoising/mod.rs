//! Learnt confound models, maps and null series, and figures of merit for denoising (`tests/goldens/make_denoising.py`).

mod blocks;
mod figures;
mod study;

use serde_json::Value;

fn goldens() -> Value {
    serde_json::from_str(include_str!("../../goldens/denoising.json")).unwrap()
}
