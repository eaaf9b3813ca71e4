//! Scores beside each other, and beside chance.

use super::axis::{Axis, has_place, short};
use super::colour::LINES;
use super::svg::{AXIS, Anchor, GRID, MEDIUM, MUTED, SMALL, Svg, TEXT, TOP, fitted, number, text_width};
use crate::{Error, Result};

const WIDTH: f64 = 720.0;
/// The column of figures at the right.
const FIGURES: f64 = 74.0;
const ROW: f64 = 34.0;
const STRIP: f64 = 56.0;

/// A row for each named value: a dot, with a stem from the reference's median, and the figure. Below them `reference`, a name and its
/// values (those of random parcellations, say), as a strip of dots whose 5th to 95th percentile is shaded behind all rows. The reference
/// may be empty.
///
/// # Errors
/// [`Error::Argument`] where there are no values, or one of either kind is not finite.
pub fn comparison(title: &str, x_label: &str, values: &[(String, f64)], reference: (&str, &[f64])) -> Result<String> {
    check(values, reference).map_err(|what| Error::argument(format!("comparison `{title}`: {what}")))?;
    let (name, chance) = (reference.0, sorted(reference.1));
    let left = 40.0 + label_width(values, name);
    let all = values.iter().map(|v| v.1).chain(chance.iter().copied());
    let empty = || Error::argument(format!("comparison `{title}`: no values: at least one is expected"));
    let axis = Axis::over(all, 0.06, left, WIDTH - FIGURES).ok_or_else(empty)?;
    let strip = if chance.is_empty() { 0.0 } else { STRIP };
    let bottom = TOP + ROW * values.len() as f64 + strip + 6.0;

    let mut svg = Svg::new(WIDTH, bottom + 56.0, title);
    shade(&mut svg, axis, &chance, bottom);
    scale(&mut svg, axis, bottom, x_label);
    for (i, (label, value)) in values.iter().enumerate() {
        row(&mut svg, axis, TOP + ROW * (i as f64 + 0.5), label, *value, median(&chance));
    }
    strip_of(&mut svg, axis, bottom - strip / 2.0 - 3.0, name, &chance);
    Ok(svg.finish())
}

fn check(values: &[(String, f64)], (name, chance): (&str, &[f64])) -> Result<(), String> {
    if let Some((label, value)) = values.iter().find(|(_, value)| !has_place(*value)) {
        return Err(format!("`{label}` is {value}: a finite number is expected"));
    }
    match chance.iter().position(|&value| !has_place(value)) {
        Some(i) => Err(format!("value {i} of `{name}`, counted from 0, is {}: a finite number is expected", chance[i])),
        None if values.is_empty() => Err("no values: at least one is expected".into()),
        None => Ok(()),
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The value at a fraction of sorted values, between the nearest two; `None` of none.
fn quantile(sorted: &[f64], fraction: f64) -> Option<f64> {
    let at = fraction * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted.get(at.floor() as usize)?, sorted.get(at.ceil() as usize)?);
    Some(below + (above - below) * at.fract())
}

fn median(sorted: &[f64]) -> Option<f64> {
    quantile(sorted, 0.5)
}

fn label_width(values: &[(String, f64)], name: &str) -> f64 {
    values.iter().map(|v| v.0.as_str()).chain([name]).map(|label| text_width(label, MEDIUM)).fold(0.0, f64::max).min(220.0)
}

fn shade(svg: &mut Svg, axis: Axis, chance: &[f64], bottom: f64) {
    let (Some(low), Some(high), Some(middle)) = (quantile(chance, 0.05), quantile(chance, 0.95), median(chance)) else { return };
    let [x, width, height] = [axis.at(low), (axis.at(high) - axis.at(low)).max(1.0), bottom - TOP].map(number);
    svg.add(format_args!("<rect x=\"{x}\" y=\"{TOP}\" width=\"{width}\" height=\"{height}\" fill=\"#eef1f4\"/>"));
    svg.line([axis.at(middle), TOP], [axis.at(middle), bottom], AXIS, 1.0);
}

fn scale(svg: &mut Svg, axis: Axis, bottom: f64, label: &str) {
    svg.line([axis.from, bottom], [axis.to, bottom], AXIS, 1.0);
    for (value, text) in axis.ticks(6) {
        let at = axis.at(value);
        svg.line([at, bottom], [at, bottom + 5.0], AXIS, 1.0);
        svg.text([at, bottom + 19.0], Anchor::Middle, SMALL, MUTED, &text);
    }
    svg.text([(axis.from + axis.to) / 2.0, bottom + 42.0], Anchor::Middle, MEDIUM, TEXT, label);
}

fn row(svg: &mut Svg, axis: Axis, y: f64, label: &str, value: f64, chance: Option<f64>) {
    let at = axis.at(value);
    svg.line([axis.from, y], [axis.to, y], GRID, 1.0);
    if let Some(chance) = chance {
        svg.line([axis.at(chance), y], [at, y], LINES[0], 3.0);
    }
    svg.circle([at, y], 6.0, &format!("fill=\"{}\" stroke=\"#fff\" stroke-width=\"1.5\"", LINES[0]));
    svg.text([axis.from - 12.0, y + 4.5], Anchor::End, MEDIUM, TEXT, &fitted(label, MEDIUM, 220.0));
    svg.text([WIDTH - 20.0, y + 4.5], Anchor::End, MEDIUM, TEXT, &short(value));
}

/// The dots are spread over the strip's height by multiples of the golden ratio: evenly, without a random draw.
fn strip_of(svg: &mut Svg, axis: Axis, y: f64, name: &str, chance: &[f64]) {
    let Some(middle) = median(chance) else { return };
    svg.add(format_args!("<g fill=\"{MUTED}\" fill-opacity=\"0.45\">"));
    for (i, &value) in chance.iter().enumerate() {
        let spread = (i as f64 * 0.618_033_988_75).fract() - 0.5;
        svg.circle([axis.at(value), y + spread * (STRIP - 24.0)], 2.4, "");
    }
    svg.add(format_args!("</g>"));
    svg.text([axis.from - 12.0, y + 4.5], Anchor::End, MEDIUM, MUTED, &fitted(name, MEDIUM, 220.0));
    svg.text([WIDTH - 20.0, y + 4.5], Anchor::End, MEDIUM, MUTED, &short(middle));
    svg.text([WIDTH - 20.0, y + 19.0], Anchor::End, SMALL - 1.0, MUTED, "median");
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_lie_between_the_nearest_values() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0], 0.25), Some(1.25));
        assert_eq!((quantile(&[3.0], 0.95), quantile(&[], 0.5)), (Some(3.0), None));
    }
}
