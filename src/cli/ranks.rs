//! Ranks: whether a launcher of MPI has started several processes of this command, and what each of them uses of its machine.

mod frames;
mod together;

pub(super) use frames::Frames;

use super::common::{fault, note, quieten};
use crate::communicator::{Alone, Communicator};
use crate::{Error, Result};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The variable by which processes that a launcher has started run each by itself.
const SWITCH: &str = "TAPETUM_MPI";

/// The ranks of this run, and the place of this one on its machine.
#[derive(Debug, Clone)]
pub(super) struct Ranks {
    pub(super) communicator: Arc<dyn Communicator>,
    /// The number of this rank among those of its machine, counted from 0.
    pub(super) local: usize,
    /// The name of the machine, where there are several ranks.
    machine: String,
    /// True once all ranks know that one of them has failed. They then do nothing together any more.
    over: Cell<bool>,
}

impl Default for Ranks {
    fn default() -> Self {
        Self { communicator: Arc::new(Alone), local: 0, machine: String::new(), over: Cell::new(false) }
    }
}

/// The number of processes that a launcher has started, and the variable that says so. `None` where no launcher did, or the environment
/// does not say how many.
fn launched(variable: impl Fn(&str) -> Option<String>) -> Option<(&'static str, usize)> {
    // Inside an allocation of Slurm, `mpirun` starts the processes, and its own variables come first.
    const SIZES: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"];
    SIZES.into_iter().find_map(|name| Some((name, variable(name)?.trim().parse().ok()?)))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// True where the environment says that this process is not the first that a launcher has started.
pub(super) fn follows() -> bool {
    const RANKS: [&str; 4] = ["OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"];
    let several = !is_off() && launched(variable).is_some_and(|(_, size)| size > 1);
    several && RANKS.into_iter().find_map(variable).is_some_and(|rank| rank.trim() != "0")
}

fn is_off() -> bool {
    variable(SWITCH).is_some_and(|value| matches!(value.as_str(), "0" | "off"))
}

impl Ranks {
    /// The ranks of this run: those of the launcher, or this process alone.
    pub(super) fn start() -> Result<Self> {
        match launched(variable) {
            Some((by, size)) if size > 1 && !is_off() => Self::of_launcher(by, size),
            _ => Ok(Self::default()),
        }
    }

    #[cfg(not(feature = "mpi"))]
    fn of_launcher(by: &str, size: usize) -> Result<Self> {
        Err(Error::argument(format!(
            "{by}={size}: this command was built without MPI, and {size} processes would each write the same files: rebuild it with `--features \
             mpi`, or set {SWITCH}=off where each is to run by itself"
        )))
    }

    #[cfg(feature = "mpi")]
    fn of_launcher(by: &str, size: usize) -> Result<Self> {
        let mpi = crate::communicator::Mpi::new()?;
        if mpi.size() != size {
            return Err(Error::argument(format!(
                "{by}={size}: MPI sees {} of these processes: start them by the launcher of the MPI that this command was built for (under Slurm \
                 `srun --mpi=pmix` or `mpirun`), or set {SWITCH}=off where each is to run by itself",
                mpi.size()
            )));
        }
        let machine = mpi.machine();
        Self::with(Arc::new(mpi), machine)
    }

    /// Finds the place of this rank on its machine, shares the machine's cores, and keeps all ranks but the first silent.
    #[cfg_attr(not(feature = "mpi"), allow(dead_code, reason = "only MPI has several ranks here"))]
    fn with(communicator: Arc<dyn Communicator>, machine: String) -> Result<Self> {
        let own = format!("{machine}\n{}", allowed());
        let all = communicator.gather(own.as_bytes())?;
        let all: Vec<String> = all.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
        let here: Vec<(usize, &str)> = all
            .iter()
            .enumerate()
            .filter_map(|(rank, said)| Some((rank, said.split_once('\n').filter(|(name, _)| *name == machine)?.1)))
            .collect();
        let local = here.iter().filter(|(rank, _)| *rank < communicator.rank()).count();
        let sets: Vec<BTreeSet<usize>> = here.iter().map(|(_, list)| cores(list)).collect();
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        share_cores(threads(&cores(&allowed()), &sets, available));
        if communicator.rank() > 0 {
            quieten();
        }
        Ok(Self { communicator, local, machine, over: Cell::new(false) })
    }

    /// Prints an error. Where there are several ranks, the line names this one, and all end.
    pub(super) fn fail(&self, error: &Error) {
        let (rank, size) = (self.communicator.rank(), self.communicator.size());
        if size == 1 {
            return fault(&format!("tapetum: {error}"));
        }
        if rank > 0 {
            // Rank 0 ends the others in this time where all meet the same error, so that it is printed once.
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        let what = format!("tapetum: rank {rank} of {size} ({}): {error}", self.machine);
        fault(&what);
        self.communicator.abort(&what);
    }

    /// Prints the number of ranks where there are several.
    pub(super) fn say(&self) {
        let size = self.communicator.size();
        if size > 1 {
            note(&format!("ranks: {size}"));
        }
    }

    /// Refuses several ranks for a subcommand that has nothing to spread over them.
    pub(super) fn only_one(&self, subcommand: &str) -> Result<()> {
        match self.communicator.size() {
            1 => Ok(()),
            size => Err(Error::argument(format!(
                "{subcommand}: started as {size} ranks, and it runs as one process: start it without a launcher"
            ))),
        }
    }
}

/// The cores that this process may run on, as Linux lists them; empty elsewhere.
fn allowed() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default().trim().to_owned()
}

/// The cores of a list such as `0-3,8`.
fn cores(list: &str) -> BTreeSet<usize> {
    let part = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.trim().parse().ok()?..=to.trim().parse::<usize>().ok()?)
    };
    list.split(',').filter_map(part).flatten().collect()
}

