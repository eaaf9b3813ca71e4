//! Arrays of a MATLAB file: a label, which gives class, extents and name, and the contents after it.

use super::super::{DEPTH, Value, Variable};
use super::element::{Elements, MATRIX};
use crate::data::numbers::{Kind, Stored};

/// The classes of arrays.
const CELL: u8 = 1;
const STRUCTURE: u8 = 2;
const TEXT: u8 = 4;
const NUMERIC: std::ops::RangeInclusive<u8> = 6..=15;

/// The head of an array, before its contents.
pub(super) struct Label {
    class: u8,
    complex: bool,
    logical: bool,
    extents: Vec<usize>,
    pub(super) name: String,
}

impl Label {
    pub(super) fn variable(self) -> Variable {
        let extents = (NUMERIC.contains(&self.class) && !self.complex).then(|| self.extents.clone());
        let about = match (&extents, self.class) {
            (Some(extents), _) => format!("{extents:?}"),
            (_, CELL) => "(a cell array)".into(),
            (_, STRUCTURE) => "(a structure)".into(),
            (_, TEXT) => "(text)".into(),
            _ => format!("({})", self.other()),
        };
        Variable { name: self.name, extents, about }
    }

    /// The words for a class that is not read.
    fn other(&self) -> &'static str {
        match self.class {
            5 => "a sparse array",
            16 => "a function",
            _ if self.complex => "complex numbers",
            _ => "an object",
        }
    }

    fn elements(&self) -> Option<usize> {
        self.extents.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent))
    }
}

/// The label of an array, from its first bytes.
pub(super) fn label(bytes: &[u8], big_endian: bool) -> Result<Label, String> {
    read_label(&mut Elements { bytes, at: 0, big_endian })
}

