//! The search for the fastest variant of each kernel on a device, for each class of work.

use super::job::{Job, RecordedWork};
use super::measure::Effort;
use super::{Settings, contains, directions, works};
use crate::device::Device;
use crate::kernel::{Adapters, Algorithms, Source, Target};
use crate::ops::work::Size;
use crate::plan::Plan;
use crate::tuning::Tuning;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// The times of one kernel's variants on one class of work.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The kernel and the class of work, joined by `@`.
    pub pin: String,
    /// The variant that the built-in rule chooses.
    pub rule: String,
    /// The fastest variant, or the rule's where none is faster by at least 3 per cent.
    pub chosen: String,
    /// For each variant, its time as a multiple of the time of the rule's variant: the geometric mean over works and sizes.
    pub times: BTreeMap<String, f64>,
}

/// The greatest ratio of a variant's time to the rule's at which the variant is chosen; a smaller gain may be noise.
const WORTH: f64 = 0.97;

/// Logarithms of times by pin and variant.
type Samples = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// A tuning that has not begun. All its kernels have more than one variant.
pub struct Tuner<'a> {
    device: &'a Device,
    target: Target,
    settings: &'a Settings,
    choices: Vec<(&'static Source, Vec<&'static str>)>,
    algorithms: Vec<&'static Algorithms>,
}

impl<'a> Tuner<'a> {
    /// Chooses the kernels that match the filter.
    ///
    /// # Errors
    /// Returns an error on the host executor, and where no kernel with more than one variant matches the filter.
    pub fn new(device: &'a Device, settings: &'a Settings) -> Result<Self> {
        let Device::Gpu(context) = device else { return Err(Error::argument("the host executor has no kernels to tune")) };
        // Variants for cooperative matrices are timed where they are accurate.
        let _ = device.prove_cooperative();
        // The rules choose here, whatever tuning the device has now.
        let target = Target { variants: BTreeMap::new(), ..context.target().clone() };
        let wanted = settings.filter.as_deref().unwrap_or_default().to_lowercase();
        let choices = choices(&target, &wanted);
        let algorithms: Vec<_> = crate::ops::algorithms().into_iter().filter(|a| contains(a.name, &wanted)).collect();
        if choices.is_empty() && algorithms.is_empty() {
            return Err(Error::argument(format!("no kernel whose name contains `{wanted}` has more than one variant")));
        }
        Ok(Self { device, target, settings, choices, algorithms })
    }

    /// Times every variant and chooses the fastest; `progress` is called with the name of each work and the number of works.
    ///
    /// # Errors
    /// Returns an error where the device reports a fault.
    pub fn run(&self, mut progress: impl FnMut(&str, usize)) -> Result<(Tuning, Vec<Trial>)> {
        let works = works();
        let (mut samples, mut rules) = (Samples::new(), BTreeMap::new());
        for work in &works {
            progress(work.name, works.len());
            for &direction in directions(work) {
                for (_, instance) in work.sizes.iter().filter(|(size, _)| fits(*size, &self.target, self.settings.quick)) {
                    self.instance(&RecordedWork::new(instance, direction)?, &mut rules, &mut samples)?;
                }
            }
        }
        let trials: Vec<Trial> = rules.into_iter().filter_map(|(pin, rule)| trial(pin, rule, &samples)).collect();
        let chosen = trials.iter().map(|t| (t.pin.clone(), t.chosen.clone())).collect();
        Ok((Tuning::new(self.device, chosen)?, trials))
    }