/// The number of threads of a rank: its cores, shared with the ranks of the same machine that may run on them too. `available` is what the
/// system grants, which may be less than the cores.
fn threads(own: &BTreeSet<usize>, of_machine: &[BTreeSet<usize>], available: usize) -> usize {
    let ranks = of_machine.len().max(1);
    let all: BTreeSet<usize> = of_machine.iter().flatten().copied().collect();
    // The ranks share what the system grants, where that is less than the cores or the cores are not listed.
    let granted = if available < own.len() || own.is_empty() { available / ranks } else { available.min(all.len() / ranks) };
    granted.max(1)
}

/// Sets the number of threads that compute, unless the environment does.
fn share_cores(threads: usize) {
    #[cfg(feature = "host")]
    if variable("RAYON_NUM_THREADS").is_none() {
        // It fails only where threads were started before, and none were.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    #[cfg(not(feature = "host"))]
    let _ = threads;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn launchers_say_how_many_processes_there_are() {
        assert_eq!(launched(of(&[])), None);
        assert_eq!(launched(of(&[("PMI_SIZE", "4")])), Some(("PMI_SIZE", 4)));
        assert_eq!(launched(of(&[("OMPI_COMM_WORLD_SIZE", "4"), ("SLURM_STEP_NUM_TASKS", "1")])), Some(("OMPI_COMM_WORLD_SIZE", 4)));
        // A job of Slurm that is no step of several tasks.
        assert_eq!(launched(of(&[("SLURM_NTASKS", "8"), ("SLURM_PROCID", "0")])), None);
        assert_eq!(launched(of(&[("PMI_SIZE", "many")])), None);
    }

    #[test]
    fn cores_are_shared_by_the_ranks_that_may_run_on_them() {
        assert_eq!(cores("0-3,8"), BTreeSet::from([0, 1, 2, 3, 8]));
        assert_eq!((cores(""), cores("x,2")), (BTreeSet::new(), BTreeSet::from([2])));
        let all = cores("0-63");
        // Not bound: 4 ranks share 64 cores.
        assert_eq!(threads(&all, &[&all; 4].map(Clone::clone), 64), 16);
        // Each is bound to a core of its own.
        assert_eq!(threads(&cores("1"), &[cores("0"), cores("1")], 1), 1);
        // Bound to sockets of 32 cores, two ranks on each.
        let sockets = [cores("0-31"), cores("32-63"), cores("0-31"), cores("32-63")];
        assert_eq!(threads(&sockets[0], &sockets, 32), 16);
        // A container that may use two cores' time of 64.
        assert_eq!(threads(&all, &[&all; 4].map(Clone::clone), 2), 1);
        // A system that lists no cores.
        assert_eq!(threads(&cores(""), &[cores(""), cores("")], 8), 4);
    }
}
