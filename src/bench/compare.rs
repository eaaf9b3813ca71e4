//! The comparison of a run with an earlier run on the same device.
//!
//! A machine's speed varies from run to run: its clocks follow its temperature, and other programs use it too. Three measures separate this
//! variation from a change of a kernel. First, the *control*, a copy between two large buffers whose kernel nobody tunes, is timed just
//! before and just after each row in both runs, and the row's ratio is divided by the ratio of its controls, because anything that slows
//! all kernels slows the copy as well. A row whose control was not steady in one of the runs is not compared. The control can excuse a row
//! and never accuses it: where other work slowed the control of the earlier run alone, a kernel that takes the same time in both would seem
//! slower by this division. Second, a row that looks slower is timed twice more at once, and up to three times after all others; the
//! fastest is judged. Third, a kernel counts as slower only where its median and its fastest time both pass the threshold, the median also
//! when divided by the control's, *and* the times differ by more than they spread: the new lower quartile lies above the old upper
//! quartile, even if the machine became slower by as much as the control's own quartiles allow. A divided ratio that passes the threshold
//! without meeting all of these is called noise. On a machine that is busy with other work all rows may be noise, and only a run on a
//! quieter machine decides. The control is printed first, with its range. Where the control changed by more than the threshold, the machine
//! did, and the verdicts on small kernels, whose time is mostly that of launches and not of memory traffic, are unreliable.

use super::ceilings::Beside;
use super::machine::Machine;
use super::measure::Stats;
use super::report::{FORMAT, Report, Row};
use crate::{Error, Result};
use serde_json::{Value, json};
use std::path::Path;

/// The parts of an earlier run that a comparison reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    machine: Machine,
    control: Stats,
    control_bytes: f64,
    timing: String,
    rows: Vec<Timed>,
}

/// The identity of a row, by which it is found in both runs. The variant is not part of it, so that two variants of a kernel can be
/// compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `family/kernel`.
    pub kernel: String,
    /// The work.
    pub work: String,
    /// `forward` or `reverse`.
    pub direction: String,
    /// The shapes of the operands.
    pub shape: String,
}

/// A row of the earlier run.
#[derive(Debug, Clone, PartialEq)]
struct Timed {
    key: Key,
    time: Stats,
    beside: Beside,
}

/// The outcome of comparing a kernel's time with the earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The ratio lies within the threshold.
    Same,
    /// The ratios of the medians and of the fastest times exceed the threshold, the first also when divided by the control's, and the times
    /// differ by more than they spread.
    Slower,
    /// The same ratios are below the inverse of the threshold, and the times differ by more than they spread.
    Faster,
    /// The divided ratio passes the threshold in either direction, but another condition is not met.
    Noise,
}

impl Verdict {
    /// The name in tables; empty for [`Verdict::Same`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Slower => "SLOWER",
            Self::Faster => "faster",
            Self::Noise => "noise",
        }
    }
}

/// A ratio of medians, and the least and the most that the quartiles of both allow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The new lower quartile divided by the old upper quartile.
    pub low: f64,
    /// The new median divided by the old median.
    pub ratio: f64,
    /// The new upper quartile divided by the old lower quartile.
    pub high: f64,
}

impl Range {
    fn of(old: Stats, new: Stats) -> Self {
        Self { low: new.q1 / old.q3, ratio: new.median / old.median, high: new.q3 / old.q1 }
    }

    fn scaled(self, by: f64) -> Self {
        Self { low: self.low * by, ratio: self.ratio * by, high: self.high * by }
    }
}

/// A row that both runs have.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The row's identity in both runs.
    pub key: Key,
    /// The time in the earlier run.
    pub old: Stats,
    /// The time in this run.
    pub new: Stats,
    /// The new median divided by the old one.
    pub ratio: f64,
    /// The ratio divided by the control's ratio. Within the threshold of 1, the verdict is [`Verdict::Same`].
    pub judged: f64,
    /// The verdict.
    pub verdict: Verdict,
}

/// The comparison of two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The control's time per byte in this run, divided by that in the earlier run.
    pub control: Range,
    /// The ratio above which a change of time counts.
    pub threshold: f64,
    /// The rows that both have.
    pub rows: Vec<Compared>,
    /// Rows of this run that the earlier one lacks.
    pub unmatched: usize,
    /// Rows that are not compared, because the control beside them was not steady in one of the runs.
    pub unsteady: usize,
}

