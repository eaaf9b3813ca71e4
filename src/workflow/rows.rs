//! The values of subjects as rows of one array.

use super::form::Placed;
use crate::statistics::centre::Centred;
use crate::{DType, Error, HostTensor, Result, Shape};

/// Centred series as they are kept: each row is x − μ, with μ stored after the last frame.
pub(super) fn held(about: &Centred) -> Result<HostTensor> {
    let rows = about.means.len();
    let time = about.values.len() / rows.max(1);
    let row = |(row, mean): (&[f64], &f64)| row.iter().chain([mean]).copied().collect::<Vec<_>>();
    HostTensor::real([rows, time + 1], about.values.chunks_exact(time.max(1)).zip(&about.means).flat_map(row).collect::<Vec<f64>>())
}

/// A shape with another axis first.
pub(super) fn leading(n: usize, each: &Shape) -> Result<Shape> {
    let extents: Vec<usize> = [n].into_iter().chain(each.iter().copied()).collect();
    Shape::try_new(&extents).ok_or_else(|| Error::argument(format!("{n} of {each}: at most 8 axes are possible")))
}

/// The values of subjects, all of one type and shape, one after the other.
pub(super) fn stacked(rows: &[HostTensor]) -> Result<HostTensor> {
    let shape = leading(rows.len(), &rows[0].shape())?;
    if rows[0].is_f64() {
        let values = rows.iter().map(|r| r.elements::<f64>()).collect::<Result<Vec<_>>>()?;
        return HostTensor::real(shape, values.concat());
    }
    if rows[0].dtype() == DType::F32 {
        let values = rows.iter().map(|r| r.elements::<f32>()).collect::<Result<Vec<_>>>()?;
        return HostTensor::f32(shape, values.concat());
    }
    let integers = |row: &HostTensor| match (row.as_i32(), row.as_u32()) {
        (Some(values), _) => Ok(values.to_vec()),
        (_, values) => values.unwrap_or_default().iter().map(|&x| i32::try_from(x)).collect::<std::result::Result<_, _>>(),
    };
    let values = rows.iter().map(integers).collect::<std::result::Result<Vec<_>, _>>();
    let values = values.map_err(|_| Error::argument("integers above 2,147,483,647, the largest that i32 holds, cannot be read"))?;
    HostTensor::i32(shape, values.concat())
}

/// The values of a column's cells: numbers `[subjects]`, or classes where they are given. `whose` names the row of a cell.
pub(super) fn numbers_of(
    column: &Placed<String>,
    cells: &[String],
    classes: Option<&Placed<Vec<String>>>,
    whose: impl Fn(usize) -> String,
) -> Result<HostTensor> {
    if let Some(classes) = classes {
        return one_of(classes, cells, whose);
    }
    let number = |(row, cell): (usize, &String)| {
        let value = cell.parse::<f32>().ok().filter(|x| x.is_finite());
        value.ok_or_else(|| column.error(format!("{} holds `{cell}` where a number is expected", whose(row))))
    };
    HostTensor::f32([cells.len()], cells.iter().enumerate().map(number).collect::<Result<_>>()?)
}

/// The classes of subjects: 0 and 1 where there are two classes, `[subjects]`; one-hot where there are more, `[subjects, classes]`.
fn one_of(place: &Placed<Vec<String>>, cells: &[String], whose: impl Fn(usize) -> String) -> Result<HostTensor> {
    let classes = &place.value;
    if let Some(twice) = classes.iter().enumerate().find(|(i, class)| classes[..*i].contains(class)) {
        return Err(place.error(format!("the class `{}` stands twice", twice.1)));
    }
    let index = |(row, cell): (usize, &String)| {
        let found = classes.iter().position(|class| class == cell);
        found.ok_or_else(|| place.error(format!("{} holds `{cell}`, which is none of them", whose(row))))
    };
    let index = cells.iter().enumerate().map(index).collect::<Result<Vec<_>>>()?;
    if classes.len() == 2 {
        return HostTensor::f32([cells.len()], index.iter().map(|&i| i as f32).collect());
    }
    let rows = index.iter().flat_map(|&i| (0..classes.len()).map(move |c| if c == i { 1.0 } else { 0.0 }));
    HostTensor::f32([cells.len(), classes.len()], rows.collect())
}
