//! The names of files in BIDS: entities, a suffix and an extension.

use std::fmt;

/// The order of entities in a name, as BIDS 1.10 and XCP-D have it. Entities that are not listed come after all others.
const ORDER: [&str; 22] = [
    "sub", "ses", "task", "acq", "ce", "rec", "dir", "run", "echo", "part", "hemi", "space", "cohort", "chunk", "atlas", "seg", "scale",
    "res", "den", "stat", "measure", "desc",
];

/// The place of an entity in a name.
pub(super) fn place(key: &str) -> usize {
    ORDER.iter().position(|k| *k == key).unwrap_or(ORDER.len())
}

/// The name of a file taken apart: `sub-01_task-rest_bold.nii.gz` has the entities sub and task, the suffix `bold` and the extension
/// `.nii.gz`.
///
/// ```
/// use tapetum::data::bids::BidsName;
///
/// let name = BidsName::parse("sub-01_task-rest_seg-Tian_stat-mean_timeseries.tsv").unwrap();
/// assert_eq!((name.get("seg"), name.suffix(), name.extension()), (Some("Tian"), "timeseries", ".tsv"));
/// assert_eq!(name.with("stat", "covariance").ending("relmat", ".tsv").to_string(), "sub-01_task-rest_seg-Tian_stat-covariance_relmat.tsv");
/// assert!(BidsName::parse("sub-01.html").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BidsName {
    entities: Vec<(String, String)>,
    suffix: String,
    extension: String,
}

impl BidsName {
    /// Takes the name of a file apart. `None` where it is not of the form `key-value_key-value_suffix.extension`: a part without a hyphen
    /// before the suffix, a key or a value that is empty or has other characters than letters and digits (a value also `+` and `.`), a key
    /// that stands twice, or no suffix. A name without entities is accepted.
    pub fn parse(name: &str) -> Option<Self> {
        let (entities, last) = name.rsplit_once('_').map_or((None, name), |(entities, last)| (Some(entities), last));
        let (suffix, extension) = last.split_at(last.find('.').unwrap_or(last.len()));
        let is_suffix = !suffix.is_empty() && suffix.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_suffix || !extension.chars().all(|c| c.is_alphanumeric() || c == '.') {
            return None;
        }
        let mut found: Vec<(String, String)> = Vec::new();
        for part in entities.into_iter().flat_map(|entities| entities.split('_')) {
            let (key, value) = part.split_once('-')?;
            let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric());
            let is_value = !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '+' | '.'));
            if !is_key || !is_value || found.iter().any(|(other, _)| other == key) {
                return None;
            }
            found.push((key.to_owned(), value.to_owned()));
        }
        Some(Self { entities: found, suffix: suffix.to_owned(), extension: extension.to_ascii_lowercase() })
    }

    /// The value of an entity, by its key: `get("sub")` of `sub-01_..` is `01`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entities.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// The entities in the order of the name, each a key and a value.
    pub fn entities(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entities.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The content of the file: `bold`, `timeseries`, `relmat`.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// The extension in lower case, from the first dot on: `.nii.gz`, `.ptseries.nii`. Empty where there is none.
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// The name of the atlas that gave the regions: XCP-D writes `atlas-` or `seg-`, by its version.
    pub fn atlas(&self) -> Option<&str> {
        self.get("atlas").or_else(|| self.get("seg"))
    }

    /// The name with this value of an entity, at the place where the name has the entity, or where BIDS wants it.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        match self.entities.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => value.clone_into(old),
            None => {
                let at = self.entities.iter().position(|(k, _)| place(k) > place(key)).unwrap_or(self.entities.len());
                self.entities.insert(at, (key.to_owned(), value.to_owned()));
            }
        }
        self
    }

    /// The name without an entity.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.entities.retain(|(k, _)| k != key);
        self
    }

    /// The name with another suffix and extension.
    #[must_use]
    pub fn ending(self, suffix: &str, extension: &str) -> Self {
        Self { suffix: suffix.to_owned(), extension: extension.to_owned(), ..self }
    }

    /// The entities that both names have with the same value, with the suffix and the extension of this one.
    #[must_use]
    pub fn shared(mut self, other: &Self) -> Self {
        self.entities.retain(|(key, value)| other.get(key) == Some(value));
        self
    }

    /// True where every entity of `self` has the same value in `other`: a sidecar of this name holds for a file of that name.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.entities.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl fmt::Display for BidsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entities.iter().try_for_each(|(key, value)| write!(f, "{key}-{value}_"))?;
        write!(f, "{}{}", self.suffix, self.extension)
    }
}
