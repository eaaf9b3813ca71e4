//! The demo through the library: 200 parcels of a cortex are learnt on the first half of its frames and tested on the second.
//!
//! `cargo run --release --example parcellation [cpu|auto|ADAPTER]`

use tapetum::connectome::parcels::homogeneity::homogeneity;
use tapetum::connectome::parcels::learn_parcels::{Learner, Settings};
use tapetum::data::shipped_cortex;
use tapetum::statistics::standardise::unit_rows;
use tapetum::{Device, Result};

fn main() -> Result<()> {
    let device = Device::named(&std::env::args().nth(1).unwrap_or_else(|| "cpu".into()))?;
    let cortex = shipped_cortex()?;
    let half = cortex.frames() / 2;
    let settings = Settings::default();
    let learner = Learner::new(&device, &cortex.surface(0..half)?, &settings)?;
    let start = std::time::Instant::now();
    let learnt = learner.run(|step, loss| println!("step {step:>4}  loss {loss:.5}"))?;
    let seconds = start.elapsed().as_secs_f64();

    let unseen = cortex.frames_of(half..cortex.frames())?;
    let z = unit_rows(unseen.elements::<f32>()?, cortex.frames() - half);
    let score = homogeneity(&z, cortex.frames() - half, &learnt.labels)?;
    println!("{} steps on {} in {seconds:.1} s; homogeneity on unseen frames {score:.4}", settings.steps, device.name());
    Ok(())
}