    /// Times every variant of the kernels of one work at one size; variants that do not fit the device are left out.
    fn instance(&self, recorded: &RecordedWork, rules: &mut BTreeMap<String, String>, samples: &mut Samples) -> Result<()> {
        let plan = match Plan::new(&recorded.tape, &recorded.outputs, &self.target) {
            Err(Error::TooLarge { .. }) => return Ok(()),
            planned => planned?,
        };
        for (source, variants) in &self.choices {
            let mut steps = plan.steps.iter().filter(|s| s.kernel.name == source.name).peekable();
            if steps.peek().is_none() {
                continue;
            }
            rules.extend(steps.map(|s| (s.kernel.pin(), s.kernel.pinned_variant().to_owned())));
            for variant in variants {
                for (pin, ns) in self.times(recorded, source.name, variant)? {
                    if pin.split('@').next() == Some(source.name) {
                        samples.entry(pin).or_default().entry((*variant).to_owned()).or_default().push(ns.max(1.0).ln());
                    }
                }
            }
        }
        self.algorithms.iter().try_for_each(|a| self.algorithm(recorded, a, rules, samples))
    }

    /// Times every algorithm by all kernels of its family, for those classes of work that a choice makes a difference to.
    fn algorithm(
        &self,
        recorded: &RecordedWork,
        of: &Algorithms,
        rules: &mut BTreeMap<String, String>,
        samples: &mut Samples,
    ) -> Result<()> {
        let family = of.name.split('/').next().unwrap_or_default();
        for &class in of.classes {
            let pin = if class.is_empty() { of.name.to_owned() } else { format!("{}@{class}", of.name) };
            let mut taken = Vec::new();
            for &(algorithm, kernel) in of.all {
                let target = Target { variants: [(pin.clone(), algorithm.to_owned())].into(), ..self.target.clone() };
                match Plan::new(&recorded.tape, &recorded.outputs, &target) {
                    Err(Error::TooLarge { .. }) => {}
                    planned => taken.extend(planned?.steps.iter().any(|s| s.kernel.name == kernel).then_some(algorithm)),
                }
            }
            if taken.len() < 2 {
                continue;
            }
            rules.insert(pin.clone(), (of.rule)(&self.target, class).to_owned());
            for algorithm in taken {
                let times = self.times(recorded, &pin, algorithm)?;
                let ns: f64 = times.iter().filter(|(of, _)| of.split('/').next() == Some(family)).map(|(_, ns)| ns).sum();
                if ns > 0.0 {
                    samples.entry(pin.clone()).or_default().entry(algorithm.to_owned()).or_default().push(ns.max(1.0).ln());
                }
            }
        }
        Ok(())
    }

    /// The time of each pin where `pin` is held to `variant`; none where that does not fit the device.
    fn times(&self, recorded: &RecordedWork, pin: &str, variant: &str) -> Result<BTreeMap<String, f64>> {
        let pinned = self.device.with_variants([(pin.to_owned(), variant.to_owned())]);
        match Job::new(&pinned, recorded, self.settings.seed) {
            Err(Error::TooLarge { .. } | Error::OutOfMemory { .. }) => Ok(BTreeMap::new()),
            job => job?.by_pin(if self.settings.quick { &Effort::QUICK } else { &Effort::FULL }),
        }
    }
}

/// True for the sizes at which a device is tuned; large sizes would take minutes on software adapters.
fn fits(size: Size, target: &Target, quick: bool) -> bool {
    size == Size::Small || !quick && (size == Size::Medium || !target.software)
}

/// The kernels with more than one variant on `target`, and their variants. On software adapters, where barriers are expensive, variants made
/// for GPUs are tried only of kernels that are asked for.
fn choices(target: &Target, wanted: &str) -> Vec<(&'static Source, Vec<&'static str>)> {
    let tried = |a: Adapters| a.run_on(target) && !(target.software && wanted.is_empty() && a == Adapters::Hardware);
    let variants = |s: &'static Source| s.variants.iter().filter(|v| tried(v.adapters)).map(|v| v.name).collect();
    let sources = crate::ops::sources().into_iter().filter(|s| contains(s.name, wanted));
    sources.map(|s| (s, variants(s))).filter(|(_, v): &(_, Vec<_>)| v.len() > 1).collect()
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
