//! Marks that are told apart by colour and shape.

use super::colour::LINES;
use super::svg::number;

/// The look of a point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    /// The number of the family. Families share a shape until the colours are used up; the next round of colours has another shape.
    pub family: usize,
    /// The family's colour.
    pub colour: &'static str,
    /// True where the mark is drawn as an outline.
    pub open: bool,
    /// True where the mark is drawn faintly.
    pub faint: bool,
}

/// The `path` element of a mark, not closed: a title may follow within it.
pub(crate) fn marker([x, y]: [f64; 2], radius: f64, mark: Mark) -> String {
    let Mark { colour, .. } = mark;
    let path = match mark.family / LINES.len() % 4 {
        0 => circle([x, y], radius),
        1 => corners([x, y], 0.9 * radius, &[[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]),
        2 => corners([x, y], 1.2 * radius, &[[0.0, -1.0], [0.95, 0.75], [-0.95, 0.75]]),
        _ => corners([x, y], 1.25 * radius, &[[0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]),
    };
    let opacity = if mark.faint { " opacity=\"0.4\"" } else { "" };
    let style = match mark.open {
        true => format!("fill=\"#fff\" stroke=\"{colour}\" stroke-width=\"{}\"", if mark.faint { 1.4 } else { 2.2 }),
        false => format!("fill=\"{colour}\" stroke=\"#fff\" stroke-width=\"{}\"", if mark.faint { 0.0 } else { 1.2 }),
    };
    format!("<path d=\"{path}\" {style}{opacity}>")
}

fn circle([x, y]: [f64; 2], radius: f64) -> String {
    let [left, y, r, across] = [x - radius, y, radius, 2.0 * radius].map(number);
    format!("M{left} {y}a{r} {r} 0 1 0 {across} 0a{r} {r} 0 1 0 -{across} 0Z")
}

fn corners([x, y]: [f64; 2], radius: f64, directions: &[[f64; 2]]) -> String {
    let corner = |[dx, dy]: &[f64; 2]| format!("{} {}", number(x + radius * dx), number(y + radius * dy));
    format!("M{}Z", directions.iter().map(corner).collect::<Vec<_>>().join("L"))
}

#[cfg(test)]
mod tests {
    use super::{LINES, Mark, marker};
    use std::collections::BTreeSet;

    #[test]
    fn as_many_families_as_there_are_colours_in_four_shapes_look_different() {
        let of = |family: usize| Mark { family, colour: LINES[family % LINES.len()], open: false, faint: false };
        let drawn: BTreeSet<String> = (0..4 * LINES.len()).map(|family| marker([10.0, 10.0], 5.0, of(family))).collect();
        assert_eq!(drawn.len(), 4 * LINES.len());
    }
}
