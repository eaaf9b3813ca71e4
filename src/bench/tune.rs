//! Which variant of each kernel is the fastest on a device, class of work by class of work.

use super::job::{Job, Recorded};
use super::measure::Effort;
use super::{Settings, contains, directions};
use crate::device::Device;
use crate::kernel::{Source, Suits, Target};
use crate::ops::work::Size;
use crate::plan::Plan;
use crate::tuning::Tuning;
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Times of one kernel's work of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Kernel, `@` and class.
    pub pin: String,
    /// What the rule takes.
    pub rule: String,
    /// The fastest; the rule's, where none is faster by 3 in 100.
    pub chosen: String,
    /// Variant by variant, its time as a multiple of the rule's: the geometric mean over works and sizes.
    pub times: BTreeMap<String, f64>,
}

/// A variant must be so much faster than the rule's to be chosen: less is noise.
const WORTH: f64 = 0.97;

/// Logarithms of times by pin and variant.
type Samples = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// Times every variant of the kernels that the filter means, and chooses. `progress` is told each work.
///
/// # Errors
/// On the host executor, where the filter means no kernel that has a choice, or the device reports a fault.
pub fn tune(device: &Device, settings: &Settings, mut progress: impl FnMut(&str, usize)) -> Result<(Tuning, Vec<Trial>)> {
    let Device::Gpu(context) = device else { return Err(Error::argument("the host executor has no kernels to tune")) };
    let (rule, effort) = (device.with_variants([]), if settings.quick { Effort::QUICK } else { Effort::FULL });
    let wanted = settings.filter.as_deref().unwrap_or_default().to_lowercase();
    let choices = choices(context.target(), &wanted);
    if choices.is_empty() {
        let what = format!("no kernel whose name contains `{wanted}` has more than one variant for this device");
        return Err(Error::argument(what));
    }
    let works = crate::ops::works();
    let (mut samples, mut rules) = (Samples::new(), BTreeMap::new());
    for work in &works {
        progress(work.name, works.len());
        for &direction in directions(work) {
            for (_, instance) in work.sizes.iter().filter(|(size, _)| fits(*size, context.target(), settings.quick)) {
                let recorded = Recorded::new(instance, direction)?;
                let Ok(plan) =
                    Plan::new(&recorded.tape, &recorded.outputs, &Target { variants: BTreeMap::new(), ..context.target().clone() })
                else {
                    continue;
                };
                let used: BTreeSet<&str> = plan.steps.iter().map(|s| &*s.kernel.name).collect();
                for (source, variants) in choices.iter().filter(|(s, _)| used.contains(s.name)) {
                    for step in plan.steps.iter().filter(|s| s.kernel.name == source.name) {
                        let base = step.kernel.variant.split('+').next().unwrap_or_default();
                        rules.insert(step.kernel.pin(), base.to_owned());
                    }
                    for variant in variants {
                        let pinned = rule.with_variants([(source.name.to_owned(), (*variant).to_owned())]);
                        one(&pinned, &recorded, source, variant, (&effort, settings.seed), &mut samples)?;
                    }
                }
            }
        }
    }
    let trials: Vec<Trial> = rules.into_iter().filter_map(|(pin, rule)| trial(pin, rule, &samples)).collect();
    let chosen = trials.iter().map(|t| (t.pin.clone(), t.chosen.clone())).collect();
    Ok((Tuning::new(device, chosen)?, trials))
}

/// The sizes that a device is tuned at: software adapters would take minutes over large ones.
fn fits(size: Size, target: &Target, quick: bool) -> bool {
    size == Size::Small || !quick && (size == Size::Medium || !target.software)
}

/// Kernels that have a choice of variants on `target`. What is made for GPUs is not tried on software adapters, where barriers cost
/// most.
fn choices(target: &Target, wanted: &str) -> Vec<(&'static Source, Vec<&'static str>)> {
    let variants =
        |s: &'static Source| s.variants.iter().filter(|v| !target.software || v.suits != Suits::Hardware).map(|v| v.name).collect();
    let sources = crate::ops::sources().into_iter().filter(|s| contains(s.name, wanted));
    sources.map(|s| (s, variants(s))).filter(|(_, v): &(_, Vec<_>)| v.len() > 1).collect()
}

/// Adds the time of `source` in one variant to the samples of each of its pins.
fn one(
    device: &Device,
    recorded: &Recorded,
    source: &Source,
    variant: &str,
    (effort, seed): (&Effort, u64),
    samples: &mut Samples,
) -> Result<()> {
    let mut job = match Job::new(device, recorded, seed) {
        Err(Error::TooLarge { .. } | Error::OutOfMemory { .. }) => return Ok(()),
        made => made?,
    };
    for (pin, ns) in job.by_pin(effort)?.into_iter().filter(|(pin, _)| pin.split('@').next() == Some(source.name)) {
        samples.entry(pin).or_default().entry(variant.to_owned()).or_default().push(ns.max(1.0).ln());
    }
    Ok(())
}

fn trial(pin: String, rule: String, samples: &Samples) -> Option<Trial> {
    let mean = |logs: &Vec<f64>| logs.iter().sum::<f64>() / logs.len() as f64;
    let by_variant = samples.get(&pin)?;
    let least = mean(by_variant.get(&rule)?);
    let times: BTreeMap<String, f64> = by_variant.iter().map(|(v, logs)| (v.clone(), (mean(logs) - least).exp())).collect();
    let (fastest, time) = times.iter().min_by(|a, b| a.1.total_cmp(b.1))?;
    let chosen = if *time < WORTH { fastest.clone() } else { rule.clone() };
    Some(Trial { pin, rule, chosen, times })
}

#[cfg(test)]
mod tests {
    use super::{Samples, trial};

    #[test]
    fn a_variant_is_chosen_where_it_is_worth_it() {
        let mut samples = Samples::new();
        let of = samples.entry("k@large".into()).or_default();
        of.insert("rule".into(), vec![100f64.ln(), 400f64.ln()]);
        of.insert("other".into(), vec![50f64.ln(), 200f64.ln()]);
        let found = trial("k@large".into(), "rule".into(), &samples).unwrap();
        assert_eq!(found.chosen, "other");
        assert!((found.times["other"] - 0.5).abs() < 1e-12 && (found.times["rule"] - 1.0).abs() < 1e-12);
        samples.get_mut("k@large").unwrap().insert("other".into(), vec![98f64.ln(), 395f64.ln()]);
        assert_eq!(trial("k@large".into(), "rule".into(), &samples).unwrap().chosen, "rule");
        assert_eq!(trial("k@small".into(), "rule".into(), &samples), None);
    }
}
