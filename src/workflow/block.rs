//! Blocks: what a workflow is made of, each a row that names its arguments and records it on the tape.

use super::place::Place;
use crate::{HostTensor, Result, Tape, Var};
use std::collections::BTreeMap;

/// A block.
pub(super) struct Block {
    pub(super) name: &'static str,
    /// What it makes, of what shapes.
    pub(super) what: &'static str,
    pub(super) arguments: &'static [Argument],
    pub(super) build: fn(&mut Tape, &Given) -> Result<Made>,
}

/// What a block makes: its result is called as the block is, and others `name.other`.
pub(super) type Made = Vec<(&'static str, Var)>;

/// An argument of a block.
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) kind: Kind,
    pub(super) default: Default,
}

/// What an argument is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A value by name.
    Value,
    /// Values by name.
    Values,
    /// An array that all subjects share, by the name of its entry.
    Array,
    Number,
    /// A whole number of at least this.
    Whole(usize),
    Flag,
    Choice(&'static [&'static str]),
    Pair,
    Axis,
    Axes,
    /// `none`, `ledoit-wolf`, `oas` or `{"ridge": x}`.
    Shrinkage,
}

/// What an argument is where it is not given.
#[derive(Clone, Copy)]
pub(super) enum Default {
    /// It must be given.
    Required,
    /// It is not there.
    Absent,
    Number(f64),
    Text(&'static str),
    Flag(bool),
    /// All axes.
    All,
}

/// An argument as it was given.
#[derive(Debug, Clone)]
pub(super) enum Resolved {
    Value(Var),
    Values(Vec<Var>),
    Array(HostTensor),
    Number(f64),
    Text(&'static str),
    Flag(bool),
    Numbers(Vec<f64>),
    Axes(Vec<isize>),
}

/// The arguments of a block, checked against its row.
#[derive(Debug, Default)]
pub(super) struct Given(pub(super) BTreeMap<&'static str, Resolved>);

impl Argument {
    pub(super) const fn new(name: &'static str, kind: Kind, default: Default, what: &'static str) -> Self {
        Self { name, what, kind, default }
    }
}

/// A value that must be given.
pub(super) const fn value(name: &'static str, what: &'static str) -> Argument {
    Argument::new(name, Kind::Value, Default::Required, what)
}

/// A value that may be given.
pub(super) const fn maybe(name: &'static str, what: &'static str) -> Argument {
    Argument::new(name, Kind::Value, Default::Absent, what)
}

/// A number with a default.
pub(super) const fn number(name: &'static str, default: f64, what: &'static str) -> Argument {
    Argument::new(name, Kind::Number, Default::Number(default), what)
}

/// A number that must be given.
pub(super) const fn required(name: &'static str, kind: Kind, what: &'static str) -> Argument {
    Argument::new(name, kind, Default::Required, what)
}

/// A whole number with a default.
pub(super) const fn whole(name: &'static str, default: usize, what: &'static str) -> Argument {
    Argument::new(name, Kind::Whole(0), Default::Number(default as f64), what)
}

/// True or false.
pub(super) const fn flag(name: &'static str, default: bool, what: &'static str) -> Argument {
    Argument::new(name, Kind::Flag, Default::Flag(default), what)
}

/// One of some words.
pub(super) const fn choice(name: &'static str, words: &'static [&'static str], default: &'static str, what: &'static str) -> Argument {
    Argument::new(name, Kind::Choice(words), Default::Text(default), what)
}

/// An axis, the last where it is not given.
pub(super) const fn axis(what: &'static str) -> Argument {
    Argument::new("axis", Kind::Axis, Default::Number(-1.0), what)
}

/// Axes, all where they are not given.
pub(super) const fn axes(what: &'static str) -> Argument {
    Argument::new("axes", Kind::Axes, Default::All, what)
}

impl Given {
    /// Reads the arguments at `place` by the row's list; values and arrays are resolved by name.
    pub(super) fn read(
        arguments: &'static [Argument],
        place: &Place<'_>,
        value: &mut dyn FnMut(&Place<'_>) -> Result<Var>,
        array: &dyn Fn(&Place<'_>) -> Result<HostTensor>,
    ) -> Result<Self> {
        let known: Vec<&str> = ["name", "block"].into_iter().chain(arguments.iter().map(|a| a.name)).collect();
        place.only(&known)?;
        let mut given = BTreeMap::new();
        for argument in arguments {
            let resolved = match (place.find(argument.name), argument.default) {
                (Some(at), _) => resolve(argument.kind, &at, value, array)?,
                (None, Default::Required) => return Err(place.error(format!("`{}` is missing: {}", argument.name, argument.what))),
                (None, Default::Absent) => continue,
                (None, Default::Number(x)) => Resolved::Number(x),
                (None, Default::Text(text)) => Resolved::Text(text),
                (None, Default::Flag(flag)) => Resolved::Flag(flag),
                (None, Default::All) => Resolved::Axes(Vec::new()),
            };
            given.insert(argument.name, resolved);
        }
        Ok(Self(given))
    }

    /// A value that the row requires.
    pub(super) fn value(&self, name: &str) -> Result<Var> {
        self.find(name).ok_or_else(|| missing(name))
    }

    pub(super) fn find(&self, name: &str) -> Option<Var> {
        match self.0.get(name) {
            Some(Resolved::Value(var)) => Some(*var),
            _ => None,
        }
    }

    pub(super) fn values(&self, name: &str) -> Result<&[Var]> {
        match self.0.get(name) {
            Some(Resolved::Values(vars)) => Ok(vars),
            _ => Err(missing(name)),
        }
    }

    pub(super) fn array(&self, name: &str) -> Result<&HostTensor> {
        match self.0.get(name) {
            Some(Resolved::Array(array)) => Ok(array),
            _ => Err(missing(name)),
        }
    }

    pub(super) fn number(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Resolved::Number(x)) => *x,
            _ => 0.0,
        }
    }

    pub(super) fn single(&self, name: &str) -> f32 {
        self.number(name) as f32
    }

    pub(super) fn whole(&self, name: &str) -> usize {
        self.number(name) as usize
    }

    pub(super) fn axis(&self) -> isize {
        self.number("axis") as isize
    }

    pub(super) fn axes(&self) -> &[isize] {
        match self.0.get("axes") {
            Some(Resolved::Axes(axes)) => axes,
            _ => &[],
        }
    }

    pub(super) fn text(&self, name: &str) -> &'static str {
        match self.0.get(name) {
            Some(Resolved::Text(text)) => text,
            _ => "",
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Resolved::Flag(true)))
    }

    pub(super) fn pair(&self, name: &str) -> [f64; 2] {
        match self.0.get(name) {
            Some(Resolved::Numbers(x)) => [x[0], x[1]],
            _ => [0.0; 2],
        }
    }
}

/// The rows say what is required, so this is a row that asks for what it does not list.
fn missing(name: &str) -> crate::Error {
    crate::Error::argument(format!("`{name}` is missing"))
}

fn resolve(
    kind: Kind,
    at: &Place<'_>,
    value: &mut dyn FnMut(&Place<'_>) -> Result<Var>,
    array: &dyn Fn(&Place<'_>) -> Result<HostTensor>,
) -> Result<Resolved> {
    Ok(match kind {
        Kind::Value => Resolved::Value(value(at)?),
        Kind::Values => Resolved::Values(at.items()?.iter().map(value).collect::<Result<_>>()?),
        Kind::Array => Resolved::Array(array(at)?),
        Kind::Number => Resolved::Number(at.number()?),
        Kind::Whole(least) => Resolved::Number(at.whole(least)? as f64),
        Kind::Flag => Resolved::Flag(at.flag()?),
        Kind::Choice(words) => Resolved::Text(at.choice(words)?),
        Kind::Pair => Resolved::Numbers(at.pair()?.to_vec()),
        Kind::Axis => Resolved::Number(at.axis()? as f64),
        Kind::Axes => Resolved::Axes(at.axes()?),
        Kind::Shrinkage => match at.value().is_string() {
            true => Resolved::Text(at.choice(&["none", "ledoit-wolf", "oas"])?),
            false => {
                at.only(&["ridge"])?;
                Resolved::Number(at.get("ridge")?.number()?)
            }
        },
    })
}
