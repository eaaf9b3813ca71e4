//! Series of a cohort: commands that take series by a file take them by a BIDS tree too, and write results in the same layout.

mod connectivity;
mod denoise;
mod found;
mod notes;
mod outcome;
mod results;

pub(super) use connectivity::run as connectivity;
pub(super) use denoise::run as denoise;

use super::source::Source;
use crate::data::bids::{BidsQuery, BidsSeries};
use crate::{Error, Result};
use clap::builder::{ArgPredicate, NonEmptyStringValueParser};
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::path::{Path, PathBuf};

/// Series by a file, or by a BIDS tree.
#[derive(Debug, Clone)]
pub(super) struct Input {
    /// The file; with a tree, the options by which each of its files is read.
    pub(super) source: Source,
    pub(super) tree: Tree,
}

/// The BIDS tree, and the files that are taken of it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Series of a cohort")]
pub(super) struct Tree {
    /// A tree of BIDS derivatives in the place of a file of series: the folder that XCP-D or fMRIPrep wrote, or a glob in quotes such as
    /// 'xcp_d/sub-*/func/*_task-rest_*_timeseries.tsv'. --atlas then names the atlas of tables (4S456Parcels), or gives the image by which
    /// images have series. OUT is a folder, which gets a result for each participant, session, task and run, in the same layout.
    #[arg(long, value_name = "DIR|GLOB", conflicts_with = "series")]
    bids: Option<PathBuf>,
    /// Files in this space, such as MNI152NLin2009cAsym.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    space: Vec<String>,
    /// Files of these tasks.
    #[arg(long, value_name = "A,B,..", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    task: Vec<String>,
    /// Files of these sessions.
    #[arg(long, value_name = "A,B,..", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    session: Vec<String>,
    /// Files of these runs; `none` for files without a run.
    #[arg(long, value_name = "1,2,..", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    run: Vec<String>,
    /// Files of these participants.
    #[arg(long, value_name = "01,02,..", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    participant: Vec<String>,
    /// Files with this entity, as in their names: `res-2`, `desc-denoised`, or `desc-none` for files without it; may be given several times.
    #[arg(long, value_name = "KEY-VALUE", value_parser = entity)]
    entity: Vec<(String, String)>,
    /// The table of participants [default: participants.tsv in DIR, or in the data set whose `derivatives` hold DIR].
    #[arg(long, value_name = "TSV")]
    participants_tsv: Option<PathBuf>,
}

/// `KEY-VALUE`.
fn entity(text: &str) -> Result<(String, String), String> {
    match text.split_once('-') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("an entity as in names of files is expected, such as res-2".to_owned()),
    }
}

impl Input {
    /// The arguments of both. A tree stands in the place of the file.
    fn both(command: Command) -> Command {
        command.mut_arg("series", |series| {
            let series = series.required(false).required_unless_present("bids");
            series.default_value_if("bids", ArgPredicate::IsPresent, ".").hide_default_value(true)
        })
    }
}

impl Args for Input {
    fn augment_args(command: Command) -> Command {
        Self::both(Tree::augment_args(Source::augment_args(command)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::both(Tree::augment_args_for_update(Source::augment_args_for_update(command)))
    }
}

impl FromArgMatches for Input {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let made = Self { source: Source::from_arg_matches(matches)?, tree: Tree::from_arg_matches(matches)? };
        made.tree.check()?;
        Ok(made)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.source.update_from_arg_matches(matches)?;
        self.tree.update_from_arg_matches(matches)
    }
}

impl Tree {
    /// True where series are taken of a tree.
    pub(super) fn is_given(&self) -> bool {
        self.bids.is_some()
    }

    /// Checks that the options of a tree stand with one. Clap lets an option go that requires `bids` where a file is given, for the file
    /// excludes `bids`.
    fn check(&self) -> Result<(), clap::Error> {
        let lists = [&self.space, &self.task, &self.session, &self.run, &self.participant];
        let open = lists.iter().all(|list| list.is_empty()) && self.entity.is_empty() && self.participants_tsv.is_none();
        match self.is_given() || open {
            true => Ok(()),
            false => Err(clap::Error::raw(
                ErrorKind::MissingRequiredArgument,
                "--space, --task, --session, --run, --participant, --entity and --participants-tsv choose in a tree: --bids DIR is expected\n",
            )),
        }
    }

    /// The folder of the tree, and the glob below it where one is given. A folder whose name has a bracket in it is a folder.
    fn place(&self) -> Result<(PathBuf, Option<String>)> {
        let given = self.bids.as_deref().unwrap_or(Path::new("."));
        match BidsQuery::split_glob(given).filter(|_| !given.is_dir()) {
            Some((root, glob)) => Ok((root, Some(glob))),
            None if given.as_os_str().is_empty() => Err(Error::argument("--bids: the folder of a BIDS tree is expected, or a glob")),
            None => Ok((given.to_owned(), None)),
        }
    }

    /// The query to the tree. The atlas is the name of one, or an image.
    fn query(&self, atlas: Option<&Path>) -> BidsQuery {
        let mut query = BidsQuery::new(atlas.map_or(BidsSeries::Regions, BidsSeries::by_atlas));
        let lists = [("space", &self.space), ("task", &self.task), ("ses", &self.session), ("run", &self.run), ("sub", &self.participant)];
        for (key, values) in lists {
            query = values.iter().fold(query, |query, value| query.entity(key, value));
        }
        query = self.entity.iter().fold(query, |query, (key, value)| query.entity(key, value));
        match atlas.filter(|atlas| BidsSeries::by_atlas(atlas) == BidsSeries::Regions) {
            Some(name) => query.entity("atlas", &name.to_string_lossy()),
            None => query,
        }
    }
}
