//! Handling of signals. A signal ends the command between two writes, never within one, so that no temporary file is left. The library
//! itself handles no signals.

use crate::file::hold_writes;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::fs;

/// Starts a thread that waits for signals. Signals that were ignored when the command started, for example by `nohup`, stay ignored.
pub(super) fn end_between_writes() {
    let ignored = ignored();
    let heard = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let Ok(mut signals) = Signals::new(heard) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let _held = hold_writes();
            // The call ends the process. It would fail only for an unknown signal, and none of these is.
            let _ = emulate_default_handler(signal);
        }
    });
}

/// The ignored signals as bits, the lowest for signal 1, where the system reports them; 0 elsewhere.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
