//! A workflow on several ranks: parts of batches, and what must be the same on all ranks.

use super::Workflow;
use super::run::Checkpoints;
use crate::checkpoint::Checkpoint;
use crate::communicator::Communicator;
use crate::{Device, Error, Program, Result, State};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The place of a run: a device, and the ranks of which this is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) device: &'a Device,
    pub(super) ranks: &'a dyn Communicator,
}

/// Numbers in words: "1, 2 or 4".
fn either(numbers: &[usize]) -> String {
    match numbers {
        [] => String::new(),
        [one] => one.to_string(),
        [rest @ .., last] => format!("{} or {last}", rest.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

impl Workflow {
    /// The numbers of subjects of a step, over the folds.
    fn batches(&self) -> BTreeSet<usize> {
        self.folds.iter().map(|fold| self.batch_of(&fold.train)).collect()
    }

    /// The multiples of `of` that divide the batches of all folds.
    fn divisors(&self, of: usize) -> Vec<usize> {
        let batches = self.batches();
        let most = batches.first().copied().unwrap_or(0);
        (1..=most).filter(|k| k.is_multiple_of(of) && batches.iter().all(|batch| batch.is_multiple_of(*k))).collect()
    }

    /// True where a model is trained.
    pub(super) fn trains(&self) -> bool {
        self.train.steps > 0 && !self.terms.is_empty() && self.parameters.iter().any(|parameter| parameter.learn)
    }

    /// Refuses a number of parts that does not divide every batch.
    pub(super) fn check_parts(&self) -> Result<()> {
        let parts = self.train.microbatches;
        let Some(batch) = self.batches().into_iter().find(|batch| !batch.is_multiple_of(parts)) else { return Ok(()) };
        let would = either(&self.divisors(1));
        Err(Error::argument(format!("train.microbatches: {parts} does not divide the {batch} {} of a step: {would} would", self.samples)))
    }

    /// The number of subjects that are evaluated at once: as many as in a part of a step.
    pub(super) fn chunk_of(&self, subjects: &[usize]) -> usize {
        self.batch_of(subjects).div_ceil(self.train.microbatches)
    }

    /// Checks that this run can be spread over these ranks, and that all ranks are about to make the same run: the version of this crate,
    /// the workflow with all that was set, the hashes of its inputs, the seed, and the kind of device.
    ///
    /// # Errors
    /// Returns an error where the number of ranks does not divide `train.microbatches`, which says what would do; and one that names the
    /// first rank that differs from rank 0, the same on all ranks.
    pub fn check_over(&self, device: &Device, ranks: &dyn Communicator) -> Result<()> {
        let size = ranks.size();
        if size == 1 {
            return Ok(());
        }
        let own = json!({
            "version of tapetum": env!("CARGO_PKG_VERSION"), "workflow": self.json, "seed": self.seed, "device": kind_of(device),
            "inputs": self.files.values().collect::<Vec<_>>(),
        });
        let all = ranks.gather(own.to_string().as_bytes())?;
        if let Some(rank) = all.iter().position(|bytes| *bytes != all[0]) {
            return Err(Error::argument(difference(rank, &all[0], &all[rank])));
        }
        if !self.trains() || self.train.microbatches.is_multiple_of(size) {
            return Ok(());
        }
        let most = self.batches().into_iter().map(|batch| batch.to_string()).collect::<Vec<_>>().join(", ");
        let advice = match self.divisors(size).as_slice() {
            [] => format!(
                "no multiple of {size} divides the {most} {} of a step: another number of ranks, or another `train.batch`",
                self.samples
            ),
            [first, ..] => format!("{} would do: --set train.microbatches={first}", either(&self.divisors(size))),
        };
        Err(Error::argument(format!(
            "train.microbatches: {} parts of a step do not spread over {size} ranks: {advice}",
            self.train.microbatches
        )))
    }

    /// Restores the state of a fold from the checkpoint that rank 0 has, if it resumes and has one.
    pub(super) fn resume(
        &self,
        site: Site<'_>,
        state: &State,
        fold: usize,
        models: Option<&Checkpoints>,
        programs: &[&Program],
    ) -> Result<()> {
        let path = models.map_or_else(|| PathBuf::from("the checkpoint of rank 0"), |models| models.file(fold));
        let mut sent = Vec::new();
        if site.ranks.rank() == 0 && models.is_some_and(Checkpoints::resumes) && path.exists() {
            sent = std::fs::read(&path).map_err(|e| Error::io(&path, "cannot be read", &e))?;
            sent.push(1);
        }
        let mut found = site.ranks.broadcast(sent)?;
        // The last byte tells an empty file from none.
        if found.pop().is_none() {
            return Ok(());
        }
        Checkpoint::parse(path, &found)?.resume(state, programs)
    }
}

/// The kind of a device: ranks on different kinds would compute different bits.
fn kind_of(device: &Device) -> Value {
    let adapter = match device {
        Device::Gpu(context) => format!("{} ({}, {})", device.name(), context.adapter().backend(), context.adapter().driver()),
        Device::Cpu(precision) => format!("cpu ({precision:?})"),
    };
    json!([adapter, std::env::consts::ARCH, instructions()])
}

/// The sets of vector instructions by which products on the host choose their kernels.
fn instructions() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx", is_x86_feature_detected!("avx")),
        ("fma", is_x86_feature_detected!("fma")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let found: [(&str, bool); 0] = [];
    found.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
}

/// The first part in which a rank's run differs from that of rank 0.
fn difference(rank: usize, first: &[u8], other: &[u8]) -> String {
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let (first, other) = (read(first), read(other));
    let keys = ["version of tapetum", "workflow", "inputs", "seed", "device"];
    let Some(key) = keys.into_iter().find(|key| first[key] != other[key]) else {
        return format!("rank {rank}: it is not about to make the same run as rank 0");
    };
    match key {
        "workflow" => format!("rank {rank}: its workflow, or what was set of it, is not that of rank 0"),
        "inputs" => format!("rank {rank}: a file that the workflow reads has other bytes there than on rank 0"),
        key => format!("rank {rank}: its {key} is {}, and that of rank 0 is {}", other[key], first[key]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named() {
        let run = |seed: u64, inputs: &[&str]| {
            json!({ "version of tapetum": "1", "workflow": {}, "seed": seed, "inputs": inputs, "device": "cpu" }).to_string()
        };
        let said = |other: String| difference(2, run(0, &["a"]).as_bytes(), other.as_bytes());
        assert_eq!(said(run(7, &["a"])), "rank 2: its seed is 7, and that of rank 0 is 0");
        assert!(said(run(0, &["b"])).starts_with("rank 2: a file that the workflow reads"));
    }

    #[test]
    fn numbers_in_words() {
        assert_eq!([&[][..], &[4], &[4, 8], &[1, 2, 3]].map(either), ["", "4", "4 or 8", "1, 2 or 3"]);
    }
}
