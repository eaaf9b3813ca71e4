//! MATLAB files of version 7.3: HDF5, in which a dataset or a group is a variable, its attribute `MATLAB_class` its class, and its extents
//! stand in reverse. Cells are references to objects of the group `#refs#`.

use super::{DEPTH, Value, Variable};
use crate::data::hdf5::{Dataset, Hdf5, Node};
use std::cell::Cell;

/// The cells and fields that one variable may have. A cell may refer to a cell array that refers to itself.
const VALUES: usize = 1 << 17;

/// The variables of a file.
pub(in crate::data) struct File {
    file: Hdf5,
    variables: Vec<Variable>,
}

/// The rest of the values and the bytes that one variable may take.
struct Budget {
    values: Cell<usize>,
    bytes: Cell<usize>,
}

impl Budget {
    fn take(&self, bytes: usize) -> Result<(), String> {
        let values = self.values.get().checked_sub(1).ok_or("more cells and fields than are read")?;
        let bytes = self.bytes.get().checked_sub(bytes).ok_or("more data than its file can hold")?;
        self.values.set(values);
        self.bytes.set(bytes);
        Ok(())
    }
}

impl File {
    /// Lists the variables.
    ///
    /// # Errors
    /// Returns a message where the file is damaged.
    pub(super) fn new(file: Hdf5) -> Result<Self, String> {
        let variable = |(name, node): (String, Node)| {
            let (extents, about) = match &node {
                Node::Group(_) => (None, "(a structure)".into()),
                Node::Dataset(dataset) => match class(dataset).as_str() {
                    "char" => (None, "(text)".into()),
                    "cell" => (None, "(a cell array)".into()),
                    _ if dataset.is_numeric() => (Some(extents(dataset)), format!("{:?}", extents(dataset))),
                    _ => (None, dataset.about()),
                },
            };
            Variable { name, extents, about }
        };
        let members = file.members("")?.into_iter().filter(|(name, _)| !name.starts_with('#'));
        let variables = members.map(variable).collect();
        Ok(Self { variables, file })
    }

    pub(super) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The value of the variable at this place of the list.
    pub(super) fn read(&self, at: usize) -> Result<Value, String> {
        let budget = Budget { values: Cell::new(VALUES), bytes: Cell::new(self.file.most) };
        self.value(&self.file.node(&self.variables[at].name)?, &budget, 0)
    }

    fn value(&self, node: &Node, budget: &Budget, depth: usize) -> Result<Value, String> {
        if depth > DEPTH {
            return Err(format!("more than {DEPTH} structures or cells within each other"));
        }
        let dataset = match node {
            Node::Group(path) => {
                budget.take(0)?;
                let fields = self.file.members(path)?.into_iter();
                let field = |(name, node): (String, Node)| Ok((name, self.value(&node, budget, depth + 1)?));
                return Ok(Value::Fields(fields.map(field).collect::<Result<_, String>>()?));
            }
            Node::Dataset(dataset) => dataset,
        };
        budget.take(dataset.bytes())?;
        let class = class(dataset);
        if dataset.is_empty_in_matlab() {
            return Ok(Self::empty(&class, dataset));
        }
        if let Some(addresses) = dataset.references()? {
            let cells = addresses.into_iter().map(|address| self.value(&self.file.node_at(address)?, budget, depth + 1));
            return Ok(Value::Cells { extents: extents(dataset), cells: cells.collect::<Result<_, _>>()? });
        }
        if !dataset.is_numeric() {
            return Ok(match dataset.texts() {
                Ok(texts) => Value::Cells { extents: extents(dataset), cells: texts.into_iter().map(|t| Value::Text(vec![t])).collect() },
                Err(_) => Value::Other("a value of another class"),
            });
        }
        let (kind, values) = dataset.numbers()?;
        if class == "char" { text(&extents(dataset), &values) } else { Ok(Value::Numbers { extents: extents(dataset), kind, values }) }
    }

    /// An empty value: its dataset holds its extents.
    fn empty(class: &str, dataset: &Dataset) -> Value {
        match class {
            "char" => Value::Text(Vec::new()),
            "cell" => Value::Cells { extents: vec![0, 0], cells: Vec::new() },
            "struct" => Value::Fields(Vec::new()),
            _ => match dataset.numbers() {
                Ok((kind, extents)) => Value::Numbers { extents: extents.iter().map(|&n| n as usize).collect(), kind, values: Vec::new() },
                Err(_) => Value::Other("an empty value"),
            },
        }
    }
}

fn class(dataset: &Dataset) -> String {
    dataset.attribute("MATLAB_class").unwrap_or_default()
}

/// The extents as MATLAB shows them.
fn extents(dataset: &Dataset) -> Vec<usize> {
    dataset.extents().into_iter().rev().collect()
}

/// The rows of a character array of UTF-16 units, which is stored by columns.
fn text(extents: &[usize], values: &[f64]) -> Result<Value, String> {
    let [rows, columns] = extents[..] else { return Ok(Value::Other("text of more than two axes")) };
    if columns == 0 {
        return Ok(Value::Text(Vec::new()));
    }
    let row = |r: usize| {
        let units = (0..columns).filter_map(|c| values.get(c * rows + r)).map(|&x| x as u16);
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        text.trim_end().to_owned()
    };
    Ok(Value::Text((0..rows).map(row).collect()))
}
