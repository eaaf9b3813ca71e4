//! Windows and their states as files, for the workflow beside this example.

use crate::behaviour::classes;
use crate::recordings::{Recordings, WINDOW};
use std::fmt::Write;
use std::path::Path;
use tapetum::Result;
use tapetum::data::npy_bytes;
use tapetum::file::OutputFolder;

/// The number of frames between two windows.
const EVERY: usize = 4;

/// `windows.npy` `[windows, neurons, WINDOW]` and `windows.csv` (worm, first frame, state), of the windows that end in one of four states.
pub fn write(data: &Path, folder: &Path) -> Result<()> {
    let data = Recordings::read(data)?;
    let (class, names) = classes(&data.states, true);
    let mut table = String::from("worm,frame,state\n");
    let mut starts = Vec::new();
    for (worm, first) in (0..data.worms.len()).flat_map(|w| data.of(w, WINDOW, EVERY)) {
        let state = class[data.worms[worm].states[first + WINDOW - 1] as usize];
        if let Some(name) = usize::try_from(state).ok().and_then(|s| names.get(s)) {
            starts.push((worm, first));
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{worm},{first},{name}");
        }
    }
    let mut out = OutputFolder::new(folder)?;
    out.add("windows.npy", &npy_bytes(&data.windows(&starts, WINDOW)?)?)?;
    out.add("windows.csv", table.as_bytes())?;
    out.commit()?;
    println!("{} windows of {} worms are in {}", starts.len(), data.worms.len(), folder.display());
    Ok(())
}
