//! Processes that a launcher of MPI has started. What several of them compute together is tested by `tests/tools/mpi.sh`.

use super::run::{Done, Folder, done};

/// Runs a line as one of two processes that a launcher started.
fn launched(folder: &Folder, rank: &str, line: &str) -> Done {
    let mut command = folder.command(line.split_whitespace());
    command.env("OMPI_COMM_WORLD_SIZE", "2").env("OMPI_COMM_WORLD_RANK", rank).env_remove("TAPETUM_MPI");
    done(command.output().unwrap())
}

#[test]
#[cfg(not(feature = "mpi"))]
fn a_command_that_was_built_without_mpi_refuses_several_processes() {
    let folder = Folder::new("without_mpi");
    launched(&folder, "1", "formats").failed(&["OMPI_COMM_WORLD_SIZE=2", "rebuild it with `--features mpi`", "TAPETUM_MPI=off"]);
}

#[test]
fn processes_run_each_by_itself_where_they_are_told_to_and_where_there_is_one() {
    let folder = Folder::new("by_itself");
    for (size, switch) in [("2", "off"), ("2", "0"), ("1", "")] {
        let mut command = folder.command(["formats"]);
        let found = done(command.env("OMPI_COMM_WORLD_SIZE", size).env("TAPETUM_MPI", switch).output().unwrap());
        assert!(found.code == Some(0) && found.stdout.lines().count() > 2, "{found:?}");
    }
}

/// A wrong command line is wrong in every process, and the first prints it.
#[test]
fn one_process_prints_the_usage() {
    let folder = Folder::new("usage");
    launched(&folder, "0", "run --no-such-option").misused("--no-such-option");
    let other = launched(&folder, "1", "run --no-such-option");
    assert_eq!((other.code, other.stdout.as_str(), other.stderr.as_str()), (Some(2), "", ""));
    assert!(launched(&folder, "0", "--help").stdout.contains("Usage"));
    assert_eq!(launched(&folder, "1", "--help").stdout, "");
}
