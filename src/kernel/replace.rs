//! WGSL files that stand in for the crate's own, so that a kernel can be changed, checked and timed without building the crate.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The texts by path under `shaders/`, without the ending.
static REPLACED: OnceLock<BTreeMap<String, &'static str>> = OnceLock::new();

/// The text that stands in for the file of this path, given in parts; `own` where none does.
pub(crate) fn current(path: &[&str], own: &'static str) -> &'static str {
    REPLACED.get().and_then(|texts| texts.get(&path.concat())).copied().unwrap_or(own)
}

/// Makes these texts, by path under `shaders/`, stand in for the crate's own from now on. It is called once, before the first kernel is
/// made; false where it was called before.
#[cfg(feature = "cli")]
pub(crate) fn replace(texts: BTreeMap<String, String>) -> bool {
    // The texts live as long as the process, as the crate's own do.
    let texts = texts.into_iter().map(|(path, text)| (path, &*text.leak())).collect();
    REPLACED.set(texts).is_ok()
}