fn read_label(elements: &mut Elements<'_>) -> Result<Label, String> {
    let flags = elements.next()?;
    let flags = Elements { bytes: flags.bytes, at: 0, big_endian: elements.big_endian }.word(0)?;
    let class = (flags & 0xff) as u8;
    let [complex, logical] = [0x800, 0x200].map(|bit| flags & bit != 0);
    // An object of a newer class has its name and its class here, and no extents.
    if class == 17 {
        let name = text_of(elements.next()?.bytes);
        return Ok(Label { class, complex, logical, extents: Vec::new(), name });
    }
    let extents = elements.next()?;
    let extents = Stored { kind: Kind::I32, big_endian: elements.big_endian, bytes: extents.bytes }.elements::<i32>();
    let extents = extents.iter().map(|&n| usize::try_from(n).map_err(|_| format!("an extent of {n}"))).collect::<Result<Vec<_>, _>>()?;
    let name = text_of(elements.next()?.bytes);
    Ok(Label { class, complex, logical, extents, name })
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// The value of an array's bytes, of which none at all are an empty array.
pub(super) fn array(bytes: &[u8], big_endian: bool, depth: usize) -> Result<Value, String> {
    if bytes.is_empty() {
        return Ok(Value::Numbers { extents: vec![0, 0], kind: Kind::F64, values: Vec::new() });
    }
    if depth > DEPTH {
        return Err(format!("more than {DEPTH} structures or cells within each other"));
    }
    let mut elements = Elements { bytes, at: 0, big_endian };
    let label = read_label(&mut elements)?;
    match label.class {
        CELL => {
            let cells = arrays(&mut elements, label.elements(), depth)?;
            Ok(Value::Cells { extents: label.extents, cells })
        }
        STRUCTURE => structure(&mut elements, label, depth),
        TEXT => text(&mut elements, &label),
        class if NUMERIC.contains(&class) && !label.complex => numbers(&mut elements, label),
        _ => Ok(Value::Other(label.other())),
    }
}

/// This many arrays, one after the other. An array takes at least the 8 bytes of its head.
fn arrays(elements: &mut Elements<'_>, count: Option<usize>, depth: usize) -> Result<Vec<Value>, String> {
    let held = (elements.bytes.len() - elements.at) / 8;
    let count = count.filter(|n| *n <= held).ok_or_else(|| format!("cut short: at most {held} of its cells are there"))?;
    let one = |_| {
        let element = elements.next()?;
        if element.ty == MATRIX {
            array(element.bytes, elements.big_endian, depth + 1)
        } else {
            Err(format!("an array expected, found an element of type {}", element.ty))
        }
    };
    (0..count).map(one).collect()
}

fn structure(elements: &mut Elements<'_>, label: Label, depth: usize) -> Result<Value, String> {
    let length = elements.next()?;
    let length = Elements { bytes: length.bytes, at: 0, big_endian: elements.big_endian }.word(0)? as usize;
    let names: Vec<String> = match length {
        0 => Vec::new(),
        _ => elements.next()?.bytes.chunks_exact(length).map(|name| text_of(name.split(|&b| b == 0).next().unwrap_or_default())).collect(),
    };
    let count = label.elements();
    let values = arrays(elements, count.and_then(|n| n.checked_mul(names.len())), depth)?;
    if count == Some(1) {
        return Ok(Value::Fields(names.into_iter().zip(values).collect()));
    }
    // The fields of each structure follow each other.
    let mut fields: Vec<Vec<Value>> = names.iter().map(|_| Vec::new()).collect();
    for (i, value) in values.into_iter().enumerate() {
        let field = i % names.len();
        fields[field].push(value);
    }
    let cells = |cells| Value::Cells { extents: label.extents.clone(), cells };
    Ok(Value::Fields(names.into_iter().zip(fields.into_iter().map(cells)).collect()))
}

/// The type of stored numbers, by the type of their element.
fn stored(ty: u32) -> Option<Kind> {
    Some(match ty {
        1 => Kind::I8,
        2 | 16 => Kind::U8,
        3 => Kind::I16,
        4 | 17 => Kind::U16,
        5 => Kind::I32,
        6 | 18 => Kind::U32,
        7 => Kind::F32,
        9 => Kind::F64,
        12 => Kind::I64,
        13 => Kind::U64,
        _ => return None,
    })
}

/// Numbers are often stored in a smaller type than that of their array.
fn numbers(elements: &mut Elements<'_>, label: Label) -> Result<Value, String> {
    let kind = match label.class {
        _ if label.logical => Kind::U8,
        6 => Kind::F64,
        7 => Kind::F32,
        8 => Kind::I8,
        9 => Kind::U8,
        10 => Kind::I16,
        11 => Kind::U16,
        12 => Kind::I32,
        13 => Kind::U32,
        14 => Kind::I64,
        _ => Kind::U64,
    };
    let values = plain(elements)?;
    match label.elements() {
        Some(count) if count == values.len() => Ok(Value::Numbers { extents: label.extents, kind, values }),
        _ => Err(format!("{} numbers where its extents are {:?}", values.len(), label.extents)),
    }
}

fn plain(elements: &mut Elements<'_>) -> Result<Vec<f64>, String> {
    let element = elements.next()?;
    let kind = stored(element.ty).ok_or_else(|| format!("numbers expected, found an element of type {}", element.ty))?;
    Ok(Stored { kind, big_endian: elements.big_endian, bytes: element.bytes }.doubles())
}

/// The rows of a character array, which is stored by columns.
fn text(elements: &mut Elements<'_>, label: &Label) -> Result<Value, String> {
    let [rows, columns] = label.extents[..] else { return Ok(Value::Other("text of more than two axes")) };
    if rows == 0 || columns == 0 {
        return Ok(Value::Text(Vec::new()));
    }
    let element = elements.next()?;
    let units: Vec<char> = match element.ty {
        16 | 1 | 2 => String::from_utf8_lossy(element.bytes).chars().collect(),
        4 | 17 => {
            let units = Stored { kind: Kind::U16, big_endian: elements.big_endian, bytes: element.bytes }.elements::<u16>();
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        other => return Err(format!("characters expected, found an element of type {other}")),
    };
    // A character beyond the first plane is two units of the extents and one here.
    if rows == 1 {
        return Ok(Value::Text(vec![units.iter().collect::<String>().trim_end().to_owned()]));
    }
    if rows.checked_mul(columns) != Some(units.len()) {
        return Err(format!("{} characters where its extents are {:?}", units.len(), label.extents));
    }
    let row = |r: usize| (0..columns).map(|c| units[c * rows + r]).collect::<String>().trim_end().to_owned();
    Ok(Value::Text((0..rows).map(row).collect()))
}
