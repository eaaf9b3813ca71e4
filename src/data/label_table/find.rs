//! The table of labels beside an atlas.

use std::path::{Path, PathBuf};

/// The ends of the names of tables, after the atlas' stem, in the order in which they are looked for.
const ENDS: [&str; 7] = [".tsv", "_dseg.tsv", ".csv", "_LUT.txt", "LUT.txt", ".txt", ".xml"];

/// BIDS entities that a table may leave out, for it holds for atlases in every space and resolution.
const OF_SPACE: [&str; 4] = ["space-", "res-", "den-", "cohort-"];

/// The table of labels beside an atlas `STEM.nii.gz`: the first of `STEM.tsv`, `STEM_dseg.tsv`, `STEM.csv`, `STEM_LUT.txt`, `STEMLUT.txt`,
/// `STEM.txt` and `STEM.xml` that there is, or else one of these for the stem without the BIDS entities of space and resolution:
/// `atlas-X_dseg.tsv` beside `atlas-X_space-Y_res-2_dseg.nii.gz`.
pub(super) fn beside(atlas: &Path) -> Option<PathBuf> {
    let name = atlas.file_name()?.to_str()?;
    let lower = name.to_lowercase();
    let stem = [".nii.gz", ".nii"].iter().find_map(|end| lower.ends_with(end).then(|| &name[..name.len() - end.len()]))?;
    let is_of_space = |part: &&str| OF_SPACE.iter().any(|entity| part.starts_with(entity));
    let everywhere = stem.split('_').filter(|part| !is_of_space(part)).collect::<Vec<_>>().join("_");
    let stems = [stem, &everywhere];
    let names = stems.iter().flat_map(|stem| ENDS.iter().map(move |end| format!("{stem}{end}")));
    names.map(|name| atlas.with_file_name(name)).find(|path| path.is_file())
}
