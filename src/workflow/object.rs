//! Objects: keys with forms, and the values made from them.
//!
//! A [`Field`] is a key with a form. An [`Object`] is a set of fields with a function that makes a value from them. The rows of a table are
//! objects in which one key names the row ([`tagged`]).

use super::form::{Form, Read, Shape};
use super::place::Place;
use crate::Result;
use serde_json::{Map, Value, json};

impl<T: 'static> Form<T> {
    /// A key that is required.
    pub(super) fn field(self, name: &'static str, what: &str) -> Field<T> {
        let (read, why) = (self.read, what.to_owned());
        let needed = move |object: &Place<'_>| match object.find(name) {
            Some(at) => read(&at),
            None => Err(object.error(format!("the key `{name}` is missing: {why}"))),
        };
        Field { property: Property::new(name, what, self.schema, true), read: Box::new(needed) }
    }

    /// A key that is optional.
    pub(super) fn maybe(self, name: &'static str, what: &str) -> Field<Option<T>> {
        let read = self.read;
        let found = move |object: &Place<'_>| object.find(name).map(|at| read(&at)).transpose();
        Field { property: Property::new(name, what, self.schema, false), read: Box::new(found) }
    }

    /// A key whose value is `default` where it is missing; the default is read in the same way as a given value.
    pub(super) fn or(self, name: &'static str, default: impl Into<Value>, what: &str) -> Field<T> {
        let (read, default) = (self.read, default.into());
        let mut property = Property::new(name, what, self.schema, false);
        property.schema["default"] = default.clone();
        let found = move |object: &Place<'_>| match object.find(name) {
            Some(at) => read(&at),
            None => read(&object.with(name, &default)),
        };
        Field { property, read: Box::new(found) }
    }
}

/// A key of an object in the schema.
#[derive(Debug, Clone)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) schema: Value,
    pub(super) required: bool,
}

impl Property {
    fn new(name: &'static str, what: &str, mut schema: Value, required: bool) -> Self {
        if !what.is_empty() {
            schema["description"] = what.into();
        }
        Self { name, schema, required }
    }
}

/// A key of an object and its form.
pub(super) struct Field<T> {
    property: Property,
    read: Read<T>,
}

/// A part of an object: a key, or a tuple of parts.
pub(super) trait Part {
    /// The value that is read.
    type Read;
    /// Its keys, in order.
    fn properties(&self) -> Vec<Property>;
    /// Reads it from the object.
    fn read(&self, object: &Place<'_>) -> Result<Self::Read>;
}

impl<T> Part for Field<T> {
    type Read = T;

    fn properties(&self) -> Vec<Property> {
        vec![self.property.clone()]
    }

    fn read(&self, object: &Place<'_>) -> Result<T> {
        (self.read)(object)
    }
}

macro_rules! tuple {
    ($($part:ident . $at:tt),+) => {
        impl<$($part: Part),+> Part for ($($part,)+) {
            type Read = ($($part::Read,)+);

            fn properties(&self) -> Vec<Property> {
                [$(self.$at.properties()),+].concat()
            }

            fn read(&self, object: &Place<'_>) -> Result<Self::Read> {
                Ok(($(self.$at.read(object)?,)+))
            }
        }
    };
}

tuple!(A.0);
tuple!(A.0, B.1);
tuple!(A.0, B.1, C.2);
tuple!(A.0, B.1, C.2, D.3);
tuple!(A.0, B.1, C.2, D.3, E.4);
tuple!(A.0, B.1, C.2, D.3, E.4, F.5);
tuple!(A.0, B.1, C.2, D.3, E.4, F.5, G.6);
tuple!(A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7);
tuple!(A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8);

/// An object of some keys, with a function that makes a value from it.
pub(super) struct Object<T> {
    pub(super) what: &'static str,
    pub(super) properties: Vec<Property>,
    read: Read<T>,
}

/// An object of these parts, from which `make` makes a value; errors of `make` get the object's place.
pub(super) fn object<P: Part + Send + Sync + 'static, T>(
    what: &'static str,
    parts: P,
    make: impl Fn(P::Read) -> Result<T> + Send + Sync + 'static,
) -> Object<T> {
    let properties = parts.properties();
    let read = move |place: &Place<'_>| {
        let read = parts.read(place)?;
        make(read).map_err(place.wrap())
    };
    Object { what, properties, read: Box::new(read) }
}

impl<T: 'static> Object<T> {
    fn names(&self) -> Vec<&'static str> {
        self.properties.iter().map(|p| p.name).collect()
    }

    /// The object as a form. Where it is one of several, its first key tells it from the others.
    pub(super) fn form(self) -> Form<T> {
        let names = self.names();
        Form::new(schema_of(&self.properties, self.what), Shape::Object(names.first().copied()), move |place| {
            place.only(&names)?;
            (self.read)(place)
        })
    }
}

/// A row of a table: its name, and its object.
pub(super) struct Row<T> {
    pub(super) name: &'static str,
    pub(super) object: Object<T>,
}

/// A row of these parts, see [`object`].
pub(super) fn row<P: Part + Send + Sync + 'static, T: 'static>(
    name: &'static str,
    what: &'static str,
    parts: P,
    make: impl Fn(P::Read) -> Result<T> + Send + Sync + 'static,
) -> Row<T> {
    Row { name, object: object(what, parts, make) }
}

/// The form of objects whose key `tag` names a row of a table (`default` where the key is missing). All rows have the keys of `common`.
pub(super) fn tagged<C: 'static, T: 'static>(
    tag: &'static str,
    default: Option<&'static str>,
    common: Object<C>,
    rows: Vec<Row<T>>,
) -> Form<(C, T)> {
    let schema = |row: &Row<T>| {
        let named = Property::new(tag, "", json!({ "const": row.name }), default != Some(row.name));
        let all = common.properties.iter().cloned().chain([named]).chain(row.object.properties.iter().cloned());
        schema_of(&all.collect::<Vec<_>>(), row.object.what)
    };
    let schemas: Vec<Value> = rows.iter().map(schema).collect();
    Form::new(json!({ "oneOf": schemas }), Shape::Object(None), move |place| {
        let named = match default {
            Some(_) => place.find(tag),
            None => Some(place.get(tag)?),
        };
        let name = named.as_ref().map_or(Ok(default.unwrap_or_default()), |at| at.text())?;
        let Some(row) = rows.iter().find(|row| row.name == name) else {
            let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
            return Err(named.as_ref().unwrap_or(place).error(format!("no {tag} is called `{name}`: there are {}", names.join(", "))));
        };
        place.only(&[common.names(), vec![tag], row.object.names()].concat())?;
        Ok(((common.read)(place)?, (row.object.read)(place)?))
    })
}

pub(super) fn schema_of(properties: &[Property], what: &str) -> Value {
    let required: Vec<&str> = properties.iter().filter(|p| p.required).map(|p| p.name).collect();
    let entries: Map<String, Value> = properties.iter().map(|p| (p.name.to_owned(), p.schema.clone())).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "required": required, "properties": entries });
    if !what.is_empty() {
        schema["description"] = what.into();
    }
    schema
}