impl Baseline {
    /// Reads a `bench.json`.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the file cannot be read or is not a `bench.json`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "cannot be read", &e))?;
        let json: Value = crate::json::parse(&text).map_err(|e| Error::file(path, format!("is no JSON: {e}")))?;
        match json.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            Some(other) => return Err(Error::file(path, format!("is of format {other}: {FORMAT} expected, as this version writes it"))),
            None => return Err(Error::file(path, "has no `format`: a bench.json of `tapetum bench` expected")),
        }
        Self::parse(&json)
            .map_err(|what| Error::file(path, format!("has no well-formed `{what}`: a bench.json of `tapetum bench` expected")))
    }

    fn parse(json: &Value) -> Result<Self, &'static str> {
        let of = |key: &'static str| json.get(key).ok_or(key);
        let rows = of("rows")?.as_array().ok_or("rows")?;
        Ok(Self {
            machine: Machine::parse(of("machine")?).ok_or("machine")?,
            control: Stats::parse(of("control")?).filter(|s| s.median > 0.0).ok_or("control")?,
            control_bytes: of("control")?.get("bytes").and_then(Value::as_f64).filter(|b| *b > 0.0).ok_or("control")?,
            timing: of("timing")?.as_str().ok_or("timing")?.to_owned(),
            rows: rows.iter().map(row).collect::<Option<_>>().ok_or("rows")?,
        })
    }

    /// Refuses an earlier run that cannot be compared with this one.
    ///
    /// # Errors
    /// Returns [`Error::File`] where the earlier run is of another device or driver, or was timed by another clock.
    pub fn check(&self, path: &Path, machine: &Machine, timing: &str) -> Result<()> {
        if !self.machine.same_device(machine) {
            let what = format!("was measured on {}, and this is {}: nothing to compare", self.machine.device(), machine.device());
            return Err(Error::file(path, what));
        }
        if self.timing != timing {
            return Err(Error::file(path, format!("was timed by `{}`, and this run is by `{timing}`: nothing to compare", self.timing)));
        }
        Ok(())
    }

    /// Compares `report` with this earlier run; a change of time counts above the ratio `threshold`.
    pub fn compare(&self, report: &Report, threshold: f64) -> Comparison {
        let control = Range::of(self.control, report.control).scaled(self.control_bytes / report.control_bytes);
        let found: Vec<_> = report.rows.iter().filter_map(|r| self.judge(r, threshold)).collect();
        let (matched, unmatched) = (found.len(), report.rows.len() - found.len());
        let rows: Vec<_> = found.into_iter().flatten().collect();
        Comparison { control, threshold, unmatched, unsteady: matched - rows.len(), rows }
    }

    /// The verdict on a row: nothing where the earlier run has none of its key, `Some(None)` where either was not timed beside a steady
    /// control.
    fn judge(&self, row: &Row, threshold: f64) -> Option<Option<Compared>> {
        let old = self.rows.iter().find(|old| old.key.names(row))?;
        let steady = old.beside.steady && row.beside.steady;
        let control = Range::of(old.beside.control, row.beside.control);
        Some(steady.then(|| judge(old.key.clone(), old.time, row.time, control, threshold)))
    }
}

impl Key {
    fn names(&self, r: &Row) -> bool {
        (&*self.kernel, &*self.work, &*self.direction, &*self.shape) == (&*r.kernel, &*r.work, r.direction.name(), &*r.shape)
    }
}

/// The doubt whether a kernel is as fast as in an earlier run.
#[derive(Debug)]
pub(super) struct Suspicion<'a> {
    baseline: &'a Baseline,
    threshold: f64,
}

impl<'a> Suspicion<'a> {
    pub(super) fn new(baseline: &'a Baseline, threshold: f64) -> Self {
        Self { baseline, threshold }
    }

    /// True where the row would be called slower, or could not be judged.
    pub(super) fn slower(&self, row: &Row) -> bool {
        let judged = self.baseline.judge(row, self.threshold);
        judged.is_some_and(|found| found.is_none_or(|compared| compared.verdict == Verdict::Slower))
    }
}

fn row(json: &Value) -> Option<Timed> {
    let text = |key: &str| json.get(key)?.as_str().map(str::to_owned);
    let key = Key { kernel: text("kernel")?, work: text("work")?, direction: text("direction")?, shape: text("shape")? };
    let positive = |json: &Value| Stats::parse(json).filter(|s| s.median > 0.0);
    let beside = Beside { control: positive(json.get("control")?)?, steady: json.get("steady")?.as_bool()? };
    Some(Timed { key, time: positive(json)?, beside })
}

fn judge(key: Key, old: Stats, new: Stats, control: Range, threshold: f64) -> Compared {
    let found = Range::of(old, new);
    let judged = found.ratio / control.ratio;
    let ratios = [judged, found.ratio, new.min / old.min];
    let [above, below] = [ratios.iter().all(|r| *r > threshold), ratios.iter().all(|r| *r < 1.0 / threshold)];
    let verdict = match judged {
        _ if above && found.low > control.high.max(1.0) => Verdict::Slower,
        _ if below && found.high < control.low.min(1.0) => Verdict::Faster,
        r if (1.0 / threshold..=threshold).contains(&r) => Verdict::Same,
        _ => Verdict::Noise,
    };
    Compared { key, old, new, ratio: found.ratio, judged, verdict }
}

impl Comparison {
    /// True where a kernel became slower by more than the threshold.
    pub fn slower(&self) -> bool {
        self.rows.iter().any(|r| r.verdict == Verdict::Slower)
    }

    /// True where the machine itself became faster or slower by more than the threshold.
    pub fn machine_moved(&self) -> bool {
        self.control.ratio > self.threshold || self.control.ratio < 1.0 / self.threshold
    }

