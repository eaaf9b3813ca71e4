//! Blocks, the parts of a workflow's model. Each is a row of a table that names its arguments and records it on the tape.

use super::form::{Placed, text};
use super::object::{Field, Part, Property, Row, row};
use super::place::Place;
use crate::{Error, HostTensor, Result, Tape, Var};
use std::fmt;

/// A row of the table of blocks. Reading a block gives the function that records it.
pub(super) type Block = Row<Record>;

/// A function that records a block on the tape of a scope. Its second argument is the block's place in the file, which errors name.
pub(super) type Record = Box<dyn Fn(&mut dyn Scope, &str) -> Result<Made> + Send + Sync>;

/// A block of a workflow.
pub(super) struct Step {
    pub(super) name: Name,
    pub(super) record: Record,
}

impl Step {
    /// Records the block. The result has its name, and further values are called `name.other`.
    pub(super) fn on(&self, scope: &mut dyn Scope, at: &str) -> Result<Vec<(String, Var)>> {
        let name = |part: &str| if part.is_empty() { self.name.value.clone() } else { format!("{}.{part}", self.name.value) };
        Ok((self.record)(scope, at)?.into_iter().map(|(part, var)| (name(part), var)).collect())
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The values that a block makes: its result, which has no further name, and others by theirs.
pub(super) type Made = Vec<(&'static str, Var)>;

/// The scope in which blocks are recorded and in which the values they name are found.
pub(super) trait Scope {
    fn tape(&mut self) -> &mut Tape;
    /// A value by its name.
    fn value(&mut self, name: &Placed<String>) -> Result<Var>;
    /// An array that all subjects share, by the name of its entry.
    fn array(&self, name: &Placed<String>) -> Result<HostTensor>;
}

/// A block with these arguments. `build` receives them as they are at recording, values as [`Var`]s.
pub(super) fn block<A>(name: &'static str, what: &'static str, arguments: A, build: fn(&mut Tape, A::Given) -> Result<Made>) -> Block
where
    A: Argument + Send + Sync + 'static,
    A::Read: Send + Sync + 'static,
{
    row(name, what, arguments, move |read| {
        let record: Record = Box::new(move |scope, at| {
            let given = A::given(&read, scope)?;
            build(scope.tape(), given).map_err(|e| Error::argument(format!("{at}: {e}")))
        });
        Ok(record)
    })
}

/// An argument of a block, or a tuple of them.
pub(super) trait Argument: Part {
    /// The argument as it is at recording.
    type Given;
    fn given(read: &Self::Read, scope: &mut dyn Scope) -> Result<Self::Given>;
}

impl<T: Clone> Argument for Field<T> {
    type Given = T;

    fn given(read: &T, _: &mut dyn Scope) -> Result<T> {
        Ok(read.clone())
    }
}

/// Names of values, and the values themselves at recording.
pub(super) trait Names {
    type Given;
    fn find(&self, scope: &mut dyn Scope) -> Result<Self::Given>;
}

/// An argument that names values.
pub(super) struct Input<N>(Field<N>);

impl<N> Part for Input<N> {
    type Read = N;

    fn properties(&self) -> Vec<Property> {
        self.0.properties()
    }

    fn read(&self, object: &Place<'_>) -> Result<N> {
        self.0.read(object)
    }
}

impl<N: Names> Argument for Input<N> {
    type Given = N::Given;

    fn given(read: &N, scope: &mut dyn Scope) -> Result<N::Given> {
        read.find(scope)
    }
}

/// The name of a value.
pub(super) type Name = Placed<String>;

impl Names for Name {
    type Given = Var;

    fn find(&self, scope: &mut dyn Scope) -> Result<Var> {
        scope.value(self)
    }
}

impl Names for Option<Name> {
    type Given = Option<Var>;

    fn find(&self, scope: &mut dyn Scope) -> Result<Option<Var>> {
        self.as_ref().map(|name| scope.value(name)).transpose()
    }
}

impl Names for Vec<Name> {
    type Given = Vec<Var>;

    fn find(&self, scope: &mut dyn Scope) -> Result<Vec<Var>> {
        self.iter().map(|name| scope.value(name)).collect()
    }
}

/// The name of an array that all subjects share.
pub(super) struct Shared(Name);

impl Names for Shared {
    type Given = HostTensor;

    fn find(&self, scope: &mut dyn Scope) -> Result<HostTensor> {
        scope.array(&self.0)
    }
}

/// A value that must be named.
pub(super) fn value(name: &'static str, what: &str) -> Input<Name> {
    Input(text().refers("value").placed().field(name, what))
}

/// A value that may be named.
pub(super) fn maybe(name: &'static str, what: &str) -> Input<Option<Name>> {
    Input(text().refers("value").placed().maybe(name, what))
}

/// Values, at least one.
pub(super) fn values(name: &'static str, what: &str) -> Input<Vec<Name>> {
    Input(text().refers("value").placed().list(1).field(name, what))
}

/// An array that all subjects share.
pub(super) fn array(name: &'static str, what: &str) -> Input<Shared> {
    Input(text().refers("array").placed().map(Shared).field(name, what))
}

macro_rules! tuple {
    ($($argument:ident . $at:tt),+) => {
        impl<$($argument: Argument),+> Argument for ($($argument,)+) {
            type Given = ($($argument::Given,)+);

            fn given(read: &Self::Read, scope: &mut dyn Scope) -> Result<Self::Given> {
                Ok(($($argument::given(&read.$at, scope)?,)+))
            }
        }
    };
}

tuple!(A.0);
tuple!(A.0, B.1);
tuple!(A.0, B.1, C.2);
tuple!(A.0, B.1, C.2, D.3);
tuple!(A.0, B.1, C.2, D.3, E.4);
