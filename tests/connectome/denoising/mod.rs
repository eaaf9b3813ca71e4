//! Confound models that are learnt, maps and null series, and what denoising is judged by (`tests/goldens/make_denoising.py`).

mod blocks;
mod figures;
mod study;

use serde_json::Value;

fn goldens() -> Value {
    serde_json::from_str(include_str!("../../goldens/denoising.json")).unwrap()
}
