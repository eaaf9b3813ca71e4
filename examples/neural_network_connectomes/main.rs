//! Functional connectomes of neural networks (Songdechakraiwut & Wu, AAAI 2025): networks are trained under four strategies, the absolute
//! correlations of their hidden units over stimuli are clustered by topology, by weights and by both, and held to what is known: the
//! strategy (study A), or the class of the stimuli (study B).
//!
//! `cargo run --release --example neural_network_connectomes -- [--data DIR] [--hidden 128,64] [--networks 10] [--steps 3000]
//! [--class-networks 3] [--full] [--device cpu|auto|NAME] [--out DIR]`
//!
//! Without `--data` the 5,000 digits that ship are learnt; DIR holds the four idx files of MNIST, or of Fashion-MNIST (`--hidden 256,128`).
//! `--full` takes the authors' sizes: 20 networks a strategy and 20 a class, 20 epochs each. `--out` also gets `connectomes.npy`,
//! `labels.npy` and the like, for `benches/peers/persistence_images.py` and other tools. Unlike theirs, study B clusters networks of the
//! plain strategy alone, and settings are not searched by cross-validation.

mod monitor;
mod network;
mod outcome;
mod study;

use network::{Images, Settings, Strategy};
use std::path::PathBuf;
use std::time::Instant;
use tapetum::data::OutputFolder;
use tapetum::{Device, Error, Result};

/// What is asked for.
struct Arguments {
    data: Option<PathBuf>,
    out: PathBuf,
    device: Device,
    settings: Settings,
    networks: usize,
    class_networks: usize,
    full: bool,
}

impl Arguments {
    fn parse() -> Result<Self> {
        let mut made = Self {
            data: None,
            out: "neural-network-connectomes".into(),
            device: Device::cpu(),
            settings: Settings { hidden: [128, 64], steps: 3000 },
            networks: 10,
            class_networks: 3,
            full: false,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(flag) = arguments.next() {
            if flag == "--full" {
                made.full = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| Error::argument(format!("{flag}: a value is expected")))?;
            let number = || value.parse().map_err(|_| Error::argument(format!("{flag} {value}: a whole number is expected")));
            match flag.as_str() {
                "--data" => made.data = Some(value.into()),
                "--out" => made.out = value.into(),
                "--networks" => made.networks = number()?,
                "--class-networks" => made.class_networks = number()?,
                "--steps" => made.settings.steps = number()?,
                "--hidden" => made.settings.hidden = widths(&value)?,
                "--device" => made.device = Device::named(&value)?,
                _ => return Err(Error::argument(format!("{flag}: no such flag; the head of this example lists them"))),
            }
        }
        if made.networks < 2 {
            return Err(Error::argument("--networks: 2 or more expected"));
        }
        Ok(made)
    }
}

fn widths(text: &str) -> Result<[usize; 2]> {
    let parsed = text.split(',').map(str::parse).collect::<std::result::Result<Vec<usize>, _>>().ok();
    let found = parsed.and_then(|list| <[usize; 2]>::try_from(list).ok());
    found.ok_or_else(|| Error::argument(format!("--hidden {text}: two widths such as 128,64 are expected")))
}

fn main() -> Result<()> {
    let mut asked = Arguments::parse()?;
    let images = Images::read(asked.data.as_deref())?;
    if asked.full {
        (asked.networks, asked.class_networks) = (20, 20);
        asked.settings.steps = 20 * images.labels.len() / network::BATCH;
    }
    let mut folder = OutputFolder::new(&asked.out)?;
    let (device, settings) = (&asked.device, &asked.settings);
    let start = Instant::now();

    let jobs: Vec<(Strategy, Option<u8>)> = Strategy::ALL.into_iter().flat_map(|s| vec![(s, None); asked.networks]).collect();
    let by_strategy = network::connectomes(device, &images, settings, &jobs, 0)?;
    println!("{} networks by strategy after {:.0} s", jobs.len(), start.elapsed().as_secs_f64());
    let classes: Vec<(Strategy, Option<u8>)> =
        (0..10).flat_map(|class| vec![(Strategy::Plain, Some(class)); asked.class_networks]).collect();
    let by_class = network::connectomes(device, &images, settings, &classes, 1000)?;
    println!("{} networks by class after {:.0} s", classes.len(), start.elapsed().as_secs_f64());

    let labels: Vec<usize> = (0..jobs.len()).map(|i| i / asked.networks).collect();
    let names = Strategy::ALL.map(|s| s.name().to_owned());
    let a = study::Study::new(device, "strategy", &names, labels, &by_strategy)?;
    let of_class: Vec<usize> = (0..classes.len()).map(|i| i / asked.class_networks.max(1)).collect();
    let digits: Vec<String> = (0..10).map(|d| d.to_string()).collect();
    let b = (asked.class_networks > 0).then(|| study::Study::new(device, "class", &digits, of_class, &by_class)).transpose()?;
    for study in [Some(&a), b.as_ref()].into_iter().flatten() {
        study.print();
    }
    let watched = monitor::run(device, &images, settings, &a)?;
    let times = study::runtimes(device)?;
    let found = outcome::Outcome {
        images: &images,
        settings,
        connectomes: &by_strategy,
        by_strategy: &a,
        by_class: b.as_ref(),
        watched: &watched,
        times: &times,
    };
    found.write(&mut folder)?;
    folder.commit()?;
    println!("{} after {:.0} s", asked.out.join("report.html").display(), start.elapsed().as_secs_f64());
    Ok(())
}
