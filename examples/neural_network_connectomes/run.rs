//! The whole study: training of networks, clustering of their connectomes, and a report.

use super::images::Images;
use super::network::{BATCH, Connectomes, Settings, Strategy, connectomes};
use super::study::Study;
use super::{monitor, outcome, study};
use clap::Parser;
use std::path::PathBuf;
use std::time::Instant;
use tapetum::file::OutputFolder;
use tapetum::{Device, Error, Result};

/// Trains networks under four strategies and clusters their functional connectomes by topology.
#[derive(Debug, Parser)]
pub struct Asked {
    /// A folder with the four idx files of MNIST or Fashion-MNIST, or `images.npy` and `labels.npy` [default: the digits that ship]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The folder of the report and the connectomes.
    #[arg(long, default_value = "neural-network-connectomes", value_name = "DIR")]
    pub out: PathBuf,
    /// `cpu`, `auto`, or part of an adapter's name.
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Filters of three blocks of convolutions [default: none; 32,64,128 of images with colours]
    #[arg(long, value_name = "A,B,C", value_parser = widths::<3>)]
    pub filters: Option<[usize; 3]>,
    /// Units of the two hidden layers [default: 128,64; behind convolutions 256,128]
    #[arg(long, value_name = "A,B", value_parser = widths::<2>)]
    pub hidden: Option<[usize; 2]>,
    /// Steps of training of each network [default: 3000; 20 epochs with --full]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Networks of each strategy, 2 or more [default: 10; 20 with --full]
    #[arg(long, value_name = "N")]
    pub networks: Option<usize>,
    /// Networks of each class [default: 3; 20 of each class and strategy with --full]
    #[arg(long, value_name = "N")]
    pub class_networks: Option<usize>,
    /// The authors' sizes, and their division of the images.
    #[arg(long)]
    pub full: bool,
}

fn widths<const N: usize>(text: &str) -> Result<[usize; N], String> {
    let parsed = text.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>().ok();
    let found = parsed.and_then(|list| <[usize; N]>::try_from(list).ok()).filter(|list| !list.contains(&0));
    found.ok_or_else(|| format!("{N} widths above 0 are expected, with commas between them"))
}

/// The number of epochs in the authors' setting.
const EPOCHS: usize = 20;

impl Asked {
    /// The sizes of networks. Images with colours are given convolutions.
    fn settings(&self, images: &Images) -> Settings {
        let coloured = images.extents[0] > 1 || self.filters.is_some();
        let steps = if self.full { EPOCHS * images.training.len() / BATCH } else { 3000 };
        let hidden = if coloured { [256, 128] } else { [128, 64] };
        Settings {
            filters: coloured.then(|| self.filters.unwrap_or([32, 64, 128])),
            hidden: self.hidden.unwrap_or(hidden),
            steps: self.steps.unwrap_or(steps),
        }
    }

    /// The number of networks for each strategy, and for each class.
    fn counts(&self) -> [usize; 2] {
        let usual = if self.full { [20, 20] } else { [10, 3] };
        [self.networks.unwrap_or(usual[0]), self.class_networks.unwrap_or(usual[1])]
    }
}

/// Trains all networks, and writes a report.
///
/// # Errors
/// Returns an error where images are invalid, or the device reports a fault.
pub fn run(asked: &Asked) -> Result<()> {
    let images = Images::read(asked.data.as_deref(), asked.full)?;
    let [networks, class_networks] = asked.counts();
    if networks < 2 {
        return Err(Error::argument("--networks: 2 or more expected"));
    }
    let mut folder = OutputFolder::new(&asked.out)?;
    let (device, settings) = (&Device::named(&asked.device)?, &asked.settings(&images));
    let start = Instant::now();
    let (by_strategy, a) = study_a(device, &images, settings, networks)?;
    println!("{} networks by strategy after {:.0} s", a.labels.len(), start.elapsed().as_secs_f64());
    let strategies = if asked.full { &Strategy::ALL[..] } else { &Strategy::ALL[..1] };
    let mut of_classes = Vec::new();
    for &how in strategies.iter().filter(|_| class_networks > 0) {
        of_classes.push(study_b(device, &images, settings, how, class_networks)?);
        println!("networks by class, {}, after {:.0} s", how.name(), start.elapsed().as_secs_f64());
    }
    [&a].into_iter().chain(&of_classes).for_each(Study::print);
    let watched = monitor::run(device, &images, settings, &a)?;
    let times = study::runtimes(device)?;
    let found = outcome::Outcome {
        images: &images,
        settings,
        connectomes: &by_strategy,
        by_strategy: &a,
        by_class: &of_classes,
        watched: &watched,
        times: &times,
    };
    found.write(&mut folder)?;
    folder.commit()?;
    println!("{} after {:.0} s", asked.out.join("report.html").display(), start.elapsed().as_secs_f64());
    Ok(())
}

/// Networks of every strategy, shown all stimuli.
fn study_a(device: &Device, images: &Images, settings: &Settings, networks: usize) -> Result<(Connectomes, Study)> {
    let jobs: Vec<(Strategy, Option<u8>)> = Strategy::ALL.into_iter().flat_map(|s| vec![(s, None); networks]).collect();
    let made = connectomes(device, images, settings, &jobs, 0)?;
    let labels: Vec<usize> = (0..jobs.len()).map(|i| i / networks).collect();
    let names = Strategy::ALL.map(|s| s.name().to_owned());
    let study = Study::new(device, "strategy".into(), &names, labels, &made)?;
    Ok((made, study))
}

/// Networks of one strategy, each shown the stimuli of one class.
fn study_b(device: &Device, images: &Images, settings: &Settings, how: Strategy, networks: usize) -> Result<Study> {
    let classes = images.classes();
    let jobs: Vec<(Strategy, Option<u8>)> = (0..classes).flat_map(|class| vec![(how, Some(class as u8)); networks]).collect();
    let first_seed = 1000 * (1 + Strategy::ALL.iter().position(|&s| s == how).unwrap_or(0) as u64);
    let made = connectomes(device, images, settings, &jobs, first_seed)?;
    let labels: Vec<usize> = (0..jobs.len()).map(|i| i / networks).collect();
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    Study::new(device, format!("class of stimuli, {}", how.name()), &names, labels, &made)
}