    /// The comparison as JSON.
    pub fn json(&self) -> Value {
        let row = |r: &Compared| {
            json!({
                "kernel": r.key.kernel, "work": r.key.work, "direction": r.key.direction, "shape": r.key.shape,
                "old_ns": r.old.median, "new_ns": r.new.median, "ratio": r.ratio, "judged": r.judged,
                "verdict": if r.verdict == Verdict::Same { "same".into() } else { r.verdict.name().to_lowercase() },
            })
        };
        json!({
            "control": { "ratio": self.control.ratio, "low": self.control.low, "high": self.control.high }, "threshold": self.threshold,
            "unmatched": self.unmatched, "unsteady": self.unsteady, "slower": self.slower(),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Range, Stats, Verdict, judge};

    const STEADY: [f64; 3] = [1.0; 3];

    fn verdict(old: [f64; 3], new: [f64; 3], [low, ratio, high]: [f64; 3]) -> (Verdict, f64) {
        let stats = |[q1, median, q3]: [f64; 3]| Stats { q1, median, q3, min: q1, samples: 9 };
        let key = Key { kernel: "k".into(), work: "w".into(), direction: "forward".into(), shape: "[1]".into() };
        let found = judge(key, stats(old), stats(new), Range { low, ratio, high }, 1.1);
        (found.verdict, found.judged)
    }

    #[test]
    fn a_change_passes_the_threshold_and_the_quartiles() {
        let old = [98.0, 100.0, 102.0];
        assert_eq!(verdict(old, old, STEADY), (Verdict::Same, 1.0));
        assert_eq!(verdict(old, [118.0, 120.0, 122.0], STEADY), (Verdict::Slower, 1.2));
        assert_eq!(verdict(old, [49.0, 50.0, 51.0], STEADY), (Verdict::Faster, 0.5));
        // The median is as much slower, but the times spread so far that the kernel may be as fast as before.
        assert_eq!(verdict(old, [101.0, 120.0, 150.0], STEADY), (Verdict::Noise, 1.2));
        assert_eq!(verdict(old, [106.0, 108.0, 110.0], STEADY).0, Verdict::Same);
    }

    /// A kernel that takes 1.3 times as long is seen through the spread of a machine that is a little busy, unless the control became
    /// slower too.
    #[test]
    fn three_tenths_slower_is_seen() {
        for control in [STEADY, [0.92, 1.0, 1.09], [0.7, 0.8, 0.9]] {
            assert_eq!(verdict([96.0, 100.0, 108.0], [126.0, 130.0, 139.0], control).0, Verdict::Slower, "{control:?}");
        }
    }

    #[test]
    fn what_slowed_the_control_is_no_change() {
        let old = [98.0, 100.0, 102.0];
        assert_eq!(verdict(old, [118.0, 120.0, 122.0], [1.2; 3]), (Verdict::Same, 1.0));
        // The same time beside a control that takes half or twice as long may be a gain or a loss, or the control alone was disturbed.
        assert_eq!(verdict(old, old, [2.0; 3]), (Verdict::Noise, 0.5));
        assert_eq!(verdict(old, old, [0.5; 3]), (Verdict::Noise, 2.0));
        // A kernel that became slower while the control became faster is no less slow for it.
        assert_eq!(verdict(old, [198.0, 200.0, 202.0], [0.5; 3]), (Verdict::Slower, 4.0));
    }

    /// Times that other work stretched have a fastest one that it did not.
    #[test]
    fn the_fastest_times_must_differ_too() {
        let stats = |median: f64, min: f64| Stats { q1: median, median, q3: median, min, samples: 9 };
        let key = || Key { kernel: "k".into(), work: "w".into(), direction: "forward".into(), shape: "[1]".into() };
        let steady = Range { low: 1.0, ratio: 1.0, high: 1.0 };
        assert_eq!(judge(key(), stats(100.0, 99.0), stats(200.0, 100.0), steady, 1.1).verdict, Verdict::Noise);
        assert_eq!(judge(key(), stats(100.0, 99.0), stats(200.0, 199.0), steady, 1.1).verdict, Verdict::Slower);
        assert_eq!(judge(key(), stats(200.0, 100.0), stats(100.0, 99.0), steady, 1.1).verdict, Verdict::Noise);
        // A time that is none proves nothing.
        assert_eq!(judge(key(), stats(100.0, 99.0), stats(f64::NAN, 199.0), steady, 1.1).verdict, Verdict::Noise);
    }

    #[test]
    fn beside_an_unsteady_control_little_is_certain() {
        let old = [98.0, 100.0, 102.0];
        assert_eq!(verdict(old, [148.0, 150.0, 152.0], [0.7, 1.0, 1.6]), (Verdict::Noise, 1.5));
        assert_eq!(verdict(old, [198.0, 200.0, 202.0], [0.7, 1.0, 1.6]), (Verdict::Slower, 2.0));
        assert_eq!(verdict(old, [78.0, 80.0, 82.0], [0.7, 1.0, 1.6]), (Verdict::Noise, 0.8));
    }
}
