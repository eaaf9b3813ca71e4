//! The folder of what the command keeps from one run to the next: compiled pipelines.

use etcetera::{BaseStrategy, base_strategy};
use std::path::PathBuf;

/// The variable that names the folder; `none` keeps nothing.
const VARIABLE: &str = "TAPETUM_CACHE";

/// The folder that the environment names (an empty variable counts as not set), else `tapetum` in the user's folder of caches. `None` where
/// nothing is kept, or the user has no such folder.
pub(super) fn folder() -> Option<PathBuf> {
    match std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) if folder == "none" => None,
        Some(folder) => Some(folder.into()),
        None => base_strategy::choose_native_strategy().ok().map(|user| user.cache_dir().join("tapetum")),
    }
}
